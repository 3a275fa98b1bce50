//! Measures cells: in rounds, each of which measures every cell once in an order of its own, so
//! that the machine's noise falls on all alike.

use std::sync::Arc;
use std::time::{Duration, Instant};

use locks::broker::{ConnectOptions, RabbitMq};
use locks::{Error, ErrorKind, Lock};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use tokio::time::timeout;

use super::cell::{Cell, FigureError, Label};
use super::lock::Source;
use super::{ask, lock};
use crate::exit::Exit;
use crate::experiment::counting::Operations;
use crate::failure::Failure;

/// Nothing that is measured takes that long on a broker that works.
const STEP_WITHIN: Duration = Duration::from_secs(30);

/// One measurement.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Sample {
    /// The round, from 0 on, without those that warm up.
    pub(crate) round: u32,
    /// Which of the cells.
    #[serde(skip)]
    pub(crate) cell: usize,
    /// What the cell is called.
    #[serde(flatten)]
    pub(crate) label: Label,
    /// How long it took, in nanoseconds.
    pub(crate) ns: u64,
    /// What was asked of the broker.
    #[serde(flatten)]
    pub(crate) operations: Operations,
}

/// How often everything is measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rounds {
    /// Not counted.
    pub(super) warm_up: u32,
    /// Counted.
    pub(super) counted: u32,
}

/// Why the costs could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum CostError {
    /// A lock answered what it must not, although nothing is broken.
    #[error("{cell} went wrong: it said {said}")]
    Unexpected {
        /// Of what.
        cell: String,
        /// What it said instead.
        said: String,
    },
    /// Something else went wrong.
    #[error("cannot measure {cell}: {reason}")]
    Broken {
        /// What was measured.
        cell: String,
        /// Why not.
        reason: Error,
    },
    /// A measurement could not be stored.
    #[error("cannot store the measurements: {0}")]
    Store(#[from] std::io::Error),
}

impl From<CostError> for Failure {
    fn from(error: CostError) -> Self {
        let exit = match error {
            CostError::Unexpected { .. } => Exit::Violation,
            CostError::Broken { .. } | CostError::Store(_) => Exit::Harness,
        };
        Self::of_experiment(exit, error)
    }
}

impl CostError {
    pub(super) fn of(cell: &impl ToString, error: FigureError) -> Self {
        let cell = cell.to_string();
        match error {
            FigureError::Unexpected(said) => Self::Unexpected { cell, said },
            FigureError::Broken(reason) => Self::Broken { cell, reason },
        }
    }
}

/// The source of clients of a real broker. Its connections outlive long pauses between two
/// measurements.
pub(super) fn source(connect: &ConnectOptions, prefix: String, seed: u64) -> Source {
    Source {
        broker: std::sync::Arc::new(RabbitMq),
        connect: ConnectOptions {
            heartbeat: Duration::from_secs(60),
            ..connect.clone()
        },
        prefix,
        seed,
        options: locks::Options::default(),
    }
}

/// Makes all cells of these locks, and those of the ways to verify.
///
/// # Errors
/// Something could not be set up.
pub(super) async fn set_up(
    source: &Source,
    locks: &[Arc<dyn Lock>],
) -> Result<Vec<Box<dyn Cell>>, CostError> {
    let mut cells = Vec::new();
    for lock in locks {
        let own = in_time(lock::cells(source, lock)).await;
        let wrong = |error| CostError::of(&format!("the set-up of {}", lock.name()), error);
        cells.extend(own.map_err(wrong)?);
    }
    let asking = in_time(ask::cells(source)).await;
    let wrong = |error| CostError::of(&"the set-up of the ways to verify", error);
    cells.extend(asking.map_err(wrong)?);
    Ok(cells)
}

/// Measures all cells in all rounds; `take` gets what counts, `tell` the number of each round that
/// begins.
///
/// # Errors
/// A cell could not be measured.
pub(super) async fn measure(
    cells: &mut [Box<dyn Cell>],
    rounds: Rounds,
    mut random: ChaCha8Rng,
    mut tell: impl FnMut(u32),
    mut take: impl FnMut(Sample) -> std::io::Result<()>,
) -> Result<(), CostError> {
    let mut order: Vec<_> = (0..cells.len()).collect();
    for round in 0..rounds.warm_up + rounds.counted {
        tell(round);
        order.shuffle(&mut random);
        for place in &order {
            let cell = &mut cells[*place];
            let (took, operations) = once(cell.as_mut())
                .await
                .map_err(|error| CostError::of(cell.label(), error))?;
            if let Some(round) = round.checked_sub(rounds.warm_up) {
                take(Sample {
                    round,
                    cell: *place,
                    label: cell.label().clone(),
                    ns: u64::try_from(took.as_nanos()).unwrap_or(u64::MAX),
                    operations,
                })?;
            }
        }
    }
    Ok(())
}

async fn once(cell: &mut dyn Cell) -> Result<(Duration, Operations), FigureError> {
    in_time(cell.prepare()).await?;
    let before = cell.counter().operations();
    let began = Instant::now();
    in_time(cell.act()).await?;
    let took = began.elapsed();
    let operations = cell.counter().operations().since(before);
    in_time(cell.restore()).await?;
    Ok((took, operations))
}

pub(super) async fn in_time<T>(
    step: impl Future<Output = Result<T, FigureError>>,
) -> Result<T, FigureError> {
    let late = |_| {
        let seconds = STEP_WITHIN.as_secs();
        Err(Error::new(ErrorKind::Timeout, format!("no answer within {seconds} s")).into())
    };
    timeout(STEP_WITHIN, step).await.unwrap_or_else(late)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rand::SeedableRng;
    use simulated::Simulation;

    use super::*;
    use crate::experiment::cost::subjects;

    fn simulated(seed: u64) -> Source {
        Source {
            broker: Arc::new(Simulation::new(seed, 1)),
            connect: ConnectOptions {
                address: Simulation::address(0),
                ..ConnectOptions::default()
            },
            prefix: "cost".to_owned(),
            seed,
            options: locks::Options::default(),
        }
    }

    async fn samples(locks: &[Arc<dyn Lock>]) -> Result<Vec<Sample>, CostError> {
        let mut cells = set_up(&simulated(1), locks).await?;
        let rounds = Rounds {
            warm_up: 1,
            counted: 3,
        };
        let random = ChaCha8Rng::seed_from_u64(1);
        let mut samples = Vec::new();
        measure(
            &mut cells,
            rounds,
            random,
            |_| {},
            |sample| {
                samples.push(sample);
                Ok(())
            },
        )
        .await?;
        Ok(samples)
    }

    /// Methods and round trips of each operation, which are the same in each round.
    const EXPECTED: &str = "\
exclusive-queue: open 3/3, first-acquire 3/3, acquire 1/1, refused-acquire 3/3, verify 1/1, release 2/1
exclusive-consumer: open 3/3, first-acquire 4/4, acquire 2/2, refused-acquire 4/4, verify 1/1, release 2/2
persistent-mutex: open 3/3, first-acquire 5/5, acquire 3/3, refused-acquire 5/5, verify 1/1, release 2/2
publish-then-consume: open 3/3, first-acquire 5/5, acquire 3/3, refused-acquire 5/5, verify 1/1, release 2/2
persistent-semaphore: open 3/3, first-acquire 6/6, acquire 4/4, acquire of 2 6/6, acquire of 4 10/10, acquire of 8 18/18, refused-acquire 3/3, refused-acquire of 2 5/5, refused-acquire of 4 9/9, refused-acquire of 8 17/17, verify 1/1, release 2/1
counted-consumers: open 3/3, first-acquire 5/5, acquire 3/3, acquire of 2 4/4, acquire of 4 6/6, acquire of 8 10/10, refused-acquire 4/4, refused-acquire of 2 5/5, refused-acquire of 4 7/7, refused-acquire of 8 11/11, verify 1/1, release 2/2
receive-semaphore: open 3/3, first-acquire 3/3, acquire 1/1, acquire of 2 1/1, acquire of 4 1/1, acquire of 8 1/1, refused-acquire 1/1, refused-acquire of 2 1/1, refused-acquire of 4 1/1, refused-acquire of 8 1/1, verify 1/1, release 2/1
publish and confirm: ask 1/1
publish in a transaction: ask 2/1
passive declare: ask 1/1
declare again: ask 1/1
fenced-mutex: open 3/3, first-acquire 10/8, acquire 8/6, refused-acquire 3/3, verify 1/1, release 2/1
mutex-by-message: open 3/3, first-acquire 3/3, acquire 1/1, refused-acquire 1/1, verify 1/1, release 2/1
";

    #[tokio::test(start_paused = true)]
    async fn every_operation_of_every_lock_costs_what_its_recipe_says() {
        let samples = samples(&subjects()).await.expect("nothing is broken");
        let mut counted: BTreeMap<_, Vec<Operations>> = BTreeMap::new();
        for Sample {
            label, operations, ..
        } in &samples
        {
            let key = (label.subject.clone(), label.operation, label.slots);
            counted.entry(key).or_default().push(*operations);
        }
        let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for ((subject, operation, slots), operations) in counted {
            let first = operations[0];
            assert!(
                operations.iter().all(|one| *one == first),
                "{subject}: {operations:?}"
            );
            assert_eq!(operations.len(), 3, "{subject}");
            let slots = slots.filter(|slots| *slots > 1);
            let slots = slots.map_or_else(String::new, |slots| format!(" of {slots}"));
            let Operations {
                methods,
                round_trips,
            } = first;
            let name = operation.name();
            let text = format!("{name}{slots} {methods}/{round_trips}");
            lines.entry(subject).or_default().push(text);
        }
        let lines = lines
            .iter()
            .map(|(subject, cells)| format!("{subject}: {}", cells.join(", ")));
        let mut expected: Vec<_> = EXPECTED.lines().collect();
        expected.sort_unstable();
        assert_eq!(lines.collect::<Vec<_>>(), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lock_that_says_what_it_must_not_is_named() {
        let broken: Arc<dyn Lock> = Arc::new(broken::NoLock);
        let error = samples(&[broken]).await.expect_err("it grants to all");
        assert!(matches!(error, CostError::Unexpected { .. }), "{error}");
        assert!(error.to_string().contains("no-lock"), "{error}");
    }
}
