//! `prover power`: which known mistakes a plan would catch.

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

/// Finds out the power of a plan, and prints each mistake and what became of it.
pub(super) async fn print_power(arguments: &PowerArgs) -> Result<Exit, Failure> {
    let PowerArgs { spec, seeds, .. } = arguments;
    let (within, is_quiet) = (arguments.power_within, arguments.quiet);
    let (power, was_interrupted) = match seeds {
        Some(seeds) => of_campaign(spec, seeds, within, is_quiet).await?,
        None => {
            let plan = Plan::new(spec)?;
            of_run(&plan, &plan.spec, within, is_quiet).await?
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
pub(super) async fn of_run(
    plan: &Plan,
    played: &RunSpec,
    within: Duration,
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
        enough: usize::MAX,
    };
    determine(trials, within, is_quiet).await
}

/// The power of a campaign; says also whether somebody interrupted that.
pub(super) async fn of_campaign(
    spec: &RunSpec,
    seeds: &Seeds,
    within: Duration,
    is_quiet: bool,
) -> Result<(Power, bool), Failure> {
    let trials = Trials {
        spec,
        schedule: None,
        seeds: seeds.0.clone().map(Seed),
        enough: usize::MAX,
    };
    determine(trials, within, is_quiet).await
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
