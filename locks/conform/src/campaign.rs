//! Many scripts, several at a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Serialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::arm::Arm;
use crate::comparison::{ATTEMPTS, Comparison, Divergence, compare};
use crate::explained;
use crate::player::PlayError;
use crate::script::Script;
use crate::shrink::shrink;

/// No more divergences than these are shrunk: who has so many looks at the first.
const SHRUNK_MAX: usize = 8;
/// After so many scripts the progress is told.
const TOLD_EVERY: usize = 100;

/// What came of many scripts.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// How many there were.
    pub scripts: usize,
    /// How many steps they had.
    pub steps: usize,
    /// How many agree.
    pub agree: usize,
    /// How many of these did so only when they were played again.
    pub agree_later: usize,
    /// How many differ as it is known, by the name of the explanation.
    pub explained: BTreeMap<&'static str, usize>,
    /// Those for which the broker was too slow, also when they were played alone, by name.
    pub too_slow: Vec<String>,
    /// Those that differ, the first ones shrunk, in the order of their names.
    pub divergences: Vec<Divergence>,
}

struct Shared {
    scripts: Vec<Script>,
    next: AtomicUsize,
    shrunk: AtomicUsize,
    simulation: Arc<dyn Arm>,
}

/// Plays all scripts on the simulation and on a broker, as many at a time as the broker has parts.
///
/// # Errors
/// The harness broke down.
///
/// # Panics
/// If a task of its own panics.
pub async fn run(
    scripts: Vec<Script>,
    simulation: Arc<dyn Arm>,
    broker: Vec<Arc<dyn Arm>>,
    tell: &(dyn Fn(&str) + Sync),
) -> Result<Report, PlayError> {
    let mut report = Report {
        scripts: scripts.len(),
        steps: scripts.iter().map(|script| script.steps.len()).sum(),
        ..Report::default()
    };
    let shared = Arc::new(Shared {
        scripts,
        next: AtomicUsize::new(0),
        shrunk: AtomicUsize::new(0),
        simulation,
    });
    let first = broker.first().cloned();
    let (sender, results) = unbounded_channel();
    let mut crew = JoinSet::new();
    for part in broker {
        crew.spawn(work(Arc::clone(&shared), part, sender.clone()));
    }
    drop(sender);
    let mut rest = gather(&shared, results, &mut report, tell).await;
    while let Some(worked) = crew.join_next().await {
        worked.expect("a worker does not panic")?;
    }
    let alone = (0..shared.scripts.len()).filter(|number| shared.scripts[*number].is_alone());
    rest.extend(alone);
    if let Some(part) = first {
        play_alone(&shared, &*part, &rest, &mut report, tell).await?;
    }
    report
        .divergences
        .sort_by(|one, other| one.script.name.cmp(&other.script.name));
    Ok(report)
}

async fn work(
    shared: Arc<Shared>,
    part: Arc<dyn Arm>,
    results: UnboundedSender<(usize, Comparison)>,
) -> Result<(), PlayError> {
    loop {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        let Some(script) = shared.scripts.get(number) else {
            return Ok(());
        };
        if script.is_alone() {
            continue;
        }
        let simulation = &*shared.simulation;
        let compared = compare(script, simulation, &*part, ATTEMPTS).await;
        let compared = match compared {
            Ok(Comparison::Differ(divergence)) if shared.may_shrink(&divergence) => {
                shrink(divergence, simulation, &*part)
                    .await
                    .map(Comparison::Differ)
            }
            other => other,
        };
        if compared.is_err() {
            // The others need not go on.
            shared.next.store(shared.scripts.len(), Ordering::Relaxed);
        }
        // Whoever gathers waits for all.
        let _ = results.send((number, compared?));
    }
}

impl Shared {
    fn may_shrink(&self, divergence: &Divergence) -> bool {
        explained::of(divergence).is_none()
            && self.shrunk.fetch_add(1, Ordering::Relaxed) < SHRUNK_MAX
    }
}

async fn gather(
    shared: &Shared,
    mut results: UnboundedReceiver<(usize, Comparison)>,
    report: &mut Report,
    tell: &(dyn Fn(&str) + Sync),
) -> Vec<usize> {
    let mut done = 0;
    let mut slow = Vec::new();
    while let Some((number, comparison)) = results.recv().await {
        match comparison {
            Comparison::TooSlow => slow.push(number),
            other => report.add(&shared.scripts[number], other),
        }
        done += 1;
        if done % TOLD_EVERY == 0 {
            let differ = report.divergences.len();
            tell(&format!(
                "{done} of {} scripts, {differ} differ",
                report.scripts
            ));
        }
    }
    slow
}

/// Those that do something to the broker as a whole; and those for which it may have been too slow
/// only because there was so much to do.
async fn play_alone(
    shared: &Shared,
    part: &dyn Arm,
    numbers: &[usize],
    report: &mut Report,
    tell: &(dyn Fn(&str) + Sync),
) -> Result<(), PlayError> {
    for number in numbers {
        let script = &shared.scripts[*number];
        tell(&format!("{} alone", script.name));
        let comparison = compare(script, &*shared.simulation, part, ATTEMPTS).await?;
        report.add(script, comparison);
    }
    Ok(())
}

impl Report {
    fn add(&mut self, script: &Script, comparison: Comparison) {
        match comparison {
            Comparison::Agree { attempt } => {
                self.agree += 1;
                self.agree_later += usize::from(attempt > 1);
            }
            Comparison::TooSlow => self.too_slow.push(script.name.clone()),
            Comparison::Differ(divergence) => match explained::of(&divergence) {
                Some(known) => *self.explained.entry(known.name).or_default() += 1,
                None => self.divergences.push(divergence),
            },
        }
    }
}
