//! What was done to the slots of which lock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use history::{Event, Function, History, Kind, Process, Value};

use crate::position::{NEVER, Position, position};

/// The kind of the failure of a `shrink` that found no request.
const NOTHING_REQUESTED: &str = "nothing-requested";

/// One operation on the slots of a lock.
#[derive(Clone, Debug)]
pub(crate) struct AdminOp {
    pub(crate) function: Function,
    pub(crate) invoke: Position,
    /// Its end of whatever kind; [`NEVER`] if it has none in the record.
    pub(crate) end: Position,
    /// How it ended; `info` if it did not.
    pub(crate) kind: Kind,
    /// What an operation that is `ok` lists, if it lists anything.
    pub(crate) slots: Option<BTreeSet<u32>>,
    /// Whether the server itself said that no request was there to be carried out.
    pub(crate) found_no_request: bool,
}

impl AdminOp {
    fn new(history: &History, place: usize, invoke: &Event) -> Self {
        let partner = history.partner(place);
        let end = partner.map(|end| &history.events()[end]);
        let kind = end.map_or(Kind::Info, |end| end.kind);
        let slots = match end.map(|end| &end.value) {
            Some(Value::Slots(slots)) if kind == Kind::Ok => Some(slots.iter().copied().collect()),
            _ => None,
        };
        let found_no_request = end.is_some_and(|end| {
            let error = end.error.as_ref().map_or("", |error| &*error.kind);
            kind == Kind::Fail && end.observed && error == NOTHING_REQUESTED
        });
        Self {
            function: invoke.function.clone(),
            invoke: position(place),
            end: partner.map_or(NEVER, position),
            kind,
            slots,
            found_no_request,
        }
    }

    /// Whether it took effect, or may have.
    pub(crate) fn may_count(&self) -> bool {
        self.kind != Kind::Fail
    }

    /// Before this it took effect, if it ever does: what is of unknown outcome may still do so.
    pub(crate) fn settled(&self) -> Position {
        if self.kind == Kind::Info {
            NEVER
        } else {
            self.end
        }
    }

    /// Whether it may have changed which slots there are.
    pub(crate) fn may_change(&self) -> bool {
        let changes = matches!(
            self.function,
            Function::Create
                | Function::Grow
                | Function::Shrink
                | Function::Destroy
                | Function::Overshoot
        );
        changes && self.may_count()
    }

    /// Whether it adds slots, if it does anything.
    pub(crate) fn is_making(&self) -> bool {
        matches!(self.function, Function::Create | Function::Grow)
    }

    /// Whether it may have made a slot.
    #[cfg(test)]
    pub(crate) fn may_make(&self, slot: u32) -> bool {
        let makes = self.slots.as_ref().is_none_or(|made| made.contains(&slot));
        self.is_making() && self.may_count() && makes
    }

    /// Whether it removes slots, if it does anything.
    pub(crate) fn is_removing(&self) -> bool {
        matches!(
            self.function,
            Function::Shrink | Function::Destroy | Function::Overshoot
        )
    }

    /// Whether it may have removed a slot; who destroys a lock removes all of them, whichever it
    /// lists.
    #[cfg(test)]
    pub(crate) fn may_remove(&self, slot: u32) -> bool {
        let is_listed = self.slots.as_ref().is_none_or(|gone| gone.contains(&slot));
        let removes = self.function == Function::Destroy || is_listed;
        self.is_removing() && self.may_count() && removes
    }

    /// The slots that it removed for certain.
    pub(crate) fn removed(&self) -> impl Iterator<Item = u32> {
        let removed = self.slots.iter().filter(|_| self.is_removing());
        removed.flatten().copied()
    }

    /// The slots that a count found.
    pub(crate) fn counted(&self) -> Option<&BTreeSet<u32>> {
        self.slots
            .as_ref()
            .filter(|_| self.function == Function::Count)
    }
}

/// The administration of each lock, in the order of the invocations.
#[derive(Clone, Debug, Default)]
pub(crate) struct Administration(BTreeMap<Option<Arc<str>>, Vec<AdminOp>>);

impl Administration {
    pub(crate) fn new(history: &History) -> Self {
        let mut ops: BTreeMap<Option<Arc<str>>, Vec<AdminOp>> = BTreeMap::new();
        for (place, event) in history.events().iter().enumerate() {
            let is_client = matches!(event.process, Process::Client(_));
            if is_client && event.kind == Kind::Invoke && event.function.is_administration() {
                let op = AdminOp::new(history, place, event);
                ops.entry(event.key.clone()).or_default().push(op);
            }
        }
        Self(ops)
    }

    /// What was done to one lock.
    pub(crate) fn of(&self, key: &Option<Arc<str>>) -> &[AdminOp] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }

    /// Every lock that was administered.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Option<Arc<str>>, &[AdminOp])> {
        self.0.iter().map(|(key, ops)| (key, ops.as_slice()))
    }
}

/// The last successful count of a lock, by invocation: if any was made after all changes, it was.
pub(crate) fn last_count(ops: &[AdminOp]) -> Option<(&AdminOp, &BTreeSet<u32>)> {
    let counts = ops.iter().rev();
    counts.into_iter().find_map(|op| Some((op, op.counted()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::history;

    fn ops(text: &str) -> Vec<AdminOp> {
        let administration = Administration::new(&history(text));
        let key = Some("lock-0".into());
        administration.of(&key).to_vec()
    }

    #[test]
    fn what_is_of_unknown_outcome_may_still_take_effect() {
        let found = ops("0:grow 0:grow? 1:shrink 1:shrink![2] 2:count");
        let settled: Vec<_> = found.iter().map(AdminOp::settled).collect();
        assert_eq!(settled, [NEVER, 3, NEVER]);
        assert_eq!((found[0].end, found[2].end), (1, NEVER));
        assert!(found[0].may_make(7) && !found[1].may_make(2));
    }

    #[test]
    fn only_the_server_can_say_that_nothing_was_requested() {
        let found = ops(
            "0:shrink 0:shrinkXnothing-requested 0:shrink 0:shrinkxnothing-requested 0:shrink 0:shrinkX",
        );
        let said: Vec<_> = found.iter().map(|op| op.found_no_request).collect();
        assert_eq!(said, [true, false, false]);
    }

    #[test]
    fn what_failed_changed_nothing() {
        let found = ops("0:grow 0:growx 0:destroy 0:destroy![1] 0:count 0:count![1]");
        let changes: Vec<_> = found.iter().map(AdminOp::may_change).collect();
        assert_eq!(changes, [false, true, false]);
        assert_eq!(found[1].removed().collect::<Vec<_>>(), [1]);
        assert_eq!(last_count(&found).map(|(count, _)| count.invoke), Some(4));
    }
}
