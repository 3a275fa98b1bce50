//! Which known mistakes the plan of a claim catches, where the claim asks for some.

use std::time::Duration;

use nemesis::Schedule;
use plan::spec::RunSpec;
use run::seed::Seed;
use suite::{Power, Trials, power};

use crate::failure::Failure;
use crate::interruption::unless_interrupted;

/// How long mistakes are tried.
const WITHIN: Duration = Duration::from_secs(60);

/// The power of a plan with these seeds, until it is enough; `schedule` is what broke when, where that is known.
pub(super) async fn strength(
    spec: &RunSpec,
    schedule: Option<&Schedule>,
    seeds: impl IntoIterator<Item = u64>,
    enough: u64,
) -> Result<Power, Failure> {
    let trials = Trials {
        spec,
        schedule,
        seeds: seeds.into_iter().map(Seed),
        enough: usize::try_from(enough).unwrap_or(usize::MAX),
    };
    let (power, _) = unless_interrupted(|go_on| power(trials, WITHIN, go_on, |_| ())).await;
    Ok(power?)
}
