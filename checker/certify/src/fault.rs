//! What the nemesis did.

use history::{Function, History, Value};
use serde::Deserialize;

use super::record::NEVER;

/// A fault from its injection to its healing, by the positions of the events.
pub(super) struct Window<'a> {
    pub(super) fault: &'a str,
    id: u64,
    pub(super) targets: Vec<u32>,
    pub(super) injected: usize,
    /// From here to the healing it was surely on; where nothing says so, from the injection.
    pub(super) on: usize,
    /// `NEVER` if it was not healed.
    pub(super) healed: usize,
}

#[derive(Deserialize)]
struct Note {
    id: u64,
    phase: Phase,
    #[serde(default)]
    targets: Vec<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Phase {
    Inject,
    On,
    Heal,
}

/// The windows in the order of their injections. An event that has no such note says nothing.
pub(super) fn windows(history: &History) -> Vec<Window<'_>> {
    let mut windows: Vec<Window<'_>> = Vec::new();
    for (position, event) in history.events().iter().enumerate() {
        let (Function::Fault(fault), Value::Data(value)) = (&event.function, &event.value) else {
            continue;
        };
        let Ok(Note { id, phase, targets }) = Note::deserialize(&**value) else {
            continue;
        };
        match phase {
            Phase::Inject => windows.push(Window {
                fault,
                id,
                targets,
                injected: position,
                on: position,
                healed: NEVER,
            }),
            Phase::On | Phase::Heal => {
                let mut latest = windows.iter_mut().rev();
                let Some(window) =
                    latest.find(|window| window.id == id && window.fault == &**fault)
                else {
                    continue;
                };
                if matches!(phase, Phase::On) {
                    window.on = position;
                } else {
                    window.healed = window.healed.min(position);
                }
            }
        }
    }
    windows
}
