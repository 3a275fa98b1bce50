//! Where the keys of a history stand: as `:key` in the maps, or in the values, where
//! `jepsen.independent` puts them as `[k v]`.

use std::sync::Arc;

use clojure_reader::edn::Edn;

use super::FormError;
use super::names::name;
use super::transit::to_json;
use crate::{Function, Kind};

/// Where the keys of a history stand. The first invocation decides, and no later one may
/// contradict: then nobody could say what is a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Keys {
    /// Nothing was invoked so far.
    #[default]
    Unknown,
    /// In the maps, or nowhere.
    Maps,
    /// In the values.
    Values,
}

/// A key, and the value that is left without it.
type Split<'a, 'e> = (Option<Arc<str>>, &'a Edn<'e>);

impl Keys {
    /// The key and the value of what a client did. A map with an explicit `:key`, be it nil, has
    /// its key there.
    pub(super) fn split<'a, 'e>(
        &mut self,
        explicit: Option<&Edn<'_>>,
        value: &'a Edn<'e>,
        kind: Kind,
        function: &Function,
    ) -> Result<Split<'a, 'e>, FormError> {
        if *self == Self::Unknown && kind == Kind::Invoke {
            *self = match explicit {
                None if looks_independent(value, function) => Self::Values,
                _ => Self::Maps,
            };
        }
        if let Some(explicit) = explicit {
            return Ok((key(explicit), value));
        }
        match (*self, tuple(value)) {
            (Self::Values, Some((of, value))) => Ok((key(of), value)),
            (Self::Values, None) => Err(FormError::NoIndependentKey),
            (_, Some((of, _))) if is_doubtful(value, kind, function) => {
                Err(FormError::IndependentKey { key: text(of) })
            }
            _ => Ok((None, value)),
        }
    }
}

/// Whether an invocation has the value that `jepsen.independent` gives it. A compare-and-set has a
/// pair of its own, and what administers a lock has slots.
fn looks_independent(value: &Edn<'_>, function: &Function) -> bool {
    match (tuple(value), function) {
        (None, _) => false,
        (Some(_), function) if is_of_a_lock(function) => true,
        (Some((of, value)), Function::Cas) => is_plain(of) && tuple(value).is_some(),
        (Some((of, value)), function) if function.is_administration() => {
            is_plain(of) && matches!(value, Edn::Nil | Edn::Vector(_))
        }
        (Some((of, _)), _) => *of != Edn::Nil,
    }
}

/// Whether a pair may be a key and a value although that was not so before. Only what is read may
/// be a pair where nothing that was invoked is one; a lock has no such values at all.
fn is_doubtful(value: &Edn<'_>, kind: Kind, function: &Function) -> bool {
    let has_pairs = *function == Function::Cas || function.is_administration();
    is_of_a_lock(function)
        || kind == Kind::Invoke && !has_pairs && looks_independent(value, function)
}

fn is_of_a_lock(function: &Function) -> bool {
    matches!(
        function,
        Function::Acquire | Function::Release | Function::Verify | Function::Lost
    )
}

fn is_plain(key: &Edn<'_>) -> bool {
    !matches!(
        key,
        Edn::Nil | Edn::Vector(_) | Edn::List(_) | Edn::Map(_) | Edn::Set(_)
    )
}

fn tuple<'a, 'e>(value: &'a Edn<'e>) -> Option<(&'a Edn<'e>, &'a Edn<'e>)> {
    match value {
        Edn::Tagged(_, value) => tuple(value),
        Edn::Vector(items) => match items.as_slice() {
            [key, value] => Some((key, value)),
            _ => None,
        },
        _ => None,
    }
}

fn key(edn: &Edn<'_>) -> Option<Arc<str>> {
    match edn {
        Edn::Nil => None,
        edn => Some(text(edn).into()),
    }
}

fn text(edn: &Edn<'_>) -> String {
    name(edn).map_or_else(|| to_json(edn).to_string(), str::to_owned)
}
