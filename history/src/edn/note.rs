//! The notes of faults: maps with keywords.

use std::collections::BTreeMap;

use clojure_reader::edn::Edn;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::FormError;
use super::names::{keyed, name};
use super::transit::{from_json, to_json};
use crate::Value;
use crate::fault::{Class, Link, Note, NoteError, Targets};

const PARAMETERS: &str = "parameters";
const EVIDENCE: &str = "evidence";

/// The note that a value claims to be, if it does.
pub(super) fn read(edn: &Edn<'_>) -> Result<Option<Value>, FormError> {
    let Json::Object(fields) = plain(edn) else {
        return Ok(None);
    };
    let json = Json::Object(fields);
    if !Note::is_claimed_by(&json) {
        return Ok(None);
    }
    let note = Note::deserialize(json).map_err(NoteError::from)?;
    Ok(Some(Value::Note(Box::new(note))))
}

/// As it would stand in JSON Lines: names instead of keywords. Only the values of parameters and of
/// evidence may be anything.
pub(super) fn plain(edn: &Edn<'_>) -> Json {
    match edn {
        Edn::Map(entries) => {
            let field = |(key, value): (&Edn<'_>, &Edn<'_>)| match name(key) {
                Some(free @ (PARAMETERS | EVIDENCE)) => (free.to_owned(), to_json(value)),
                Some(key) => (key.to_owned(), plain(value)),
                None => (key.to_string(), plain(value)),
            };
            Json::Object(entries.iter().map(field).collect::<Map<_, _>>())
        }
        Edn::Vector(items) => items.iter().map(plain).collect(),
        _ => name(edn).map_or_else(|| to_json(edn), |name| Json::String(name.to_owned())),
    }
}

pub(super) fn write(note: &Note) -> Edn<'_> {
    let mut fields = vec![
        ("id", from_json(&note.id().into())),
        ("phase", Edn::key(note.phase().to_string())),
    ];
    match note {
        Note::Inject {
            class,
            targets,
            parameters,
            ..
        } => {
            fields.push(("class", self::class(*class)));
            fields.push(("targets", self::targets(targets)));
            fields.extend(free(PARAMETERS, parameters));
        }
        Note::On { evidence, .. } | Note::Healed { evidence, .. } => {
            fields.extend(free(EVIDENCE, evidence));
        }
        Note::Heal { missed, .. } => {
            fields.extend(missed.then(|| ("missed", from_json(&true.into()))));
        }
    }
    keyed(fields)
}

/// What may be anything, where there is something.
fn free<'a>(name: &'a str, values: &BTreeMap<String, Json>) -> Option<(&'a str, Edn<'static>)> {
    let json = Json::Object(values.clone().into_iter().collect());
    (!values.is_empty()).then(|| (name, from_json(&json)))
}

fn class(class: Class) -> Edn<'static> {
    Edn::key(class.to_string())
}

fn targets(targets: &Targets) -> Edn<'static> {
    match targets {
        Targets::Processes(processes) => keyed([("processes", numbers(processes))]),
        Targets::Nodes(nodes) => keyed([("nodes", numbers(nodes))]),
        Targets::Links(links) => {
            let link = |link: &Link| numbers(&[link.from, link.to]);
            keyed([("links", Edn::Vector(links.iter().map(link).collect()))])
        }
    }
}

fn numbers(numbers: &[u32]) -> Edn<'static> {
    Edn::Vector(
        numbers
            .iter()
            .map(|number| Edn::Int((*number).into()))
            .collect(),
    )
}
