//! Small histories by chance: clients of a lock that mostly works, with ties, unknown outcomes,
//! several keys, grants to who holds already, slots that come and go, and faults.

use std::collections::BTreeSet;

use history::fault::{Class, Note, Parameters, Targets};
use history::{Answer, Draft, Function, Grant, History, Kind as Phase, Lease, Mode, Value};

use super::WORKERS;
use super::scribe::Scribe;

/// What happens in the histories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Locks,
    /// Grants carry tokens.
    Fenced,
    /// Faults strike and heal, and little else happens.
    Faulty,
    /// Slots are made, removed and held.
    Administered,
    /// Slots are made, removed, requested to go, and counted.
    Counted,
}

/// Chance from a seed: SplitMix64.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let upper = u32::try_from((mixed ^ (mixed >> 31)) >> 32).expect("32 bits are left");
        upper % end
    }

    /// Once in so many times.
    pub(crate) fn rarely(&mut self, times: u32) -> bool {
        self.below(times) == 0
    }
}

#[derive(Clone)]
struct Worker {
    process: u32,
    pending: Option<(Function, &'static str, Value)>,
}

struct World<'a> {
    dice: &'a mut Dice,
    kind: Kind,
    scribe: Scribe,
    workers: Vec<Worker>,
    holders: Vec<(u32, &'static str, u32)>,
    slots: BTreeSet<u32>,
    requests: u32,
    token: u64,
    keys: u32,
    modes: bool,
    names: bool,
    /// Whether the service grants leases, and takes back at any time what was granted.
    leases: bool,
    /// The length of all of them, if they do not differ.
    lease_ms: Option<u32>,
    says_healed: bool,
    fault: (u64, &'static str),
}

pub(crate) fn history(dice: &mut Dice, kind: Kind, slots: u32) -> History {
    let is_administered = matches!(kind, Kind::Administered | Kind::Counted);
    let workers = (0..WORKERS).map(|process| Worker {
        process,
        pending: None,
    });
    let mut world = World {
        kind,
        scribe: Scribe::default(),
        workers: workers.collect(),
        holders: Vec::new(),
        slots: if is_administered {
            BTreeSet::new()
        } else {
            (1..=slots).collect()
        },
        requests: 0,
        token: 0,
        keys: if is_administered || !dice.rarely(4) {
            1
        } else {
            2
        },
        modes: matches!(kind, Kind::Locks | Kind::Fenced) && dice.rarely(4),
        names: is_administered && !dice.rarely(3),
        leases: kind != Kind::Fenced && kind != Kind::Counted && dice.rarely(2),
        lease_ms: Some(1 + dice.below(9)).filter(|_| dice.rarely(2)),
        says_healed: dice.rarely(2),
        fault: (0, "none"),
        dice,
    };
    if is_administered && !world.dice.rarely(6) {
        world.begin(0, Function::Create, "a", Value::None);
        world.end(0);
    }
    for _ in 0..8 + world.dice.below(22) {
        world.step();
    }
    if is_administered && !world.dice.rarely(3) {
        world.finish();
    }
    world.scribe.finish()
}

impl World<'_> {
    fn step(&mut self) {
        self.scribe.pass(self.dice.below(4).saturating_sub(1));
        let is_faulty = matches!(self.kind, Kind::Faulty | Kind::Administered);
        if is_faulty && self.dice.rarely(10) {
            return self.break_or_heal();
        }
        if self.leases && !self.holders.is_empty() && self.dice.rarely(6) {
            let over = self.dice.below(self.holders.len() as u32) as usize;
            self.holders.swap_remove(over);
        }
        let worker = self.dice.below(WORKERS) as usize;
        if self.workers[worker].pending.is_some() {
            return self.end(worker);
        }
        let key = if self.dice.below(self.keys) == 0 {
            "a"
        } else {
            "b"
        };
        let function = match self.kind {
            Kind::Counted => self.administration(),
            Kind::Administered if self.dice.rarely(2) => self.administration(),
            _ => self.use_of(worker, key),
        };
        let asked = match self.dice.below(4) {
            0 | 1 if self.modes && function == Function::Acquire => Value::Mode(Mode::Read),
            2 if self.modes && function == Function::Acquire => Value::Mode(Mode::Write),
            _ => Value::None,
        };
        let is_told = function == Function::Lost;
        self.begin(worker, function, key, asked);
        if is_told {
            self.end(worker);
        }
    }

    fn use_of(&mut self, worker: usize, key: &str) -> Function {
        let process = self.workers[worker].process;
        let holds = self
            .holders
            .iter()
            .any(|(holder, of, _)| *holder == process && *of == key);
        match (self.dice.below(20), holds) {
            (0..=8, true) | (0, false) => Function::Release,
            (9..=13, true) | (1, false) => Function::Verify,
            (14, true) | (2, false) => Function::Lost,
            _ => Function::Acquire,
        }
    }

    fn administration(&mut self) -> Function {
        match self.dice.below(16) {
            0 | 1 => Function::Grow,
            2..=4 => Function::Shrink,
            5 => Function::Overshoot,
            6..=9 => Function::Count,
            10 if self.dice.rarely(4) => Function::Destroy,
            11 if self.dice.rarely(3) => Function::Create,
            _ => Function::Request,
        }
    }

    fn begin(&mut self, worker: usize, function: Function, key: &'static str, asked: Value) {
        self.push(worker, Phase::Invoke, &function, key, |draft| {
            draft.with(asked.clone())
        });
        self.workers[worker].pending = Some((function, key, asked));
    }

    fn push(
        &mut self,
        worker: usize,
        phase: Phase,
        function: &Function,
        key: &str,
        change: impl FnOnce(Draft) -> Draft,
    ) {
        let process = self.workers[worker].process;
        self.scribe.tell(process, phase, (function, key), change);
    }

    fn end(&mut self, worker: usize) {
        let Some((function, key, _)) = self.workers[worker].pending.take() else {
            return;
        };
        let process = self.workers[worker].process;
        if function != Function::Lost && self.dice.rarely(11) {
            if self.dice.rarely(2) {
                self.take_effect(process, &function, key);
            }
            self.push(worker, Phase::Info, &function, key, |draft| draft);
            self.workers[worker].process += WORKERS;
            return;
        }
        let is_wrong = self.dice.rarely(7);
        let done = self.take_effect(process, &function, key);
        match (&function, done) {
            (Function::Verify, done) => {
                let renewal = self.lease().filter(|_| !self.dice.rarely(3));
                let answer = if done.is_some() != is_wrong {
                    renewal.map_or(Answer::Held, Answer::Leased)
                } else {
                    Answer::Lost
                };
                self.push(worker, Phase::Ok, &function, key, |draft| {
                    draft.answering(answer)
                });
            }
            (Function::Acquire, done) if done.is_some() != is_wrong => {
                let value = self.granted(done);
                self.push(worker, Phase::Ok, &function, key, |draft| draft.with(value));
            }
            (_, Some(slots)) if function.is_administration() => {
                let slots = if is_wrong && self.dice.rarely(2) {
                    vec![2]
                } else {
                    slots
                };
                let says = function != Function::Request && !self.dice.rarely(20);
                let value = if says {
                    Value::Slots(slots)
                } else {
                    Value::None
                };
                self.push(worker, Phase::Ok, &function, key, |draft| draft.with(value));
            }
            (Function::Lost, _) => self.push(worker, Phase::Ok, &function, key, |draft| draft),
            (Function::Release, done) if done.is_some() != is_wrong => {
                self.push(worker, Phase::Ok, &function, key, |draft| draft);
            }
            _ => self.fail(worker, &function, key),
        }
    }

    /// Mostly a short one, and mostly one at all.
    fn lease(&mut self) -> Option<Lease> {
        let most = if self.dice.rarely(5) { 30 } else { 7 };
        let milliseconds = 1 + self.dice.below(most);
        let milliseconds = self.lease_ms.unwrap_or(milliseconds);
        let lease = Lease::from_ms(milliseconds.into());
        lease.filter(|_| self.leases && !self.dice.rarely(8))
    }

    fn fail(&mut self, worker: usize, function: &Function, key: &str) {
        let (why, observed) = match self.dice.below(8) {
            0 => ("not-sent", false),
            1 => ("busy", false),
            _ if *function == Function::Shrink => ("nothing-requested", true),
            _ => ("busy", true),
        };
        self.push(worker, Phase::Fail, function, key, |draft| {
            let draft = draft.because(why, "");
            if observed { draft.observed() } else { draft }
        });
    }

    fn granted(&mut self, done: Option<Vec<u32>>) -> Value {
        if self.modes && self.dice.rarely(5) {
            return Value::Mode(Mode::Read);
        }
        self.token += u64::from(self.dice.below(2) + 1);
        let token = match self.dice.below(8) {
            _ if self.kind != Kind::Fenced => 0,
            0 => 0,
            1 | 2 => self.token.saturating_sub(u64::from(self.dice.below(4))),
            _ => self.token,
        };
        let slot = done.and_then(|slots| slots.first().copied());
        let slot = slot.filter(|_| self.names);
        let lease = self.lease();
        Value::Grant(Grant { slot, token, lease })
    }

    /// What the service does, and the slots that it did it to; nothing if it does not.
    fn take_effect(
        &mut self,
        process: u32,
        function: &Function,
        key: &'static str,
    ) -> Option<Vec<u32>> {
        let own = |(holder, of, _): &(u32, &str, u32)| *holder == process && *of == key;
        match function {
            Function::Acquire => {
                let held = |slot: &u32| {
                    self.holders
                        .iter()
                        .any(|(_, of, other)| *of == key && other == slot)
                };
                let free = self.slots.iter().copied().find(|slot| !held(slot));
                let again = self
                    .holders
                    .iter()
                    .rfind(|holder| own(holder))
                    .map(|(.., slot)| *slot);
                let slot = free.or(again.filter(|_| self.dice.rarely(2)))?;
                self.holders.push((process, key, slot));
                Some(vec![slot])
            }
            Function::Release | Function::Lost => {
                let place = self.holders.iter().rposition(own)?;
                Some(vec![self.holders.remove(place).2])
            }
            Function::Verify => self.holders.iter().any(own).then(Vec::new),
            Function::Create | Function::Grow => {
                let first = self.slots.last().map_or(1, |last| last + 1);
                let made: Vec<u32> = (first..=first + self.dice.below(2)).collect();
                self.slots.extend(&made);
                Some(made)
            }
            Function::Request => {
                self.requests += 1;
                Some(Vec::new())
            }
            Function::Shrink if self.requests == 0 && !self.dice.rarely(6) => None,
            Function::Shrink => {
                self.requests = self.requests.saturating_sub(1);
                (!self.dice.rarely(8)).then(|| self.slots.pop_last().into_iter().collect())
            }
            Function::Overshoot => Some(self.slots.pop_last().into_iter().collect()),
            Function::Destroy => Some(std::mem::take(&mut self.slots).into_iter().collect()),
            _ => Some(self.slots.iter().copied().collect()),
        }
    }

    fn break_or_heal(&mut self) {
        let (id, phase) = self.fault;
        let (id, phase) = match phase {
            "inject" => (id, "heal"),
            "heal" if self.says_healed => (id, "healed"),
            _ => (id + 1, "inject"),
        };
        self.fault = (id, phase);
        let note = match phase {
            "inject" => Note::Inject {
                id,
                class: Class::Breaking,
                targets: Targets::Processes(vec![0]),
                parameters: Parameters::new(),
            },
            "heal" => Note::heal(id),
            _ => Note::healed(id),
        };
        self.scribe.note(Draft::fault("cut", note));
    }

    /// Everything ends, what was requested is carried out, and the slots are counted.
    fn finish(&mut self) {
        for worker in 0..WORKERS as usize {
            self.end(worker);
        }
        if self.fault.1 == "inject" {
            self.break_or_heal();
        }
        if self.says_healed && self.fault.1 == "heal" {
            self.break_or_heal();
        }
        for function in [Function::Shrink, Function::Count] {
            self.begin(0, function, "a", Value::None);
            self.end(0);
        }
        if self.kind != Kind::Administered {
            return;
        }
        for _ in 0..self.dice.below(20) {
            self.scribe.pass(self.dice.below(3));
            let worker = 1 + self.dice.below(2) as usize;
            let function = self.use_of(worker, "a");
            match &self.workers[worker].pending {
                Some(_) => self.end(worker),
                None if function == Function::Lost => {}
                None => self.begin(worker, function, "a", Value::None),
            }
        }
    }
}
