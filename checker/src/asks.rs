//! Who asked for which lock, and what came of it.

use std::collections::BTreeMap;

use history::{Function, Kind, Process};

use crate::Case;
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
}

impl Ask {
    /// Whether nobody knows what came of it.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self.kind, None | Some(Kind::Info))
    }
}

/// The acquires of each key, in the order in which they were invoked.
pub(crate) struct Asks<'a>(BTreeMap<Option<&'a str>, Vec<Ask>>);

impl<'a> Asks<'a> {
    pub(crate) fn new(case: &Case<'a>) -> Self {
        let mut asks: BTreeMap<Option<&str>, Vec<Ask>> = BTreeMap::new();
        for (place, event) in case.history.events().iter().enumerate() {
            if let (Process::Client(process), Kind::Invoke, Function::Acquire) =
                (event.process, event.kind, &event.function)
            {
                let end = case.history.partner(place);
                asks.entry(event.key.as_deref()).or_default().push(Ask {
                    process,
                    invoke: position(place),
                    end: end.map_or(NEVER, position),
                    kind: end.map(|end| case.history.events()[end].kind),
                });
            }
        }
        Self(asks)
    }

    /// The acquires of one key.
    pub(crate) fn of(&self, key: Option<&'a str>) -> &[Ask] {
        self.0.get(&key).map_or(&[], Vec::as_slice)
    }
}
