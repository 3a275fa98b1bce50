//! From notes to windows: what was broken for whom, from when to when.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{Class, Evidence, Note, Parameters, Targets};
use crate::{Function, History, Value};

/// A fault from its injection to its end. Windows may overlap. Ends are positions in
/// [`History::events`]; one that the record does not show is missing.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Tells the fault from all others of the history.
    pub id: u64,
    /// The fault's name.
    pub name: Arc<str>,
    /// What kind of harm it does.
    pub class: Class,
    /// Whom it strikes.
    pub targets: Targets,
    /// What else is known of it.
    pub parameters: Parameters,
    /// From here on it may be in force.
    pub inject: usize,
    /// From here to `heal` it surely is in force.
    pub on: Option<usize>,
    /// Whether it never was in force at all.
    pub missed: bool,
    /// From here on it may be off.
    pub heal: Option<usize>,
    /// From here on it surely is off.
    pub healed: Option<usize>,
    /// What shows from outside that it was there: when it came into force, and after it healed.
    pub evidence: [Evidence; 2],
}

impl History {
    /// The windows of all faults, in the order of their injections.
    #[must_use]
    pub fn windows(&self) -> Vec<Window> {
        let mut windows: Vec<Window> = Vec::new();
        let mut by_id: FxHashMap<u64, usize> = FxHashMap::default();
        for (place, event) in self.events().iter().enumerate() {
            let (Function::Fault(name), Value::Note(note)) = (&event.function, &event.value) else {
                continue;
            };
            if let Some(window) = Window::begun(name, note, place) {
                by_id.insert(window.id, windows.len());
                windows.push(window);
            } else if let Some(known) = by_id.get(&note.id()) {
                windows[*known].go_on(note, place);
            }
        }
        windows
    }
}

impl Window {
    fn begun(name: &Arc<str>, note: &Note, place: usize) -> Option<Self> {
        let Note::Inject {
            id,
            class,
            targets,
            parameters,
        } = note
        else {
            return None;
        };
        Some(Self {
            id: *id,
            name: name.clone(),
            class: *class,
            targets: targets.clone(),
            parameters: parameters.clone(),
            inject: place,
            on: None,
            missed: false,
            heal: None,
            healed: None,
            evidence: Default::default(),
        })
    }

    fn go_on(&mut self, note: &Note, place: usize) {
        if let Note::Heal { missed, .. } = note {
            self.missed = *missed;
        }
        match note {
            Note::On { evidence, .. } => self.evidence[0].clone_from(evidence),
            Note::Healed { evidence, .. } => self.evidence[1].clone_from(evidence),
            Note::Inject { .. } | Note::Heal { .. } => {}
        }
        let end = match note {
            Note::Inject { .. } => return,
            Note::On { .. } => &mut self.on,
            Note::Heal { .. } => &mut self.heal,
            Note::Healed { .. } => &mut self.healed,
        };
        *end = Some(place);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Draft, HistoryBuilder};

    fn inject(id: u64) -> Note {
        Note::Inject {
            id,
            class: Class::Breaking,
            targets: Targets::Processes(vec![0]),
            parameters: Parameters::new(),
        }
    }

    fn history(notes: Vec<(&str, Note)>) -> History {
        let mut builder = HistoryBuilder::default();
        for (time, (fault, note)) in (0..).zip(notes) {
            let draft = Draft::fault(fault, note);
            builder.push(time, draft).expect("well-formed");
        }
        builder.finish()
    }

    #[test]
    fn windows_overlap_and_may_have_no_end() {
        let history = history(vec![
            ("cut", inject(1)),
            ("cut", inject(2)),
            ("pause", inject(3)),
            ("cut", Note::on(1)),
            ("cut", Note::heal(2)),
            ("cut", Note::heal(1)),
            ("cut", Note::healed(1)),
        ]);
        let ends = history.windows().into_iter().map(|window| {
            let Window {
                id,
                inject,
                on,
                heal,
                healed,
                ..
            } = window;
            (id, inject, on, heal, healed)
        });
        let expected = [
            (1, 0, Some(3), Some(5), Some(6)),
            (2, 1, None, Some(4), None),
            (3, 2, None, None, None),
        ];
        assert_eq!(ends.collect::<Vec<_>>(), expected);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        /// However windows interleave, and wherever the record ends, each note belongs to the
        /// window with its id.
        #[test]
        fn every_note_belongs_to_the_window_with_its_id(turns in prop::collection::vec(0..5_u64, 0..25)) {
            let mut builder = HistoryBuilder::default();
            let mut noted: Vec<Vec<usize>> = vec![Vec::new(); 5];
            let mut place = 0;
            for id in turns {
                let places = &mut noted[id as usize];
                let note = match places.len() {
                    0 => inject(id),
                    1 => Note::on(id),
                    2 => Note::heal(id),
                    3 => Note::healed(id),
                    _ => continue,
                };
                places.push(place);
                place += 1;
                builder.push(0, Draft::fault("cut", note)).expect("well-formed");
            }
            let windows = builder.finish().windows();
            prop_assert!(windows.is_sorted_by_key(|window| window.inject));
            prop_assert_eq!(windows.len(), noted.iter().filter(|places| !places.is_empty()).count());
            for window in windows {
                let ends = [Some(window.inject), window.on, window.heal, window.healed];
                let ends: Vec<usize> = ends.into_iter().flatten().collect();
                prop_assert_eq!(&ends, &noted[window.id as usize]);
            }
        }
    }
}
