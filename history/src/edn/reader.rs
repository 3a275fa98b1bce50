//! Text to history.

use std::io::Read;

use clojure_reader::edn;

use super::event::event;
use super::forms::Forms;
use super::keys::Keys;
use super::printed::readable;
use super::{FormError, ReadError};
use crate::{Event, History, HistoryBuilder};

/// Reads a history.
///
/// # Errors
/// The first form that is no operation or breaks a rule, with the line on which it begins.
pub fn read(source: impl Read) -> Result<History, ReadError> {
    read_with(source, Keys::Unknown)
}

/// Reads a history of `jepsen.independent`: every client's value is `[k v]`.
///
/// # Errors
/// As [`read`], and the first value without a key.
pub fn read_independent(source: impl Read) -> Result<History, ReadError> {
    read_with(source, Keys::Values)
}

fn read_with(mut source: impl Read, mut keys: Keys) -> Result<History, ReadError> {
    let mut bytes = Vec::new();
    source.read_to_end(&mut bytes)?;
    let text = text(&bytes)?;
    let mut builder = HistoryBuilder::default();
    let mut last = None;
    let mut are_timed = true;
    let mut forms = Forms::of(text);
    while let Some((line, form)) = forms.next() {
        let admit = |form: &str| -> Result<(u64, u64), FormError> {
            let (event, is_timed) = parse(form, last, &mut keys)?;
            are_timed &= is_timed;
            let place = (event.index, event.time);
            builder.push_event(event)?;
            Ok(place)
        };
        last = Some(
            form.and_then(admit)
                .map_err(|problem| ReadError::Form { line, problem })?,
        );
    }
    if !are_timed {
        builder.mistrust_times();
    }
    match forms.unfinished() {
        Some(line) => Err(ReadError::Form {
            line,
            problem: FormError::Unfinished,
        }),
        None => Ok(builder.finish()),
    }
}

fn text(bytes: &[u8]) -> Result<&str, ReadError> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(ReadError::Form {
            line: 1,
            problem: FormError::ByteOrderMark,
        });
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let line = memchr::memchr_iter(b'\n', &bytes[..error.valid_up_to()]).count() as u64 + 1;
        ReadError::Form {
            line,
            problem: FormError::Encoding,
        }
    })
}

fn parse(
    form: &str,
    last: Option<(u64, u64)>,
    keys: &mut Keys,
) -> Result<(Event, bool), FormError> {
    let syntax = |code: String| FormError::Syntax { code };
    let form = readable(form);
    let (edn, rest) = edn::read(&form).map_err(|error| syntax(format!("{:?}", error.code)))?;
    if !rest.trim().is_empty() {
        return Err(syntax(
            "more than one form where one was expected".to_owned(),
        ));
    }
    event(&edn, last, keys)
}
