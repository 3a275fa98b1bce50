//! How much has happened so far, for whoever shows the progress of a run.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use history::{Event, Function, Kind, Process};

use crate::observer::Observer;

/// Counts what is recorded.
#[derive(Debug, Default)]
pub struct Counters {
    operations: AtomicU64,
    grants: AtomicU64,
    losses: AtomicU64,
    unknown: AtomicU64,
}

/// What was counted until one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Operations that have ended, whatever came of them.
    pub operations: u64,
    /// Acquires that returned held.
    pub grants: u64,
    /// Loss notifications.
    pub losses: u64,
    /// Operations of which nobody knows what became of them.
    pub unknown: u64,
}

impl Counters {
    /// What was counted until now.
    #[must_use]
    pub fn now(&self) -> Counts {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            operations: count(&self.operations),
            grants: count(&self.grants),
            losses: count(&self.losses),
            unknown: count(&self.unknown),
        }
    }
}

impl Observer for Counters {
    fn see(&self, event: &Event) {
        if event.process == Process::Nemesis || event.kind == Kind::Invoke {
            return;
        }
        let count = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        match (&event.function, event.kind) {
            (Function::Lost, _) => {
                count(&self.losses);
                return;
            }
            (Function::Acquire, Kind::Ok) => count(&self.grants),
            (_, Kind::Info) => count(&self.unknown),
            _ => 0,
        };
        count(&self.operations);
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            operations,
            grants,
            losses,
            unknown,
        } = self;
        write!(
            out,
            "operations {operations}, grants {grants}, losses {losses}, unknown {unknown}"
        )
    }
}

#[cfg(test)]
mod tests {
    use history::Draft;

    use super::*;

    #[test]
    fn ends_are_counted_by_what_came_of_them() {
        let counters = Counters::default();
        let client = |kind, function| Draft::new(Process::Client(0), kind, function);
        let drafts = [
            client(Kind::Invoke, Function::Acquire),
            client(Kind::Ok, Function::Acquire),
            Draft::new(Process::Nemesis, Kind::Info, Function::fault("cut")),
            client(Kind::Invoke, Function::Lost),
            client(Kind::Ok, Function::Lost),
            client(Kind::Invoke, Function::Acquire),
            client(Kind::Fail, Function::Acquire),
            client(Kind::Invoke, Function::Release),
            client(Kind::Info, Function::Release),
        ];
        for (index, draft) in (0..).zip(drafts) {
            counters.see(&draft.at(index, index));
        }
        assert_eq!(
            counters.now().to_string(),
            "operations 3, grants 1, losses 1, unknown 1"
        );
    }
}
