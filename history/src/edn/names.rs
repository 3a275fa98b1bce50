//! Names in EDN, and maps by names.

use std::collections::BTreeMap;

use clojure_reader::edn::Edn;

/// The name that a keyword, a string or a symbol is.
pub(super) fn name<'a>(edn: &'a Edn<'_>) -> Option<&'a str> {
    match edn {
        Edn::Key(name) | Edn::Str(name) | Edn::Symbol(name) => Some(name),
        _ => None,
    }
}

/// A map whose keys are keywords.
pub(super) fn keyed<'a>(fields: impl IntoIterator<Item = (&'static str, Edn<'a>)>) -> Edn<'a> {
    Edn::Map(
        fields
            .into_iter()
            .map(|(name, value)| (Edn::key(name), value))
            .collect::<BTreeMap<_, _>>(),
    )
}
