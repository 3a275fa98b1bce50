//! The command line. The names are a documented interface.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use claims::{Profile, Shard};
use clap::{Args, Parser, Subcommand, ValueEnum};
use plan::spec::{RunSpec, heading, number, time};
use run::seed::{Seed, Seeds};
use workloads::generate::Violation;

use crate::adapter::Language;
use crate::commands::conform;
use crate::commands::report::Form;
use crate::experiment::Chosen;
use crate::exports::ReportTo;
use crate::output::Format;
use crate::store::RESULTS;

/// Jepsen-style correctness prover for distributed locks.
#[derive(Debug, Parser)]
#[command(name = "prover", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do; without one: `run`.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options of `run`.
    #[command(flatten)]
    pub run: RunArgs,
}

/// The commands, in the order of a user's day.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what this machine can run, and what to do about the rest
    Doctor,
    /// Show what there is to choose from
    List(ListArgs),
    /// Run a workload against a lock while a nemesis breaks things, and judge what happened (the
    /// default)
    Run(Box<RunArgs>),
    /// Put the claims of a file to the test, and say which are as claimed: the gate of a release
    Prove(ProveArgs),
    /// Write a claims file to begin with, and a workflow that puts it to the test
    Init(InitArgs),
    /// Repeat a stored run: in the simulation to the byte, elsewhere with the same plan and
    /// schedule
    Replay(ReplayArgs),
    /// Find the fewest faults, workers and operations that still violate what a stored run
    /// violated, in the simulation
    Shrink(ShrinkArgs),
    /// What the same faults did in several runs, side by side: when holders noticed, when others
    /// were granted the lock
    Compare(CompareArgs),
    /// Browse the results on this machine: filter, compare, open reports, download; until
    /// interrupted
    Serve(ServeArgs),
    /// Write the results as pages into a folder, with badges, for documentation
    Site(SiteArgs),
    /// Judge stored histories
    Check(CheckArgs),
    /// Make the reports of stored runs again: a page, a summary, data, or a trace for Perfetto
    Report(ReportArgs),
    /// Check a certificate again, by code that shares nothing with the checker; of a folder that was
    /// attested, all of it
    Certify(CertifyArgs),
    /// Make one proof of those of several machines that divided the claims by `--shard`
    Merge(MergeArgs),
    /// State what the folder of a run or of a proof holds and shows: an in-toto statement about each
    /// of its files, to be signed by a tool of yours
    Attest(AttestArgs),
    /// Which known mistakes a plan catches: broken locks in place of the lock under test,
    /// everything else as in `run`, in the simulation
    Power(Box<PowerArgs>),
    /// Answer a question about the locks by measurements [`prover list experiments`]
    #[command(subcommand)]
    Experiment(Chosen),
    /// Translate a history between JSON Lines and EDN, Jepsen's format
    Convert(ConvertArgs),
    /// Make a large history of a mutex, valid by construction or with one double hold
    Generate(GenerateArgs),
    /// Put the prover itself to the test: in simulated runs every broken lock must be caught, and
    /// no correct one (exit code 1 otherwise)
    Selftest(SelftestArgs),
    /// Measure how faithful the simulated broker is: the same scripts on it and on a real one,
    /// compared
    Conform(ConformArgs),
    /// Serve the proxy, with Toxiproxy's HTTP API, until interrupted
    Proxy(ProxyArgs),
    /// Remove what killed runs left: containers and networks, or what they made on somebody's own
    /// service
    Clean(CleanArgs),
    /// Write a program to begin with, for a lock in another language
    NewAdapter(NewAdapterArgs),
    /// Play each message of the protocol once with a program that is a lock, without faults, and
    /// say what is missing or wrong
    TryAdapter(TryAdapterArgs),
    /// Be a program that is a lock: speak the protocol for one of ours on standard input and output
    Worker(WorkerArgs),
    /// Print what lets a shell complete commands, options and values
    Completions(CompletionsArgs),
    /// Print the manual page, or write one for each command into a folder
    Man(ManArgs),
}

/// The options of `run`.
#[derive(Clone, Debug, PartialEq, Args)]
pub struct RunArgs {
    /// What is run.
    #[command(flatten)]
    pub spec: RunSpec,
    /// Run a simulation for each of these seeds, on all cores, until one shows a violation; with
    /// `--nemesis all` each is a swarm
    #[arg(long, value_name = "A..B", conflicts_with_all = ["seed", "keep"], help_heading = heading::CHANCE)]
    pub seeds: Option<Seeds>,
    /// Go on with the other seeds after a violation
    #[arg(long, requires = "seeds", help_heading = heading::CHANCE)]
    pub keep_going: bool,
    /// Where all is valid, how long to try which known mistakes this plan would have caught; 0s:
    /// not at all
    #[arg(long, default_value = "20s", value_parser = time::from_zero, value_name = "TIME", help_heading = heading::JUDGED)]
    pub power_within: Duration,
    /// What becomes of it.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What becomes of what a run finds out.
#[derive(Clone, Debug, PartialEq, Args)]
pub struct OutputArgs {
    /// Where results are stored
    #[arg(long, default_value = RESULTS, value_name = "DIR", help_heading = heading::OUTPUT)]
    pub results: PathBuf,
    /// The commit of what is tested, for the manifest
    /// [default: that of the prover's own source, where cargo runs it]
    #[arg(long, value_name = "REV", help_heading = heading::OUTPUT)]
    pub commit: Option<String>,
    /// How results are printed: as tables for people, or as one JSON object a line
    /// [possible values: human, json]
    #[arg(long, value_enum, default_value_t = Format::Human, hide_possible_values = true, help_heading = heading::OUTPUT)]
    pub format: Format,
    /// Print results only, no progress
    #[arg(short, long, help_heading = heading::OUTPUT)]
    pub quiet: bool,
}

/// The options of `prove`.
#[derive(Clone, Debug, PartialEq, Args)]
pub struct ProveArgs {
    /// Files of claims, or folders of such
    #[arg(default_value = "claims.toml", value_name = "FILE")]
    pub claims: Vec<PathBuf>,
    /// Only this claim, or all that begin so: exclusive-*; repeatable
    #[arg(long, value_name = "ID")]
    pub only: Vec<String>,
    /// Only on this testbed; repeatable
    #[arg(long, value_name = "TESTBED")]
    pub on: Vec<String>,
    /// Put what runs on RabbitMQ in Docker to the test on this version (4.0, 3.10) or image, whatever
    /// the file says
    #[arg(long, value_name = "IMAGE")]
    pub rabbitmq: Option<String>,
    /// How much is done: `quick`, what claims say under [claim.quick], or `full`
    #[arg(long, default_value_t, value_name = "PROFILE")]
    pub profile: Profile,
    /// Only this part of the work, which machines divide: 2/4; `prover merge` puts them together
    /// [default: as a CI server or cluster says that starts it, else all]
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
    /// So many claims on real testbeds at a time [default: as many as there are cores]
    #[arg(long, value_parser = number::above_zero::<NonZeroUsize>, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// The seed of the first run on a real testbed; the next run has the next
    #[arg(long, default_value_t = 1, value_parser = number::from_zero::<u64>, value_name = "N")]
    pub seed: u64,
    /// Who learns of it.
    #[command(flatten)]
    pub ending: EndingArgs,
    /// What becomes of it.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The options of `init`.
#[derive(Clone, Debug, PartialEq, Args)]
pub struct InitArgs {
    /// The lock: 'process:python3 my_lock.py'
    #[arg(
        long,
        default_value = "process:python3 my_lock.py",
        value_name = "LOCK"
    )]
    pub lock: String,
    /// A service that it talks to; repeatable
    #[arg(long, value_name = "SERVICE")]
    pub service: Vec<String>,
    /// Where they are written
    #[arg(default_value = ".", value_name = "DIR")]
    pub folder: PathBuf,
}

/// The options of `new-adapter`.
#[derive(Clone, Debug, PartialEq, Args)]
pub struct NewAdapterArgs {
    /// The language
    #[arg(value_enum, value_name = "LANG")]
    pub language: Language,
}

/// The options of `try-adapter`.
#[derive(Clone, Debug, PartialEq, Args)]
pub struct TryAdapterArgs {
    /// The command that starts it: 'python3 my_lock.py'
    #[arg(value_name = "CMD")]
    pub command: String,
    /// What is said to it in its `init`: lease=5s; repeatable
    #[arg(long = "option", value_name = "NAME=VALUE")]
    pub options: Vec<String>,
    /// A service that it talks to, in Docker or where it runs already, as in `run`; repeatable
    /// [default: what it says it needs]
    #[arg(long, value_name = "SERVICE")]
    pub service: Vec<String>,
    /// Print results only, no progress
    #[arg(short, long, help_heading = heading::OUTPUT)]
    pub quiet: bool,
}

/// The options of `worker`.
#[derive(Clone, Debug, PartialEq, Args)]
pub struct WorkerArgs {
    /// The lock, with its options [`prover list locks`]
    #[arg(long, default_value = "exclusive-queue", value_name = "LOCK")]
    pub lock: String,
}

/// The options of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Histories (JSON Lines, a JSON array, or EDN, also packed with gzip; `-` is standard input),
    /// or folders of runs, ours or Jepsen's
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How its keys are found.
    #[command(flatten)]
    pub keys: KeyArgs,
    /// Judge this guarantee; repeatable [default: what the run was judged by, else `exclusion`]
    #[arg(long = "guarantee", value_name = "NAME")]
    pub guarantees: Vec<String>,
    /// Judge whether the history is linearizable under this model, taken literally; repeatable
    /// [`prover list models`]
    #[arg(long = "model", value_name = "NAME")]
    pub models: Vec<String>,
    /// How many clients may hold a lock at one time [default: as the run was planned or the model
    /// says, else 1]
    #[arg(long, value_parser = number::above_zero::<NonZeroU32>, value_name = "N")]
    pub slots: Option<NonZeroU32>,
    /// How many workers there were: the worker of a process is `process % N` [default: as the run
    /// was planned, else every process is one]
    #[arg(long, value_parser = number::above_zero::<NonZeroU32>, value_name = "N")]
    pub concurrency: Option<NonZeroU32>,
    /// The faults that were selected, which coverage asks for, or `none` [default: as the run was
    /// planned, else those that the nemesis names]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub faults: Option<Vec<String>>,
    /// Write the evidence to this file, for `certify` to check again
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
    /// Write the report, an HTML page, to this file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// How long a search may take before the answer is unknown
    #[arg(long, default_value = "1m", value_parser = time::positive, value_name = "TIME")]
    pub timeout: Duration,
    /// How much memory a search may take before the answer is unknown
    #[arg(long, default_value = "4GiB", value_parser = number::above_zero::<ByteSize>, value_name = "SIZE")]
    pub memory: ByteSize,
    /// How results are printed: as tables for people, or as one JSON object a line
    /// [possible values: human, json]
    #[arg(long, value_enum, default_value_t = Format::Human, hide_possible_values = true, help_heading = heading::OUTPUT)]
    pub format: Format,
}

/// How the keys of a history are found.
#[derive(Debug, Args)]
pub struct KeyArgs {
    /// Every value of an EDN history is `[k v]`, as `jepsen.independent` writes it; without it the
    /// first operation decides
    #[arg(long)]
    pub independent: bool,
}

/// The options of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Folders of runs, or histories as `check` takes them
    #[arg(required = true, value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// What it is made as: a page for people, a summary in Markdown, data as JSON, or a trace that
    /// Perfetto and Chrome open [possible values: html, markdown, json, trace]
    #[arg(long, value_enum, default_value_t = Form::Html, hide_possible_values = true)]
    pub format: Form,
    /// Where it is written; `-` is standard output [default: a page and a trace beside the
    /// history, the others to standard output]
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,
}

/// The options of `merge`.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// The folders of the shards' proofs, or folders above them
    #[arg(required = true, value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// Who learns of it.
    #[command(flatten)]
    pub ending: EndingArgs,
    /// Where results are stored
    #[arg(long, default_value = RESULTS, value_name = "DIR", help_heading = heading::OUTPUT)]
    pub results: PathBuf,
    /// How results are printed: as tables for people, or as one JSON object a line
    /// [possible values: human, json]
    #[arg(long, value_enum, default_value_t = Format::Human, hide_possible_values = true, help_heading = heading::OUTPUT)]
    pub format: Format,
}

/// Who learns of a proof, and what it is compared with.
#[derive(Clone, Debug, PartialEq, Args)]
pub struct EndingArgs {
    /// Write it for another tool, too: json, junit, ctrf, sarif, markdown or annotations; repeatable
    #[arg(long = "report", value_name = "KIND=PATH", help_heading = heading::OUTPUT)]
    pub reports: Vec<ReportTo>,
    /// Write the folder of the proof to this file, one line, for scripts; none is written where there
    /// is no proof
    #[arg(long, value_name = "FILE", help_heading = heading::OUTPUT)]
    pub folder_to: Option<PathBuf>,
    /// Say what got worse since an earlier proof; a claim that stands worse is exit code 1
    #[arg(long, value_name = "DIR", help_heading = heading::JUDGED)]
    pub against: Option<PathBuf>,
}

/// The options of `attest`.
#[derive(Debug, Args)]
pub struct AttestArgs {
    /// The folder of a run or of a proof
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// The page of the job that made it [default: as GitHub or GitLab says]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// How results are printed: for people, or the statement as one JSON object
    /// [possible values: human, json]
    #[arg(long, value_enum, default_value_t = Format::Human, hide_possible_values = true, help_heading = heading::OUTPUT)]
    pub format: Format,
}

/// The options of `certify`.
#[derive(Debug, Args)]
pub struct CertifyArgs {
    /// The history, as `check` takes it; the folder of a run has its certificate, too, and that of a
    /// proof those of its runs
    #[arg(value_name = "FILE")]
    pub history: PathBuf,
    /// How its keys are found.
    #[command(flatten)]
    pub keys: KeyArgs,
    /// The certificate [default: the one in the folder of the run]
    #[arg(value_name = "CERT")]
    pub certificate: Option<PathBuf>,
}

/// The options of `convert`.
#[derive(Debug, Args)]
pub struct ConvertArgs {
    /// The history to read, as `check` takes it
    #[arg(value_name = "IN")]
    pub source: PathBuf,
    /// How its keys are found.
    #[command(flatten)]
    pub keys: KeyArgs,
    /// The file to write: EDN if it ends in .edn, else JSON Lines; .gz after that packs it; `-` is
    /// standard output
    #[arg(value_name = "OUT")]
    pub target: PathBuf,
}

/// The options of `generate`.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// Operations
    #[arg(long, default_value_t = 1_000, value_parser = number::from_zero::<u64>, value_name = "N")]
    pub ops: u64,
    /// Workers
    #[arg(short, long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(2..=100_000), value_name = "N")]
    pub concurrency: u32,
    /// Operations that crash: nobody learns what became of them
    #[arg(long, default_value_t = 0, value_parser = number::from_zero::<u64>, value_name = "N")]
    pub crashed: u64,
    /// Where a double hold is planted: `none`, `end`, or after a number of operations
    #[arg(long, default_value = "none", value_name = "WHERE")]
    pub violation: Violation,
    /// Decides all chance
    #[arg(long, default_value_t = 1, value_parser = number::from_zero::<u64>, value_name = "N")]
    pub seed: u64,
    /// Where it is written [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// The options of `list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Of which kind
    #[arg(value_enum)]
    pub kind: ListKind,
    /// Show everything about this one
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// List the locks with one mistake each, which are there to be caught
    #[arg(long, conflicts_with = "name")]
    pub broken: bool,
    /// How results are printed: as tables for people, or as one JSON object a line
    /// [possible values: human, json]
    #[arg(long, value_enum, default_value_t = Format::Human, hide_possible_values = true, help_heading = heading::OUTPUT)]
    pub format: Format,
}

/// The options of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Of which shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// The options of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Where the pages are written [default: that of `prover` alone, to stdout]
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

/// The options of `clean`.
#[derive(Debug, Args)]
pub struct CleanArgs {
    /// Also remove what belongs to runs that are still alive, or that were told to keep it
    #[arg(long)]
    pub all: bool,
    /// Clean the RabbitMQ at this URL in place of Docker:
    /// amqp://user:password@127.0.0.1:5672/vhost
    #[arg(long, value_name = "URL")]
    pub testbed: Option<String>,
    /// Clean this service in place of Docker: redis=HOST:PORT, or NAME=URL; repeatable
    #[arg(long, value_name = "SERVICE")]
    pub service: Vec<String>,
    /// Where RabbitMQ's management API answers [default: port 15672 of the same host]
    #[arg(long, value_name = "URL")]
    pub management: Option<String>,
}

/// The options of `replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The folder of a run
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Somewhere else than where the run was
    #[arg(long, value_name = "TESTBED")]
    pub testbed: Option<String>,
    /// What becomes of it.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The options of `compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The folders of runs
    #[arg(required = true, value_name = "DIR")]
    pub folders: Vec<PathBuf>,
}

/// The options of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Where results are stored
    #[arg(long, default_value = RESULTS, value_name = "DIR")]
    pub results: PathBuf,
    /// The port on 127.0.0.1; 0: any that is free
    #[arg(long, default_value_t = 8475, value_name = "N")]
    pub port: u16,
    /// The commit that the badges are asked about [default: what git has checked out here]
    #[arg(long, value_name = "REV")]
    pub commit: Option<String>,
}

/// The options of `site`.
#[derive(Debug, Args)]
pub struct SiteArgs {
    /// The folder that the pages are written into
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
    /// Where results are stored
    #[arg(long, default_value = RESULTS, value_name = "DIR")]
    pub results: PathBuf,
    /// The commit that the badges are asked about: the proof of another one is outdated, and grey
    /// [default: what git has checked out here]
    #[arg(long, value_name = "REV")]
    pub commit: Option<String>,
}

/// The options of `shrink`.
#[derive(Debug, Args)]
pub struct ShrinkArgs {
    /// The folder of a run that shows a violation
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// The guarantee whose violation is kept [default: the first that was judged and violated]
    #[arg(long, value_name = "NAME")]
    pub guarantee: Option<String>,
    /// Where results are stored
    #[arg(long, default_value = RESULTS, value_name = "DIR", help_heading = heading::OUTPUT)]
    pub results: PathBuf,
    /// Print results only, no progress
    #[arg(short, long, help_heading = heading::OUTPUT)]
    pub quiet: bool,
}

/// The options of `power`.
#[derive(Debug, Args)]
pub struct PowerArgs {
    /// The plan.
    #[command(flatten)]
    pub spec: RunSpec,
    /// The plan is a campaign of these seeds: a mistake is caught if one of them shows it
    #[arg(long, value_name = "A..B", conflicts_with = "seed", help_heading = heading::CHANCE)]
    pub seeds: Option<Seeds>,
    /// How long mistakes are tried
    #[arg(long, default_value = "20s", value_parser = time::positive, value_name = "TIME", help_heading = heading::JUDGED)]
    pub power_within: Duration,
    /// How results are printed: as tables for people, or as one JSON object a line
    /// [possible values: human, json]
    #[arg(long, value_enum, default_value_t = Format::Human, hide_possible_values = true, help_heading = heading::OUTPUT)]
    pub format: Format,
    /// Print results only, no progress
    #[arg(short, long, help_heading = heading::OUTPUT)]
    pub quiet: bool,
}

/// The options of `selftest`.
#[derive(Debug, Args)]
pub struct SelftestArgs {
    /// Examine this lock alone [`prover list locks`]
    #[arg(long, value_name = "LOCK")]
    pub only: Option<String>,
    /// The first seed
    #[arg(long, default_value = "0", value_parser = number::from_zero::<Seed>, value_name = "N")]
    pub seed: Seed,
    /// How results are printed: as tables for people, or as one JSON object a line
    /// [possible values: human, json]
    #[arg(long, value_enum, default_value_t = Format::Human, hide_possible_values = true, help_heading = heading::OUTPUT)]
    pub format: Format,
    /// Print results only, no progress
    #[arg(short, long, help_heading = heading::OUTPUT)]
    pub quiet: bool,
}

/// The options of `conform`.
#[derive(Debug, Args)]
pub struct ConformArgs {
    /// How many random scripts are played beside the named ones
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(..=1_000_000), value_name = "N")]
    pub scripts: u32,
    /// Play this script alone: a named one, or `random-N` of the seed
    #[arg(long, value_name = "NAME")]
    pub only: Option<String>,
    /// Decides all chance [default: drawn, and shown]
    #[arg(long, value_parser = number::from_zero::<Seed>, value_name = "N")]
    pub seed: Option<Seed>,
    /// Where: `docker`, or the URL of a running broker: amqp://user:password@127.0.0.1:5672/vhost
    #[arg(long, default_value = "docker", value_name = "TESTBED")]
    pub testbed: String,
    /// The broker: a RabbitMQ version (4.0, 3.10) or any image
    #[arg(long, default_value = "4.0", value_name = "IMAGE")]
    pub rabbitmq: String,
    /// Scripts that are played at the same time
    #[arg(short, long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=200), value_name = "N")]
    pub concurrency: u32,
    /// Where the broker's log is stored
    #[arg(long, default_value = conform::RESULTS, value_name = "DIR", help_heading = heading::OUTPUT)]
    pub results: PathBuf,
    /// How results are printed: as tables for people, or as one JSON object a line
    /// [possible values: human, json]
    #[arg(long, value_enum, default_value_t = Format::Human, hide_possible_values = true, help_heading = heading::OUTPUT)]
    pub format: Format,
    /// Print results only, no progress
    #[arg(short, long, help_heading = heading::OUTPUT)]
    pub quiet: bool,
}

/// The options of `proxy`.
#[derive(Debug, Args)]
pub struct ProxyArgs {
    /// Where the HTTP API listens
    #[arg(long, default_value = "127.0.0.1:8474", value_name = "ADDRESS")]
    pub listen: std::net::SocketAddr,
    /// Decides all chance [default: drawn, and shown]
    #[arg(long, value_parser = number::from_zero::<Seed>, value_name = "N")]
    pub seed: Option<Seed>,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListKind {
    /// What can be put under test
    Locks,
    /// What clients can do
    Workloads,
    /// What can break
    Faults,
    /// What can be judged
    Guarantees,
    /// What a history can be linearizable under
    Models,
    /// What can be found out by measurements
    Experiments,
    /// What a lock can talk to
    Services,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::help;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
        help::command().debug_assert();
    }

    #[test]
    fn options_without_a_command_are_those_of_run() {
        let cli = Cli::try_parse_from(["prover", "-w", "mutex", "--nemesis", "partition"])
            .expect("well-formed");
        assert!(cli.command.is_none());
        assert_eq!(cli.run.spec.nemesis, "partition");
    }
}
