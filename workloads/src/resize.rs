//! The workload `resize`: clients hold slots while administrators add and remove them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use history::{Function, Value};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::audit::{Audit, Seat};
use crate::holder::{Holder, RETRY};
use crate::workload::Needs;
use crate::{Client, Feedback, Params, Step, Workload};

/// How many of the workers administer.
const ADMINISTRATORS: usize = 2;

/// How long an administrator waits between two actions, at most.
const PAUSE: Duration = Duration::from_millis(500);

/// How many more slots than at first a lock has at most.
const GROWTH: u32 = 1;

/// Clients that want a slot of one of a few locks, and administrators that change how many there
/// are.
pub(crate) struct Resize;

impl Workload for Resize {
    fn name(&self) -> &'static str {
        "resize"
    }

    fn summary(&self) -> &'static str {
        "as semaphore, while two administrators create, grow, shrink, count, repair and destroy the locks"
    }

    fn default_lock(&self) -> &'static str {
        "persistent-semaphore"
    }

    fn questions(&self) -> &'static [&'static str] {
        &[
            "slot-exclusion",
            "slot-existence",
            "slot-removal",
            "slot-sequence",
            "confirmed-exclusion",
            "exclusion",
            "progress",
        ]
    }

    fn judges(&self) -> &'static [&'static str] {
        &[
            "confirmed-exclusion",
            "exclusion",
            "overlap",
            "ownership",
            "slot-exclusion",
            "slot-existence",
            "slot-removal",
            "slot-sequence",
            "no-lost-decrement",
            "no-doubled-decrement",
            "progress",
        ]
    }

    fn needs(&self) -> Needs {
        Needs::Administration
    }

    fn concurrency(&self) -> u32 {
        8
    }

    fn slots(&self) -> u32 {
        3
    }

    fn most_slots(&self, slots: u32) -> u32 {
        slots + GROWTH
    }

    fn crew(&self, params: &Params, randoms: Vec<ChaCha8Rng>) -> Vec<Box<dyn Client>> {
        let audit = Audit::new(params.key_names(), None);
        let client = |(number, random)| {
            let seat = audit.seat(number);
            if number < ADMINISTRATORS {
                let is_first = number == 0;
                return Box::new(Administrator::new(params, random, seat, is_first))
                    as Box<dyn Client>;
            }
            Box::new(Holder::of_all_slots(params, random, seat))
        };
        randoms.into_iter().enumerate().map(client).collect()
    }
}

/// A client that administers; once the run's time is up it holds slots like the others.
struct Administrator {
    params: Params,
    random: ChaCha8Rng,
    seat: Seat,
    /// Whether it creates the locks, and repairs and counts them at the end.
    is_first: bool,
    keys: Vec<Arc<str>>,
    doing: Option<Act>,
    /// What is to be done before anything else.
    next: VecDeque<Act>,
    /// The slots that the last action brought.
    told: Vec<u32>,
    /// How many slots each lock had when this administrator last heard of them.
    known: BTreeMap<Arc<str>, u32>,
    finale: Option<Finale>,
}

/// What it does once the run's time is up.
enum Finale {
    /// To bring the locks in order.
    Settling,
    /// To hold slots.
    Holding(Box<Holder>),
}

/// One action on one lock.
#[derive(Clone, Debug, PartialEq)]
struct Act {
    function: Function,
    key: Arc<str>,
    value: Value,
    /// How often it is tried again where it fails.
    retries: u32,
}

/// How often what must be done is tried again: until the run is stopped.
const ALWAYS: u32 = u32::MAX;

impl Act {
    fn new(function: Function, key: &Arc<str>, value: Value) -> Self {
        Self {
            function,
            key: key.clone(),
            value,
            retries: 0,
        }
    }

    fn again(self, retries: u32) -> Self {
        Self { retries, ..self }
    }
}

impl Administrator {
    fn new(params: &Params, random: ChaCha8Rng, seat: Seat, is_first: bool) -> Self {
        let mut administrator = Self {
            params: params.clone(),
            random,
            seat,
            is_first,
            keys: params.key_names(),
            doing: None,
            next: VecDeque::new(),
            told: Vec::new(),
            known: BTreeMap::new(),
            finale: None,
        };
        if is_first {
            let creating = administrator.keys.iter();
            administrator.next = creating.map(|key| administrator.create(key)).collect();
        }
        administrator
    }

    fn create(&self, key: &Arc<str>) -> Act {
        let slots = (1..=self.params.slots).collect();
        Act::new(Function::Create, key, Value::Slots(slots)).again(3)
    }

    /// What follows from what was done.
    fn conclude(&mut self, act: Act, last: Feedback) {
        let told = std::mem::take(&mut self.told);
        if last == Feedback::Ok {
            self.note(&act, &told);
        }
        match (&act.function, last) {
            (Function::Shrink, Feedback::Ok) => self.shrunk(act, told),
            (Function::Destroy, _) if last != Feedback::Fail => {
                self.next.push_back(self.create(&act.key));
            }
            (Function::Count, Feedback::Ok) if self.finale.is_some() => match told.len() {
                0 => {
                    self.next.push_back(self.create(&act.key));
                    self.next.push_back(act);
                }
                slots => self
                    .seat
                    .counted(&act.key, u32::try_from(slots).unwrap_or(u32::MAX)),
            },
            (_, Feedback::Fail | Feedback::Lost) if act.retries > 0 => {
                let retries = act.retries - u32::from(act.retries != ALWAYS);
                self.next.push_front(act.again(retries));
            }
            _ => {}
        }
    }

    fn note(&mut self, act: &Act, told: &[u32]) {
        let last = told.last().copied().unwrap_or_default();
        let slots = match act.function {
            Function::Create | Function::Grow | Function::Count => last,
            Function::Shrink => last.saturating_sub(1),
            Function::Destroy => 0,
            _ => return,
        };
        self.known.insert(act.key.clone(), slots);
    }

    /// Now and then it waits for the holder of the slot; at the end it goes on until nothing is
    /// filed any more.
    fn shrunk(&mut self, act: Act, removed: Vec<u32>) {
        if self.finale.is_some() {
            self.next.push_front(act);
        } else if self.random.random_bool(0.5) {
            let wait = Act::new(Function::Wait, &act.key, Value::Slots(removed));
            self.next.push_back(wait.again(5));
        }
    }

    fn draw(&mut self) -> Option<Act> {
        let key = self.keys.choose(&mut self.random)?.clone();
        let most = self.params.slots + GROWTH;
        // What would be refused, as far as it knows, is seldom tried.
        let dice = match self.known.get(&key) {
            Some(slots) if *slots >= most => self.random.random_range(20..100),
            Some(1) => self.random.random_range(0..40),
            _ => self.random.random_range(0..100),
        };
        let act = |function| Act::new(function, &key, Value::None);
        // What is asked of a lock before anybody knows its slots is in no account.
        if self.params.files_decrements && !self.known.contains_key(&key) {
            return Some(act(Function::Count));
        }
        Some(match dice {
            0..25 => Act::new(Function::Grow, &key, Value::Slots(vec![most])),
            25..45 if self.params.files_decrements => act(Function::Request),
            25..75 => act(Function::Shrink),
            75..86 => act(Function::Count),
            86..95 => act(Function::Overshoot),
            // A lock that begins anew tells nothing of the decrements of the one before.
            _ if self.params.files_decrements => act(Function::Count),
            _ => act(Function::Destroy),
        })
    }

    /// Carries out what is filed, closes gaps, and counts.
    fn settle(&mut self) {
        for key in &self.keys.clone() {
            let act = |function| Act::new(function, key, Value::None);
            if self.params.files_decrements {
                // The last of them fails: nothing is filed.
                self.next.push_back(act(Function::Shrink).again(3));
            }
            self.next.push_back(act(Function::Overshoot).again(ALWAYS));
            self.next.push_back(act(Function::Count).again(ALWAYS));
        }
    }

    fn wait(&mut self) -> Step {
        if self.finale.is_some() {
            return Step::Wait(RETRY);
        }
        Step::Wait(self.random.random_range(Duration::ZERO..=PAUSE))
    }

    fn act(&mut self) -> Step {
        let drawn = self.next.pop_front().or_else(|| self.draw());
        let Some(act) = drawn else {
            return self.wait();
        };
        self.doing = Some(act.clone());
        Step::InvokeWith(act.function, act.key, act.value)
    }
}

impl Client for Administrator {
    fn next(&mut self, last: Feedback) -> Step {
        if let Some(Finale::Holding(holder)) = &mut self.finale {
            return holder.next(last);
        }
        if let Some(act) = self.doing.take() {
            self.conclude(act, last);
            return self.wait();
        }
        if self.finale.is_some() && self.next.is_empty() {
            let mut holder =
                Holder::of_all_slots(&self.params, self.random.clone(), self.seat.clone());
            holder.finish();
            let step = holder.next(Feedback::Ready);
            self.finale = Some(Finale::Holding(Box::new(holder)));
            return step;
        }
        self.act()
    }

    fn told(&mut self, value: &Value) {
        match (&mut self.finale, value) {
            (Some(Finale::Holding(holder)), value) => holder.told(value),
            (_, Value::Slots(slots)) => self.told.clone_from(slots),
            _ => {}
        }
    }

    fn finish(&mut self) {
        if self.finale.is_none() {
            self.finale = Some(Finale::Settling);
            self.next.clear();
            if self.is_first {
                self.settle();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng;

    use super::*;

    fn params(files_decrements: bool) -> Params {
        Params {
            concurrency: 8,
            rate_per_second: 20.0,
            keys: 1,
            hold: Duration::from_millis(200),
            verify_every: Duration::from_millis(50),
            slots: 3,
            files_decrements,
            burst: false,
        }
    }

    fn crew(params: &Params) -> Vec<Box<dyn Client>> {
        let randoms = (0..8).map(ChaCha8Rng::seed_from_u64).collect();
        Resize.crew(params, randoms)
    }

    #[test]
    fn an_administrator_creates_first_and_does_everything_sooner_or_later() {
        for files_decrements in [false, true] {
            let mut seen = Vec::new();
            let client = &mut crew(&params(files_decrements))[0];
            let mut last = Feedback::Ready;
            for _ in 0..2_000 {
                last = match client.next(last) {
                    Step::InvokeWith(function, _, value) => {
                        client.told(&Value::Slots(vec![3]));
                        assert_eq!(
                            value == Value::None,
                            !matches!(function, Function::Create | Function::Grow | Function::Wait)
                        );
                        seen.push(function);
                        Feedback::Ok
                    }
                    _ => Feedback::Ready,
                };
            }
            assert_eq!(seen.first(), Some(&Function::Create));
            let kinds: BTreeSet<_> = seen.iter().collect();
            assert_eq!(kinds.len(), 7, "{kinds:?}");
            let after_destroy = seen.windows(2).filter(|pair| pair[0] == Function::Destroy);
            assert_eq!(after_destroy.clone().count() > 0, !files_decrements);
            assert!(
                after_destroy
                    .into_iter()
                    .all(|pair| pair[1] == Function::Create)
            );
        }
    }

    #[test]
    fn who_files_decrements_first_learns_how_many_slots_there_are() {
        let first_of = |files_decrements, seed| {
            let mut crew = Resize.crew(
                &params(files_decrements),
                (seed..seed + 8).map(ChaCha8Rng::seed_from_u64).collect(),
            );
            let mut steps = std::iter::repeat_with(|| crew[1].next(Feedback::Ready));
            let first = steps.find_map(|step| match step {
                Step::InvokeWith(function, ..) => Some(function),
                _ => None,
            });
            first.expect("it administers")
        };
        let all = |files| -> BTreeSet<_> { (0..50).map(|seed| first_of(files, seed)).collect() };
        assert_eq!(all(true), [Function::Count].into());
        assert!(all(false).len() > 1, "others begin with what they draw");
    }

    #[test]
    fn at_the_end_the_first_repairs_and_counts_and_all_hold_what_was_counted() {
        let mut crew = crew(&params(true));
        for client in &mut crew {
            client.finish();
        }
        let mut seen = Vec::new();
        let mut last = Feedback::Ready;
        let mut step = |client: &mut dyn Client, seen: &mut Vec<Function>| {
            last = match client.next(last) {
                Step::InvokeWith(function, ..) | Step::Invoke(function, _) => {
                    let was_filed = function == Function::Shrink && seen.is_empty();
                    if function == Function::Count {
                        client.told(&Value::Slots(vec![1, 2]));
                    }
                    seen.push(function.clone());
                    match function {
                        Function::Shrink if !was_filed => Feedback::Fail,
                        _ => Feedback::Ok,
                    }
                }
                _ => Feedback::Ready,
            };
        };
        for _ in 0..60 {
            step(&mut *crew[0], &mut seen);
        }
        let acts: Vec<_> = seen
            .iter()
            .filter(|act| act.is_administration())
            .cloned()
            .collect();
        use Function::{Count, Overshoot, Shrink};
        assert_eq!(acts[..2], [Shrink, Shrink]);
        assert_eq!(acts[acts.len() - 2..], [Overshoot, Count]);
        assert!(seen.contains(&Function::Acquire), "{seen:?}");
    }
}
