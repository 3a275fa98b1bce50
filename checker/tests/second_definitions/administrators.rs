//! Small histories of administered locks by chance: slots come and go while clients hold them, what
//! is said of them is wrong now and then, and what nobody knows the outcome of may come late.

use std::collections::BTreeSet;

use history::{
    Answer, Draft, Function, Grant, History, Kind as Phase, Lease, Mark, Mode, Outline, Value,
};

use super::WORKERS;
use super::generator::Dice;
use super::scribe::Scribe;

const KEYS: [&str; 2] = ["a", "b"];

#[derive(Clone)]
struct Worker {
    process: u32,
    pending: Option<Pending>,
}

#[derive(Clone)]
struct Pending {
    function: Function,
    key: usize,
    /// What it did, once it took effect.
    done: Option<Done>,
}

/// The slots that it did it to; nothing if it was refused.
type Done = Option<Vec<u32>>;

#[derive(Clone, Default)]
struct Lock {
    slots: BTreeSet<u32>,
    /// Those that were removed last.
    removed: Vec<u32>,
    holders: Vec<(u32, u32)>,
    is_there: bool,
}

impl Lock {
    fn is_held_by(&self, process: u32) -> bool {
        self.holders.iter().any(|(holder, _)| *holder == process)
    }
}

/// What is chosen once for a history.
struct Ways {
    keys: u32,
    /// One answer in so many is wrong.
    wrong: u32,
    /// One outcome in so many is not known.
    unknown: u32,
    /// Of ten grants, so many name their slots.
    named: u32,
    /// Of ten operations, so many change slots or look for them.
    administered: u32,
    is_shared: bool,
    /// Whether one slot is granted to several, and holders outlive their slots.
    is_broken: bool,
}

struct World<'a> {
    dice: &'a mut Dice,
    scribe: Scribe,
    workers: Vec<Worker>,
    locks: [Lock; 2],
    ways: Ways,
    /// Who does what nobody knows the outcome of, and may still do it.
    late: Vec<(u32, Pending)>,
}

pub(crate) fn history(dice: &mut Dice) -> History {
    let ways = Ways {
        keys: 1 + u32::from(dice.rarely(4)),
        wrong: [10, 40, 1_000][dice.below(3) as usize],
        unknown: [8, 20, 1_000][dice.below(3) as usize],
        named: [0, 9, 10, 10, 10][dice.below(5) as usize],
        administered: [1, 3, 5, 9][dice.below(4) as usize],
        is_shared: dice.rarely(8),
        is_broken: dice.rarely(3),
    };
    let workers = (0..WORKERS).map(|process| Worker {
        process,
        pending: None,
    });
    let mut world = World {
        scribe: Scribe::default(),
        workers: workers.collect(),
        locks: <[Lock; 2]>::default(),
        ways,
        late: Vec::new(),
        dice,
    };
    let steps = 4 + world.dice.below(28);
    let settles = world.dice.below(4 * steps);
    if settles < steps {
        world.scribe.note(Draft::begin(Outline::default()));
    }
    world.start();
    for step in 0..steps {
        if step == settles {
            world.scribe.note(Draft::mark(Mark::Settle));
        }
        world.step();
    }
    if !world.dice.rarely(3) {
        world.finish();
    }
    world.scribe.finish()
}

impl World<'_> {
    /// Most locks are created first, others are there already.
    fn start(&mut self) {
        for key in 0..self.ways.keys as usize {
            if self.dice.rarely(3) {
                self.locks[key].slots = (1..=self.dice.below(3)).collect();
                self.locks[key].is_there = true;
            } else {
                self.begin(0, Function::Create, key);
                self.end(0);
            }
        }
    }

    /// Everything ends, and the slots are counted.
    fn finish(&mut self) {
        for worker in 0..WORKERS as usize {
            self.end(worker);
        }
        for key in 0..self.ways.keys as usize {
            self.begin(0, Function::Count, key);
            self.end(0);
        }
    }

    fn step(&mut self) {
        self.scribe.pass(self.dice.below(3));
        if !self.late.is_empty() && self.dice.rarely(6) {
            let (process, mut pending) = self.late.remove(0);
            self.take_effect(process, &mut pending);
        }
        let worker = self.dice.below(WORKERS) as usize;
        if self.workers[worker].pending.is_some() {
            return self.end(worker);
        }
        let key = self.dice.below(self.ways.keys) as usize;
        let function = match self.dice.below(10) < self.ways.administered {
            true => self.administration(key),
            false => self.use_of(worker, key),
        };
        let is_told = function == Function::Lost;
        self.begin(worker, function, key);
        if is_told {
            self.end(worker);
        }
    }

    fn administration(&mut self, key: usize) -> Function {
        if !self.locks[key].removed.is_empty() && self.dice.rarely(4) {
            return Function::Wait;
        }
        match self.dice.below(20) {
            0..=3 => Function::Grow,
            4..=7 => Function::Shrink,
            8..=10 => Function::Overshoot,
            11..=15 => Function::Count,
            16 => Function::Destroy,
            17 | 18 => Function::Wait,
            _ if self.locks[key].is_there && !self.dice.rarely(4) => Function::Count,
            _ => Function::Create,
        }
    }

    fn use_of(&mut self, worker: usize, key: usize) -> Function {
        let process = self.workers[worker].process;
        match (self.dice.below(20), self.locks[key].is_held_by(process)) {
            (0..=6, true) | (0 | 1, false) => Function::Release,
            (7..=12, true) | (2..=5, false) => Function::Verify,
            (13, true) | (6, false) => Function::Lost,
            _ => Function::Acquire,
        }
    }

    fn begin(&mut self, worker: usize, function: Function, key: usize) {
        let is_shared = self.ways.is_shared && self.dice.rarely(2);
        let asked = match function {
            Function::Acquire if is_shared => Value::Mode(Mode::Read),
            _ => Value::None,
        };
        self.push(worker, Phase::Invoke, &function, key, |draft| {
            draft.with(asked)
        });
        let mut pending = Pending {
            function,
            key,
            done: None,
        };
        if self.dice.rarely(2) {
            self.take_effect(self.workers[worker].process, &mut pending);
        }
        self.workers[worker].pending = Some(pending);
    }

    fn push(
        &mut self,
        worker: usize,
        phase: Phase,
        function: &Function,
        key: usize,
        change: impl FnOnce(Draft) -> Draft,
    ) {
        let process = self.workers[worker].process;
        self.scribe
            .tell(process, phase, (function, KEYS[key]), change);
    }

    fn end(&mut self, worker: usize) {
        let Some(mut pending) = self.workers[worker].pending.take() else {
            return;
        };
        let process = self.workers[worker].process;
        let (function, key) = (pending.function.clone(), pending.key);
        if function != Function::Lost && self.dice.rarely(self.ways.unknown) {
            if pending.done.is_none() {
                self.late.push((process, pending));
            }
            self.push(worker, Phase::Info, &function, key, |draft| draft);
            self.workers[worker].process += WORKERS;
            return;
        }
        self.take_effect(process, &mut pending);
        let done = pending.done.flatten();
        let is_wrong = self.dice.rarely(self.ways.wrong);
        if function == Function::Verify {
            let is_held = done.is_some() != is_wrong;
            let held = self.lease().map_or(Answer::Held, Answer::Leased);
            let answer = if is_held { held } else { Answer::Lost };
            return self.push(worker, Phase::Ok, &function, key, |draft| {
                draft.answering(answer)
            });
        }
        let is_done = done.is_some() != is_wrong || function == Function::Lost;
        let is_claimed = function.is_administration() && is_wrong;
        if !is_done && !is_claimed {
            return self.fail(worker, &function, key);
        }
        let slots = match is_wrong {
            true => self.wrong_slots(done.unwrap_or_default()),
            false => done.unwrap_or_default(),
        };
        let value = self.told(&function, slots);
        self.push(worker, Phase::Ok, &function, key, |draft| draft.with(value));
    }

    fn lease(&mut self) -> Option<Lease> {
        let lease = Lease::from_ms(u64::from(1 + self.dice.below(12)));
        lease.filter(|_| self.dice.rarely(4))
    }

    fn told(&mut self, function: &Function, slots: Vec<u32>) -> Value {
        let is_named = self.dice.below(10) < self.ways.named;
        match function {
            Function::Acquire => Value::Grant(Grant {
                slot: slots.first().copied().filter(|_| is_named),
                token: 0,
                lease: self.lease(),
            }),
            Function::Destroy if self.dice.rarely(2) => Value::None,
            _ if function.is_administration() && !self.dice.rarely(10) => Value::Slots(slots),
            _ => Value::None,
        }
    }

    /// One more, one less, or another.
    fn wrong_slots(&mut self, mut slots: Vec<u32>) -> Vec<u32> {
        if !self.dice.rarely(3) {
            slots.pop();
        }
        if self.dice.rarely(2) {
            slots.push(self.dice.below(5));
        }
        slots
    }

    fn fail(&mut self, worker: usize, function: &Function, key: usize) {
        let (why, observed) = match self.dice.below(6) {
            0 => ("not-sent", false),
            1 => ("busy", false),
            _ => ("busy", true),
        };
        self.push(worker, Phase::Fail, function, key, |draft| {
            let draft = draft.because(why, "");
            if observed { draft.observed() } else { draft }
        });
    }

    /// What the service does, unless it did it already.
    fn take_effect(&mut self, process: u32, pending: &mut Pending) {
        if pending.done.is_some() {
            return;
        }
        let done = match pending.function {
            Function::Acquire => self.grant(process, pending.key),
            Function::Release | Function::Lost => self.let_go(process, pending.key),
            Function::Verify => self.locks[pending.key].is_held_by(process).then(Vec::new),
            _ => self.administer(&pending.function, pending.key),
        };
        pending.done = Some(done);
    }

    fn grant(&mut self, process: u32, key: usize) -> Done {
        let (is_taken_twice, is_gone, is_last) = (
            self.ways.is_broken && self.dice.rarely(3),
            self.ways.is_broken && self.dice.rarely(4),
            self.dice.rarely(2),
        );
        let lock = &mut self.locks[key];
        let is_held = |slot: &u32| lock.holders.iter().any(|(_, held)| held == slot);
        let slots = lock.slots.iter().copied();
        let mut free = slots.filter(|slot| is_taken_twice || !is_held(slot));
        let slot = match lock.removed.first() {
            Some(removed) if is_gone => *removed,
            _ if is_last => free.next_back()?,
            _ => free.next()?,
        };
        lock.holders.push((process, slot));
        Some(vec![slot])
    }

    fn let_go(&mut self, process: u32, key: usize) -> Done {
        let holders = &mut self.locks[key].holders;
        let place = holders.iter().rposition(|(holder, _)| *holder == process)?;
        Some(vec![holders.remove(place).1])
    }

    fn administer(&mut self, function: &Function, key: usize) -> Done {
        let mut lock = self.locks[key].clone();
        if lock.is_there == (*function == Function::Create) {
            return None;
        }
        let slots = match function {
            Function::Create => (1..=1 + self.dice.below(2)).collect(),
            Function::Grow => self.new_slots(&lock),
            Function::Shrink => self.one_of(&lock.slots),
            Function::Overshoot => behind_a_gap(&lock.slots),
            Function::Wait => lock.removed.clone(),
            _ => lock.slots.iter().copied().collect(),
        };
        lock.is_there = *function != Function::Destroy;
        match function {
            Function::Create | Function::Grow => lock.slots.extend(&slots),
            Function::Count => {}
            Function::Wait if self.ways.is_broken => {}
            Function::Wait => lock.holders.retain(|(_, slot)| !slots.contains(slot)),
            _ => {
                lock.slots.retain(|slot| !slots.contains(slot));
                if !self.ways.is_broken {
                    lock.holders.retain(|(_, slot)| !slots.contains(slot));
                }
                lock.removed = slots.clone();
            }
        }
        self.locks[key] = lock;
        (*function != Function::Shrink || !slots.is_empty()).then_some(slots)
    }

    /// In the first gap, or behind them all.
    fn new_slots(&mut self, lock: &Lock) -> Vec<u32> {
        let behind = lock.slots.last().map_or(1, |last| last + 1);
        let gap = (1..behind).find(|slot| !lock.slots.contains(slot));
        let first = gap.filter(|_| !self.dice.rarely(4)).unwrap_or(behind);
        vec![first]
    }

    /// Mostly the last one.
    fn one_of(&mut self, slots: &BTreeSet<u32>) -> Vec<u32> {
        let any = slots.iter().copied().find(|_| self.dice.rarely(6));
        any.or(slots.last().copied()).into_iter().collect()
    }
}

fn behind_a_gap(slots: &BTreeSet<u32>) -> Vec<u32> {
    let gap = (1..).find(|slot| !slots.contains(slot)).unwrap_or(0);
    slots.iter().copied().filter(|slot| *slot > gap).collect()
}
