//! What the nemesis did.

use history::fault::{Class, Note};
use history::{Function, History, Value};

use super::record::NEVER;

/// A fault from its injection to its healing, by the positions of the events.
pub(super) struct Window<'a> {
    pub(super) fault: &'a str,
    pub(super) id: u64,
    pub(super) class: Class,
    /// Whether the connection of a target that stands still lives on.
    pub(super) connection_lives: bool,
    pub(super) targets: &'a [u32],
    pub(super) injected: usize,
    /// From here to the healing it was surely on; where nothing says so, from the injection.
    pub(super) on: usize,
    /// Whether it came to nothing: what it waited for never was.
    pub(super) missed: bool,
    /// `NEVER` if it was not healed.
    pub(super) healed: usize,
    /// Where nothing of it was left any more; `NEVER` where nothing says so.
    pub(super) over: usize,
}

/// The windows in the order of their injections. What another program's nemesis wrote says nothing.
pub(super) fn windows(history: &History) -> Vec<Window<'_>> {
    let mut windows: Vec<Window<'_>> = Vec::new();
    for (position, event) in history.events().iter().enumerate() {
        let (Function::Fault(fault), Value::Note(note)) = (&event.function, &event.value) else {
            continue;
        };
        if let Note::Inject {
            id,
            class,
            targets,
            parameters,
        } = &**note
        {
            windows.push(Window {
                fault,
                id: *id,
                class: *class,
                connection_lives: parameters.get("connection").is_some_and(|it| it == "lives"),
                targets: targets.processes(),
                injected: position,
                on: position,
                missed: false,
                healed: NEVER,
                over: NEVER,
            });
            continue;
        }
        let Some(window) = windows
            .iter_mut()
            .rev()
            .find(|window| window.id == note.id())
        else {
            continue;
        };
        match **note {
            Note::On { .. } => window.on = position,
            Note::Heal { missed, .. } => {
                window.healed = position;
                window.missed = missed;
            }
            Note::Healed { .. } => window.over = position,
            Note::Inject { .. } => {}
        }
    }
    windows
}
