//! What may happen next to a lock: one law steps for revocable locks and for every model of locks.

use std::collections::BTreeMap;

use super::record::{Act, Hold, Operation, Record};

/// Whether an operation has a place in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duty {
    Must,
    May,
    Never,
}

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
    /// Whether shared holds are a thing; otherwise all are exclusive.
    pub(super) shares: bool,
    /// How often the holder may take it, if it may do so again.
    pub(super) depth: Option<u64>,
    /// Whether tokens must grow.
    pub(super) fenced: bool,
    /// Whether refusals must be explained.
    pub(super) refusals: bool,
}

/// Who holds what at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct State {
    /// How often each owner holds.
    holders: BTreeMap<usize, u64>,
    exclusive: u64,
    shared: u64,
    token: u64,
    token_max: u64,
}

/// Everybody's name where nobody owns, and that of whoever no later operation can name.
const ANYBODY: usize = 0;

impl Law {
    /// The law of locks whose holds may be revoked.
    pub(super) fn revocable(slots: u64, refusals: bool) -> Self {
        Self {
            owner: Owner::Hold,
            slots,
            shares: true,
            depth: None,
            fenced: false,
            refusals,
        }
    }

    /// Whether the service may end a hold at any moment.
    pub(super) fn revokes(&self) -> bool {
        self.owner == Owner::Hold
    }

    pub(super) fn duty(&self, operation: &Operation) -> Duty {
        if !self.revokes() {
            return if operation.is_unknown() {
                Duty::May
            } else {
                Duty::Must
            };
        }
        match operation.act {
            Act::Acquire if operation.is_unknown() => Duty::May,
            Act::Refusal if self.refusals => Duty::Must,
            Act::Refusal => Duty::Never,
            _ if operation.is_unknown() || operation.hold.is_none() => Duty::Never,
            _ => Duty::Must,
        }
    }

    /// Whether the key of this operation needs an order. Where refusals are to be justified, a key without any needs none.
    pub(super) fn needs_order_for(&self, operation: &Operation) -> bool {
        let counts = !(self.revokes() && self.refusals) || operation.act == Act::Refusal;
        counts && self.duty(operation) == Duty::Must
    }

    /// Takes one step, if it is allowed; if not, the state may not be used any more.
    pub(super) fn step(&self, state: &mut State, record: &Record, operation: &Operation) -> bool {
        let owner = self.owner_of(record, operation);
        let holds = state.holders.contains_key(&owner);
        let shared = self.shares && operation.shared;
        match operation.act {
            Act::Acquire => {
                let admitted =
                    self.admits(state, owner, shared) && self.takes(state, operation.token);
                if admitted {
                    state.enter(owner, shared);
                }
                admitted
            }
            Act::Release => state.leave(owner),
            Act::Confirm => holds,
            Act::LossReport => !holds || self.owner == Owner::Nobody,
            Act::RefusedRelease => !holds,
            Act::Refusal => !self.admits(state, owner, shared),
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

    fn admits(&self, state: &State, owner: usize, shared: bool) -> bool {
        match self.depth {
            Some(depth) => {
                state.holders.is_empty()
                    || state
                        .holders
                        .get(&owner)
                        .is_some_and(|taken| *taken < depth)
            }
            None if shared => state.exclusive == 0,
            None => state.shared == 0 && state.exclusive < self.slots,
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
        let shared = holds
            .iter()
            .filter(|hold| self.shares && hold.shared)
            .count();
        let exclusive = holds.len() - shared;
        exclusive as u64 <= self.slots && (exclusive == 0 || shared == 0)
    }
}

impl State {
    fn enter(&mut self, owner: usize, shared: bool) {
        *self.holders.entry(owner).or_default() += 1;
        *(if shared {
            &mut self.shared
        } else {
            &mut self.exclusive
        }) += 1;
    }

    /// Ends one hold of an owner; false if it has none.
    pub(super) fn leave(&mut self, owner: usize) -> bool {
        let Some(taken) = self.holders.get_mut(&owner) else {
            return false;
        };
        *taken -= 1;
        if *taken == 0 {
            self.holders.remove(&owner);
        }
        // Shared and exclusive holds never go on together.
        *(if self.shared > 0 {
            &mut self.shared
        } else {
            &mut self.exclusive
        }) -= 1;
        if self.holders.is_empty() {
            self.token = 0;
        }
        true
    }

    pub(super) fn owners(&self) -> impl Iterator<Item = usize> {
        self.holders.keys().copied()
    }
}
