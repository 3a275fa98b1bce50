//! A lock whose slots are made and removed while clients hold them, and what goes wrong with that.

use std::collections::BTreeSet;

use history::fault::Note;
use history::{Answer, Draft, Function, Grant, History, HistoryBuilder, Kind, Process, Value};

use super::{Choices, WORKERS};

struct Worker {
    process: u32,
    pending: Option<Function>,
}

struct World<'a> {
    choices: Choices<'a>,
    builder: HistoryBuilder,
    time_ns: u64,
    workers: Vec<Worker>,
    slots: BTreeSet<u32>,
    /// Who holds which slot, whether it still exists or not.
    holders: Vec<(u32, u32)>,
    requests: u32,
    removed: Option<u32>,
    faults: u64,
    is_broken: bool,
    /// Whether holders of removed slots are left alone.
    spares_holders: bool,
}

pub(super) fn history_of(mut choices: Choices<'_>) -> History {
    let is_made = choices.below(4) != Some(3);
    let is_finished = choices.below(8) != Some(7);
    let spares_holders = choices.below(3) == Some(2);
    let worker = |process| Worker {
        process,
        pending: None,
    };
    let mut world = World {
        choices,
        builder: HistoryBuilder::default(),
        time_ns: 0,
        workers: (0..WORKERS).map(worker).collect(),
        slots: BTreeSet::new(),
        holders: Vec::new(),
        requests: 0,
        removed: None,
        faults: 0,
        is_broken: false,
        spares_holders,
    };
    if is_made {
        world.slots = BTreeSet::from([1, 2, 3]);
        world.push(0, Kind::Invoke, &Function::Create, |draft| draft);
        world.list(0, &Function::Create, [1, 2, 3]);
    }
    while world.step().is_some() {}
    if is_finished {
        world.finish();
    }
    world.builder.finish()
}

impl World<'_> {
    fn step(&mut self) -> Option<()> {
        self.time_ns += u64::from(self.choices.below(4)?) * 500_000;
        let worker = self.choices.below(WORKERS as u8)? as usize;
        if self.choices.rarely(24)? {
            self.break_or_heal(worker);
            return Some(());
        }
        match self.workers[worker].pending.clone() {
            None => self.begin(worker),
            Some(function) => self.end(worker, &function),
        }
    }

    fn break_or_heal(&mut self, worker: usize) {
        self.is_broken = !self.is_broken;
        self.faults += u64::from(self.is_broken);
        let id = self.faults;
        let note = if self.is_broken {
            super::inject(id, "cut", self.workers[worker].process)
        } else {
            Note::heal(id)
        };
        self.builder
            .push(self.time_ns, Draft::fault("cut", note))
            .expect("the world keeps to the rules");
    }

    fn push(
        &mut self,
        worker: usize,
        kind: Kind,
        function: &Function,
        change: impl FnOnce(Draft) -> Draft,
    ) {
        let process = Process::Client(self.workers[worker].process);
        let draft = Draft::new(process, kind, function.clone()).on("lock-0");
        self.builder
            .push(self.time_ns, change(draft))
            .expect("the world keeps to the rules");
        self.workers[worker].pending = Some(function.clone()).filter(|_| kind == Kind::Invoke);
    }

    fn list(&mut self, worker: usize, function: &Function, slots: impl IntoIterator<Item = u32>) {
        let slots = Value::Slots(slots.into_iter().collect());
        self.push(worker, Kind::Ok, function, |draft| draft.with(slots));
    }

    fn fail(&mut self, worker: usize, function: &Function, kind: &'static str) {
        self.push(worker, Kind::Fail, function, |draft| {
            draft.because(kind, "no").observed()
        });
    }

    fn begin(&mut self, worker: usize) -> Option<()> {
        let process = self.workers[worker].process;
        let own = self.holders.iter().filter(|(holder, _)| *holder == process);
        let holds = own.clone().next().is_some();
        let holds_removed = own.clone().any(|(_, slot)| !self.slots.contains(slot));
        let function = match self.choices.below(20)? {
            0..4 if holds_removed => Function::Verify,
            0..5 if holds => Function::Release,
            0..5 => Function::Acquire,
            5..8 if holds => Function::Verify,
            5..9 => Function::Request,
            9..12 => Function::Shrink,
            12..15 => Function::Count,
            15 | 16 => Function::Grow,
            17 => Function::Overshoot,
            18 => Function::Wait,
            _ if self.choices.rarely(4)? => Function::Destroy,
            _ => Function::Grow,
        };
        self.push(worker, Kind::Invoke, &function, |draft| draft);
        Some(())
    }

    fn end(&mut self, worker: usize, function: &Function) -> Option<()> {
        let is_wrong = self.choices.rarely(6)?;
        if self.choices.rarely(30)? {
            return self.lose_answer(worker, function);
        }
        self.answer(worker, function, is_wrong);
        Some(())
    }

    /// Nobody knows whether it took effect.
    fn lose_answer(&mut self, worker: usize, function: &Function) -> Option<()> {
        match function {
            Function::Shrink if self.choices.rarely(2)? => drop(self.slots.pop_last()),
            Function::Request if self.choices.rarely(2)? => self.requests += 1,
            _ => {}
        }
        self.push(worker, Kind::Info, function, |draft| {
            draft.because("timeout", "no answer")
        });
        self.workers[worker].process += WORKERS;
        Some(())
    }

    /// What the lock does, and what it answers.
    fn answer(&mut self, worker: usize, function: &Function, is_wrong: bool) {
        let process = self.workers[worker].process;
        let is_held = |slot: &u32| self.holders.iter().any(|(_, held)| held == slot);
        let own = self.holders.iter().rfind(|(holder, _)| *holder == process);
        let own = own.map(|(_, slot)| *slot);
        match function {
            Function::Acquire => {
                let free = self.slots.iter().rfind(|slot| !is_held(slot)).copied();
                let gone = self.removed.filter(|_| is_wrong);
                match gone.or(free) {
                    Some(slot) => {
                        self.holders.push((process, slot));
                        let grant = Grant {
                            slot: Some(slot),
                            ..Grant::default()
                        };
                        self.push(worker, Kind::Ok, function, |draft| {
                            draft.with(Value::Grant(grant))
                        });
                    }
                    None => self.fail(worker, function, "busy"),
                }
            }
            Function::Verify => {
                let is_there =
                    own.is_some_and(|slot| self.spares_holders || self.slots.contains(&slot));
                let answer = if is_there != is_wrong {
                    Answer::Held
                } else {
                    Answer::Lost
                };
                self.push(worker, Kind::Ok, function, |draft| draft.answering(answer));
            }
            Function::Release => {
                self.holders.retain(|(holder, _)| *holder != process);
                if is_wrong {
                    self.fail(worker, function, "not-held");
                } else {
                    self.push(worker, Kind::Ok, function, |draft| draft);
                }
            }
            Function::Request => {
                self.requests += u32::from(!is_wrong);
                self.push(worker, Kind::Ok, function, |draft| draft);
            }
            Function::Shrink if self.requests == 0 && !is_wrong => {
                self.fail(worker, function, "nothing-requested");
            }
            Function::Shrink => {
                // What goes wrong is that the request stays, or was never there.
                self.requests = self.requests.saturating_sub(u32::from(!is_wrong));
                let removed = self.slots.pop_last();
                self.removed = removed.or(self.removed);
                self.list(worker, function, removed);
            }
            Function::Grow => {
                let leaves_gap = is_wrong || self.slots.len() > 3;
                let next = self.slots.last().copied().unwrap_or(0) + 1 + u32::from(leaves_gap);
                self.slots.insert(next);
                self.list(worker, function, [next]);
            }
            Function::Overshoot => {
                let whole = (1..).take_while(|slot| self.slots.contains(slot)).count();
                let keep = |slot: &u32| is_wrong || *slot as usize <= whole;
                let removed: Vec<u32> = self
                    .slots
                    .iter()
                    .copied()
                    .filter(|slot| !keep(slot))
                    .collect();
                self.slots.retain(keep);
                self.list(worker, function, removed);
            }
            Function::Wait => self.list(worker, function, self.removed),
            Function::Destroy => {
                let removed = std::mem::take(&mut self.slots);
                self.list(worker, function, removed);
            }
            _ => {
                let missed = self.slots.first().copied().filter(|_| is_wrong);
                let found = self
                    .slots
                    .clone()
                    .into_iter()
                    .filter(|slot| Some(*slot) != missed);
                self.list(worker, function, found);
            }
        }
    }

    /// Everything ends, and the slots are counted.
    fn finish(&mut self) {
        if self.is_broken {
            self.break_or_heal(0);
        }
        for worker in 0..self.workers.len() {
            if let Some(function) = self.workers[worker].pending.clone() {
                self.answer(worker, &function, false);
            }
        }
        for function in [Function::Shrink, Function::Count] {
            self.time_ns += 500_000;
            self.push(0, Kind::Invoke, &function, |draft| draft);
            self.answer(0, &function, false);
        }
    }
}
