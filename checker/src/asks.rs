//! Who asked for which lock, and what came of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use history::{Event, Function, History, Kind, Process};

use crate::holds::is_shared;
use crate::position::{NEVER, Position, position};

/// One acquire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub(crate) process: u32,
    pub(crate) invoke: Position,
    /// [`NEVER`] if it has no end in the record.
    pub(crate) end: Position,
    /// How it ended, if it did.
    pub(crate) kind: Option<Kind>,
    /// Whether others may hold at the same time.
    pub(crate) shared: bool,
}

impl Ask {
    /// Whether nobody knows what came of it.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self.kind, None | Some(Kind::Info))
    }
}

/// The acquires of each key, in the order in which they were invoked. What was never sent is left
/// out: nobody but its client knew of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asks(BTreeMap<Option<Arc<str>>, Vec<Ask>>);

impl Asks {
    pub(crate) fn new(history: &History) -> Self {
        let mut asks: BTreeMap<Option<Arc<str>>, Vec<Ask>> = BTreeMap::new();
        for (place, event) in history.events().iter().enumerate() {
            if let (Process::Client(process), Kind::Invoke, Function::Acquire) =
                (event.process, event.kind, &event.function)
            {
                let end = history.partner(place);
                let answer = end.map(|end| &history.events()[end]);
                if answer.is_some_and(was_never_sent) {
                    continue;
                }
                let answered = answer.map_or(&event.value, |answer| &answer.value);
                asks.entry(event.key.clone()).or_default().push(Ask {
                    process,
                    invoke: position(place),
                    end: end.map_or(NEVER, position),
                    kind: answer.map(|answer| answer.kind),
                    shared: is_shared(&event.value, answered),
                });
            }
        }
        Self(asks)
    }

    /// The acquires of one key.
    pub(crate) fn of(&self, key: &Option<Arc<str>>) -> &[Ask] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }
}

/// Whether an operation failed before anything of it was sent.
fn was_never_sent(end: &Event) -> bool {
    let kind = end.error.as_ref().map(|error| &*error.kind);
    end.kind == Kind::Fail && !end.observed && kind == Some("not-sent")
}
