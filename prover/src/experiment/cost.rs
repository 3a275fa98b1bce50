//! `prover experiment cost`: what the operations of the locks cost on a real broker, in time and in
//! broker operations.

mod ask;
mod cell;
mod count;
mod lock;
mod measure;
mod table;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use checker::counted;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use jiff::Timestamp;
use locks::Lock;
pub(crate) use measure::Sample;
use measure::{Rounds, measure, set_up, source};
use plan::PlanError;
use plan::manifest::Git;
use plan::spec::{IN_WORKSPACE, command_line_of, heading, number, program, utf8_path};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use run::seed::{Seed, Stream};
use serde::Serialize;
use serde_json::json;
use suite::Stopwatch;
use table::Cost as Measured;
use testbed::{
    Asked, Choice, ChoiceError, Described, Direct, Progress, RealSite, Site, without_password,
};

use super::Experiment;
use super::document::Document;
use super::machine::Machine;
use super::registry::assumed;
use crate::causes::with_causes;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interruption::interrupted;
use crate::output::{self, Format, Steps};
use crate::store::fresh_folder;

pub(crate) use count::{Place, count};
pub use measure::CostError;

/// What the operations of the locks cost.
pub struct Cost;

/// The options of `experiment cost`.
#[derive(Clone, Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
struct CostArgs {
    /// Where: `docker`, or the URL of a running broker: amqp://user:password@127.0.0.1:5672/vhost
    #[arg(long, default_value = "docker", value_name = "TESTBED")]
    testbed: String,
    /// The broker: a RabbitMQ version (4.0, 3.10) or any image [default: 4.0]
    #[arg(long, value_name = "IMAGE")]
    rabbitmq: Option<String>,
    /// How often everything is measured
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(2..=10_000), value_name = "N")]
    rounds: u32,
    /// How often before that without being counted
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000), value_name = "N")]
    warm_up: u32,
    /// Decides all chance: the order within each round, and what the intervals draw
    /// [default: drawn, and shown]
    #[arg(long, value_parser = number::from_zero::<Seed>, value_name = "N")]
    seed: Option<Seed>,
    /// Also write the tables into this page, between the lines `<!-- begin cost -->` and
    /// `<!-- end cost -->`
    #[arg(long, value_name = "FILE", value_parser = utf8_path, help_heading = heading::OUTPUT)]
    docs: Option<PathBuf>,
    /// Where the measurements are stored
    #[arg(long, default_value = "results", value_name = "DIR", help_heading = heading::OUTPUT)]
    results: PathBuf,
    /// How results are printed: as tables for people, or as one JSON object a line
    /// [possible values: human, json]
    #[arg(long, value_enum, default_value_t = Format::Human, hide_possible_values = true, help_heading = heading::OUTPUT)]
    #[serde(skip)]
    format: Format,
    /// Print results only, no progress
    #[arg(short, long, help_heading = heading::OUTPUT)]
    #[serde(skip)]
    quiet: bool,
}

/// The files of an experiment's folder.
pub(crate) const SAMPLES: &str = "samples.jsonl";
const MANIFEST: &str = "manifest.json";

/// The locks whose costs are measured: those that keep what they promise, and of those that differ
/// in administration only one.
fn subjects() -> Vec<Arc<dyn Lock>> {
    let correct = locks::ALL.iter();
    let differing = correct.filter(|lock| !lock.kind().files_decrements());
    differing.cloned().collect()
}

/// What was measured where: enough to do it again.
#[derive(Debug, Serialize)]
struct Manifest {
    prover: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    git: Option<Git>,
    began: Timestamp,
    machine: Machine,
    testbed: Described,
    seed: Seed,
    rounds: u32,
    warm_up: u32,
    repeat: String,
}

#[async_trait]
impl Experiment for Cost {
    fn name(&self) -> &'static str {
        "cost"
    }

    fn summary(&self) -> &'static str {
        "what the operations of each lock cost on a real broker, in time and in broker operations"
    }

    fn details(&self) -> &'static str {
        "\
It needs Docker, or a broker that runs already: a simulation would only give
back the times that it was given. A broker is started, every correct lock is
set up, acquired, verified and released in rounds, and the broker's own figures
say how many operations that took. Every measurement is stored in
samples.jsonl, in a new folder below DIR/cost.

Examples:
  prover experiment cost --rounds 10
      a first look
  prover experiment cost --rounds 200 --seed 1
      figures with narrow intervals"
    }

    fn options(&self, command: Command) -> Command {
        CostArgs::augment_args(command)
    }

    async fn conduct(&self, options: &ArgMatches) -> Result<Exit, Failure> {
        let arguments = CostArgs::from_arg_matches(options).expect("parsed by the same options");
        conduct(&arguments).await
    }
}

async fn conduct(arguments: &CostArgs) -> Result<Exit, Failure> {
    let site = site(arguments)?;
    let document = arguments.docs.as_deref();
    let document = document
        .map(|path| Document::open(path, "cost"))
        .transpose()?;
    let seed = arguments.seed.unwrap_or_else(Seed::fresh);
    let began = Timestamp::now();
    let folder = fresh_folder(&arguments.results.join("cost"), began)?;
    let steps = Steps::new(arguments.quiet);
    let broker = tokio::select! {
        biased;
        () = interrupted() => return Ok(Exit::Interrupted),
        started = Direct::start(&site, &folder, &steps) => started?,
    };
    let manifest = Manifest {
        prover: env!("CARGO_PKG_VERSION"),
        git: Git::of_program(),
        began,
        machine: Machine::here(),
        testbed: broker.described().clone(),
        seed,
        rounds: arguments.rounds,
        warm_up: arguments.warm_up,
        repeat: repeat_line(program(), arguments, seed),
    };
    let measured = tokio::select! {
        biased;
        () = interrupted() => None,
        measured = measured(&broker, &manifest, &folder, &steps) => Some(measured),
    };
    steps.step("take the testbed down");
    let stopped = broker.stop().await;
    steps.done();
    let Some(measured) = measured else {
        output::note(&format!("what there is: {}", folder.display()));
        return Ok(Exit::Interrupted);
    };
    let costs = table::costs(&measured?, seed);
    print(arguments, &manifest, &folder, &costs)?;
    if let Some(document) = &document {
        let repeat = repeat_line(IN_WORKSPACE, arguments, seed);
        let part = format!(
            "{}\n{}",
            preface(&manifest, &repeat),
            table::document(&costs)
        );
        let path = document.path().to_owned();
        let written = document.write(&part);
        written.map_err(|source| Failure::Write { path, source })?;
    }
    // What was measured is whole; what is left can be cleaned up later.
    if let Err(error) = stopped {
        output::note(&format!(
            "warning: {}; `prover clean` removes what is left",
            with_causes(&error)
        ));
    }
    Ok(Exit::Valid)
}

/// A real broker: a simulation has only the times that it was given.
fn site(arguments: &CostArgs) -> Result<RealSite, PlanError> {
    if arguments.testbed == "sim" {
        return Err(ChoiceError::RealOnly("cost").into());
    }
    let asked = Asked {
        rabbitmq: arguments.rabbitmq.as_deref(),
        ..Asked::broker(&arguments.testbed)
    };
    match Choice::parse(&asked)?.site {
        Site::Auto(site) | Site::Real(site) => Ok(site),
        Site::Simulated => Err(ChoiceError::RealOnly("cost").into()),
    }
}

/// Measures, and stores each measurement as it comes.
async fn measured(
    broker: &Direct,
    manifest: &Manifest,
    folder: &Path,
    steps: &Steps,
) -> Result<Vec<Sample>, Failure> {
    let path = folder.join(SAMPLES);
    let cannot_write = |source| Failure::Write {
        path: path.clone(),
        source,
    };
    let mut file = BufWriter::new(File::create_new(&path).map_err(cannot_write)?);
    store_manifest(manifest, folder)?;
    steps.step("open the sessions");
    let prefix = format!("cost-{}", manifest.began.as_nanosecond());
    let seed = manifest.seed;
    let source = source(broker.connect(), prefix, seed.short_stream(Stream::Lock(0)));
    let mut cells = set_up(&source, &subjects()).await?;
    let rounds = Rounds {
        warm_up: manifest.warm_up,
        counted: manifest.rounds,
    };
    let random = ChaCha8Rng::from_seed(seed.stream(Stream::Order));
    let mut samples = Vec::new();
    let stopwatch = Stopwatch::start((rounds.warm_up + rounds.counted).into());
    let tell = |round| tell(round, rounds, stopwatch, steps);
    measure(&mut cells, rounds, random, tell, |sample| {
        serde_json::to_writer(&mut file, &sample)?;
        file.write_all(b"\n")?;
        samples.push(sample);
        Ok(())
    })
    .await?;
    file.flush().map_err(cannot_write)?;
    Ok(samples)
}

/// Ten lines are enough.
fn tell(round: u32, rounds: Rounds, stopwatch: Stopwatch, steps: &Steps) {
    let all = rounds.warm_up + rounds.counted;
    if round.is_multiple_of(all.div_ceil(10)) {
        let pace = stopwatch.pace(round.into());
        steps.step(&format!("round {} of {all}, {pace}", round + 1));
    }
}

fn store_manifest(manifest: &Manifest, folder: &Path) -> Result<(), Failure> {
    let path = folder.join(MANIFEST);
    let written = File::create_new(&path).and_then(|file| {
        serde_json::to_writer_pretty(&file, manifest)?;
        (&file).write_all(b"\n")
    });
    written.map_err(|source| Failure::Write { path, source })
}

fn print(
    arguments: &CostArgs,
    manifest: &Manifest,
    folder: &Path,
    costs: &[Measured],
) -> std::io::Result<()> {
    if arguments.format == Format::Json {
        return costs
            .iter()
            .try_for_each(|cost| output::result(&json!(cost).to_string()));
    }
    let Manifest {
        testbed, machine, ..
    } = manifest;
    output::result(&format!("testbed: {testbed}"))?;
    output::result(&format!("machine: {machine}"))?;
    output::result(&format!(
        "method:  {} after {} to warm up, seed {}; in brackets 95 % confidence intervals\n",
        counted(manifest.rounds.into(), "round"),
        manifest.warm_up,
        manifest.seed
    ))?;
    output::result(&table::human(costs))?;
    output::result(&format!("\nresults: {}", folder.display()))?;
    output::result(&format!("repeat:  {}", manifest.repeat))
}

/// Stands before the tables of the documentation.
fn preface(manifest: &Manifest, repeat: &str) -> String {
    let Manifest {
        testbed,
        machine,
        rounds,
        warm_up,
        seed,
        ..
    } = manifest;
    let day = manifest.began.strftime("%Y-%m-%d");
    format!(
        "```sh\n{repeat}\n```\n{day}, {machine}; {testbed}; {rounds} rounds after {warm_up} to warm up, seed {seed}. In brackets 95 % confidence intervals.\n",
    )
}

/// The command that measures the same again, of a program that is called so.
fn repeat_line(program: &str, arguments: &CostArgs, seed: Seed) -> String {
    let same = CostArgs {
        seed: Some(seed),
        testbed: without_password(&arguments.testbed),
        ..arguments.clone()
    };
    command_line_of(program, &["experiment", "cost"], &same, &assumed())
}
