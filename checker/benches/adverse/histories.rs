//! Histories that are hard to judge: of each guarantee those of which much has to be compared with
//! much.

use std::num::NonZeroU32;

use checker::Scope;
use history::fault::{Class, Note, Parameters, Targets};
use history::{
    Answer, Draft, Function, Grant, History, HistoryBuilder, Kind, Mode, Process, Value,
};

/// A kind of history, and what it is hard for.
pub(crate) struct Adverse {
    pub(crate) guarantee: &'static str,
    /// What there is much of.
    pub(crate) what: &'static str,
    make: fn(&mut Writer, usize),
    /// How many clients may hold at one time, of so many events; one if nothing is said.
    slots: Option<fn(usize) -> usize>,
}

/// Of each guarantee at least one.
pub(crate) const ALL: &[Adverse] = &[
    of("exclusion", "locks of one client", locks_of_one_client),
    of("exclusion", "holders of a semaphore", crowd).with(|events| events / 4 + 1),
    of("overlap<=1ms", "holds beside each other", crowd),
    of("overlap<=1ms", "holds beyond many slots", crowd).with(|events| events / 8 + 1),
    of("confirmed-exclusion", "readers in a chain", readers),
    of(
        "confirmed-exclusion",
        "certain holds beyond 64 slots",
        crowd,
    )
    .with(|_| 64),
    of("ownership", "answers to one client", locks_of_one_client),
    of("fencing", "tokens out of order", tokens),
    of("no-lost-update", "elements that no read brings", elements),
    of("no-lost-update", "numbers", numbers),
    of("progress<=1ms", "slots held by turns", crowd).with(|events| events / 8 + 1),
    of("progress<=1ms", "who asks in vain", refused),
    of("justified-refusal", "changes of slots", refused_meanwhile),
    of(
        "justified-refusal",
        "refusals in one crowd",
        refused_by_many,
    ),
    of("justified-refusal", "refusals of one lock", refused),
    of("slot-exclusion", "slots", holds_of_new_slots),
    of("slot-existence", "slots, each counted once", new_slots),
    of("slot-existence", "operations at one time", made_together),
    of("slot-existence", "locks", administered_locks),
    of("slot-removal", "removals of one slot", removals),
    of(
        "slot-removal",
        "removals beside one holder",
        removals_of_a_held_slot,
    ),
    of("slot-removal", "slots", holds_of_new_slots),
    of("slot-sequence", "gaps", gaps),
    of("no-lost-decrement", "counts", decrements),
    of("no-doubled-decrement", "counts", decrements),
    of("coverage", "windows beside each other", windows),
    of("coverage", "windows on one process", windows_in_turn),
    of("coverage", "clients of many slots", crowd).with(|events| events / 4 + 1),
];

const fn of(guarantee: &'static str, what: &'static str, make: fn(&mut Writer, usize)) -> Adverse {
    Adverse {
        guarantee,
        what,
        make,
        slots: None,
    }
}

impl Adverse {
    const fn with(self, slots: fn(usize) -> usize) -> Self {
        Self {
            slots: Some(slots),
            ..self
        }
    }

    /// One of about so many events.
    pub(crate) fn history(&self, events: usize) -> History {
        let mut writer = Writer::default();
        (self.make)(&mut writer, events);
        writer.builder.finish()
    }

    /// What it is to be judged with.
    pub(crate) fn scope(&self, events: usize) -> Scope {
        let slots = self.slots.map_or(1, |slots| slots(events));
        Scope {
            slots: NonZeroU32::new(number(slots)).unwrap_or(NonZeroU32::MIN),
            faults: vec!["cut".to_owned()],
            ..Scope::default()
        }
    }
}

/// Writes one event after the other, a microsecond apart.
#[derive(Default)]
struct Writer {
    builder: HistoryBuilder,
    time_ns: u64,
}

impl Writer {
    fn push(&mut self, draft: Draft) {
        self.time_ns += 1_000;
        let pushed = self.builder.push(self.time_ns, draft);
        pushed.expect("a generator keeps to the rules");
    }

    fn ask(&mut self, process: u32, function: Function) {
        self.push(draft(process, Kind::Invoke, function));
    }

    fn answer(&mut self, process: u32, function: Function, value: Value) {
        self.push(draft(process, Kind::Ok, function).with(value));
    }

    /// An operation with nothing beside it.
    fn whole(&mut self, process: u32, function: Function, value: Value) {
        self.ask(process, function.clone());
        self.answer(process, function, value);
    }

    fn refused(&mut self, process: u32) {
        self.ask(process, Function::Acquire);
        let end = draft(process, Kind::Fail, Function::Acquire);
        self.push(end.because("busy", "").observed());
    }
}

fn draft(process: u32, kind: Kind, function: Function) -> Draft {
    Draft::new(Process::Client(process), kind, function).on("lock-0")
}

fn number(number: usize) -> u32 {
    u32::try_from(number).expect("so many do not fit into memory")
}

fn granted(slot: Option<u32>, token: u64) -> Value {
    Value::Grant(Grant {
        slot,
        token,
        ..Grant::default()
    })
}

fn listed(slots: impl IntoIterator<Item = u32>) -> Value {
    Value::Slots(slots.into_iter().collect())
}

/// One client takes many locks, then is asked about each and gives it back, the first one first.
fn locks_of_one_client(writer: &mut Writer, events: usize) {
    let locks = events / 6;
    for (function, value) in [
        (Function::Acquire, Value::None),
        (Function::Verify, Value::Answer(Answer::Held)),
        (Function::Release, Value::None),
    ] {
        for lock in 0..locks {
            let key = format!("lock-{lock}");
            for kind in [Kind::Invoke, Kind::Ok] {
                let draft = Draft::new(Process::Client(0), kind, function.clone());
                let draft = draft.on(key.as_str());
                writer.push(match kind {
                    Kind::Ok => draft.with(value.clone()),
                    _ => draft,
                });
            }
        }
    }
}

/// Each client takes the lock, and only then do all give it back.
fn crowd(writer: &mut Writer, events: usize) {
    let clients = number(events / 4);
    for function in [Function::Acquire, Function::Release] {
        for client in 0..clients {
            writer.whole(client, function.clone(), Value::None);
        }
    }
}

/// Two readers by turns, so that one of them has the lock at any time, while many wait to write.
fn readers(writer: &mut Writer, events: usize) {
    let writers = number(events / 8);
    let read = || Value::Mode(Mode::Read);
    for client in 0..writers {
        writer.whole(2 + client, Function::Acquire, read());
    }
    let late = 2 + writers;
    writer.ask(late, Function::Acquire);
    for client in 0..writers {
        writer.whole(2 + client, Function::Release, Value::None);
    }
    writer.answer(late, Function::Acquire, Value::None);
    for turn in 0..number(events / 4).saturating_sub(writers) {
        writer.whole(turn % 2, Function::Acquire, read());
        writer.whole(turn % 2, Function::Release, Value::None);
    }
}

/// All ask at one time and are given tokens from the greatest down.
fn tokens(writer: &mut Writer, events: usize) {
    let clients = number(events / 4);
    for client in 0..clients {
        writer.ask(client, Function::Acquire);
    }
    for client in 0..clients {
        let token = u64::from(clients - client);
        writer.answer(client, Function::Acquire, granted(None, token));
        writer.whole(client, Function::Release, Value::None);
    }
}

/// Elements are added, and then each of many reads brings two of them.
fn elements(writer: &mut Writer, events: usize) {
    let adds = events / 3;
    for added in 0..adds {
        let draft = draft(0, Kind::Invoke, Function::Add);
        writer.push(draft.with(Value::data(added.into())));
        writer.answer(0, Function::Add, Value::None);
        if added >= adds / 2 {
            let read = Value::data(vec![added, added / 2].into());
            writer.whole(0, Function::Read, read);
        }
    }
}

/// Each number that is written is one more than the last, and is read.
fn numbers(writer: &mut Writer, events: usize) {
    for written in 0..events / 4 {
        let draft = draft(0, Kind::Invoke, Function::Write);
        writer.push(draft.with(Value::data(written.into())));
        writer.answer(0, Function::Write, Value::None);
        writer.whole(0, Function::Read, Value::data(written.into()));
    }
}

/// One client holds the lock while others are refused.
fn refused(writer: &mut Writer, events: usize) {
    writer.whole(0, Function::Acquire, Value::None);
    for ask in 0..number(events / 2) {
        writer.refused(1 + ask % 10);
    }
    writer.whole(0, Function::Verify, Value::Answer(Answer::Held));
    writer.whole(0, Function::Release, Value::None);
}

/// Slots come and go while somebody holds the lock and others are refused.
fn refused_meanwhile(writer: &mut Writer, events: usize) {
    writer.whole(0, Function::Create, listed([1]));
    writer.whole(1, Function::Acquire, granted(Some(1), 0));
    for _ in 0..events / 6 {
        writer.whole(0, Function::Grow, listed([2]));
        writer.whole(0, Function::Shrink, listed([2]));
        writer.refused(2);
    }
}

/// Many are refused at one time while ever more take a slot.
fn refused_by_many(writer: &mut Writer, events: usize) {
    let clients = number(events / 4);
    writer.whole(0, Function::Create, listed(1..=clients / 2));
    for client in 0..clients {
        writer.ask(1 + client, Function::Acquire);
    }
    for client in 0..clients / 2 {
        let one = 1 + clients + client;
        writer.whole(one, Function::Acquire, granted(Some(1 + client), 0));
    }
    for client in 0..clients {
        let end = draft(1 + client, Kind::Fail, Function::Acquire);
        writer.push(end.because("busy", "").observed());
    }
}

/// A slot with a number of its own is made, taken, taken away and given back.
fn holds_of_new_slots(writer: &mut Writer, events: usize) {
    for slot in 1..=number(events / 10) {
        writer.whole(0, Function::Grow, listed([slot]));
        writer.whole(1, Function::Acquire, granted(Some(slot), 0));
        writer.whole(1, Function::Verify, Value::Answer(Answer::Held));
        writer.whole(0, Function::Shrink, listed([slot]));
        writer.whole(1, Function::Release, Value::None);
    }
}

/// A slot with a number of its own is made, counted and removed.
fn new_slots(writer: &mut Writer, events: usize) {
    for slot in 1..=number(events / 8) {
        writer.whole(0, Function::Grow, listed([slot]));
        writer.whole(0, Function::Count, listed([slot]));
        writer.whole(0, Function::Shrink, listed([slot]));
        writer.whole(0, Function::Count, listed([]));
    }
}

/// One slot is counted by many at one time, while it is made and removed.
fn made_together(writer: &mut Writer, events: usize) {
    let clients = number(events / 4);
    for client in 0..clients {
        writer.ask(1 + client, Function::Count);
    }
    writer.whole(0, Function::Grow, listed([1]));
    for client in 0..clients {
        writer.answer(1 + client, Function::Count, listed([1]));
    }
    for _ in 0..clients / 2 {
        writer.whole(0, Function::Shrink, listed([1]));
        writer.whole(0, Function::Grow, listed([1]));
    }
}

/// Each lock has two slots, which are counted.
fn administered_locks(writer: &mut Writer, events: usize) {
    for lock in 0..events / 4 {
        let key = format!("lock-{lock}");
        for function in [Function::Create, Function::Count] {
            for kind in [Kind::Invoke, Kind::Ok] {
                let draft = Draft::new(Process::Client(0), kind, function.clone());
                let draft = draft.on(key.as_str());
                writer.push(match kind {
                    Kind::Ok => draft.with(listed([1, 2])),
                    _ => draft,
                });
            }
        }
    }
}

/// One slot is made, taken, removed, missed and given back, again and again.
fn removals(writer: &mut Writer, events: usize) {
    for _ in 0..events / 10 {
        writer.whole(0, Function::Grow, listed([1]));
        writer.whole(1, Function::Acquire, granted(Some(1), 0));
        writer.whole(0, Function::Shrink, listed([1]));
        writer.whole(1, Function::Release, Value::None);
        writer.whole(0, Function::Wait, listed([1]));
    }
}

/// One client has a slot and says so, while it is removed again and again.
fn removals_of_a_held_slot(writer: &mut Writer, events: usize) {
    writer.whole(0, Function::Create, listed([1]));
    writer.whole(1, Function::Acquire, granted(Some(1), 0));
    for _ in 0..events / 6 {
        writer.whole(0, Function::Shrink, listed([1]));
        writer.whole(0, Function::Wait, listed([1]));
        writer.whole(1, Function::Verify, Value::Answer(Answer::Held));
    }
    writer.whole(1, Function::Release, Value::None);
}

/// Every count finds a gap after an overshoot.
fn gaps(writer: &mut Writer, events: usize) {
    for _ in 0..events / 6 {
        writer.whole(0, Function::Grow, listed([2, 3]));
        writer.whole(0, Function::Overshoot, listed([3]));
        writer.whole(0, Function::Count, listed([2]));
    }
}

/// A slot is made, requested to go and removed, and every time the slots are counted.
fn decrements(writer: &mut Writer, events: usize) {
    writer.whole(0, Function::Create, listed([1]));
    for _ in 0..events / 10 {
        writer.whole(0, Function::Grow, listed([2]));
        writer.whole(0, Function::Overshoot, listed([]));
        writer.whole(1, Function::Request, Value::None);
        writer.whole(0, Function::Shrink, listed([2]));
        writer.whole(0, Function::Count, listed([1]));
    }
}

fn inject(writer: &mut Writer, id: u64, targets: Vec<u32>) {
    let note = Note::Inject {
        id,
        class: Class::Breaking,
        targets: Targets::Processes(targets),
        parameters: Parameters::new(),
    };
    writer.push(Draft::fault("cut", note));
}

/// Many faults strike one after the other, and none is healed before the last has struck.
fn windows(writer: &mut Writer, events: usize) {
    let windows = events / 8;
    writer.whole(0, Function::Acquire, Value::None);
    for window in 0..windows {
        inject(writer, window as u64 + 1, vec![0]);
        writer.whole(0, Function::Verify, Value::Answer(Answer::Held));
        writer.refused(1);
    }
    for window in 0..windows {
        writer.push(Draft::fault("cut", Note::heal(window as u64 + 1)));
    }
}

/// One client holds one lock all the time, takes another again and again, and is struck each time.
fn windows_in_turn(writer: &mut Writer, events: usize) {
    for kind in [Kind::Invoke, Kind::Ok] {
        let draft = Draft::new(Process::Client(0), kind, Function::Acquire);
        writer.push(draft.on("lock-1"));
    }
    for window in 0..events / 8 {
        let id = window as u64 + 1;
        writer.whole(0, Function::Acquire, Value::None);
        inject(writer, id, vec![0]);
        writer.refused(1);
        writer.push(Draft::fault("cut", Note::heal(id)));
        writer.whole(0, Function::Release, Value::None);
    }
}
