//! What was done to the slots of a lock.

use std::collections::{BTreeMap, BTreeSet};

use history::{Function, History, Kind, Process, Value};

use super::record::{KeyName, NEVER};

/// An operation that administers a lock, by the positions of its events.
pub(super) struct AdminOp {
    pub(super) function: Function,
    pub(super) invoked: usize,
    /// The position of the end, of whatever kind; `NEVER` if there is none.
    pub(super) ended: usize,
    /// The kind of the end; `info` if there is none.
    pub(super) outcome: Kind,
    /// The slots that it lists, if it is `ok` and lists any.
    pub(super) slots: Option<BTreeSet<u32>>,
    /// Whether the server said that nothing was requested.
    pub(super) nothing_requested: bool,
}

/// What was done to each key that was administered, in the order of the invocations.
pub(super) fn administered(history: &History) -> BTreeMap<KeyName, Vec<AdminOp>> {
    let mut administered: BTreeMap<KeyName, Vec<AdminOp>> = BTreeMap::new();
    for (invoked, event) in history.events().iter().enumerate() {
        let is_client = event.process != Process::Nemesis;
        if is_client && event.kind == Kind::Invoke && event.function.is_administration() {
            let op = AdminOp::begun(history, invoked, event.function.clone());
            administered.entry(event.key.clone()).or_default().push(op);
        }
    }
    administered
}

/// What was done to one key.
pub(super) fn ops(history: &History, key: &KeyName) -> Vec<AdminOp> {
    administered(history).remove(key).unwrap_or_default()
}

impl AdminOp {
    fn begun(history: &History, invoked: usize, function: Function) -> Self {
        let mut op = Self {
            function,
            invoked,
            ended: NEVER,
            outcome: Kind::Info,
            slots: None,
            nothing_requested: false,
        };
        if let Some(ended) = history.partner(invoked) {
            let end = &history.events()[ended];
            op.ended = ended;
            op.outcome = end.kind;
            if let (Kind::Ok, Value::Slots(slots)) = (end.kind, &end.value) {
                op.slots = Some(slots.iter().copied().collect());
            }
            let kind = end.error.as_ref().map(|error| &*error.kind);
            op.nothing_requested = end.observed && kind == Some("nothing-requested");
        }
        op
    }

    /// Whether it is of this kind and did not fail.
    pub(super) fn is(&self, function: &Function) -> bool {
        self.function == *function && self.outcome != Kind::Fail
    }

    /// Until when it may take effect: for ever if nobody knows its outcome.
    pub(super) fn settled(&self) -> usize {
        match self.outcome {
            Kind::Info => NEVER,
            _ => self.ended,
        }
    }

    /// Whether it may have made or removed slots.
    pub(super) fn is_change(&self) -> bool {
        use Function::{Create, Destroy, Grow, Overshoot, Shrink};
        [Create, Grow, Shrink, Destroy, Overshoot]
            .iter()
            .any(|function| self.is(function))
    }

    pub(super) fn names(&self, slot: u32) -> bool {
        self.slots
            .as_ref()
            .is_some_and(|slots| slots.contains(&slot))
    }

    /// The slots that it found, if it is a count that is `ok`.
    pub(super) fn found(&self) -> Option<&BTreeSet<u32>> {
        self.slots
            .as_ref()
            .filter(|_| self.function == Function::Count)
    }
}

/// Of the counts that found something the one that was invoked last.
pub(super) fn last_count(ops: &[AdminOp]) -> Option<&AdminOp> {
    ops.iter().rfind(|op| op.found().is_some())
}
