//! What stands in the value of an event of the nemesis.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Class, Targets};

/// What else is known of a fault, by name: what it was planned to last (`for_ms`), and whatever
/// distinguishes it from others.
pub type Parameters = BTreeMap<String, Json>;

/// What shows from outside that a fault was there, by name: bytes that were held back, connections
/// that were closed, the state of a process. No verdict rests on it.
pub type Evidence = BTreeMap<String, Json>;

/// What the nemesis notes of a fault:
/// `{"phase":"inject","id":0,"class":"isolating","targets":{"processes":[3]}}`, and later
/// `{"phase":"on","id":0}`.
///
/// The form is closed. The name of the fault is that of the event's function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "lowercase", deny_unknown_fields)]
pub enum Note {
    /// Noted before the fault acts, so that no effect stands before its cause.
    Inject {
        /// Tells the fault from all others of the history.
        id: u64,
        /// What kind of harm it does.
        class: Class,
        /// Whom it strikes.
        targets: Targets,
        /// What else is known of it.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        parameters: Parameters,
    },
    /// The fault is in force.
    On {
        /// The fault's.
        id: u64,
        /// What shows that it came into force.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        evidence: Evidence,
    },
    /// Noted before the fault is taken off: from `on` to here it surely was in force.
    Heal {
        /// The fault's.
        id: u64,
        /// Whether it never was in force: what it waited for did not come.
        #[serde(default, skip_serializing_if = "is_false")]
        missed: bool,
    },
    /// Nothing is left of the fault.
    Healed {
        /// The fault's.
        id: u64,
        /// What shows that it was on.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        evidence: Evidence,
    },
}

/// Where a fault stands; a fault only goes on from one to a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// About to act.
    Inject,
    /// In force.
    On,
    /// About to be taken off.
    Heal,
    /// Taken off.
    Healed,
}

/// A value that has the fields of a note and is none.
#[derive(Debug, thiserror::Error)]
#[error(
    "not the note of a fault: {0} (notes that were recorded before they had a class are rewritten as docs/histories.md says)"
)]
pub struct NoteError(#[from] serde_json::Error);

impl Note {
    /// Tells the fault from all others of the history.
    #[must_use]
    pub fn id(&self) -> u64 {
        match self {
            Self::Inject { id, .. }
            | Self::On { id, .. }
            | Self::Heal { id, .. }
            | Self::Healed { id, .. } => *id,
        }
    }

    /// A fault is in force, and nothing more is known.
    #[must_use]
    pub fn on(id: u64) -> Self {
        let evidence = Evidence::new();
        Self::On { id, evidence }
    }

    /// A fault that was in force is about to be taken off.
    #[must_use]
    pub fn heal(id: u64) -> Self {
        Self::Heal { id, missed: false }
    }

    /// Nothing is left of a fault, and nothing more is known.
    #[must_use]
    pub fn healed(id: u64) -> Self {
        let evidence = Evidence::new();
        Self::Healed { id, evidence }
    }

    /// Where the fault stands.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self {
            Self::Inject { .. } => Phase::Inject,
            Self::On { .. } => Phase::On,
            Self::Heal { .. } => Phase::Heal,
            Self::Healed { .. } => Phase::Healed,
        }
    }

    /// Whether a value claims to be a note. What the nemesis of another program writes need not.
    pub(crate) fn is_claimed_by(json: &Json) -> bool {
        let Json::Object(fields) = json else {
            return false;
        };
        // As EDN writes them, keywords and symbols are names too.
        let has = |name: &str| {
            let mut names = fields.keys();
            names.any(|field| {
                ["", "~:", "~$"]
                    .iter()
                    .any(|mark| field.strip_prefix(mark) == Some(name))
            })
        };
        has("id") && has("phase")
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields so")]
fn is_false(is_so: &bool) -> bool {
    !is_so
}

impl fmt::Display for Phase {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Inject => "inject",
            Self::On => "on",
            Self::Heal => "heal",
            Self::Healed => "healed",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fault::Link;

    fn read(json: Json) -> Result<Note, String> {
        Note::deserialize(json).map_err(|error| error.to_string())
    }

    #[test]
    fn the_form_is_as_the_docs_say() {
        let links = vec![Link { from: 0, to: 1 }, Link { from: 1, to: 0 }];
        let notes = [
            (
                json!({"phase": "inject", "id": 0, "class": "isolating", "targets": {"processes": [3]},
                    "parameters": {"for_ms": 4000}}),
                Note::Inject {
                    id: 0,
                    class: Class::Isolating,
                    targets: Targets::Processes(vec![3]),
                    parameters: BTreeMap::from([("for_ms".to_owned(), json!(4000))]),
                },
            ),
            (
                json!({"phase": "inject", "id": 1, "class": "slowing", "targets": {"links": [[0, 1], [1, 0]]}}),
                Note::Inject {
                    id: 1,
                    class: Class::Slowing,
                    targets: Targets::Links(links),
                    parameters: Parameters::new(),
                },
            ),
            (json!({"phase": "on", "id": 0}), Note::on(0)),
            (
                json!({"phase": "on", "id": 0, "evidence": {"state": "T"}}),
                Note::On {
                    id: 0,
                    evidence: Evidence::from([("state".to_owned(), "T".into())]),
                },
            ),
            (json!({"phase": "heal", "id": 0}), Note::heal(0)),
            (
                json!({"phase": "heal", "id": 0, "missed": true}),
                Note::Heal {
                    id: 0,
                    missed: true,
                },
            ),
            (json!({"phase": "healed", "id": 0}), Note::healed(0)),
        ];
        for (json, note) in notes {
            assert_eq!(serde_json::to_value(&note).expect("JSON"), json);
            assert_eq!(read(json), Ok(note));
        }
    }

    #[test]
    fn what_is_no_note_is_refused() {
        let whole =
            json!({"phase": "inject", "id": 0, "class": "halting", "targets": {"nodes": [0]}});
        let with = |name: &str, value: Json| {
            let mut changed = whole.clone();
            changed[name] = value;
            read(changed).expect_err("it is no note")
        };
        read(whole.clone()).expect("it is a note");
        assert!(with("speed", json!(1)).contains("unknown field `speed`"));
        assert!(with("class", json!("odd")).contains("unknown variant `odd`"));
        assert!(with("phase", json!("over")).contains("unknown variant `over`"));
        assert!(with("phase", json!("on")).contains("unknown field"));
        with("targets", json!([0]));
        with("targets", json!({"nodes": [0], "links": []}));
        with("targets", json!({"links": [[0, 1, 2]]}));
        with("id", json!(-1));
    }
}
