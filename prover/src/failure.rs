//! Why a command could not do what it was asked, and which exit code that is.

use std::io;
use std::path::PathBuf;

use claims::NothingSelected;
use history::jsonl::LogError;
use plan::PlanError;
use process::IntroduceError;
use run::RunError;
use suite::ShrinkError;
use testbed::{StartError, TestbedError};

use crate::exit::Exit;
use crate::store::StoreError;

/// What stood in the way of a command.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The arguments make no plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A file could not be opened.
    #[error("cannot open {path}: {source}")]
    Open {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A claims file could not be opened.
    #[error("cannot open {path}: {source}; `prover init` writes one to begin with")]
    OpenClaims {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A claims file has a mistake.
    #[error("{}:{mistake}", .path.display())]
    Claims {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and where.
        mistake: claims::Mistake,
    },
    /// The environment names no shard.
    #[error(transparent)]
    Environment(#[from] claims::BadEnvironment),
    /// What somebody has written stays.
    #[error("{} is there already: move it away, or name another folder", .0.display())]
    Exists(PathBuf),
    /// A folder has no claims.
    #[error("no claims in {0}: expected are files that end in .toml")]
    NoClaims(PathBuf),
    /// No claim was selected.
    #[error(transparent)]
    NoClaim(#[from] NothingSelected),
    /// A shard contradicts itself.
    #[error("{}: {why}: run this shard again", .folder.display())]
    Flaw {
        /// Its folder.
        folder: PathBuf,
        /// What cannot be.
        why: String,
    },
    /// A report would be written over what is read, or over another.
    #[error("{} is written or read by something else already: give each report a file of its own", .0.display())]
    ReportOver(PathBuf),
    /// Broken ones are asked for of a kind that has none.
    #[error("only locks are broken on purpose: leave --broken out, or list locks")]
    OnlyLocks,
    /// A history is not one.
    #[error("{path}: {source}")]
    History {
        /// Which.
        path: PathBuf,
        /// Why.
        source: history::form::ReadError,
    },
    /// A folder has no history.
    #[error("no history in {0}: expected is history.jsonl or history.edn, also as .gz")]
    NoHistory(PathBuf),
    /// A certificate is not one.
    #[error("{path}: {source}")]
    Certificate {
        /// Which.
        path: PathBuf,
        /// Why.
        source: certify::CertifyError,
    },
    /// A folder without a run that can be repeated.
    #[error("{0} is no folder of a run: it has no manifest.json")]
    NoRun(PathBuf),
    /// A run to be shrunk shows no violation.
    #[error("nothing that {0} is judged by is violated: name a violated one with --guarantee")]
    NothingViolated(PathBuf),
    /// A run could not be shrunk.
    #[error(transparent)]
    Shrink(#[from] ShrinkError),
    /// What is written about a history would take its place.
    #[error("--{option} would overwrite the history {}: name another file", .history.display())]
    OverHistory {
        /// What was to be written.
        option: &'static str,
        /// Where the history is.
        history: PathBuf,
    },
    /// Certificates and reports speak of one history.
    #[error("--{0} takes one history at a time: call `check` once for each")]
    OneHistory(&'static str),
    /// Several reports would be one file.
    #[error("--output takes one run at a time: call `report` once for each")]
    OneReport,
    /// Certificate and report would be one file.
    #[error("--certificate and --report name the same file: give each its own")]
    OneFile,
    /// A history was given alone, and none of ours.
    #[error("no certificate beside {}: name it after the history, or give the folder of a run", .0.display())]
    NoCertificate(PathBuf),
    /// Standard input can be read once.
    #[error("standard input was named twice: it can be read once")]
    OneInput,
    /// A file of a run is no place for anything else.
    #[error("{} is a file of a run: write elsewhere", .0.display())]
    OverRun(PathBuf),
    /// Certificates have no place for this model.
    #[error(
        "certificates know no {0}: call `prover check` without --certificate, or without this model"
    )]
    NotCertified(String),
    /// A program is no lock.
    #[error(transparent)]
    Introduce(#[from] IntroduceError),
    /// A program promises what makes no lock.
    #[error("the program `{program}` promises what nobody can judge: {reason}")]
    Promises {
        /// Its command.
        program: String,
        /// What is wrong.
        reason: String,
    },
    /// Options for a program where there is none.
    #[error(
        "--option is said to a lock that is a program: write the options of one of ours behind its name, exclusive-queue,verify=passive-declare"
    )]
    NoProgram,
    /// An option that is none.
    #[error("\"{0}\" is no option: write --option NAME=VALUE")]
    Option(String),
    /// An option that is given twice.
    #[error("the option {0} is given twice")]
    OptionTwice(String),
    /// There is no place for what a trial leaves.
    #[error("cannot make a temporary folder: {0}")]
    Temporary(#[source] io::Error),
    /// This very program is not to be found.
    #[error("cannot find this program, to start it for each client: {0}")]
    Itself(#[source] io::Error),
    /// A page over many runs could not be made.
    #[error("cannot make the page: {0}")]
    Site(#[source] site::SiteError),
    /// Pages among the results would be taken for results.
    #[error("{} lies in the results: name a folder elsewhere", .0.display())]
    InResults(PathBuf),
    /// The report could not be made.
    #[error("cannot make the report: {0}")]
    Report(#[from] report::ReportError),
    /// A file could not be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A manifest is not one.
    #[error("{path}: not a manifest: {source}")]
    Manifest {
        /// Which.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// What stands beside a run's history is no certificate.
    #[error("{path}: not a certificate, so nobody knows what the run recorded: {source}")]
    Recorded {
        /// Which.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A proof is not one.
    #[error("{path}: not a proof: {source}")]
    Proof {
        /// Which.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A folder has no proof.
    #[error("no proof.json in {} or below: give the folder that `prover prove` has made", .0.display())]
    NoProof(PathBuf),
    /// Which of several proofs is meant is not clear.
    #[error("several proofs below {}: give the folder of one", .0.display())]
    ManyProofs(PathBuf),
    /// A proof speaks of a run whose folder is not there.
    #[error("{} is missing, or no folder of its proof: give the whole folder of the shard", .0.display())]
    NoStoredRun(PathBuf),
    /// A folder has nothing to attest.
    #[error("{} is no folder of a run or of a proof: it has no manifest.json and no proof.json", .0.display())]
    NoEvidence(PathBuf),
    /// A statement is not one.
    #[error("{path}: not a statement of `prover attest`: {source}")]
    Statement {
        /// Which.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// Reports and comparisons speak of one proof.
    #[error(
        "--report, --folder-to and --against take one claims file at a time: call `prove` once for each"
    )]
    OneProof,
    /// What was to be merged is not the shards of one.
    #[error(transparent)]
    Merge(#[from] claims::MergeError),
    /// Results could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The testbed did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The testbed could not be looked after.
    #[error("failed to {0}")]
    Testbed(#[from] TestbedError),
    /// The run broke down.
    #[error("the run broke down: {0}")]
    Run(#[from] RunError),
    /// The comparison of simulation and broker broke down.
    #[error("the comparison broke down: {0}")]
    Conform(#[from] ::conform::PlayError),
    /// An experiment came to nothing; it knows what that means.
    #[error("{source}")]
    Experiment {
        /// The exit code for it.
        exit: Exit,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An address could not be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: std::net::SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Nobody takes the output any more.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}

impl From<checker::ParseError> for Failure {
    fn from(error: checker::ParseError) -> Self {
        Self::Plan(error.into())
    }
}

impl From<checker::model::NameError> for Failure {
    fn from(error: checker::model::NameError) -> Self {
        Self::Plan(error.into())
    }
}

impl Failure {
    /// An experiment came to nothing, for this reason.
    pub(crate) fn of_experiment(
        exit: Exit,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        let source = Box::new(source);
        Self::Experiment { exit, source }
    }

    /// The exit code for it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Plan(_)
            | Self::OnlyLocks
            | Self::NoProgram
            | Self::Option(_)
            | Self::OptionTwice(_)
            | Self::Introduce(IntroduceError::Command(_))
            | Self::OneHistory(_)
            | Self::OneReport
            | Self::OneFile
            | Self::OverHistory { .. }
            | Self::NoCertificate(_)
            | Self::OneInput
            | Self::OverRun(_)
            | Self::InResults(_)
            | Self::NotCertified(_)
            | Self::NoRun(_)
            | Self::Proof { .. }
            | Self::NoProof(_)
            | Self::ManyProofs(_)
            | Self::NoStoredRun(_)
            | Self::NoEvidence(_)
            | Self::Statement { .. }
            | Self::Merge(_)
            | Self::OneProof
            | Self::NothingViolated(_)
            | Self::Open { .. }
            | Self::OpenClaims { .. }
            | Self::Claims { .. }
            | Self::NoClaims(_)
            | Self::ReportOver(_)
            | Self::Flaw { .. }
            | Self::Exists(_)
            | Self::Environment(_)
            | Self::NoClaim(NothingSelected::Claim { .. })
            | Self::History { .. }
            | Self::NoHistory(_)
            | Self::Certificate { .. }
            | Self::Recorded { .. }
            | Self::Manifest { .. } => Exit::BadArguments,
            Self::NoClaim(
                NothingSelected::Testbed { .. }
                | NothingSelected::Nothing
                | NothingSelected::NoRabbitMq,
            ) => Exit::NothingSelected,
            Self::Experiment { exit, .. } => *exit,
            Self::Shrink(ShrinkError::NotRepeated(_)) => Exit::Unknown,
            Self::Shrink(ShrinkError::Plan(_)) => Exit::BadArguments,
            Self::Write { .. }
            | Self::Shrink(ShrinkError::Trial(_))
            | Self::Store(_)
            | Self::Itself(_)
            | Self::Temporary(_)
            | Self::Introduce(_)
            | Self::Promises { .. }
            | Self::Output(_)
            | Self::Start(_)
            | Self::Testbed(_)
            | Self::Conform(_)
            | Self::Listen { .. }
            | Self::Run(
                RunError::Log(LogError::Io(_))
                | RunError::Nemesis(_)
                | RunError::Create { .. }
                | RunError::Forbidden(_)
                | RunError::Misconduct(_)
                | RunError::Runtime(_),
            ) => Exit::Harness,
            Self::Run(RunError::Panic(_) | RunError::Log(LogError::Rule(_)))
            | Self::Report(_)
            | Self::Site(_) => Exit::Internal,
        }
    }
}
