//! `prover experiment matrix`: what every lock does under every workload, with and without faults,
//! simulated and on real brokers.

mod archive;
mod attempts;
mod cell;
mod ledger;
mod simulated;
mod stage;
mod table;

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use clap::{ArgMatches, Args, Command, FromArgMatches, ValueEnum};
use futures_util::FutureExt;
use plan::catalogue;
use plan::spec::{IN_WORKSPACE, command_line_of, heading, number, time, utf8_path};
use plan::{PlanError, suits, unknown};
use run::seed::Seed;
use serde::Serialize;
use serde_json::json;

use super::Experiment;
use super::document::Document;
use super::registry::assumed;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interruption::interrupted;
use crate::output::{self, Format, Steps};

/// The broken lock that stands for all of them: a matrix without one that is found violated could
/// be one of a prover that finds nothing.
const CANARY: &str = "no-lock";

use archive::Archive;
use cell::{Cell, CellRecord, NEMESES, Place};
use ledger::Ledger;
use stage::Stage;

/// What every lock does under every workload, with and without faults, in every place.
pub struct Matrix;

/// The options of `experiment matrix`.
#[derive(Debug, Args, Serialize)]
#[serde(rename_all = "kebab-case")]
struct MatrixArgs {
    /// Where, separated by commas: in the simulation, on brokers in containers
    /// [possible values: sim, docker]
    #[arg(
        long,
        value_enum,
        default_value = "sim,docker",
        value_delimiter = ',',
        hide_possible_values = true,
        value_name = "TESTBED"
    )]
    testbed: Vec<Testbeds>,
    /// The brokers in containers, separated by commas: RabbitMQ versions (4.0, 3.10) or any images
    #[arg(
        long,
        default_value = "4.0",
        value_delimiter = ',',
        value_name = "IMAGE"
    )]
    rabbitmq: Vec<String>,
    /// Only these locks, separated by commas [default: all; `prover list locks`]
    #[arg(long, value_delimiter = ',', value_name = "LOCK")]
    only: Vec<String>,
    /// Only these workloads, separated by commas [default: all; `prover list workloads`]
    #[arg(short, long, value_delimiter = ',', value_name = "NAME")]
    workload: Vec<String>,
    /// How long the workload of each cell runs
    #[arg(long, default_value = "20s", value_parser = time::positive, value_name = "TIME")]
    #[serde(with = "plan::spec::time")]
    time_limit: Duration,
    /// The first seed of each cell
    #[arg(long, default_value = "1", value_parser = number::from_zero::<Seed>, value_name = "N")]
    seed: Seed,
    /// How many seeds are tried at most while the verdict is unknown
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100), value_name = "N")]
    #[serde(skip)]
    tries: u32,
    /// Take over what is stored of the same cells from earlier, unless that is unknown, and run
    /// only the others
    #[arg(long)]
    #[serde(skip)]
    resume: bool,
    /// Also write the tables into this page, between the lines `<!-- begin matrix -->` and
    /// `<!-- end matrix -->`
    #[arg(long, value_name = "FILE", value_parser = utf8_path, help_heading = heading::OUTPUT)]
    docs: Option<PathBuf>,
    /// Where the cells and their runs are stored, in a folder `matrix`
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

/// Where cells can be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Testbeds {
    /// In the simulation
    Sim,
    /// On brokers in containers
    Docker,
}

#[async_trait]
impl Experiment for Matrix {
    fn name(&self) -> &'static str {
        "matrix"
    }

    fn summary(&self) -> &'static str {
        "whether each lock keeps its promises under each workload, with and without faults, simulated and on real brokers"
    }

    fn details(&self) -> &'static str {
        "\
Every correct lock, and one broken one that must be found out, is run under
each workload that suits it, with no faults and with several, in the simulation
and on brokers in Docker, one cell after the other. Simulated cells take a
moment, the others somewhat longer than --time-limit each. Cells are stored in
DIR/matrix as they are done; --resume goes on where an earlier call ended.

Examples:
  prover experiment matrix --testbed sim
      the simulated half, without Docker
  prover experiment matrix --only exclusive-queue --workload mutex
      the cells of one lock"
    }

    fn options(&self, command: Command) -> Command {
        MatrixArgs::augment_args(command)
    }

    async fn conduct(&self, options: &ArgMatches) -> Result<Exit, Failure> {
        let arguments = MatrixArgs::from_arg_matches(options).expect("parsed by the same options");
        conduct(&arguments).await
    }
}

async fn conduct(arguments: &MatrixArgs) -> Result<Exit, Failure> {
    let cells = cells(arguments)?;
    let document = arguments.docs.as_deref();
    let document = document
        .map(|path| Document::open(path, "matrix"))
        .transpose()?;
    let steps = Steps::new(arguments.quiet);
    let (records, mut exits) = run_all(arguments, &cells, &steps).await?;
    steps.done();
    print(arguments, &records)?;
    if let Some(document) = &document
        && exits.is_empty()
    {
        let part = table::document(&records, &repeat_line(arguments));
        let path = document.path().to_owned();
        let written = document.write(&part);
        written.map_err(|source| Failure::Write { path, source })?;
    }
    exits.extend(records.iter().map(CellRecord::exit));
    Ok(Exit::worst(exits))
}

/// What came of the cells, in their order, and whatever else there is to say about the run as a
/// whole.
type Ran = (Vec<CellRecord>, Vec<Exit>);

/// Runs the cells place by place, so that only one broker is up at a time.
async fn run_all(arguments: &MatrixArgs, cells: &[Cell], steps: &Steps) -> Result<Ran, Failure> {
    let results = arguments.results.join("matrix");
    let archive = Archive::open(&results, arguments.resume);
    let archive = archive.map_err(|source| Failure::Write {
        path: results.clone(),
        source,
    })?;
    let mut ledger = Ledger::new(cells, arguments.tries as usize, archive, steps);
    for place in places(arguments) {
        let open = ledger.open(&place);
        if open.is_empty() {
            continue;
        }
        if interrupted().now_or_never().is_some() {
            ledger.interrupt();
        }
        if ledger.is_interrupted() {
            break;
        }
        match &place {
            Place::Sim => simulated::run(open, &mut ledger).await?,
            Place::Docker(rabbitmq) => {
                let mut stage = Stage::new(rabbitmq, &results, steps);
                stage.run_all(open, &mut ledger).await?;
            }
        }
    }
    Ok(ledger.close())
}

/// All cells, in the order of the table.
fn cells(arguments: &MatrixArgs) -> Result<Vec<Cell>, PlanError> {
    let workloads = selected(
        "workload",
        workloads::ALL,
        |workload| workload.name(),
        &arguments.workload,
    )?;
    let mut locks = selected(
        "lock",
        &catalogue::LOCKS,
        |lock| lock.name(),
        &arguments.only,
    )?;
    if arguments.only.is_empty() {
        // The self-test has all the broken ones; here the canary stands for them.
        locks.retain(|lock| lock.breaks().is_none_or(|_| lock.name() == CANARY));
    }
    let places = places(arguments);
    let mut cells = Vec::new();
    for workload in &workloads {
        for lock in locks.iter().filter(|lock| suits(*workload, &***lock)) {
            for nemesis in NEMESES {
                cells.extend(places.iter().map(|place| Cell {
                    workload: workload.name().to_owned(),
                    lock: lock.name().to_owned(),
                    nemesis: (*nemesis).to_owned(),
                    place: place.clone(),
                    time_limit_ms:
                        u64::try_from(arguments.time_limit.as_millis()).unwrap_or(u64::MAX),
                    seed: arguments.seed,
                }));
            }
        }
    }
    Ok(cells)
}

fn places(arguments: &MatrixArgs) -> Vec<Place> {
    let mut places = Vec::new();
    for testbed in &arguments.testbed {
        match testbed {
            Testbeds::Sim => places.push(Place::Sim),
            Testbeds::Docker => {
                places.extend(arguments.rabbitmq.iter().cloned().map(Place::Docker));
            }
        }
    }
    places
}

/// Those of a registry that are named, in its order; all if none is.
fn selected<T: Clone>(
    kind: &'static str,
    all: &[T],
    name: impl Fn(&T) -> &str,
    wanted: &[String],
) -> Result<Vec<T>, PlanError> {
    let is_known = |wanted: &&String| all.iter().any(|one| name(one) == wanted.as_str());
    if let Some(missing) = wanted.iter().find(|wanted| !is_known(wanted)) {
        return Err(unknown(kind, missing, all.iter().map(&name)));
    }
    let is_wanted = |one: &T| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name(one));
    Ok(all.iter().filter(|one| is_wanted(one)).cloned().collect())
}

fn print(arguments: &MatrixArgs, records: &[CellRecord]) -> std::io::Result<()> {
    if arguments.format == Format::Json {
        return records
            .iter()
            .try_for_each(|record| output::result(&json!(record).to_string()));
    }
    output::result(&table::human(records))?;
    for record in records.iter().filter(|one| one.exit() != Exit::Valid) {
        output::result(&format!(
            "\n{} is not as promised:\n  {}",
            record.cell, record.repeat
        ))?;
    }
    Ok(())
}

/// The command that makes the same matrix again, for the documentation.
fn repeat_line(arguments: &MatrixArgs) -> String {
    command_line_of(
        IN_WORKSPACE,
        &["experiment", "matrix"],
        arguments,
        &assumed(),
    )
}
