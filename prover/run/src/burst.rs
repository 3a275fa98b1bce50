//! The start line: lets all workers go at the same instant, again and again, and measures how well
//! that went.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout};

use crate::watch::Watch;

/// How long those at the line wait for stragglers, who may be cut off from the broker.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long the last spin may take; past that a worker goes without the others.
const SPIN_MAX: Duration = Duration::from_millis(20);

/// How often it turns at the most. Where time stands still while somebody spins, as in a
/// simulation, one who is paused would be waited for without end.
const SPINS_MAX: u32 = 100_000;

/// Where workers gather.
#[derive(Debug)]
pub(crate) struct StartLine {
    workers: usize,
    gathering: Mutex<Gathering>,
    skews_ns: Mutex<Histogram<u64>>,
}

/// Those who are at the line now.
#[derive(Debug, Default)]
struct Gathering {
    arrived: usize,
    burst: Arc<Burst>,
}

/// One burst: those who start together.
#[derive(Debug, Default)]
pub(crate) struct Burst {
    /// How many start together; known once the line opens.
    size: Watch<Option<usize>>,
    awake: AtomicUsize,
    /// Nanoseconds at which each invoked.
    invoked: Mutex<Vec<u64>>,
}

/// How close to simultaneous the bursts were: nanoseconds between the first and the last invocation
/// of a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skew {
    /// Bursts of at least two workers.
    pub bursts: u64,
    /// Half of them were closer together than this.
    pub median_ns: u64,
    /// All but one in a hundred were.
    pub p99_ns: u64,
}

impl StartLine {
    /// A line at which `workers` workers gather.
    #[must_use]
    pub(crate) fn new(workers: usize) -> Self {
        let skews = Histogram::new(3).expect("3 significant figures are allowed");
        Self {
            workers,
            gathering: Mutex::default(),
            skews_ns: Mutex::new(skews),
        }
    }

    /// Returns when all workers are at the line (or stragglers were waited for long enough), at the
    /// same instant for all.
    pub(crate) async fn gather(&self) -> Arc<Burst> {
        let burst = self.arrive();
        let mut place = Place {
            burst: &burst,
            is_counted: false,
        };
        if timeout(PATIENCE, burst.size.when(Option::is_some))
            .await
            .is_err()
        {
            self.open(&burst);
        }
        place.spin().await;
        drop(place);
        burst
    }

    /// Notes when a worker of a burst invoked; the last one completes the burst's skew.
    pub(crate) fn invoked(&self, burst: &Burst, time_ns: u64) {
        let mut invoked = locked(&burst.invoked);
        invoked.push(time_ns);
        let complete = burst.size() == Some(invoked.len()) && invoked.len() > 1;
        if let (true, Some(first), Some(last)) =
            (complete, invoked.iter().min(), invoked.iter().max())
        {
            // It grows with what it is given, up to what 64 bits hold.
            let _ = locked(&self.skews_ns).record(last - first);
        }
    }

    /// The skew of all bursts so far; none if there was none.
    #[must_use]
    pub(crate) fn skew(&self) -> Option<Skew> {
        let skews = locked(&self.skews_ns);
        (!skews.is_empty()).then(|| Skew {
            bursts: skews.len(),
            median_ns: skews.value_at_quantile(0.5),
            p99_ns: skews.value_at_quantile(0.99),
        })
    }

    fn arrive(&self) -> Arc<Burst> {
        let mut gathering = locked(&self.gathering);
        gathering.arrived += 1;
        let burst = gathering.burst.clone();
        if gathering.arrived == self.workers {
            release(&mut gathering);
        }
        burst
    }

    /// Lets those at the line go, unless somebody has done so already.
    fn open(&self, burst: &Arc<Burst>) {
        let mut gathering = locked(&self.gathering);
        if Arc::ptr_eq(&gathering.burst, burst) {
            release(&mut gathering);
        }
    }
}

fn release(gathering: &mut Gathering) {
    let Gathering { arrived, burst } = std::mem::take(gathering);
    burst.size.change(|size| *size = Some(arrived));
}

impl Burst {
    fn size(&self) -> Option<usize> {
        self.size.see(|size| *size)
    }
}

/// One worker's place at the line. Whoever leaves it early counts as awake: nobody must spin for
/// them.
struct Place<'a> {
    burst: &'a Burst,
    is_counted: bool,
}

impl Place<'_> {
    /// Waking up takes a while and not the same while for all; so everybody spins until the last
    /// one is awake.
    async fn spin(&mut self) {
        self.count();
        let size = self.burst.size().unwrap_or(1);
        let began = Instant::now();
        for _ in 0..SPINS_MAX {
            if self.burst.awake.load(Ordering::Acquire) >= size || began.elapsed() >= SPIN_MAX {
                break;
            }
            tokio::task::yield_now().await;
        }
    }

    fn count(&mut self) {
        if !std::mem::replace(&mut self.is_counted, true) {
            self.burst.awake.fetch_add(1, Ordering::AcqRel);
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.count();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn everybody_starts_together() {
        let line = Arc::new(StartLine::new(4));
        let began = Instant::now();
        let workers = (0..4).map(|_| {
            let line = line.clone();
            tokio::spawn(async move {
                for _ in 0..50 {
                    let burst = line.gather().await;
                    let time = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
                    line.invoked(&burst, time);
                }
            })
        });
        for worker in workers.collect::<Vec<_>>() {
            worker.await.expect("no worker panics");
        }
        let skew = line.skew().expect("there were bursts");
        assert_eq!(skew.bursts, 50);
        assert!(skew.p99_ns > 100, "{skew:?}");
        assert!(skew.median_ns <= skew.p99_ns);
    }

    #[tokio::test(start_paused = true)]
    async fn stragglers_are_waited_for_but_not_for_ever() {
        let line = StartLine::new(3);
        let (first, second) = tokio::join!(line.gather(), line.gather());
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(first.size(), Some(2));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_spins_for_one_who_has_left() {
        let line = StartLine::new(3);
        let leaving = timeout(PATIENCE / 2, line.gather());
        // Under a paused clock the time for spinning is never over.
        let (left, stayed) = tokio::join!(leaving, line.gather());
        assert!(left.is_err(), "nobody else was there yet");
        assert_eq!(stayed.size(), Some(2));
    }
}
