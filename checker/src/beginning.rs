//! Beginnings of a history: the shortest that cannot be explained is what there is to show.

use std::sync::Arc;

use history::{Event, History, HistoryBuilder, Kind, Value};

use crate::finding::Violation;

type Key = Option<Arc<str>>;

/// A key with more operations is not tried again and again.
const OPERATIONS_MAX: usize = 10_000;

/// What `judge` finds in the shortest beginning of the history of a key that it finds anything in.
/// What was found in the whole stays as it is if the key has too many operations.
pub(crate) fn shortest(
    history: &History,
    key: &Key,
    found: Violation,
    judge: impl Fn(&History) -> Option<Violation>,
) -> Violation {
    let ends = ends(history, key, &found);
    if ends.len() > OPERATIONS_MAX {
        return found;
    }
    // What has no order has none however it goes on.
    let first = ends.partition_point(|end| judge(&beginning(history, key, *end)).is_none());
    // Where only the rest of the history hid it from a sweep, that has a better rule.
    let shorter = ends
        .get(first)
        .and_then(|end| judge(&beginning(history, key, *end)));
    shorter.unwrap_or(found)
}

/// The ends of the key's operations up to the witness of what was found, by position.
fn ends(history: &History, key: &Key, found: &Violation) -> Vec<usize> {
    let last = found.witness.iter().max().copied().unwrap_or_default();
    let events = history.events().iter().enumerate();
    let ends = events.filter(|(_, event)| {
        event.key == *key && event.index <= last && matches!(event.kind, Kind::Ok | Kind::Fail)
    });
    ends.map(|(position, _)| position).collect()
}

/// The events of one key up to a position. What ends later is of unknown outcome; what fails later
/// is left out, for that it had no effect is so however much is read.
pub(crate) fn beginning(history: &History, key: &Key, last: usize) -> History {
    let mut builder = HistoryBuilder::default();
    let events = history.events().iter().enumerate().take(last + 1);
    for (position, event) in events.filter(|(_, event)| event.key == *key) {
        let end = history
            .partner(position)
            .filter(|end| *end > last)
            .map(|end| &history.events()[end]);
        if end.is_none_or(|end| end.kind != Kind::Fail) {
            builder
                .push_event(asked(event, end))
                .expect("a part of a history keeps to its rules");
        }
    }
    builder.finish()
}

/// The invocation of an operation that ends later, with the mode or the permits that only its end
/// tells.
fn asked(event: &Event, end: Option<&Event>) -> Event {
    let mut event = event.clone();
    if let (Value::None, Some(told @ (Value::Mode(_) | Value::Permits(_)))) =
        (&event.value, end.map(|end| &end.value))
    {
        event.value = told.clone();
    }
    event
}
