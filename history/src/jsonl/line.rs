//! One line: its JSON, and the event that it stands for.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::{LINE_BYTES_MAX, LineError};
use crate::object::Object;
use crate::{Event, Failure, Function, Kind, Mark, Process, RuleError, Value};

/// The event of a line, which comes with its line end if it has one; nothing if the line is blank.
pub(super) fn parse(line: &[u8], keys: &mut Keys) -> Result<Option<Event>, LineError> {
    if line.len() > LINE_BYTES_MAX + 1 {
        return Err(LineError::TooLong);
    }
    let text = line.trim_ascii();
    if text.is_empty() {
        return Ok(None);
    }
    // Checking the encoding of a whole line at once is faster than string by string; what is wrong
    // is said the same way.
    let Object(line): Object<Line<'_>> = match std::str::from_utf8(text) {
        Ok(text) => serde_json::from_str(text)?,
        Err(_) => serde_json::from_slice(text)?,
    };
    Ok(Some(line.into_event(keys)?))
}

/// Whether a line is bad because it was cut off while it was written.
pub(super) fn is_torn(line: &[u8], problem: &LineError) -> bool {
    let LineError::Json(error) = problem else {
        return false;
    };
    let torn_character =
        || std::str::from_utf8(line).is_err_and(|error| error.error_len().is_none());
    !line.ends_with(b"\n") && (error.classify() == Category::Eof || torn_character())
}

/// The fields of a line as they stand there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    index: u64,
    time: u64,
    process: Process,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(rename = "f", borrow)]
    function: Cow<'a, str>,
    #[serde(default, borrow)]
    key: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    value: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<Object<Failure>>,
    #[serde(default)]
    observed: bool,
}

impl Line<'_> {
    fn into_event(self, keys: &mut Keys) -> Result<Event, LineError> {
        let Self {
            index,
            time,
            process,
            kind,
            function,
            key,
            value,
            error,
            observed,
        } = self;
        let function = match process {
            Process::Nemesis => Function::fault(&function),
            Process::Run => Mark::named(&function).map(Function::Mark).ok_or_else(|| {
                RuleError::UnknownMark {
                    name: function.into_owned(),
                }
            })?,
            Process::Client(_) => {
                Function::operation(&function).ok_or_else(|| RuleError::UnknownOperation {
                    name: function.into_owned(),
                })?
            }
        };
        let text = value.map_or("null", RawValue::get);
        let value = Value::parse(text, process, kind, &function)?;
        let key = key.map(|key| keys.shared(&key));
        Ok(Event {
            index,
            time,
            process,
            kind,
            function,
            key,
            value,
            error: error.map(|Object(failure)| Box::new(failure)),
            observed,
        })
    }
}

/// A history has few keys and many events: each key's text is kept once.
#[derive(Default)]
pub(super) struct Keys {
    known: std::collections::BTreeSet<Arc<str>>,
}

impl Keys {
    fn shared(&mut self, key: &str) -> Arc<str> {
        if let Some(known) = self.known.get(key) {
            return known.clone();
        }
        let shared: Arc<str> = key.into();
        self.known.insert(shared.clone());
        shared
    }
}
