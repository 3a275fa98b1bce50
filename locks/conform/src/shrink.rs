//! The shortest script that still shows a difference.

use crate::arm::Arm;
use crate::comparison::{Comparison, Divergence, compare};
use crate::explained;
use crate::player::PlayError;
use crate::script::{Script, Step};

/// A difference that shows itself every other time is still found.
const ATTEMPTS: u64 = 2;

/// Drops steps as long as the difference stays unexplained.
///
/// # Errors
/// The harness broke down.
pub async fn shrink(
    divergence: Divergence,
    simulation: &dyn Arm,
    broker: &dyn Arm,
) -> Result<Divergence, PlayError> {
    let mut smallest = divergence;
    let end = smallest.script.steps.len().min(smallest.entry + 1);
    let mut size = end;
    while size > 0 {
        let mut from = 0;
        while from < smallest.script.steps.len() {
            let fewer = without(&smallest.script, from, size);
            match compare(&fewer, simulation, broker, ATTEMPTS).await? {
                Comparison::Differ(found) if explained::of(&found).is_none() => smallest = found,
                _ => from += size,
            }
        }
        size = next_size(size);
    }
    Ok(smallest)
}

/// Halves, down to single steps.
fn next_size(size: usize) -> usize {
    if size == 1 { 0 } else { size.div_ceil(2) }
}

fn without(script: &Script, from: usize, size: usize) -> Script {
    let kept = |(number, step): (usize, &Step)| {
        let is_dropped = (from..from + size).contains(&number);
        (!is_dropped).then(|| step.clone())
    };
    Script {
        steps: script.steps.iter().enumerate().filter_map(kept).collect(),
        ..script.clone()
    }
}
