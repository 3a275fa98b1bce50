//! Small histories by chance in which faults strike those who hold locks, ask for them, or do
//! something else: sessions that break and come again, losses, grants to two at one time, windows
//! that overlap, have no end or no length.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use checker::Scope;
use history::fault::{Class, Effect, Note, Parameters, Phase, Role, Struck, Targets};
use history::{
    Answer, Draft, Function, Grant, History, HistoryBuilder, Kind, Lease, Mark, Mode, Outline,
    Process, Value,
};

use super::generator::Dice;

const FAULTS: [(&str, Class); 7] = [
    ("cut", Class::Breaking),
    ("partition", Class::Isolating),
    ("pause", Class::Halting),
    ("freeze", Class::Halting),
    ("slow", Class::Slowing),
    ("grow", Class::Changing),
    ("shrink", Class::Changing),
];

/// Why nobody knows how an operation ended; mostly the connection is gone.
const ERRORS: [&str; 11] = [
    "connection",
    "connection-closed",
    "connection-reset",
    "io",
    "heartbeat-missed",
    "not-sent",
    "crashed",
    "timeout",
    "timeout",
    "disconnection",
    "",
];

/// Why an operation failed, and whether the server said so.
const FAILURES: [(&str, bool); 7] = [
    ("busy", true),
    ("busy", true),
    ("busy", true),
    ("not-sent", true),
    ("not-sent", false),
    ("busy", false),
    ("timeout", false),
];

struct Worker {
    process: u32,
    pending: Option<Pending>,
}

struct Pending {
    function: Function,
    key: &'static str,
    asked: Value,
}

/// What the service takes for held.
struct Held {
    process: u32,
    key: &'static str,
    slot: u32,
    shared: bool,
}

struct Fault {
    id: u64,
    name: &'static str,
    class: Class,
    processes: Vec<u32>,
    /// What was noted last.
    phase: Phase,
}

struct World<'a> {
    dice: &'a mut Dice,
    builder: HistoryBuilder,
    time_ns: u64,
    slots: u32,
    workers: Vec<Worker>,
    held: Vec<Held>,
    /// Whether some fault makes its targets administrators.
    has_changes: bool,
    /// The faults that strike in this history.
    names: Vec<(&'static str, Class)>,
    /// Those of which more may be heard.
    faults: Vec<Fault>,
    injected: u64,
    keys: u32,
    has_modes: bool,
    says_slots: bool,
    has_leases: bool,
    may_settle: bool,
}

/// A history and what is known beside it.
pub(crate) fn case(dice: &mut Dice) -> (History, Scope) {
    let workers = if dice.rarely(8) { 1 } else { 2 + dice.below(2) };
    let slots = if dice.rarely(2) { 1 } else { 1 + dice.below(3) };
    let names = chosen(dice);
    let scope = Scope {
        slots: NonZeroU32::new(slots).expect("not 0"),
        workers: NonZeroU32::new(workers).filter(|_| !dice.rarely(6)),
        faults: selected(dice, &names),
        ..Scope::default()
    };
    let effects = asked(dice, &scope.faults);
    let struck = demanded(dice, &scope.faults);
    let world = World {
        builder: HistoryBuilder::default(),
        time_ns: 0,
        slots,
        workers: (0..workers).map(Worker::new).collect(),
        held: Vec::new(),
        has_changes: names.iter().any(|(_, class)| *class == Class::Changing),
        names,
        faults: Vec::new(),
        injected: 0,
        keys: 1 + u32::from(dice.rarely(4)),
        has_modes: dice.rarely(4),
        says_slots: dice.rarely(2),
        has_leases: dice.rarely(3),
        may_settle: dice.rarely(2),
        dice,
    };
    let history = world.play();
    let scope = Scope {
        effects,
        struck,
        ..scope
    };
    (history, scope)
}

fn any_fault(dice: &mut Dice) -> (&'static str, Class) {
    FAULTS[dice.below(FAULTS.len() as u32) as usize]
}

/// One fault or two.
fn chosen(dice: &mut Dice) -> Vec<(&'static str, Class)> {
    let number = 1 + u32::from(dice.rarely(4));
    let mut names: Vec<_> = (0..number).map(|_| any_fault(dice)).collect();
    names.dedup();
    names
}

/// Which faults were selected: sometimes fewer than strike, sometimes one that never does.
fn selected(dice: &mut Dice, names: &[(&str, Class)]) -> Vec<String> {
    if dice.rarely(8) {
        return Vec::new();
    }
    let mut names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
    if dice.rarely(8) {
        names.pop();
    }
    if dice.rarely(14) {
        names.push("never");
    }
    names.into_iter().map(str::to_owned).collect()
}

/// Effects that are asked for in place of what is due: of all faults, or of some.
fn asked(dice: &mut Dice, faults: &[String]) -> BTreeMap<String, Effect> {
    let of_all = match dice.below(10) {
        0 => Some(Effect::None),
        1 => Some(Effect::Delayed),
        2 => Some(Effect::Changed),
        3 => None,
        _ => return BTreeMap::new(),
    };
    let mut asked = BTreeMap::new();
    for fault in faults {
        let effect = of_all.unwrap_or(Effect::ALL[dice.below(Effect::ALL.len() as u32) as usize]);
        if of_all.is_some() || dice.rarely(2) {
            asked.insert(fault.clone(), effect);
        }
    }
    asked
}

/// How often selected faults are asked to strike whom; of others that must not be asked.
fn demanded(dice: &mut Dice, faults: &[String]) -> Struck {
    let mut struck = Struck::new();
    for fault in faults {
        for _ in 0..dice.below(4).saturating_sub(1) {
            let least = [0, 1, 1, 1, 1, 1, 1, 2][dice.below(8) as usize];
            let role = any_role(dice);
            let roles = struck.entry(fault.clone()).or_default();
            roles.insert(role, least);
        }
    }
    struck
}

/// Often one that has something to lose.
fn any_role(dice: &mut Dice) -> Role {
    match dice.below(2) {
        0 => Role::Holder,
        _ => Role::ALL[dice.below(Role::ALL.len() as u32) as usize],
    }
}

impl Worker {
    fn new(process: u32) -> Self {
        Self {
            process,
            pending: None,
        }
    }
}

impl World<'_> {
    fn play(mut self) -> History {
        if self.may_settle {
            self.push(Draft::begin(Outline::default()));
        }
        for _ in 0..30 + self.dice.below(40) {
            self.step();
        }
        self.builder.finish()
    }

    fn push(&mut self, draft: Draft) {
        self.builder
            .push(self.time_ns, draft)
            .expect("the world keeps to the rules");
    }

    fn step(&mut self) {
        self.time_ns += u64::from(self.dice.below(4).saturating_sub(1)) * 1_000_000;
        if self.may_settle && self.dice.rarely(90) {
            self.may_settle = false;
            return self.push(Draft::mark(Mark::Settle));
        }
        if self.dice.rarely(4) {
            return self.break_or_heal();
        }
        let worker = match self.administrator() {
            Some(worker) if self.dice.rarely(2) => worker,
            _ => self.any_worker(),
        };
        match self.class_that_strikes(worker) {
            Some(class) if !self.dice.rarely(6) => self.suffer(worker, class),
            _ => self.go_on(worker),
        }
    }
}

/// What the nemesis does.
impl World<'_> {
    fn break_or_heal(&mut self) {
        let is_quiet = self.faults.is_empty();
        let most = if self.has_changes { 5 } else { 3 };
        let harmless = if self.has_changes { 3 } else { 6 };
        let is_harmless = self.held.is_empty() && !self.dice.rarely(harmless);
        if self.injected < most && !is_harmless && (is_quiet || self.dice.rarely(4)) {
            self.inject();
        } else if !is_quiet {
            self.note();
        }
    }

    /// The next note of a fault, unless nothing more is heard of it.
    fn note(&mut self) {
        let place = self.dice.below(self.faults.len() as u32) as usize;
        let lasts = self.faults[place].class == Class::Changing;
        if lasts && self.dice.rarely(3) {
            return;
        }
        let mut fault = self.faults.swap_remove(place);
        if self.dice.rarely(if lasts { 24 } else { 12 }) {
            return;
        }
        let id = fault.id;
        let (phase, note) = match fault.phase {
            Phase::Inject if !self.dice.rarely(if lasts { 8 } else { 4 }) => {
                (Phase::On, Note::on(id))
            }
            Phase::Inject => {
                let missed = self.dice.rarely(2);
                (Phase::Heal, Note::Heal { id, missed })
            }
            Phase::On => (Phase::Heal, Note::heal(id)),
            _ => (Phase::Healed, Note::healed(id)),
        };
        self.push(Draft::fault(fault.name, note));
        fault.phase = phase;
        if phase != Phase::Healed {
            self.faults.push(fault);
        }
    }

    fn inject(&mut self) {
        let (name, class) = self.names[self.dice.below(self.names.len() as u32) as usize];
        let mut fault = Fault {
            id: self.injected,
            name,
            class,
            processes: vec![self.victim()],
            phase: Phase::Inject,
        };
        if self.dice.rarely(12) {
            fault.class = any_fault(self.dice).1;
        }
        while self.dice.rarely(4) {
            fault.processes.push(self.victim());
        }
        if self.dice.rarely(20) {
            fault.processes.push(self.another_session());
        }
        if class == Class::Changing && self.dice.rarely(6) {
            fault.processes = vec![self.another_session()];
        }
        let note = Note::Inject {
            id: fault.id,
            class: fault.class,
            targets: match self.dice.below(30) {
                0 => Targets::Nodes(fault.processes.clone()),
                _ => Targets::Processes(fault.processes.clone()),
            },
            parameters: self.parameters(),
        };
        self.injected += 1;
        self.faults.push(fault);
        self.push(Draft::fault(name, note));
    }

    /// Often who holds a lock, or is about something that is aimed at.
    fn victim(&mut self) -> u32 {
        let worker = self.any_worker();
        let anybody = self.workers[worker].process;
        match self.dice.below(8) {
            0..=3 => self.held.last().map_or(anybody, |held| held.process),
            4 => anybody,
            _ => self.aimed_at().unwrap_or(anybody),
        }
    }

    /// The first worker that is about something by chance.
    fn aimed_at(&mut self) -> Option<u32> {
        let aim = self.dice.below(5);
        let is_about = |worker: &&Worker| {
            let function = worker.pending.as_ref().map(|pending| &pending.function);
            match aim {
                0 => function == Some(&Function::Acquire),
                1 => function == Some(&Function::Verify),
                2 => function == Some(&Function::Release),
                3 => function.is_some_and(Function::is_administration),
                _ => function.is_none() && !self.holds(worker.process),
            }
        };
        let mut workers = self.workers.iter();
        workers.find(is_about).map(|worker| worker.process)
    }

    fn holds(&self, process: u32) -> bool {
        self.held.iter().any(|held| held.process == process)
    }

    /// A session of some worker that is over, or has not begun.
    fn another_session(&mut self) -> u32 {
        let worker = self.any_worker();
        let workers = self.workers.len() as u32;
        let process = self.workers[worker].process;
        process.checked_sub(workers).unwrap_or(process + workers)
    }

    fn parameters(&mut self) -> Parameters {
        let connection = match self.dice.below(4) {
            0 => "lives",
            1 => "stands",
            _ => return Parameters::new(),
        };
        Parameters::from([("connection".to_owned(), connection.into())])
    }

    fn any_worker(&mut self) -> usize {
        self.dice.below(self.workers.len() as u32) as usize
    }

    /// The worker that a fault makes an administrator, in whatever session.
    fn administrator(&self) -> Option<usize> {
        let mut faults = self.faults.iter();
        let fault = faults.find(|fault| fault.class == Class::Changing)?;
        Some(fault.processes[0] as usize % self.workers.len())
    }

    /// Whether a fault tells a session to administer locks.
    fn is_told(&self, process: u32) -> bool {
        let mut faults = self.faults.iter();
        faults.any(|fault| fault.class == Class::Changing && fault.processes.contains(&process))
    }

    fn class_that_strikes(&self, worker: usize) -> Option<Class> {
        let process = self.workers[worker].process;
        let mut faults = self.faults.iter().rev();
        let strikes = |fault: &&Fault| {
            fault.processes.contains(&process) && [Phase::Inject, Phase::On].contains(&fault.phase)
        };
        faults.find(strikes).map(|fault| fault.class)
    }
}

/// What clients do.
impl World<'_> {
    /// What a worker does that is struck: mostly it waits, and its lock is taken away.
    fn suffer(&mut self, worker: usize, class: Class) {
        let harmless = if class == Class::Changing { 3 } else { 2 };
        if self.dice.rarely(harmless) {
            let process = self.workers[worker].process;
            self.held.retain(|held| held.process != process);
        }
        match (class, &self.workers[worker].pending) {
            (Class::Halting, _) => {}
            (Class::Changing, Some(_)) if !self.dice.rarely(4) => self.end(worker),
            (_, Some(_)) if self.dice.rarely(2) => self.lose_track(worker),
            (_, Some(_)) => {}
            (Class::Breaking, None) if self.dice.rarely(2) => self.tell_loss(worker),
            (_, None) => self.begin(worker),
        }
    }

    fn go_on(&mut self, worker: usize) {
        if self.workers[worker].pending.is_some() {
            return self.end(worker);
        }
        match self.dice.below(40) {
            0 => self.respawn(worker),
            1 => self.tell_loss(worker),
            _ => self.begin(worker),
        }
    }

    fn respawn(&mut self, worker: usize) {
        self.workers[worker].process += self.workers.len() as u32;
    }

    fn key(&mut self) -> &'static str {
        ["a", "b"][self.dice.below(self.keys) as usize]
    }

    fn begin(&mut self, worker: usize) {
        let key = self.key();
        let process = self.workers[worker].process;
        let holds = self.held.iter().any(|held| held.is(process, key));
        let function = match (self.dice.below(20), holds) {
            _ if self.has_changes && self.dice.rarely(5) => self.administration(),
            _ if self.is_told(process) && !self.dice.rarely(4) => self.administration(),
            (0..=5, true) | (0, false) => Function::Release,
            (6..=11, true) | (1, false) => Function::Verify,
            (12, true) | (2, false) => Function::Read,
            (13, true) | (3, false) => Function::Write,
            (14 | 15, true) | (4 | 5, false) => self.administration(),
            _ => Function::Acquire,
        };
        let asked = match self.dice.below(3) {
            0 | 1 if self.has_modes && function == Function::Acquire => Value::Mode(Mode::Read),
            2 if self.has_modes && function == Function::Acquire => Value::Mode(Mode::Write),
            2 if function.is_administration() => self.some_slots(),
            _ => Value::None,
        };
        let pending = Pending {
            function,
            key,
            asked,
        };
        self.push(
            pending
                .draft(process, Kind::Invoke)
                .with(pending.asked.clone()),
        );
        self.workers[worker].pending = Some(pending);
    }

    /// Mostly something that a fault may have asked for, if there is such a fault.
    fn administration(&mut self) -> Function {
        let all = [
            Function::Grow,
            Function::Shrink,
            Function::Count,
            Function::Request,
            Function::Wait,
            Function::Create,
            Function::Destroy,
            Function::Overshoot,
        ];
        let number = match self.has_changes && !self.dice.rarely(4) {
            true => 2,
            false => 8,
        };
        all[self.dice.below(number) as usize].clone()
    }

    /// A list, mostly of one slot, sometimes of none; or no list.
    fn some_slots(&mut self) -> Value {
        let slot = 1 + self.dice.below(4);
        match self.dice.below(7) {
            0 => Value::None,
            1 => Value::Slots(Vec::new()),
            2 => Value::Slots(vec![slot, slot + 1]),
            _ => Value::Slots(vec![slot]),
        }
    }

    /// A loss notification; the service knows of it or does not.
    fn tell_loss(&mut self, worker: usize) {
        let process = self.workers[worker].process;
        let key = self.key();
        let lost = Pending {
            function: Function::Lost,
            key,
            asked: Value::None,
        };
        self.push(lost.draft(process, Kind::Invoke));
        self.held.retain(|held| !held.is(process, key));
        if self.dice.rarely(4) {
            self.workers[worker].pending = Some(lost);
        } else {
            self.push(lost.draft(process, Kind::Ok));
        }
    }

    /// Nobody knows how its operation ended, and it goes on in a new session.
    fn lose_track(&mut self, worker: usize) {
        let Some(pending) = self.workers[worker].pending.take() else {
            return;
        };
        let process = self.workers[worker].process;
        if pending.function == Function::Lost {
            return self.push(pending.draft(process, Kind::Ok));
        }
        let draft = pending.draft(process, Kind::Info);
        let draft = match ERRORS[self.dice.below(ERRORS.len() as u32) as usize] {
            "" => draft,
            error => draft.because(error, ""),
        };
        let draft = self.listing(draft, &pending);
        self.push(draft);
        if !self.dice.rarely(4) {
            self.held.retain(|held| held.process != process);
        }
        self.respawn(worker);
    }

    fn end(&mut self, worker: usize) {
        if self.dice.rarely(14) {
            return self.lose_track(worker);
        }
        let Some(pending) = self.workers[worker].pending.take() else {
            return;
        };
        let process = self.workers[worker].process;
        if pending.function == Function::Lost {
            return self.push(pending.draft(process, Kind::Ok));
        }
        let is_change = self.has_changes && pending.function.is_administration();
        let draft = if self.dice.rarely(if is_change { 5 } else { 12 }) {
            None
        } else {
            self.answer(process, &pending)
        };
        let draft = draft.unwrap_or_else(|| {
            let (why, is_observed) = FAILURES[self.dice.below(FAILURES.len() as u32) as usize];
            let draft = pending.draft(process, Kind::Fail).because(why, "");
            let draft = self.listing(draft, &pending);
            if is_observed { draft.observed() } else { draft }
        });
        self.push(draft);
    }

    /// An end by which nothing is known to be done may list slots all the same.
    fn listing(&mut self, draft: Draft, pending: &Pending) -> Draft {
        if pending.function.is_administration() && self.dice.rarely(2) {
            draft.with(self.some_slots())
        } else {
            draft
        }
    }

    /// What the service answers; nothing if it refuses. It is sometimes wrong.
    fn answer(&mut self, process: u32, pending: &Pending) -> Option<Draft> {
        let ok = pending.draft(process, Kind::Ok);
        let place = self
            .held
            .iter()
            .rposition(|held| held.is(process, pending.key));
        match pending.function {
            Function::Acquire => self.grant(process, pending).map(|grant| ok.with(grant)),
            Function::Release => place.map(|place| {
                self.held.remove(place);
                ok
            }),
            Function::Verify if place.is_some() != self.dice.rarely(8) => {
                let renewal = self.lease().filter(|_| !self.dice.rarely(3));
                Some(ok.answering(renewal.map_or(Answer::Held, Answer::Leased)))
            }
            Function::Verify => Some(ok.answering(Answer::Lost)),
            Function::Count => Some(ok.with(Value::Slots((1..=self.slots).collect()))),
            _ if pending.function.is_administration() => Some(ok.with(self.some_slots())),
            _ => Some(ok),
        }
    }

    fn grant(&mut self, process: u32, pending: &Pending) -> Option<Value> {
        let is_untold = pending.asked == Value::None && self.has_modes && self.dice.rarely(2);
        let shared = is_untold || pending.asked == Value::Mode(Mode::Read);
        let is_wrong = self.dice.rarely(10);
        let mut slots = 1..=self.slots;
        let slot = slots.find(|slot| is_wrong || self.is_free(pending.key, *slot, shared))?;
        self.held.push(Held {
            process,
            key: pending.key,
            slot,
            shared,
        });
        let slot = Some(slot).filter(|_| self.says_slots && !self.dice.rarely(8));
        let lease = self.lease();
        Some(match (slot, lease) {
            _ if is_untold => Value::Mode(Mode::Read),
            (None, None) => Value::None,
            _ => Value::Grant(Grant {
                slot,
                lease,
                ..Grant::default()
            }),
        })
    }

    /// Mostly a short one, and mostly one at all.
    fn lease(&mut self) -> Option<Lease> {
        let most = if self.dice.rarely(3) { 40 } else { 12 };
        let milliseconds = 1 + self.dice.below(most);
        let lease = Lease::from_ms(milliseconds.into());
        lease.filter(|_| self.has_leases && !self.dice.rarely(8))
    }

    fn is_free(&self, key: &str, slot: u32, shared: bool) -> bool {
        let mut held = self.held.iter();
        !held.any(|held| held.key == key && held.slot == slot && !(held.shared && shared))
    }
}

impl Held {
    fn is(&self, process: u32, key: &str) -> bool {
        self.process == process && self.key == key
    }
}

impl Pending {
    fn draft(&self, process: u32, kind: Kind) -> Draft {
        Draft::new(Process::Client(process), kind, self.function.clone()).on(self.key)
    }
}
