//! The windows of faults: what was broken for whom, from when to when.

use history::{Event, Function, History};
use serde::Deserialize;

use crate::holds::{NEVER, Position, position};

/// From the injection of a fault to its healing. The nemesis records the injection before it acts, so that no effect stands before its
/// cause, notes when the fault is surely on, and records the healing before it takes the fault off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) fault: String,
    pub(crate) id: u64,
    /// The processes it was aimed at, as they were called at the injection.
    pub(crate) targets: Vec<u32>,
    pub(crate) inject: Position,
    /// From here to the healing the fault is surely on.
    pub(crate) on: Position,
    /// [`NEVER`] if it was not healed before the record ended.
    pub(crate) heal: Position,
}

/// What stands in the value of a nemesis event.
#[derive(Deserialize)]
struct Note {
    id: u64,
    phase: Phase,
    #[serde(default)]
    targets: Vec<u32>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Phase {
    Inject,
    On,
    Heal,
}

/// All windows, in the order of their injections. A nemesis event that does not say what it is opens and closes nothing.
pub(crate) fn windows(history: &History) -> Vec<Window> {
    let mut windows: Vec<Window> = Vec::new();
    for (place, event) in history.events().iter().enumerate() {
        let (Function::Fault(fault), Some(note)) = (&event.function, note(event)) else {
            continue;
        };
        let Note { id, phase, targets } = note;
        let place = position(place);
        let open = windows
            .iter_mut()
            .rev()
            .find(|open| open.id == id && open.fault == **fault);
        match (phase, open) {
            (Phase::Inject, _) => {
                let fault = fault.to_string();
                windows.push(Window {
                    fault,
                    id,
                    targets,
                    inject: place,
                    on: place,
                    heal: NEVER,
                });
            }
            (Phase::On, Some(open)) => open.on = place,
            (Phase::Heal, Some(open)) => open.heal = open.heal.min(place),
            (Phase::On | Phase::Heal, None) => {}
        }
    }
    windows
}

fn note(event: &Event) -> Option<Note> {
    let history::Value::Data(value) = &event.value else {
        return None;
    };
    Note::deserialize(value.as_ref()).ok()
}

#[cfg(test)]
mod tests {
    use history::{Draft, HistoryBuilder};

    use super::*;

    #[test]
    fn windows_of_one_fault_may_overlap() {
        let mut builder = HistoryBuilder::default();
        for (time, (fault, id, phase)) in (0..).zip([
            ("cut", 1, "inject"),
            ("cut", 2, "inject"),
            ("pause", 1, "inject"),
            ("cut", 1, "on"),
            ("cut", 1, "heal"),
            ("cut", 2, "heal"),
        ]) {
            let note = serde_json::json!({"id": id, "phase": phase, "targets": [0]});
            builder
                .push(time, Draft::fault(fault, note))
                .expect("it is a fault");
        }
        let found = windows(&builder.finish());
        let places: Vec<_> = found
            .iter()
            .map(|window| (window.inject, window.on, window.heal))
            .collect();
        assert_eq!(places, [(0, 3, 4), (1, 1, 5), (2, 2, NEVER)]);
    }
}
