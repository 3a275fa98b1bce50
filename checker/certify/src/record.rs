//! What certificates speak of, read out of a history: operations, holds, and what belongs to which
//! hold.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use history::{Answer, Event, Function, Grant, History, Kind, Lease, Mark, Mode, Process, Value};

use super::spell::{self, Grace, Spell};

/// The position of what never comes: greater than every position.
pub(super) const NEVER: usize = usize::MAX;

/// The name of a key as histories and certificates write it; null is a key.
pub(super) type KeyName = Option<Arc<str>>;

/// What an operation says about holds. What says nothing about them (a verify of unknown outcome, a
/// failure that nobody observed) is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Acquire,
    Confirm,
    Release,
    LossReport,
    RefusedRelease,
    Refusal,
}

#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// Which of the record's keys.
    pub(super) key: usize,
    pub(super) process: u32,
    pub(super) act: Act,
    /// The position of the invocation.
    pub(super) invoked: usize,
    /// The position of the end; `NEVER` if the outcome is unknown.
    pub(super) ended: usize,
    pub(super) shared: bool,
    /// How many permits of a semaphore it is about.
    pub(super) permits: u64,
    /// The token of a grant; 0 if there is none.
    pub(super) token: u64,
    /// The slot of a grant, if it names one.
    pub(super) slot: Option<u32>,
    /// The lease of a grant or a confirmation in nanoseconds, if it has one.
    pub(super) lease_ns: Option<u64>,
    /// Whether it is a failure that the service itself told of.
    pub(super) observed: bool,
    /// Which of the record's holds it begins or belongs to.
    pub(super) hold: Option<usize>,
}

impl Operation {
    pub(super) fn is_unknown(&self) -> bool {
        self.ended == NEVER
    }

    /// Whether it is about several permits at once.
    pub(super) fn is_of_several(&self) -> bool {
        self.permits > 1
    }

    /// Whether it tells of a hold that its process does not have.
    pub(super) fn is_unowned(&self) -> bool {
        matches!(self.act, Act::Release | Act::Confirm) && !self.is_unknown() && self.hold.is_none()
    }
}

/// A client asked for a lock, whatever came of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    pub(super) key: usize,
    pub(super) process: u32,
    pub(super) invoked: usize,
    /// The position of the end, of whatever kind; `NEVER` if there is none.
    pub(super) ended: usize,
    /// The kind of the end; `info` if there is none.
    pub(super) outcome: Kind,
    pub(super) shared: bool,
    /// Whether anything of it may have been sent.
    pub(super) was_sent: bool,
}

/// What a grant begins. All positions are those of events.
#[derive(Clone, Debug)]
pub(super) struct Hold {
    pub(super) key: usize,
    pub(super) process: u32,
    pub(super) shared: bool,
    pub(super) token: u64,
    /// The slot that the grant names, if it names one and is exclusive.
    pub(super) slot: Option<u32>,
    /// The first of the holds of the key that its process believed in when this was granted.
    pub(super) within: Option<usize>,
    pub(super) asked: usize,
    pub(super) granted: usize,
    /// Where belief ends for another reason than that a lease is over.
    pub(super) believed_until: usize,
    /// When its process believes in it.
    pub(super) spells: Vec<Spell>,
    /// The leases of its grant and of what renewed it, if its grant has one.
    graces: Vec<Grace>,
    /// Whether belief was ended by a loss report or by the end of the process.
    pub(super) revoked: bool,
    pub(super) confirmed_until: usize,
    pub(super) over_by: usize,
    /// Where the service had let go of it for certain, whatever its client gave up for lost.
    pub(super) let_go_by: usize,
    /// The invocation of the release that took effect, or may have.
    pub(super) literal_until: usize,
}

/// A history, or the beginning of one, in these words.
#[derive(Default)]
pub(super) struct Record {
    pub(super) keys: BTreeMap<KeyName, usize>,
    names: Vec<KeyName>,
    /// In the order of their invocations.
    pub(super) operations: Vec<Operation>,
    /// In the order of their grants.
    pub(super) holds: Vec<Hold>,
    /// In the order of their invocations.
    pub(super) asks: Vec<Ask>,
    /// For each position of an invocation the operation.
    at: HashMap<usize, usize>,
    /// Where the last phase begins, which is evidence for progress alone; `NEVER` if nothing says
    /// so.
    pub(super) settled: usize,
}

impl Record {
    /// Reads the events before position `until`. Operations that end later are unknown; those that
    /// fail later have no effect.
    pub(super) fn of(history: &History, until: usize) -> Self {
        let mut reader = Reader {
            history,
            until,
            record: Self {
                settled: history.mark(Mark::Settle).unwrap_or(NEVER),
                ..Self::default()
            },
            unreleased: HashMap::new(),
            believed: HashMap::new(),
        };
        for (position, event) in history.events().iter().enumerate().take(until) {
            if let Process::Client(process) = event.process {
                reader.read(position, event, process);
            }
        }
        reader.record.end_what_was_granted_again();
        reader.record.find_spells(history);
        reader.record
    }

    /// When processes believe; of leases nobody knows where no time passes.
    fn find_spells(&mut self, history: &History) {
        let events = history.events();
        let is_timed = spell::is_timed(history);
        for hold in &mut self.holds {
            hold.spells = match &hold.graces[..] {
                [] => spell::whole(events, hold.granted, hold.believed_until),
                graces if is_timed => spell::by_leases(events, graces, hold.believed_until),
                _ => Vec::new(),
            };
        }
    }

    /// Whose slot was granted again after its client had ceased to believe in it, to who asked when
    /// it had been granted, has let go of it by then.
    fn end_what_was_granted_again(&mut self) {
        let mut later: HashMap<(usize, u32), BTreeMap<usize, usize>> = HashMap::new();
        for hold in self.holds.iter_mut().rev() {
            let Some(slot) = hold.slot else { continue };
            let later = later.entry((hold.key, slot)).or_default();
            let mut again = later.range(hold.believed_until..);
            if let Some((again, _)) = again.find(|(_, asked)| **asked > hold.granted) {
                hold.let_go_by = hold.let_go_by.min(*again);
            }
            later.insert(hold.granted, hold.asked);
        }
    }

    fn key(&mut self, name: &KeyName) -> usize {
        if let Some(known) = self.keys.get(name) {
            return *known;
        }
        self.keys.insert(name.clone(), self.names.len());
        self.names.push(name.clone());
        self.names.len() - 1
    }

    /// The operation that is invoked at this position.
    pub(super) fn operation(&self, invoked: usize) -> Option<&Operation> {
        self.at
            .get(&invoked)
            .map(|operation| &self.operations[*operation])
    }

    pub(super) fn key_name(&self, key: usize) -> &KeyName {
        &self.names[key]
    }

    /// The operations of a key.
    pub(super) fn operations_on(&self, key: usize) -> impl Iterator<Item = &Operation> {
        self.operations
            .iter()
            .filter(move |operation| operation.key == key)
    }
}

struct Reader<'a> {
    history: &'a History,
    until: usize,
    record: Record,
    /// The unreleased holds of each process and key, the latest last.
    unreleased: HashMap<(u32, usize), Vec<usize>>,
    /// The believed holds of each process by their keys, the latest last.
    believed: HashMap<u32, BTreeMap<usize, Vec<usize>>>,
}

impl Reader<'_> {
    fn read(&mut self, position: usize, event: &Event, process: u32) {
        let key = self.record.key(&event.key);
        match event.kind {
            Kind::Invoke => self.begin(position, event, process, key),
            Kind::Info => self.retire(process, position),
            Kind::Ok | Kind::Fail => self.end(position),
        }
    }

    fn begin(&mut self, position: usize, invocation: &Event, process: u32, key: usize) {
        match invocation.function {
            Function::Release => self.disbelieve(process, key, position, false),
            Function::Acquire => self.ask(position, invocation, process, key),
            _ => {}
        }
        let Some(mut operation) = self.operation(position, invocation, process, key) else {
            return;
        };
        if operation.act == Act::Release && operation.is_unknown() {
            operation.hold = self.latest(process, key);
            if let Some(hold) = operation.hold {
                self.record.holds[hold].literal_until = position;
            }
        }
        self.record
            .at
            .insert(position, self.record.operations.len());
        self.record.operations.push(operation);
    }

    fn ask(&mut self, invoked: usize, invocation: &Event, process: u32, key: usize) {
        let ended = self.history.partner(invoked);
        let end = ended.map(|end| &self.history.events()[end]);
        self.record.asks.push(Ask {
            key,
            process,
            invoked,
            ended: ended.unwrap_or(NEVER),
            outcome: end.map_or(Kind::Info, |end| end.kind),
            shared: is_shared(invocation, end),
            was_sent: !end.is_some_and(is_never_sent),
        });
    }

    fn operation(
        &self,
        invoked: usize,
        invocation: &Event,
        process: u32,
        key: usize,
    ) -> Option<Operation> {
        // How it was asked for is so however much of the history is read.
        let whole = self.history.partner(invoked);
        let whole = whole.map(|end| &self.history.events()[end]);
        let shared = is_shared(invocation, whole);
        let permits = permits(invocation, whole);
        let end = match outcome(self.history, invoked, self.until) {
            OperationEnd::Known(position, end) => Some((position, end)),
            OperationEnd::Unknown => None,
            OperationEnd::Nothing => return None,
        };
        let act = act(&invocation.function, end.map(|(_, end)| end))?;
        let value = end.map(|(_, end)| &end.value);
        let Grant { slot, token, .. } = match value {
            Some(Value::Grant(grant)) => *grant,
            _ => Grant::default(),
        };
        let ended = end.map_or(NEVER, |(position, _)| position);
        Some(Operation {
            key,
            process,
            act,
            invoked,
            ended,
            shared,
            permits,
            token,
            slot,
            lease_ns: value.and_then(Value::lease).map(Lease::ns),
            observed: end.is_some_and(|(_, end)| end.observed),
            hold: None,
        })
    }

    fn end(&mut self, position: usize) {
        let invoked = self.history.partner(position);
        let Some(index) = invoked.and_then(|invoked| self.record.at.get(&invoked).copied()) else {
            return;
        };
        let Operation {
            key,
            process,
            act,
            invoked,
            observed,
            lease_ns,
            ..
        } = self.record.operations[index];
        let hold = match act {
            Act::Acquire => Some(self.grant(index)),
            Act::Release => self.unreleased.entry((process, key)).or_default().pop(),
            Act::Confirm | Act::LossReport | Act::RefusedRelease => self.latest(process, key),
            Act::Refusal => None,
        };
        self.record.operations[index].hold = hold;
        if let Some(hold) = hold {
            self.record.holds[hold].learn(act, invoked, position, observed);
        }
        if act == Act::LossReport {
            self.disbelieve(process, key, position, true);
        }
        if let (Act::Confirm, Some(lease_ns)) = (act, lease_ns) {
            self.renew(
                process,
                key,
                Grace {
                    invoked,
                    ended: position,
                    lease_ns,
                },
            );
        }
    }

    /// The latest hold that its process did not give up was renewed, if its grant has a lease.
    fn renew(&mut self, process: u32, key: usize, grace: Grace) {
        let believed = self.believed.get(&process);
        let latest = believed.and_then(|believed| believed.get(&key)?.last());
        let hold = latest.map(|hold| &mut self.record.holds[*hold]);
        if let Some(hold) = hold.filter(|hold| !hold.graces.is_empty()) {
            hold.graces.push(grace);
        }
    }

    fn grant(&mut self, index: usize) -> usize {
        let Operation {
            key,
            process,
            shared,
            token,
            slot,
            invoked: asked,
            ended: granted,
            lease_ns,
            ..
        } = self.record.operations[index];
        let hold = self.record.holds.len();
        let believed = self.believed.entry(process).or_default();
        let believed = believed.entry(key).or_default();
        let within = believed.first().copied();
        believed.push(hold);
        self.record.holds.push(Hold {
            key,
            process,
            shared,
            token,
            slot: slot.filter(|_| !shared),
            within,
            asked,
            granted,
            believed_until: NEVER,
            spells: Vec::new(),
            graces: lease_ns
                .map(|lease_ns| Grace {
                    invoked: asked,
                    ended: granted,
                    lease_ns,
                })
                .into_iter()
                .collect(),
            revoked: false,
            confirmed_until: asked,
            over_by: NEVER,
            let_go_by: NEVER,
            literal_until: NEVER,
        });
        self.unreleased
            .entry((process, key))
            .or_default()
            .push(hold);
        hold
    }

    fn latest(&self, process: u32, key: usize) -> Option<usize> {
        self.unreleased.get(&(process, key))?.last().copied()
    }

    /// Ends the belief of the latest believed hold of this key.
    fn disbelieve(&mut self, process: u32, key: usize, position: usize, revoked: bool) {
        let believed = self.believed.get_mut(&process);
        let of_key = believed.and_then(|believed| believed.get_mut(&key));
        if let Some(hold) = of_key.and_then(Vec::pop) {
            self.record.holds[hold].end_belief(position, revoked);
        }
    }

    /// Ends all belief of a process.
    fn retire(&mut self, process: u32, position: usize) {
        let believed = self.believed.remove(&process).unwrap_or_default();
        for hold in believed.into_values().flatten() {
            self.record.holds[hold].end_belief(position, true);
        }
    }
}

impl Hold {
    /// The spell that a position lies in.
    pub(super) fn spell_at(&self, place: usize) -> Option<Spell> {
        let begun = self.spells.partition_point(|spell| spell.from < place);
        let last = self.spells.get(begun.checked_sub(1)?)?;
        Some(*last).filter(|spell| spell.is_on(place))
    }

    /// Whether it was confirmed after it had been lost.
    pub(super) fn is_revived(&self) -> bool {
        self.confirmed_until > self.over_by
    }

    fn learn(&mut self, act: Act, invoked: usize, ended: usize, observed: bool) {
        if matches!(act, Act::Confirm | Act::Release) {
            self.confirmed_until = self.confirmed_until.max(invoked);
        }
        if matches!(act, Act::LossReport | Act::RefusedRelease | Act::Release) {
            self.over_by = self.over_by.min(ended);
        }
        let is_loss = matches!(act, Act::LossReport | Act::RefusedRelease);
        if act == Act::Release || (is_loss && observed) {
            self.let_go_by = self.let_go_by.min(ended);
        }
        if act == Act::Release {
            self.literal_until = invoked;
        }
    }

    fn end_belief(&mut self, position: usize, revoked: bool) {
        self.believed_until = position;
        self.revoked = revoked;
    }
}

/// What the events before a position say about the outcome of an operation.
pub(super) enum OperationEnd<'a> {
    /// It ended there, and not in `info`.
    Known(usize, &'a Event),
    Unknown,
    /// It had no effect and says nothing: it failed later, or nobody observed that it failed.
    Nothing,
}

/// What the events before `until` say about the operation that was invoked at a position. That it
/// failed is so however much of the history is read.
pub(super) fn outcome(history: &History, invoked: usize, until: usize) -> OperationEnd<'_> {
    let Some(position) = history.partner(invoked) else {
        return OperationEnd::Unknown;
    };
    let end = &history.events()[position];
    match end.kind {
        Kind::Fail if position >= until || !end.observed => OperationEnd::Nothing,
        Kind::Info => OperationEnd::Unknown,
        _ if position >= until => OperationEnd::Unknown,
        _ => OperationEnd::Known(position, end),
    }
}

/// Whether a client failed before it sent anything.
fn is_never_sent(end: &Event) -> bool {
    let error = end.error.as_ref().map(|error| &*error.kind);
    end.kind == Kind::Fail && error == Some("not-sent") && !end.observed
}

/// What an operation with this end (none if the outcome is unknown; a failure was observed) says.
fn act(function: &Function, end: Option<&Event>) -> Option<Act> {
    Some(match (function, end.map(|end| end.kind)) {
        (Function::Acquire, None | Some(Kind::Ok)) => Act::Acquire,
        (Function::Acquire, Some(_)) => Act::Refusal,
        (Function::Release, None | Some(Kind::Ok)) => Act::Release,
        (Function::Release, Some(_)) => Act::RefusedRelease,
        (Function::Verify, Some(Kind::Ok)) => match end?.value {
            Value::Answer(Answer::Held | Answer::Leased(_)) => Act::Confirm,
            Value::Answer(Answer::Lost) => Act::LossReport,
            _ => return None,
        },
        (Function::Verify, Some(_)) | (Function::Lost, Some(_)) => Act::LossReport,
        _ => return None,
    })
}

fn permits(invocation: &Event, end: Option<&Event>) -> u64 {
    match (&invocation.value, end.map(|end| &end.value)) {
        (Value::Permits(permits), _) | (_, Some(Value::Permits(permits))) => permits.get().into(),
        _ => 1,
    }
}

fn is_shared(invocation: &Event, end: Option<&Event>) -> bool {
    match (&invocation.value, end.map(|end| &end.value)) {
        (Value::Mode(mode), _) | (Value::None, Some(Value::Mode(mode))) => *mode == Mode::Read,
        _ => false,
    }
}
