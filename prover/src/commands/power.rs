//! `prover power`: which known mistakes a plan would catch.

use claims::Needs;
use std::time::Duration;

use plan::Plan;
use plan::spec::RunSpec;
use run::seed::{Seed, Seeds};
use serde_json::{Value, json};
use suite::{Mistake, Power, Trials, power};

use crate::cli::PowerArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interruption::unless_interrupted;
use crate::output::{self, Bar, Format, result};
use crate::schema::Schema;

/// How long known mistakes are tried where nobody says.
pub(super) const WITHIN: Duration = Duration::from_secs(20);

/// How long they are tried for a claim, which waits for them.
const OF_CLAIM: Duration = Duration::from_secs(60);

/// How long known mistakes are tried, and how many are enough.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) within: Duration,
    /// No more seeds are tried once so many are caught.
    pub(crate) enough: usize,
}

impl Effort {
    /// Until as many are caught as a claim needs.
    pub(crate) fn of(needs: &Needs) -> Self {
        Self {
            within: OF_CLAIM,
            enough: usize::try_from(needs.power).unwrap_or(usize::MAX),
        }
    }

    /// All of them.
    pub(crate) const fn all(within: Duration) -> Self {
        Self {
            within,
            enough: usize::MAX,
        }
    }
}

/// Finds out the power of a plan, and prints each mistake and what became of it.
pub(super) async fn print_power(arguments: &PowerArgs) -> Result<Exit, Failure> {
    let PowerArgs { spec, seeds, .. } = arguments;
    let (effort, is_quiet) = (Effort::all(arguments.power_within), arguments.quiet);
    let (power, was_interrupted) = match seeds {
        Some(seeds) => of_campaign(spec, seeds, effort, is_quiet).await?,
        None => {
            let plan = Plan::new(spec)?;
            of_run(&plan, &plan.spec, effort, is_quiet).await?
        }
    };
    match arguments.format {
        Format::Human => {
            let rows = power.mistakes.iter().map(row);
            output::wide_table(["mistake", "breaks", ""], rows)?;
            result(&format!("\n{}", line(&power)))?;
        }
        Format::Json => {
            let mut json = json(&power);
            json["verdict"] = json!(power.verdict());
            output::json(Schema::POWER, &json)?;
        }
    }
    Ok(exit(&power, was_interrupted))
}

/// The power of the plan of one run, with its own schedule and as it was played; says also whether
/// somebody interrupted that. What `all` means on its testbed stays so.
pub(crate) async fn of_run(
    plan: &Plan,
    played: &RunSpec,
    effort: Effort,
    is_quiet: bool,
) -> Result<(Power, bool), Failure> {
    let nemesis = match played.nemesis.as_str() {
        "all" if !played.swarm => plan.faults.join(","),
        named => named.to_owned(),
    };
    let spec = &RunSpec {
        nemesis,
        ..played.clone()
    };
    let trials = Trials {
        spec,
        schedule: Some(&plan.schedule),
        seeds: [plan.seed],
        enough: effort.enough,
    };
    determine(trials, effort.within, is_quiet).await
}

/// The power of a campaign; says also whether somebody interrupted that.
pub(crate) async fn of_campaign(
    spec: &RunSpec,
    seeds: &Seeds,
    effort: Effort,
    is_quiet: bool,
) -> Result<(Power, bool), Failure> {
    let trials = Trials {
        spec,
        schedule: None,
        seeds: seeds.0.clone().map(Seed),
        enough: effort.enough,
    };
    determine(trials, effort.within, is_quiet).await
}

async fn determine(
    trials: Trials<'_, impl IntoIterator<Item = Seed>>,
    within: Duration,
    is_quiet: bool,
) -> Result<(Power, bool), Failure> {
    if !is_quiet {
        output::note(&format!(
            "trying which known mistakes this plan catches, for at most {}",
            humantime::format_duration(within)
        ));
    }
    let bar = Bar::new(0, "mistakes", is_quiet);
    let (power, was_interrupted) =
        unless_interrupted(|go_on| power(trials, within, go_on, |pace| bar.set(pace))).await;
    bar.done();
    let power = power?;
    for (lock, seed, why) in &power.broken {
        output::note(&format!("error: {lock}, seed {seed}: {why}"));
    }
    Ok((power, was_interrupted))
}

/// What it comes to, and why it is not enough where it is not.
pub(super) fn line(power: &Power) -> String {
    match power.reason() {
        None => format!("power:   {power}"),
        Some(reason) => format!("power:   {power}\n\nnothing can be said: {reason}"),
    }
}

pub(crate) fn json(power: &Power) -> Value {
    let mut json = json!(power);
    json["caught"] = json!(power.caught());
    json["says"] = json!(power.to_string());
    json
}

/// What the harness did not carry out, and interruptions, have their own codes.
pub(super) fn exit(power: &Power, was_interrupted: bool) -> Exit {
    let mut exits = vec![power.verdict().into()];
    if !power.broken.is_empty() {
        exits.push(Exit::Harness);
    }
    if was_interrupted {
        exits.push(Exit::Interrupted);
    }
    Exit::worst(exits)
}

fn row(mistake: &Mistake) -> [String; 3] {
    [
        mistake.lock.clone(),
        mistake.breaks.clone(),
        mistake.outcome(),
    ]
}
