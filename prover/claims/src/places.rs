//! Where the keys of a claims file stand.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use crate::mistake::Mistake;
use crate::profile::Profile;

/// The tables that a key of a claim is looked for in, the one that counts most first: those of the
/// profile quick, and those of both.
const QUICK: [&[&str]; 2] = [&["quick", "run"], &["quick"]];
const USUAL: [&[&str]; 2] = [&["run"], &[]];

/// Where the keys of a claims file stand.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The text of the file.
    pub(crate) text: String,
    profile: Profile,
    /// The first byte of each key, by the number of the claim and the names that lead to it.
    claims: Vec<BTreeMap<Vec<String>, usize>>,
    /// The same of what stands before the claims.
    common: BTreeMap<Vec<String>, usize>,
}

impl Places {
    pub(crate) fn of(text: &str, profile: Profile) -> Result<Self, Mistake> {
        let file = DeTable::parse(text).map_err(|error| of_toml(text, &error))?;
        let claims = file
            .get_ref()
            .iter()
            .find(|(key, _)| key.get_ref() == "claim");
        let claims = claims.and_then(|(_, claims)| claims.get_ref().as_array());
        let mut places = Self {
            text: text.to_owned(),
            profile,
            claims: Vec::new(),
            common: BTreeMap::new(),
        };
        for claim in claims.into_iter().flatten() {
            let mut keys = BTreeMap::from([(Vec::new(), claim.span().start)]);
            note(&mut keys, &[], claim.get_ref());
            places.claims.push(keys);
        }
        let file = DeValue::Table(file.into_inner());
        note(&mut places.common, &[], &file);
        Ok(places)
    }

    /// The byte where a key of a claim stands, wherever it was written; that of the claim where it
    /// was not.
    pub(crate) fn of_key(&self, claim: usize, key: &str) -> usize {
        let itself = || self.claims.get(claim)?.get(&Vec::new()).copied();
        self.of_path(claim, &[key])
            .or_else(itself)
            .unwrap_or_default()
    }

    /// The byte where a key of a claim stands that these names lead to, if it was written.
    pub(crate) fn of_path(&self, claim: usize, names: &[&str]) -> Option<usize> {
        let path = |table: &[&str]| -> Vec<String> {
            let names = table.iter().chain(names);
            names.map(|name| (*name).to_owned()).collect()
        };
        let keys = self.claims.get(claim)?;
        let quick = QUICK.iter().filter(|_| self.profile == Profile::Quick);
        let mut tables = quick.chain(&USUAL);
        let own = tables.find_map(|table| keys.get(&path(table)));
        own.or_else(|| self.common.get(&path(&["run"]))).copied()
    }
}

/// What the reader of TOML says is wrong, with what was meant where a name is none.
pub(crate) fn of_toml(text: &str, error: &toml::de::Error) -> Mistake {
    let byte = error.span().map_or(0, |span| span.start);
    Mistake::at(text, byte, meant(error.message()))
}

/// ``unknown field `nemsis`, expected one of …`` in one line with what was meant.
fn meant(message: &str) -> String {
    let message = message.replace('\n', ", ");
    // Of all keys only `claim` holds tables one after the other.
    if message == "invalid type: map, expected a sequence" {
        return "each claim begins with [[claim]], in double brackets".to_owned();
    }
    let mut names = message.split('`').skip(1).step_by(2);
    let (is_unknown, name) = (message.starts_with("unknown "), names.next());
    let known: Vec<&str> = names.collect();
    match name
        .filter(|_| is_unknown)
        .and_then(|name| plan::nearest(name, &known))
    {
        Some(near) => {
            let what = message.split(", expected").next().unwrap_or(&message);
            format!("{what}: did you mean {near}?")
        }
        None => message,
    }
}

fn note(keys: &mut BTreeMap<Vec<String>, usize>, path: &[String], value: &DeValue<'_>) {
    let Some(table) = value.as_table() else {
        return;
    };
    for (key, value) in table {
        let path: Vec<String> = path
            .iter()
            .cloned()
            .chain([key.get_ref().to_string()])
            .collect();
        note(keys, &path, value.get_ref());
        keys.insert(path, key.span().start);
    }
}
