//! Counts what one operation of one lock costs.

use std::sync::Arc;

use claims::Cost;
use locks::Chosen;
use locks::broker::ConnectOptions;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use run::seed::{Seed, Stream};
use simulated::Simulation;

use super::lock::{Source, cell};
use super::measure::{CostError, Rounds, Sample, in_time, measure, source};

/// Not counted: the first operation of a session may open what later ones use again.
const WARM_UP: u32 = 1;

/// Where it is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place<'a> {
    /// On a real broker, with names that begin so.
    Real(&'a ConnectOptions, &'a str),
    /// On a simulated one.
    Simulated,
}

/// Measures an operation in so many rounds; `take` gets each.
///
/// # Errors
/// It could not be measured.
pub(crate) async fn count(
    place: Place<'_>,
    lock: &Chosen,
    cost: &Cost,
    (rounds, seed): (u32, Seed),
    mut take: impl FnMut(Sample),
) -> Result<(), CostError> {
    let source = Source {
        options: lock.options,
        ..of_place(place, seed)
    };
    let cell = in_time(cell(&source, &lock.lock, cost.operation, cost.slots)).await;
    let set_up = || format!("the set-up of {lock}");
    let cell = cell.map_err(|error| CostError::of(&set_up(), error))?;
    let rounds = Rounds {
        warm_up: WARM_UP,
        counted: rounds,
    };
    let random = ChaCha8Rng::from_seed(seed.stream(Stream::Order));
    let take = |sample| {
        take(sample);
        Ok(())
    };
    measure(&mut [cell], rounds, random, |_| {}, take).await
}

fn of_place(place: Place<'_>, seed: Seed) -> Source {
    let of_lock = seed.short_stream(Stream::Lock(0));
    match place {
        Place::Real(connect, prefix) => source(connect, prefix.to_owned(), of_lock),
        Place::Simulated => Source {
            broker: Arc::new(Simulation::new(seed.short_stream(Stream::Simulation), 1)),
            connect: ConnectOptions {
                address: Simulation::address(0),
                ..ConnectOptions::default()
            },
            prefix: "cost".to_owned(),
            seed: of_lock,
            options: locks::Options::default(),
        },
    }
}
