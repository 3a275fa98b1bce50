//! The workload `mutex`: acquire, hold for a while and verify now and then, release, again.

use std::sync::Arc;
use std::time::Duration;

use history::Function;
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::{Client, Outcome, Params, Step, Workload};

/// How long a client waits, once the run's time is up, before it asks again for a key that was refused.
const RETRY: Duration = Duration::from_millis(100);

/// Clients that want one of a few locks, each of which at most one may hold.
pub(crate) struct Mutex;

impl Workload for Mutex {
    fn name(&self) -> &'static str {
        "mutex"
    }

    fn summary(&self) -> &'static str {
        "acquire, hold for a while and verify now and then, release; at most one client may hold each key"
    }

    fn default_lock(&self) -> &'static str {
        "exclusive-queue"
    }

    fn questions(&self) -> &'static [&'static str] {
        &["confirmed-exclusion", "exclusion", "progress"]
    }

    fn client(&self, params: &Params, random: ChaCha8Rng) -> Box<dyn Client> {
        Box::new(MutexClient {
            keys: params.key_names(),
            params: params.clone(),
            random,
            state: State::Idle,
            unproven: None,
        })
    }
}

struct MutexClient {
    keys: Vec<Arc<str>>,
    params: Params,
    random: ChaCha8Rng,
    state: State,
    /// The keys that are still to be granted once more; set when the run's time is up.
    unproven: Option<Vec<Arc<str>>>,
}

/// What the step that was handed out last was for.
enum State {
    Idle,
    Pausing,
    Acquiring(Arc<str>),
    Holding { key: Arc<str>, left: Duration },
    Verifying { key: Arc<str>, left: Duration },
    Releasing,
}

impl Client for MutexClient {
    fn next(&mut self, last: Outcome) -> Step {
        if last == Outcome::Lost {
            return self.pause();
        }
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle | State::Releasing => self.pause(),
            State::Pausing => self.acquire(),
            State::Acquiring(key) if last == Outcome::Ok => {
                let left = self.hold_time();
                self.prove(&key);
                self.hold(key, left)
            }
            State::Acquiring(_) => self.pause(),
            State::Holding { key, left } if left.is_zero() => self.release(key),
            State::Holding { key, left } => {
                self.state = State::Verifying {
                    key: key.clone(),
                    left,
                };
                Step::Invoke(Function::Verify, key)
            }
            State::Verifying { key, left } if last == Outcome::Ok => self.hold(key, left),
            // A holder that cannot verify must not go on: it gives the lock back.
            State::Verifying { key, .. } => self.release(key),
        }
    }

    fn finish(&mut self) {
        if self.unproven.is_none() {
            self.unproven = Some(self.keys.clone());
        }
        if let State::Holding { left, .. } | State::Verifying { left, .. } = &mut self.state {
            *left = Duration::ZERO;
        }
    }
}

impl MutexClient {
    fn pause(&mut self) -> Step {
        self.state = State::Pausing;
        match &self.unproven {
            Some(keys) if keys.is_empty() => Step::Done,
            Some(_) => Step::Wait(RETRY),
            None if self.params.burst => Step::Gather,
            None => Step::Wait(
                self.random
                    .random_range(Duration::ZERO..=2 * self.params.pause()),
            ),
        }
    }

    fn acquire(&mut self) -> Step {
        let choice = self.unproven.as_ref().unwrap_or(&self.keys);
        let Some(key) = choice.choose(&mut self.random).cloned() else {
            return Step::Done;
        };
        self.state = State::Acquiring(key.clone());
        Step::Invoke(Function::Acquire, key)
    }

    fn prove(&mut self, key: &Arc<str>) {
        if let Some(keys) = &mut self.unproven {
            keys.retain(|unproven| unproven != key);
        }
    }

    fn hold_time(&mut self) -> Duration {
        if self.unproven.is_some() {
            return Duration::ZERO;
        }
        self.random
            .random_range(Duration::ZERO..=2 * self.params.hold)
    }

    /// Waits until the next verify, or for what is left of the hold.
    fn hold(&mut self, key: Arc<str>, left: Duration) -> Step {
        let wait = left.min(self.params.verify_every);
        self.state = State::Holding {
            key,
            left: left - wait,
        };
        Step::Wait(wait)
    }

    fn release(&mut self, key: Arc<str>) -> Step {
        self.state = State::Releasing;
        Step::Invoke(Function::Release, key)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn params() -> Params {
        Params {
            concurrency: 5,
            rate_per_second: 20.0,
            keys: 2,
            hold: Duration::from_millis(200),
            verify_every: Duration::from_millis(50),
            burst: false,
        }
    }

    fn client(params: &Params, seed: u64) -> Box<dyn Client> {
        Mutex.client(params, ChaCha8Rng::seed_from_u64(seed))
    }

    /// The functions of the operations that a client asks for while `answer` decides what becomes of them.
    fn operations(
        client: &mut dyn Client,
        count: usize,
        answer: impl Fn(&Function) -> Outcome,
    ) -> Vec<Function> {
        let mut seen = Vec::new();
        let mut last = Outcome::Ready;
        while seen.len() < count {
            last = match client.next(last) {
                Step::Invoke(function, _) => {
                    seen.push(function.clone());
                    answer(&function)
                }
                Step::Wait(_) | Step::Until(_) | Step::Gather => Outcome::Ready,
                Step::Done => break,
            };
        }
        seen
    }

    #[test]
    fn a_hold_is_verified_and_then_released() {
        let seen = operations(&mut *client(&params(), 1), 200, |_| Outcome::Ok);
        assert!(seen.contains(&Function::Verify));
        let mut held = false;
        for function in seen {
            match function {
                Function::Acquire => assert!(!std::mem::replace(&mut held, true), "acquired twice"),
                Function::Release => assert!(
                    std::mem::replace(&mut held, false),
                    "released what it did not hold"
                ),
                _ => assert!(held, "verified what it did not hold"),
            }
        }
    }

    #[test]
    fn what_was_refused_or_lost_is_neither_verified_nor_released() {
        let refused = operations(&mut *client(&params(), 2), 50, |_| Outcome::Fail);
        assert!(
            refused
                .iter()
                .all(|function| *function == Function::Acquire)
        );
        let lost = operations(&mut *client(&params(), 2), 50, |function| match function {
            Function::Acquire => Outcome::Ok,
            _ => Outcome::Lost,
        });
        assert!(
            lost.windows(2)
                .all(|pair| pair[0] == Function::Acquire || pair[1] == Function::Acquire)
        );
    }

    #[test]
    fn after_the_finish_every_key_is_granted_once_more() {
        let mut client = client(&params(), 3);
        operations(&mut *client, 7, |_| Outcome::Ok);
        client.finish();
        let mut granted = Vec::new();
        let mut last = Outcome::Ready;
        for _ in 0..1_000 {
            last = match client.next(last) {
                Step::Invoke(Function::Acquire, key) => {
                    granted.push(key);
                    Outcome::Ok
                }
                Step::Invoke(..) => Outcome::Ok,
                Step::Wait(_) | Step::Until(_) | Step::Gather => Outcome::Ready,
                Step::Done => break,
            };
        }
        granted.sort();
        granted.dedup();
        assert_eq!(granted, params().key_names());
        assert_eq!(client.next(Outcome::Ready), Step::Done);
    }

    #[test]
    fn the_same_seed_gives_the_same_steps() {
        let steps = |seed| {
            let mut client = client(&params(), seed);
            (0..100)
                .map(|_| client.next(Outcome::Ok))
                .collect::<Vec<_>>()
        };
        assert_eq!(steps(7), steps(7));
        assert_ne!(steps(7), steps(8));
    }

    #[test]
    fn a_burst_gathers_before_it_acquires() {
        let burst = Params {
            burst: true,
            ..params()
        };
        let mut client = client(&burst, 4);
        assert_eq!(client.next(Outcome::Ready), Step::Gather);
        assert!(matches!(
            client.next(Outcome::Ready),
            Step::Invoke(Function::Acquire, _)
        ));
    }
}
