//! A client that acquires, holds for a while and verifies now and then, releases, again; and shows
//! at the end that everything can be had again.

use std::sync::Arc;
use std::time::Duration;

use history::Function;
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::audit::Seat;
use crate::{Client, Feedback, Params, Step};

/// How long a client waits, once the run's time is up, before it asks again for a key that was
/// refused.
pub(crate) const RETRY: Duration = Duration::from_millis(100);

/// A client that wants one of a few locks, again and again.
pub(crate) struct Holder {
    keys: Vec<Arc<str>>,
    params: Params,
    random: ChaCha8Rng,
    state: State,
    finale: Finale,
    is_finishing: bool,
}

/// What is shown once the run's time is up.
enum Finale {
    /// That this client is granted every key once more; these are still to be.
    EachKey(Vec<Arc<str>>),
    /// That all slots of every key can be held at the same time.
    AllSlots(Seat),
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

impl Client for Holder {
    fn next(&mut self, last: Feedback) -> Step {
        if last == Feedback::Lost {
            self.leave();
            return self.pause();
        }
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle | State::Releasing => self.pause(),
            State::Pausing => self.acquire(),
            State::Acquiring(key) if last == Feedback::Ok => {
                let left = self.hold_time();
                self.granted(&key);
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
            State::Verifying { key, left } if last == Feedback::Ok => self.hold(key, left),
            // A holder that cannot verify must not go on: it gives the lock back.
            State::Verifying { key, .. } => self.release(key),
        }
    }

    fn finish(&mut self) {
        if self.is_finishing {
            return;
        }
        self.is_finishing = true;
        if let State::Holding { left, .. } | State::Verifying { left, .. } = &mut self.state {
            *left = Duration::ZERO;
        }
    }
}

impl Holder {
    /// A client that shows at the end that it is granted every key once more.
    pub(crate) fn of_each_key(params: &Params, random: ChaCha8Rng) -> Self {
        Self::new(params, random, Finale::EachKey(params.key_names()))
    }

    /// A client that shows at the end, with the others of the audit, that all slots of every key
    /// can be held.
    pub(crate) fn of_all_slots(params: &Params, random: ChaCha8Rng, seat: Seat) -> Self {
        Self::new(params, random, Finale::AllSlots(seat))
    }

    fn new(params: &Params, random: ChaCha8Rng, finale: Finale) -> Self {
        Self {
            keys: params.key_names(),
            params: params.clone(),
            random,
            state: State::Idle,
            finale,
            is_finishing: false,
        }
    }

    fn pause(&mut self) -> Step {
        self.state = State::Pausing;
        if self.is_finishing {
            return match self.is_all_shown() {
                true => Step::Done,
                false => Step::Wait(RETRY),
            };
        }
        if self.params.burst {
            return Step::Gather;
        }
        let longest = 2 * self.params.pause();
        Step::Wait(self.random.random_range(Duration::ZERO..=longest))
    }

    fn acquire(&mut self) -> Step {
        let Some(key) = self.choose() else {
            return self.pause();
        };
        self.state = State::Acquiring(key.clone());
        Step::Invoke(Function::Acquire, key)
    }

    fn choose(&mut self) -> Option<Arc<str>> {
        match &self.finale {
            _ if !self.is_finishing => self.keys.choose(&mut self.random).cloned(),
            Finale::EachKey(unproven) => unproven.choose(&mut self.random).cloned(),
            // All go for the same, so that there are enough of them.
            Finale::AllSlots(seat) => seat.first_unproven(),
        }
    }

    fn is_all_shown(&self) -> bool {
        match &self.finale {
            Finale::EachKey(unproven) => unproven.is_empty(),
            Finale::AllSlots(seat) => seat.is_all_proven(),
        }
    }

    fn granted(&mut self, key: &Arc<str>) {
        if !self.is_finishing {
            return;
        }
        match &mut self.finale {
            Finale::EachKey(unproven) => unproven.retain(|unproven| unproven != key),
            Finale::AllSlots(seat) => seat.hold(key),
        }
    }

    /// Nothing is held any more.
    fn leave(&mut self) {
        if let Finale::AllSlots(seat) = &self.finale {
            seat.leave();
        }
    }

    fn hold_time(&mut self) -> Duration {
        if self.is_finishing {
            return Duration::ZERO;
        }
        self.random
            .random_range(Duration::ZERO..=2 * self.params.hold)
    }

    /// Waits until the next verify, or for what is left of the hold.
    fn hold(&mut self, key: Arc<str>, left: Duration) -> Step {
        let left = match &self.finale {
            // What was granted after the finish is held until all slots are held at the same time;
            // what was granted before shows nothing and is given back.
            Finale::AllSlots(seat) if seat.holds(&key) && !seat.is_proven(&key) => {
                2 * self.params.verify_every
            }
            _ => left,
        };
        let wait = left.min(self.params.verify_every);
        self.state = State::Holding {
            key,
            left: left - wait,
        };
        Step::Wait(wait)
    }

    fn release(&mut self, key: Arc<str>) -> Step {
        self.leave();
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
            slots: 1,
            files_decrements: false,
            burst: false,
        }
    }

    fn client(params: &Params, seed: u64) -> Box<dyn Client> {
        Box::new(Holder::of_each_key(params, ChaCha8Rng::seed_from_u64(seed)))
    }

    /// The functions of the operations that a client asks for while `answer` decides what becomes
    /// of them.
    fn operations(
        client: &mut dyn Client,
        count: usize,
        answer: impl Fn(&Function) -> Feedback,
    ) -> Vec<Function> {
        let mut seen = Vec::new();
        let mut last = Feedback::Ready;
        while seen.len() < count {
            last = match client.next(last) {
                Step::Invoke(function, _) => {
                    seen.push(function.clone());
                    answer(&function)
                }
                Step::Done => break,
                _ => Feedback::Ready,
            };
        }
        seen
    }

    #[test]
    fn a_hold_is_verified_and_then_released() {
        let seen = operations(&mut *client(&params(), 1), 200, |_| Feedback::Ok);
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
        let refused = operations(&mut *client(&params(), 2), 50, |_| Feedback::Fail);
        assert!(
            refused
                .iter()
                .all(|function| *function == Function::Acquire)
        );
        let lost = operations(&mut *client(&params(), 2), 50, |function| match function {
            Function::Acquire => Feedback::Ok,
            _ => Feedback::Lost,
        });
        assert!(
            lost.windows(2)
                .all(|pair| pair[0] == Function::Acquire || pair[1] == Function::Acquire)
        );
    }

    #[test]
    fn after_the_finish_every_key_is_granted_once_more() {
        let mut client = client(&params(), 3);
        operations(&mut *client, 7, |_| Feedback::Ok);
        client.finish();
        let mut granted = Vec::new();
        let mut last = Feedback::Ready;
        for _ in 0..1_000 {
            last = match client.next(last) {
                Step::Invoke(Function::Acquire, key) => {
                    granted.push(key);
                    Feedback::Ok
                }
                Step::Invoke(..) => Feedback::Ok,
                Step::Done => break,
                _ => Feedback::Ready,
            };
        }
        granted.sort();
        granted.dedup();
        assert_eq!(granted, params().key_names());
        assert_eq!(client.next(Feedback::Ready), Step::Done);
    }

    #[test]
    fn the_same_seed_gives_the_same_steps() {
        let steps = |seed| {
            let mut client = client(&params(), seed);
            (0..100)
                .map(|_| client.next(Feedback::Ok))
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
        assert_eq!(client.next(Feedback::Ready), Step::Gather);
        assert!(matches!(
            client.next(Feedback::Ready),
            Step::Invoke(Function::Acquire, _)
        ));
    }
}
