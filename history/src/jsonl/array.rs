//! The same events as the elements of one JSON array: what `jq --slurp` and other tools make of
//! lines.

use std::io::Read;

use serde_json::value::RawValue;

use super::line::{self, Keys};
use super::{LineError, ReadError};
use crate::{History, HistoryBuilder};

/// Reads a history that is one JSON array of events.
///
/// # Errors
/// The first element that is no event or breaks a rule, with its number.
pub fn read_array(mut source: impl Read) -> Result<History, ReadError> {
    let mut bytes = Vec::new();
    source.read_to_end(&mut bytes)?;
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(ReadError::Line {
            line: 1,
            problem: LineError::ByteOrderMark,
        });
    }
    let elements: Vec<&RawValue> = serde_json::from_slice(&bytes).map_err(ReadError::Array)?;
    let mut builder = HistoryBuilder::default();
    let mut keys = Keys::default();
    for (place, element) in (1..).zip(elements) {
        let at = |problem| ReadError::Element { place, problem };
        // An element is never blank.
        if let Some(event) = line::parse(element.get().as_bytes(), &mut keys).map_err(at)? {
            builder
                .push_event(event)
                .map_err(|error| at(error.into()))?;
        }
    }
    Ok(builder.finish())
}
