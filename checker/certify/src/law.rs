//! What may happen next to a lock: one law steps for revocable locks and for every model of locks.

use std::collections::BTreeMap;

use history::Function;

use super::object::{Object, Place};
use super::record::{Act, Hold, Operation, Record};

/// Who holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The acquisition; the service may revoke it at any moment.
    Hold,
    /// The process.
    Process,
    /// Nobody: what one took another may give back.
    Nobody,
}

/// The rules of a kind of lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Law {
    pub(super) owner: Owner,
    /// How many exclusive holds fit together.
    pub(super) slots: u64,
    /// Whether several permits may be taken and given back at once.
    pub(super) permits: bool,
    /// Whether shared holds are a thing; otherwise all are exclusive.
    pub(super) shares: bool,
    /// How often the holder may take it, if it may do so again.
    pub(super) depth: Option<u64>,
    /// Whether tokens must grow.
    pub(super) fenced: bool,
    /// Whether refusals must be explained.
    pub(super) refusals: bool,
    /// Whether a loss report says that the service has let go of the hold, also where the service
    /// itself did not make it.
    pub(super) reports: bool,
}

/// What was asked of a lock and answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) act: Act,
    owner: usize,
    /// Where clients count; else 0.
    process: u32,
    shared: bool,
    permits: u64,
    token: u64,
    /// How many holds must go on for a refusal, where administrators say how many slots there were;
    /// there a grant always finds one.
    pub(super) slots_there: Option<u64>,
}

/// What an owner holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Taken {
    times: u64,
    process: u32,
    shared: bool,
}

/// Who holds what at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct State {
    /// What each owner holds, always in the same mode.
    holders: BTreeMap<usize, Taken>,
    exclusive: u64,
    shared: u64,
    token: u64,
    token_max: u64,
}

/// What is wrong where only the model of a semaphore has an answer.
pub(super) const SEVERAL_PERMITS: &str = "several permits at once are those of semaphores";

/// Everybody's name where nobody owns, and that of whoever no later operation can name.
const ANYBODY: usize = 0;

impl Law {
    /// The law of locks whose holds may be revoked.
    pub(super) fn revocable(slots: u64) -> Self {
        Self {
            owner: Owner::Hold,
            slots,
            permits: false,
            shares: true,
            depth: None,
            fenced: false,
            refusals: false,
            reports: true,
        }
    }

    /// The law by which refusals of such locks are justified, or what is left of it without them: a
    /// client may give a lock up for lost long before the service takes it away.
    pub(super) fn refusing(slots: u64, refusals: bool) -> Self {
        Self {
            refusals,
            reports: false,
            ..Self::revocable(slots)
        }
    }

    /// Whether locks have this operation.
    pub(super) fn has(function: &Function) -> bool {
        matches!(
            function,
            Function::Acquire | Function::Release | Function::Verify | Function::Lost
        )
    }

    /// The operations that have a place in an order.
    pub(super) fn places(&self, record: &Record) -> Vec<Place<Call>> {
        let placed = record
            .operations
            .iter()
            .filter(|operation| self.places_one(operation));
        let place = |operation: &Operation| Place {
            key: operation.key,
            invoked: operation.invoked,
            ended: operation.ended,
            call: Call {
                act: operation.act,
                owner: self.owner_of(record, operation),
                process: if self.counts_clients() {
                    operation.process
                } else {
                    0
                },
                shared: self.shares && operation.shared,
                permits: operation.permits,
                token: operation.token,
                slots_there: None,
            },
        };
        placed.map(place).collect()
    }

    fn places_one(&self, operation: &Operation) -> bool {
        match operation.act {
            _ if !self.revokes() => true,
            Act::Acquire => true,
            Act::Refusal => self.refusals,
            Act::LossReport if !self.reports && !operation.observed => false,
            _ => !operation.is_unknown() && operation.hold.is_some(),
        }
    }

    fn owner_of(&self, record: &Record, operation: &Operation) -> usize {
        match self.owner {
            Owner::Nobody => ANYBODY,
            Owner::Process if operation.act == Act::Acquire && operation.is_unknown() => ANYBODY,
            Owner::Process => operation.process as usize + 1,
            Owner::Hold => operation
                .hold
                .map_or(operation.invoked, |hold| record.holds[hold].asked),
        }
    }

    /// Whether a client counts once, however often it is granted what it holds: where holds may be
    /// revoked and there is one slot.
    fn counts_clients(&self) -> bool {
        self.revokes() && self.slots == 1
    }

    /// Whether a client can have a lock of one slot beside those who hold it; nobody is another
    /// than all of them.
    fn admits_client(state: &State, process: Option<u32>, shared: bool) -> bool {
        let mut others = state.holders.values();
        others.all(|taken| Some(taken.process) == process || (shared && taken.shared))
    }

    fn admits(&self, state: &State, call: &Call) -> bool {
        if call.slots_there.is_some() {
            return true;
        }
        if self.counts_clients() {
            return Self::admits_client(state, Some(call.process), call.shared);
        }
        self.has_room(state, call)
    }

    /// Whether somebody else than the holders would not be admitted.
    fn refuses(&self, state: &State, call: &Call) -> bool {
        match call.slots_there {
            Some(slots) => state.exclusive + state.shared >= slots,
            None if self.counts_clients() => !Self::admits_client(state, None, call.shared),
            None => !self.has_room(state, call),
        }
    }

    fn has_room(&self, state: &State, call: &Call) -> bool {
        match self.depth {
            Some(depth) => {
                state.holders.is_empty()
                    || state
                        .holders
                        .get(&call.owner)
                        .is_some_and(|taken| taken.times < depth)
            }
            None if call.shared => state.exclusive == 0,
            None => state.shared == 0 && state.exclusive + call.permits <= self.slots,
        }
    }

    /// Whether the token may be the next; a hold has one token however often it is taken.
    fn takes(&self, state: &mut State, token: u64) -> bool {
        if !self.fenced || token == 0 || token == state.token {
            return true;
        }
        let grows = state.token == 0 && token > state.token_max;
        (state.token, state.token_max) = (token, token);
        grows
    }

    /// Whether these holds can go on together.
    pub(super) fn fit(&self, holds: &[&Hold]) -> bool {
        if self.counts_clients() {
            let is_one = |hold: &&Hold| hold.process == holds[0].process;
            return holds.iter().all(is_one) || holds.iter().all(|hold| hold.shared);
        }
        let shared = holds
            .iter()
            .filter(|hold| self.shares && hold.shared)
            .count();
        let exclusive = holds.len() - shared;
        exclusive as u64 <= self.slots && (exclusive == 0 || shared == 0)
    }
}

impl Object for Law {
    type State = State;
    type Call = Call;

    fn step(&self, state: &mut State, call: &Call) -> bool {
        let times = state
            .holders
            .get(&call.owner)
            .map_or(0, |taken| taken.times);
        match call.act {
            Act::Acquire => {
                let admitted = self.admits(state, call) && self.takes(state, call.token);
                if admitted {
                    state.enter(call);
                }
                admitted
            }
            Act::Release => state.leave(call.owner, call.permits),
            Act::Confirm => times > 0,
            Act::LossReport => times == 0 || self.owner == Owner::Nobody,
            Act::RefusedRelease => times < call.permits,
            Act::Refusal => self.refuses(state, call),
        }
    }

    fn observes(&self, call: &Call) -> bool {
        !matches!(call.act, Act::Acquire | Act::Release)
    }

    /// Nobody can tell who holds by an acquire of unknown outcome.
    fn is_alike(&self, one: &Call, other: &Call) -> bool {
        let is_named = self.owner == Owner::Process && one.act == Act::Release;
        one.act == other.act
            && one.shared == other.shared
            && one.process == other.process
            && one.permits == other.permits
            && (!is_named || one.owner == other.owner)
    }

    /// Where refusals are to be justified, a key without any needs no order.
    fn needs_order_for(&self, call: &Call) -> bool {
        !(self.revokes() && self.refusals) || call.act == Act::Refusal
    }

    fn revokes(&self) -> bool {
        self.owner == Owner::Hold
    }

    fn holds(&self, state: &State) -> Vec<usize> {
        let holders = state.holders.keys().copied();
        holders.filter(|_| self.revokes()).collect()
    }

    fn revoke(&self, state: &mut State, hold: usize) -> bool {
        self.revokes() && state.leave(hold, 1)
    }

    fn weight(&self, state: &State) -> u64 {
        state.holders.len() as u64
    }
}

impl State {
    fn count(&mut self, shared: bool) -> &mut u64 {
        if shared {
            &mut self.shared
        } else {
            &mut self.exclusive
        }
    }

    fn enter(&mut self, call: &Call) {
        let taken = self.holders.entry(call.owner).or_insert(Taken {
            times: 0,
            process: call.process,
            shared: call.shared,
        });
        taken.times += call.permits;
        *self.count(call.shared) += call.permits;
    }

    /// Takes so many permits from an owner; false if it has fewer.
    fn leave(&mut self, owner: usize, permits: u64) -> bool {
        let Some(taken) = self.holders.get_mut(&owner) else {
            return false;
        };
        let Some(times) = taken.times.checked_sub(permits) else {
            return false;
        };
        taken.times = times;
        let shared = taken.shared;
        if times == 0 {
            self.holders.remove(&owner);
        }
        *self.count(shared) -= permits;
        if self.holders.is_empty() {
            self.token = 0;
        }
        true
    }
}
