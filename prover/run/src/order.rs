//! What the nemesis orders a worker to do between two of its own operations: to administer the
//! locks.

use std::cmp::Ordering;
use std::sync::Arc;

use history::fault::Evidence;
use history::{Function, Value};
use nemesis::SlotChange;
use serde_json::Map;

use crate::watch::Watch;

/// How often slots are brought nearer to their number, lock by lock, before that is given up.
const TRIES: usize = 5;

/// An order, and what came of it.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) change: SlotChange,
    /// Nothing before it was carried out.
    done: Watch<Option<Evidence>>,
}

impl Order {
    pub(crate) fn of(change: SlotChange) -> Arc<Self> {
        Arc::new(Self {
            change,
            done: Watch::default(),
        })
    }

    /// It was carried out, and these locks have so many slots then.
    pub(crate) fn fulfil(&self, counted: Map<String, serde_json::Value>) {
        self.done.change(|done| *done = Some(slots(counted)));
    }

    /// What comes of an order that nobody carries out: no lock was changed.
    pub(crate) fn unfulfilled() -> Evidence {
        slots(Map::new())
    }

    /// Returns when it was carried out, with what came of it.
    pub(crate) async fn fulfilled(&self) -> Evidence {
        self.done.when(Option::is_some).await;
        self.done.see(Option::clone).unwrap_or_default()
    }
}

fn slots(counted: Map<String, serde_json::Value>) -> Evidence {
    Evidence::from([("slots".to_owned(), counted.into())])
}

/// To how many slots a change leads where there are so many when the run begins, and how often it is
/// tried.
pub(crate) fn aim(change: SlotChange, slots: u32) -> (u32, usize) {
    match change {
        SlotChange::Grow => (slots.saturating_add(1), 1),
        SlotChange::Shrink => (slots.saturating_sub(1), 1),
        SlotChange::Restore => (slots, TRIES),
    }
}

/// What an administrator asks for next, to get from so many slots to so many; nothing if that is
/// reached, or it is not known how many there are. Where decrements are filed, one is before it is
/// carried out.
pub(crate) fn steps(
    has: Option<usize>,
    wanted: u32,
    files_decrements: bool,
) -> Vec<(Function, Value)> {
    let has = has.map(|slots| slots.cmp(&usize::try_from(wanted).unwrap_or(usize::MAX)));
    let shrink = (Function::Shrink, Value::None);
    match has {
        Some(Ordering::Less) => vec![(Function::Grow, Value::Slots(vec![wanted]))],
        Some(Ordering::Greater) if files_decrements => {
            vec![(Function::Request, Value::None), shrink]
        }
        Some(Ordering::Greater) => vec![shrink],
        Some(Ordering::Equal) | None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_come_nearer_to_their_number_step_by_step() {
        let names = |has, wanted, files| {
            let steps = steps(has, wanted, files).into_iter();
            steps
                .map(|(function, _)| function.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(Some(3), 4, true), ["grow"]);
        assert_eq!(names(Some(3), 2, false), ["shrink"]);
        assert_eq!(names(Some(3), 2, true), ["request", "shrink"]);
        assert_eq!(names(Some(3), 3, true), [] as [&str; 0]);
        assert_eq!(names(None, 3, true), [] as [&str; 0]);
        assert_eq!(
            steps(Some(0), 4, false),
            [(Function::Grow, Value::Slots(vec![4]))]
        );
    }
}
