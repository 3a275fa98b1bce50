//! The workloads `guarded` and `guarded-fenced`: a resource outside the broker is read, changed and
//! written while the lock is held.

use std::sync::Arc;
use std::time::Duration;

use history::{Function, Value};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::holder::RETRY;
use crate::workload::Needs;
use crate::{Client, Feedback, Params, Step, Workload};

/// Clients that add one to a number which only the holder of its lock may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guarded {
    /// The resource takes what it is given.
    Unfenced,
    /// The resource refuses whoever comes with an older token than it has seen.
    Fenced,
}

impl Workload for Guarded {
    fn name(&self) -> &'static str {
        match self {
            Self::Unfenced => "guarded",
            Self::Fenced => "guarded-fenced",
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            Self::Unfenced => {
                "acquire, read a number outside the broker, verify, work, write the next number, release"
            }
            Self::Fenced => {
                "as guarded, and the number is kept by a resource that refuses older fencing tokens than it has seen"
            }
        }
    }

    fn default_lock(&self) -> &'static str {
        match self {
            Self::Unfenced => "exclusive-queue",
            Self::Fenced => "fenced-mutex",
        }
    }

    fn questions(&self) -> &'static [&'static str] {
        match self {
            Self::Unfenced => &[
                "no-lost-update",
                "confirmed-exclusion",
                "exclusion",
                "progress",
            ],
            Self::Fenced => &[
                "no-lost-update",
                "fencing",
                "confirmed-exclusion",
                "exclusion",
                "progress",
            ],
        }
    }

    /// Without fencing no lock keeps updates: a client may stand still between its verify and its
    /// write.
    fn judges(&self) -> &'static [&'static str] {
        match self {
            Self::Unfenced => &[
                "confirmed-exclusion",
                "exclusion",
                "overlap",
                "ownership",
                "fencing",
                "progress",
            ],
            Self::Fenced => &[
                "confirmed-exclusion",
                "exclusion",
                "overlap",
                "ownership",
                "fencing",
                "no-lost-update",
                "progress",
            ],
        }
    }

    fn needs(&self) -> Needs {
        match self {
            Self::Unfenced => Needs::Nothing,
            Self::Fenced => Needs::Tokens,
        }
    }

    /// It verifies once, between the two halves of its hold.
    fn longest_silence(&self, params: &Params) -> Duration {
        params.hold
    }

    fn crew(&self, params: &Params, randoms: Vec<ChaCha8Rng>) -> Vec<Box<dyn Client>> {
        let client = |random| {
            Box::new(Writer {
                keys: params.key_names(),
                params: params.clone(),
                random,
                state: State::Idle,
                number: 0,
                unread: None,
            }) as Box<dyn Client>
        };
        randoms.into_iter().map(client).collect()
    }
}

struct Writer {
    keys: Vec<Arc<str>>,
    params: Params,
    random: ChaCha8Rng,
    state: State,
    /// What was read last.
    number: u64,
    /// The keys that are still to be read once more; set when the run's time is up.
    unread: Option<Vec<Arc<str>>>,
}

/// What the step that was handed out last was for.
enum State {
    Idle,
    Pausing,
    Acquiring(Arc<str>),
    Reading(Arc<str>),
    Holding(Arc<str>),
    Verifying(Arc<str>),
    Working(Arc<str>),
    Writing(Arc<str>),
    Releasing,
}

impl Client for Writer {
    fn next(&mut self, last: Feedback) -> Step {
        if last == Feedback::Lost {
            return self.pause();
        }
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle | State::Releasing => self.pause(),
            State::Pausing => self.acquire(),
            State::Acquiring(key) if last == Feedback::Ok => {
                self.state = State::Reading(key.clone());
                Step::Invoke(Function::Read, key)
            }
            State::Acquiring(_) => self.pause(),
            State::Reading(key) if last == Feedback::Ok => self.was_read(key),
            State::Holding(key) => {
                self.state = State::Verifying(key.clone());
                Step::Invoke(Function::Verify, key)
            }
            State::Verifying(key) if last == Feedback::Ok => self.work(key),
            State::Working(key) => self.write(key),
            State::Reading(key) | State::Verifying(key) | State::Writing(key) => self.release(key),
        }
    }

    fn told(&mut self, value: &Value) {
        if let (State::Reading(_), Value::Data(json)) = (&self.state, value)
            && let Some(number) = json.as_u64()
        {
            self.number = number;
        }
    }

    fn finish(&mut self) {
        if self.unread.is_none() {
            self.unread = Some(self.keys.clone());
        }
    }
}

impl Writer {
    fn pause(&mut self) -> Step {
        self.state = State::Pausing;
        match &self.unread {
            Some(keys) if keys.is_empty() => Step::Done,
            Some(_) => Step::Wait(RETRY),
            None if self.params.burst => Step::Gather,
            None => {
                let longest = 2 * self.params.pause();
                Step::Wait(self.random.random_range(Duration::ZERO..=longest))
            }
        }
    }

    fn acquire(&mut self) -> Step {
        let choice = self.unread.as_ref().unwrap_or(&self.keys);
        let Some(key) = choice.choose(&mut self.random).cloned() else {
            return Step::Done;
        };
        self.state = State::Acquiring(key.clone());
        Step::Invoke(Function::Acquire, key)
    }

    fn was_read(&mut self, key: Arc<str>) -> Step {
        if let Some(keys) = &mut self.unread {
            keys.retain(|unread| *unread != key);
            return self.release(key);
        }
        self.state = State::Holding(key);
        Step::Wait(self.half_of_the_hold())
    }

    /// The longer the holder takes after its last look at the lock, the more can happen before it
    /// writes.
    fn work(&mut self, key: Arc<str>) -> Step {
        self.state = State::Working(key);
        Step::Work(self.half_of_the_hold())
    }

    fn half_of_the_hold(&mut self) -> Duration {
        self.random.random_range(Duration::ZERO..=self.params.hold)
    }

    /// Once the run's time is up nothing is written any more, so that every write is read
    /// afterwards.
    fn write(&mut self, key: Arc<str>) -> Step {
        if self.unread.is_some() {
            return self.release(key);
        }
        self.state = State::Writing(key.clone());
        let next = Value::data((self.number + 1).into());
        Step::InvokeWith(Function::Write, key, next)
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

    fn client() -> Box<dyn Client> {
        let params = Params {
            concurrency: 1,
            rate_per_second: 20.0,
            keys: 1,
            hold: Duration::from_millis(200),
            verify_every: Duration::from_millis(50),
            slots: 1,
            files_decrements: false,
            burst: false,
        };
        let randoms = vec![ChaCha8Rng::seed_from_u64(1)];
        Guarded::Unfenced.crew(&params, randoms).remove(0)
    }

    /// What a client does while everything succeeds and the number is what was written last.
    fn steps(client: &mut dyn Client, count: usize, number: &mut u64) -> Vec<Function> {
        let mut seen = Vec::new();
        let mut last = Feedback::Ready;
        for _ in 0..count {
            last = match client.next(last) {
                Step::Invoke(function, _) => {
                    if function == Function::Read {
                        client.told(&Value::data((*number).into()));
                    }
                    seen.push(function);
                    Feedback::Ok
                }
                Step::InvokeWith(function, _, Value::Data(json)) => {
                    seen.push(function);
                    *number = json.as_u64().expect("a number");
                    Feedback::Ok
                }
                Step::Done => break,
                _ => Feedback::Ready,
            };
        }
        seen
    }

    #[test]
    fn every_turn_adds_one() {
        let mut number = 41;
        let seen = steps(&mut *client(), 9, &mut number);
        use Function::{Acquire, Read, Release, Verify, Write};
        assert_eq!(seen, [Acquire, Read, Verify, Write, Release]);
        assert_eq!(number, 42);
    }

    #[test]
    fn at_the_end_everything_is_read_once_more_and_nothing_written() {
        let mut client = client();
        let mut number = 7;
        steps(&mut *client, 9, &mut number);
        client.finish();
        let seen = steps(&mut *client, 20, &mut number);
        use Function::{Acquire, Read, Release};
        assert_eq!(seen, [Acquire, Read, Release]);
        assert_eq!(number, 8);
    }
}
