//! The outline of a run: a map with keywords.

use std::collections::BTreeMap;

use clojure_reader::edn::Edn;
use serde::Deserialize;

use super::FormError;
use super::names::keyed;
use super::note::plain;
use super::transit::from_json;
use crate::fault::{Effect, Role};
use crate::{Outline, Value};

/// What stands as the value of a mark: an outline, or nothing.
pub(super) fn read(edn: &Edn<'_>) -> Result<Value, FormError> {
    match edn {
        Edn::Nil => Ok(Value::None),
        edn => Ok(Value::Outline(Box::new(Outline::deserialize(plain(edn))?))),
    }
}

pub(super) fn write(outline: &Outline) -> Edn<'_> {
    let number = |number: u64| from_json(&number.into());
    let texts = |texts: &'_ [String]| {
        let text = |text: &String| Edn::string(text.clone());
        Edn::Vector(texts.iter().map(text).collect())
    };
    let mut fields = vec![
        ("workload", Edn::string(outline.workload.as_str())),
        ("lock", Edn::string(outline.lock.as_str())),
        ("workers", number(outline.workers.into())),
        ("slots", number(outline.slots.into())),
        ("heartbeat_ms", number(outline.heartbeat_ms)),
        ("faults", texts(&outline.faults)),
        ("guarantees", texts(&outline.guarantees)),
    ];
    if !outline.effects.is_empty() {
        let effect = |(fault, effect): (&String, &Effect)| {
            (Edn::string(fault.clone()), Edn::key(effect.to_string()))
        };
        let effects = outline.effects.iter().map(effect).collect();
        fields.push(("effects", Edn::Map(effects)));
    }
    if !outline.struck.is_empty() {
        let least = |(role, least): (&Role, &u64)| (Edn::key(role.to_string()), number(*least));
        let of_fault = |(fault, roles): (&String, &BTreeMap<Role, u64>)| {
            let roles = roles.iter().map(least).collect();
            (Edn::string(fault.clone()), Edn::Map(roles))
        };
        let struck = outline.struck.iter().map(of_fault).collect();
        fields.push(("struck", Edn::Map(struck)));
    }
    keyed(fields)
}
