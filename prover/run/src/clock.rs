//! The time of a run: the runtime's, or the finer one of a simulation.

use std::time::Duration;

use simulated::Simulation;
use tokio::time::{Instant, sleep, sleep_until};

/// The runtime's timer moves in whole milliseconds, so a shorter wait would last up to ten times as
/// long as it should.
const SHORTEST_SLEEP: Duration = Duration::from_micros(100);

/// A clock that began at zero and never goes back.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Runtime { began: Instant },
    Simulated { world: Simulation, began: Duration },
}

impl Clock {
    /// Begins now, by the runtime's clock.
    #[must_use]
    pub fn of_runtime() -> Self {
        let began = Instant::now();
        Self {
            source: Source::Runtime { began },
        }
    }

    /// Begins now, by the clock of a simulation.
    #[must_use]
    pub fn of_simulation(world: &Simulation) -> Self {
        let (world, began) = (world.clone(), world.elapsed());
        Self {
            source: Source::Simulated { world, began },
        }
    }

    /// The same clock, begun anew.
    #[must_use]
    pub fn restarted(&self) -> Self {
        match &self.source {
            Source::Runtime { .. } => Self::of_runtime(),
            Source::Simulated { world, .. } => Self::of_simulation(world),
        }
    }

    /// How long ago it began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        match &self.source {
            Source::Runtime { began } => began.elapsed(),
            Source::Simulated { world, began } => world.elapsed().saturating_sub(*began),
        }
    }

    /// Sleeps for a while.
    pub async fn sleep(&self, time: Duration) {
        match &self.source {
            Source::Runtime { .. } if time < SHORTEST_SLEEP => tokio::task::yield_now().await,
            Source::Runtime { .. } => sleep(time).await,
            Source::Simulated { world, .. } => {
                world
                    .sleep_until(world.elapsed().saturating_add(time))
                    .await;
            }
        }
    }

    /// Sleeps until so long after it began.
    pub async fn sleep_until(&self, time: Duration) {
        match &self.source {
            Source::Runtime { began } => match began.checked_add(time) {
                Some(instant) => sleep_until(instant).await,
                None => std::future::pending().await,
            },
            Source::Simulated { world, began } => {
                world.sleep_until(began.saturating_add(time)).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_simulation_sleeps_for_less_than_a_millisecond() {
        let clock = Clock::of_simulation(&Simulation::new(1, 1));
        clock.sleep(Duration::from_nanos(1_234_567)).await;
        assert_eq!(clock.elapsed(), Duration::from_nanos(1_234_567));
        clock.sleep(Duration::from_micros(3)).await;
        assert_eq!(clock.elapsed(), Duration::from_nanos(1_237_567));
        let again = clock.restarted();
        again.sleep_until(Duration::from_millis(2)).await;
        assert_eq!(again.elapsed(), Duration::from_millis(2));
    }

    #[tokio::test(start_paused = true)]
    async fn the_runtime_sleeps_in_whole_milliseconds_or_not_at_all() {
        let clock = Clock::of_runtime();
        clock.sleep(Duration::from_micros(99)).await;
        assert_eq!(clock.elapsed(), Duration::ZERO);
        clock.sleep_until(Duration::from_millis(7)).await;
        assert_eq!(clock.elapsed(), Duration::from_millis(7));
    }
}
