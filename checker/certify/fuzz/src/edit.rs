//! Changes to a certificate's JSON that keep it well-formed enough to be read on.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use serde_json::{Value, json};

/// One change at one place.
#[derive(Arbitrary, Debug)]
pub struct Edit {
    /// Which value of the certificate, counted as they stand and taken modulo their number.
    place: u16,
    change: Change,
}

#[derive(Arbitrary, Debug)]
enum Change {
    Null,
    Number(u64),
    Text(String),
    Word(u8),
    Copy {
        of: u16,
    },
    Remove {
        element: u8,
    },
    Append {
        of: u16,
    },
    Order {
        key: u8,
        coded: Vec<u8>,
        entries: Option<u64>,
        raw: Option<u64>,
    },
    Stream(Vec<u8>),
}

/// What certificates know by name.
const WORDS: &[&str] = &[
    "valid",
    "violated",
    "unknown",
    "exclusion",
    "confirmed-exclusion",
    "overlap<=1ms",
    "overlap<=2h",
    "ownership",
    "fencing",
    "no-lost-update",
    "progress<=1ms",
    "justified-refusal",
    "slot-exclusion",
    "slot-existence",
    "slot-removal",
    "slot-sequence",
    "no-lost-decrement",
    "no-doubled-decrement",
    "coverage",
    "model mutex",
    "model owner-mutex",
    "model semaphore:1",
    "model semaphore:4294967295",
    "model owner-semaphore:2",
    "model rwlock",
    "model reentrant:1",
    "model reentrant:2",
    "model fenced",
    "model reentrant-fenced:2",
    "model set",
    "model register:0",
    "too-many-believe",
    "too-many-confirmed",
    "granted-inside",
    "revived",
    "unowned",
    "token-regressed",
    "refused-while-free",
    "too-many-hold",
    "told-lost",
    "order-of-tokens",
    "no-order",
    "lost-update",
    "never-granted",
    "removed-slot-used",
    "gap-after-overshoot",
    "gap-at-the-end",
    "lost-decrement",
    "doubled-decrement",
    "lock-0",
];

impl Edit {
    /// Makes the change.
    pub fn apply(self, certificate: &mut Value) {
        let count = count(certificate);
        let copy = match self.change {
            Change::Copy { of } | Change::Append { of } => {
                nth(certificate, usize::from(of) % count).clone()
            }
            _ => Value::Null,
        };
        let place = nth(certificate, usize::from(self.place) % count);
        match self.change {
            Change::Null => *place = Value::Null,
            Change::Number(number) => *place = number.into(),
            Change::Text(text) => *place = text.into(),
            Change::Word(word) => *place = WORDS[usize::from(word) % WORDS.len()].into(),
            Change::Copy { .. } => *place = copy,
            Change::Append { .. } => append(place, copy),
            Change::Remove { element } => remove(place, element.into()),
            Change::Order {
                key,
                coded,
                entries,
                raw,
            } => *place = order(key, &coded, entries, raw),
            Change::Stream(bytes) => *place = STANDARD.encode(bytes).into(),
        }
    }
}

fn children(value: &mut Value) -> Vec<&mut Value> {
    match value {
        Value::Array(elements) => elements.iter_mut().collect(),
        Value::Object(fields) => fields.values_mut().collect(),
        _ => Vec::new(),
    }
}

fn count(value: &mut Value) -> usize {
    1 + children(value).into_iter().map(count).sum::<usize>()
}

/// The value itself is the first; then comes what is in it.
fn nth(value: &mut Value, mut place: usize) -> &mut Value {
    if place == 0 {
        return value;
    }
    place -= 1;
    for child in children(value) {
        let inside = count(child);
        if place < inside {
            return nth(child, place);
        }
        place -= inside;
    }
    unreachable!("the place is less than the count")
}

fn append(place: &mut Value, copy: Value) {
    if let Value::Array(elements) = place {
        elements.push(copy);
    }
}

fn remove(place: &mut Value, element: usize) {
    match place {
        Value::Array(elements) if element < elements.len() => drop(elements.remove(element)),
        Value::Object(fields) => {
            if let Some(name) = fields.keys().nth(element).cloned() {
                fields.remove(&name);
            }
        }
        _ => {}
    }
}

/// An order of any entries, with figures that agree with them unless others are given.
fn order(key: u8, coded: &[u8], entries: Option<u64>, raw: Option<u64>) -> Value {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    let deflated = encoder.write_all(coded).and_then(|()| encoder.finish());
    let numbers = coded.iter().filter(|byte| **byte < 0x80).count() as u64;
    let key = ["lock-0", "lock-1"].get(usize::from(key));
    json!({
        "key": key,
        "entries": entries.unwrap_or(numbers),
        "raw": raw.unwrap_or(coded.len() as u64),
        "deflate": STANDARD.encode(deflated.expect("a vector takes all")),
    })
}
