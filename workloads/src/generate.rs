//! Large lock histories by construction: what `prover generate` writes.
//!
//! A mutex is simulated in which every grant and every release takes effect at one instant between
//! its two events, so the history is valid under `owner-mutex`, however many operations crash. One
//! double hold can be planted: one grant comes while somebody else holds the lock and has not asked
//! to release it.
//!
//! ```
//! use workloads::generate::{Generator, Plan, Violation};
//!
//! let plan = Plan { operations: 1_000, concurrency: 5, crashed: 3, violation: Violation::End, seed: 1 };
//! let mut builder = history::HistoryBuilder::default();
//! for (time, draft) in Generator::new(plan) {
//!     builder.push(time, draft)?;
//! }
//! assert_eq!(builder.finish().operations().count(), 1_000);
//! # Ok::<(), history::RuleError>(())
//! ```

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::str::FromStr;
use std::sync::Arc;

use history::{Draft, Function, Grant, Kind, Process, Value};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Where a double hold is planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// Nowhere.
    None,
    /// As late as it can be.
    End,
    /// At the first grant that can be one after this many operations were invoked.
    After(u64),
}

/// The text is none of `none`, `end` and a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a violation is planted at \"none\", at \"end\", or after a number of operations")]
pub struct ViolationError;

impl FromStr for Violation {
    type Err = ViolationError;

    fn from_str(text: &str) -> Result<Self, ViolationError> {
        match text {
            "none" => Ok(Self::None),
            "end" => Ok(Self::End),
            _ => text.parse().map(Self::After).map_err(|_| ViolationError),
        }
    }
}

/// What is to be generated.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many operations are invoked.
    pub operations: u64,
    /// How many workers there are, at least two.
    pub concurrency: u32,
    /// How many of the operations end in `info`, spread evenly; some of them have taken effect.
    pub crashed: u64,
    /// Whether and where two hold the lock.
    pub violation: Violation,
    /// The seed of all choices.
    pub seed: u64,
}

/// What happens next to a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// It asks for the lock.
    Ask,
    /// It learns that it has the lock.
    Granted { token: u64, planted: bool },
    /// It begins to give the lock back.
    GiveBack { planted: bool },
    /// The lock is free again.
    Freed,
    /// It learns that the lock was given back.
    Released,
    /// It learns nothing about its acquire or release.
    Crash { acquire: bool },
    /// It gives up before it asked the service.
    GaveUp,
}

/// Makes the events of a [`Plan`] one after the other, with their times; it takes no more memory
/// than the workers need.
#[derive(Debug)]
pub struct Generator {
    plan: Plan,
    rng: ChaCha8Rng,
    key: Arc<str>,
    /// By time, and by the order in which they were planned.
    steps: BinaryHeap<Reverse<(u64, u64, u32, Step)>>,
    planned: u64,
    /// The process as which each worker acts now.
    processes: Vec<u32>,
    waiting: VecDeque<u32>,
    held: bool,
    token: u64,
    invoked: u64,
    /// Operations that were invoked, and releases that will be.
    promised: u64,
    crashes: u64,
    planted: bool,
}

/// Nanoseconds between a request and its effect, and between the effect and the answer.
const WIRE_NS: std::ops::Range<u64> = 20_000..120_000;
/// Nanoseconds for which a lock is held, and between two turns of a worker.
const HOLD_NS: std::ops::Range<u64> = 50_000..400_000;
/// Nanoseconds after which a worker gives an answer up.
const TIMEOUT_NS: u64 = 5_000_000;

impl Generator {
    /// Begins anew.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let mut generator = Self {
            plan,
            rng: ChaCha8Rng::seed_from_u64(plan.seed),
            key: "lock-0".into(),
            steps: BinaryHeap::new(),
            planned: 0,
            processes: (0..plan.concurrency).collect(),
            waiting: VecDeque::new(),
            held: false,
            token: 0,
            invoked: 0,
            promised: 0,
            crashes: 0,
            planted: false,
        };
        for worker in 0..plan.concurrency {
            let start = generator.rng.random_range(HOLD_NS);
            generator.later(start, worker, Step::Ask);
        }
        generator
    }

    /// Whether the violation has been planted.
    #[must_use]
    pub fn is_planted(&self) -> bool {
        self.planted
    }

    fn later(&mut self, time: u64, worker: u32, step: Step) {
        self.planned += 1;
        self.steps.push(Reverse((time, self.planned, worker, step)));
    }

    fn wire(&mut self) -> u64 {
        self.rng.random_range(WIRE_NS)
    }

    fn take(&mut self, now: u64, worker: u32, step: Step) -> Option<Draft> {
        match step {
            Step::Ask => self.ask(now, worker),
            Step::Granted { token, planted } => Some(self.granted(now, worker, token, planted)),
            Step::GiveBack { planted } => Some(self.give_back(now, worker, planted)),
            Step::Freed => {
                self.held = false;
                self.grant(now);
                None
            }
            Step::Released => Some(self.turn_over(now, worker, Kind::Ok, Function::Release)),
            Step::GaveUp => {
                let draft = self.turn_over(now, worker, Kind::Fail, Function::Acquire);
                Some(draft.because("timeout", "gave up before asking"))
            }
            Step::Crash { acquire } => {
                let function = if acquire {
                    Function::Acquire
                } else {
                    Function::Release
                };
                let draft = self.turn_over(now, worker, Kind::Info, function);
                self.processes[worker as usize] += self.plan.concurrency;
                Some(draft.because("timeout", "no answer within 5 ms"))
            }
        }
    }

    fn draft(&self, worker: u32, kind: Kind, function: Function) -> Draft {
        Draft::new(
            Process::Client(self.processes[worker as usize]),
            kind,
            function,
        )
        .on(self.key.clone())
    }

    /// Ends an operation after which the worker has its next turn.
    fn turn_over(&mut self, now: u64, worker: u32, kind: Kind, function: Function) -> Draft {
        let pause = self.rng.random_range(HOLD_NS);
        self.later(now + pause, worker, Step::Ask);
        self.draft(worker, kind, function)
    }

    fn ask(&mut self, now: u64, worker: u32) -> Option<Draft> {
        let left = self.plan.operations - self.promised;
        if left == 0 {
            return None;
        }
        self.promised += 1;
        if self.invoke_to_crash() {
            // It must not take effect: nobody could release it any more.
            self.later(now + TIMEOUT_NS, worker, Step::Crash { acquire: true });
        } else if left == 1 {
            let soon = self.wire();
            self.later(now + soon, worker, Step::GaveUp);
        } else {
            self.promised += 1;
            self.waiting.push_back(worker);
            self.grant(now);
        }
        Some(self.draft(worker, Kind::Invoke, Function::Acquire))
    }

    /// Counts an invocation, and tells whether it is one of those that crash.
    fn invoke_to_crash(&mut self) -> bool {
        self.invoked += 1;
        let due = u128::from(self.invoked) * u128::from(self.plan.crashed)
            / u128::from(self.plan.operations);
        let crashes = u128::from(self.crashes) < due;
        self.crashes += u64::from(crashes);
        crashes
    }

    /// Gives a free lock to whoever waits longest.
    fn grant(&mut self, now: u64) {
        if self.held {
            return;
        }
        if let Some(worker) = self.waiting.pop_front() {
            self.held = true;
            let answered = now + self.wire() + self.wire();
            self.answer(answered, worker, false);
        }
    }

    fn answer(&mut self, time: u64, worker: u32, planted: bool) {
        self.token += 1;
        self.later(
            time,
            worker,
            Step::Granted {
                token: self.token,
                planted,
            },
        );
    }

    fn granted(&mut self, now: u64, worker: u32, token: u64, planted: bool) -> Draft {
        let hold = self.rng.random_range(HOLD_NS);
        self.later(now + hold, worker, Step::GiveBack { planted });
        if self.is_time_to_plant()
            && let Some(second) = self.waiting.pop_front()
        {
            self.planted = true;
            self.answer(now + hold / 2, second, true);
        }
        self.draft(worker, Kind::Ok, Function::Acquire)
            .with(Value::Grant(Grant {
                slot: None,
                token,
                ..Grant::default()
            }))
    }

    fn is_time_to_plant(&self) -> bool {
        let after = match self.plan.violation {
            Violation::None => return false,
            Violation::End => self
                .plan
                .operations
                .saturating_sub(2 * u64::from(self.plan.concurrency)),
            Violation::After(operations) => operations,
        };
        !self.planted && self.invoked >= after
    }

    fn give_back(&mut self, now: u64, worker: u32, planted: bool) -> Draft {
        let freed = now + self.wire();
        if !planted {
            self.later(freed, worker, Step::Freed);
        }
        if self.invoke_to_crash() {
            self.later(now + TIMEOUT_NS, worker, Step::Crash { acquire: false });
        } else {
            let answered = freed + self.wire();
            self.later(answered, worker, Step::Released);
        }
        self.draft(worker, Kind::Invoke, Function::Release)
    }
}

impl Iterator for Generator {
    type Item = (u64, Draft);

    fn next(&mut self) -> Option<(u64, Draft)> {
        while let Some(Reverse((now, _, worker, step))) = self.steps.pop() {
            if let Some(draft) = self.take(now, worker, step) {
                return Some((now, draft));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use checker::model::named;
    use checker::search::{Decision, Limits, linearizable};
    use history::{History, HistoryBuilder};
    use proptest::prelude::*;

    use super::*;

    fn generate(plan: Plan) -> (History, bool) {
        let mut builder = HistoryBuilder::default();
        let mut generator = Generator::new(plan);
        for (time, draft) in generator.by_ref() {
            builder.push(time, draft).expect("well-formed");
        }
        (builder.finish(), generator.is_planted())
    }

    fn is_valid(history: &History, model: &str) -> bool {
        let decisions = linearizable(&*named(model).expect("a model"), history, &Limits::none());
        match &decisions[0].decision {
            Decision::Valid { .. } => true,
            Decision::Violated { .. } => false,
            Decision::Unknown(reason) => panic!("{reason}"),
        }
    }

    proptest! {
        #[test]
        fn a_history_has_what_was_planned(
            operations in 1..400_u64, concurrency in 2..8_u32, share in 0..=20_u64, at in 0..400_u64, seed: u64,
        ) {
            let crashed = operations * share / 100;
            for violation in [Violation::None, Violation::End, Violation::After(at)] {
                let (history, planted) = generate(Plan { operations, concurrency, crashed, violation, seed });
                let count = |kind| history.operations().filter(|operation| operation.outcome() == kind).count() as u64;
                prop_assert_eq!(history.operations().count() as u64, operations);
                prop_assert_eq!(count(Kind::Info), crashed);
                prop_assert_eq!(is_valid(&history, "fenced"), !planted);
                prop_assert_eq!(is_valid(&history, "owner-mutex"), !planted);
            }
        }

        #[test]
        fn the_same_seed_makes_the_same_history(seed: u64) {
            let plan = Plan { operations: 50, concurrency: 3, crashed: 2, violation: Violation::None, seed };
            prop_assert_eq!(generate(plan).0, generate(plan).0);
            let other = Plan { seed: seed ^ 1, ..plan };
            prop_assert_ne!(generate(plan).0, generate(other).0);
        }
    }

    #[test]
    fn a_violation_is_planted_where_it_is_asked_for() {
        for seed in 0..50 {
            for (violation, least) in [
                (Violation::End, 9_900),
                (Violation::After(5_000), 5_000),
                (Violation::After(0), 0),
            ] {
                let plan = Plan {
                    operations: 10_000,
                    concurrency: 20,
                    crashed: 100,
                    violation,
                    seed,
                };
                let mut generator = Generator::new(plan);
                assert!(generator.by_ref().count() > 19_000);
                assert!(generator.is_planted());
                let mut generator = Generator::new(plan);
                while !generator.is_planted() {
                    generator.next();
                }
                assert!(
                    (least..least + 100).contains(&generator.invoked),
                    "at {}",
                    generator.invoked
                );
            }
        }
    }

    #[test]
    fn violations_have_names() {
        assert_eq!("none".parse(), Ok(Violation::None));
        assert_eq!("end".parse(), Ok(Violation::End));
        assert_eq!("17".parse(), Ok(Violation::After(17)));
        assert_eq!("often".parse::<Violation>(), Err(ViolationError));
    }
}
