//! One script on both arms: do they agree, and if not, from which step on?

use std::time::Duration;

use serde::Serialize;

use crate::arm::Arm;
use crate::player::PlayError;
use crate::script::Script;
use crate::transcript::{StepRecord, Transcript};

/// How often a script is played before a difference counts. Where a real broker leaves something to
/// chance, one time in which it does what the model does shows that the model is right.
pub const ATTEMPTS: u64 = 3;

/// A script about time is comparable only where the broker was not slower than this.
const LAG_MAX: Duration = Duration::from_secs(2);

/// What a comparison shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Both do the same, seen at this attempt, counted from 1.
    Agree {
        /// Which.
        attempt: u64,
    },
    /// They do not.
    Differ(Divergence),
    /// The broker was too slow for a script about time, each time.
    TooSlow,
}

/// A difference between the simulation and a broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Divergence {
    /// The version of the broker, where that is known.
    pub version: Option<String>,
    /// The script that shows it.
    pub script: Script,
    /// The first entry that differs, counted from 0; one more than there are steps where it showed
    /// itself after the last.
    pub entry: usize,
    /// What the simulation makes of the script.
    pub simulated: Transcript,
    /// What the broker makes of it, up to the difference.
    pub real: Transcript,
}

impl Divergence {
    /// What the simulation did there.
    #[must_use]
    pub fn expected(&self) -> Option<&StepRecord> {
        self.simulated.entries.get(self.entry)
    }

    /// What the broker did there.
    #[must_use]
    pub fn found(&self) -> Option<&StepRecord> {
        self.real.entries.get(self.entry)
    }
}

/// Plays a script on both, several times if they differ.
///
/// # Errors
/// The harness broke down.
pub async fn compare(
    script: &Script,
    simulation: &dyn Arm,
    broker: &dyn Arm,
    attempts: u64,
) -> Result<Comparison, PlayError> {
    let mut result = Comparison::TooSlow;
    for attempt in 1..=attempts {
        let simulated = simulation.play(script, attempt, None).await?;
        let real = broker.play(script, attempt, Some(&simulated)).await?;
        let Some(entry) = first_difference(&simulated, &real) else {
            return Ok(Comparison::Agree { attempt });
        };
        if script.is_timed() && real.lag.0 > LAG_MAX {
            continue;
        }
        result = Comparison::Differ(Divergence {
            version: broker.version().map(str::to_owned),
            script: script.clone(),
            entry,
            simulated,
            real,
        });
    }
    Ok(result)
}

fn first_difference(one: &Transcript, other: &Transcript) -> Option<usize> {
    let longest = one.entries.len().max(other.entries.len());
    (0..longest).find(|entry| one.entries.get(*entry) != other.entries.get(*entry))
}
