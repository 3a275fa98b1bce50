//! What a legal order leads through its states, and what it is made of.

use std::collections::BTreeSet;
use std::hash::Hash;

use history::{Function, History, Kind, Process};

use super::error::{Flaw, ensure};
use super::record::{KeyName, NEVER};

/// An operation that has a place in a legal order.
#[derive(Clone, Debug)]
pub(super) struct Place<C> {
    /// Which of the record's keys.
    pub(super) key: usize,
    /// The position of the invocation.
    pub(super) invoked: usize,
    /// The position of the end; `NEVER` if the outcome is unknown. Such an operation may be in the
    /// order, every other one must be.
    pub(super) ended: usize,
    /// What was asked and answered.
    pub(super) call: C,
}

impl<C> Place<C> {
    pub(super) fn is_must(&self) -> bool {
        self.ended != NEVER
    }
}

/// A lock, or a thing that keeps data.
pub(super) trait Object {
    type State: Clone + Eq + Hash + Default;
    type Call;

    /// The state before the first operation.
    fn initial(&self) -> Self::State {
        Self::State::default()
    }

    /// Takes one step, if it is allowed; if not, the state may not be used any more.
    fn step(&self, state: &mut Self::State, call: &Self::Call) -> bool;

    /// Whether the step leaves every state as it is.
    fn observes(&self, call: &Self::Call) -> bool;

    /// Whether two operations of unknown outcome do the same.
    fn is_alike(&self, one: &Self::Call, other: &Self::Call) -> bool;

    /// Whether the key of an operation that must be placed needs an order.
    fn needs_order_for(&self, _call: &Self::Call) -> bool {
        true
    }

    /// Whether holds can be revoked.
    fn revokes(&self) -> bool {
        false
    }

    /// The holds that go on, by the invocations of their acquires.
    fn holds(&self, _state: &Self::State) -> Vec<usize> {
        Vec::new()
    }

    /// Ends a hold; false if it does not go on.
    fn revoke(&self, _state: &mut Self::State, _hold: usize) -> bool {
        false
    }

    /// About how much a state takes, in units of a holder or an element.
    fn weight(&self, state: &Self::State) -> u64;
}

/// The keys that a model is about: those with an operation that it has.
///
/// # Errors
/// On such a key there is another operation too, or there are only others in the history: no order
/// can say what they did.
pub(super) fn keys_of_model(
    history: &History,
    has: impl Fn(&Function) -> bool,
) -> Result<BTreeSet<&KeyName>, Flaw> {
    let clients = history
        .events()
        .iter()
        .filter(|event| event.kind == Kind::Invoke && event.process != Process::Nemesis);
    let (own, foreign): (Vec<_>, Vec<_>) = clients.partition(|event| has(&event.function));
    let own: BTreeSet<_> = own.into_iter().map(|event| &event.key).collect();
    for event in foreign {
        ensure(!own.contains(&event.key), || {
            Flaw::new("the model has no such operation")
                .on(&event.key)
                .at(event.index)
        })?;
        ensure(!own.is_empty(), || {
            Flaw::new("nothing in the history is an operation of the model")
        })?;
    }
    Ok(own)
}
