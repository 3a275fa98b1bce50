//! The forms in which histories are stored, recognised by how they begin: nobody has to name a file
//! in a certain way.

use std::io::{self, Cursor, Read};

use crate::{History, edn, jsonl};

/// The form of a stored history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One JSON object a line: [`jsonl`].
    JsonLines,
    /// The same objects as the elements of one JSON array.
    JsonArray,
    /// Jepsen's: [`edn`].
    Edn,
}

/// Why a history could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes could not be had.
    #[error("cannot read the history: {0}")]
    Io(#[from] io::Error),
    /// It is JSON, and something is wrong with it.
    #[error(transparent)]
    Json(#[from] jsonl::ReadError),
    /// It is EDN, and something is wrong with it.
    #[error(transparent)]
    Edn(#[from] edn::ReadError),
    /// It has none of the forms.
    #[error(
        "not a history: expected is one JSON object a line ({{\"index\":0,…}}), a JSON array of such objects, or EDN ({{:process 0, …}}, one map a line or a vector of maps)"
    )]
    Unknown,
    /// The keys of JSON do not stand in the values.
    #[error("--independent is for EDN: in JSON the key of an event stands in its field \"key\"")]
    IndependentJson,
}

/// How much of a text is looked at to recognise its form, in bytes.
const BEGINNING: u64 = 1 << 12;

/// Reads a history of any form.
///
/// # Errors
/// The form is none of ours, or what is wrong is named with its place.
pub fn read(source: impl Read) -> Result<History, ReadError> {
    let (form, source) = recognised(source)?;
    Ok(match form {
        Form::JsonLines => jsonl::read(source)?,
        Form::JsonArray => jsonl::read_array(source)?,
        Form::Edn => edn::read(source)?,
    })
}

/// Reads a history of `jepsen.independent`: every client's value is `[k v]`.
///
/// # Errors
/// As [`read`]; and it must be EDN.
pub fn read_independent(source: impl Read) -> Result<History, ReadError> {
    match recognised(source)? {
        (Form::Edn, source) => Ok(edn::read_independent(source)?),
        _ => Err(ReadError::IndependentJson),
    }
}

/// The form of a text, and the whole text again.
fn recognised(mut source: impl Read) -> Result<(Form, impl Read), ReadError> {
    let mut beginning = Vec::new();
    source
        .by_ref()
        .take(BEGINNING)
        .read_to_end(&mut beginning)?;
    let form = Form::of(&beginning).ok_or(ReadError::Unknown)?;
    Ok((form, Cursor::new(beginning).chain(source)))
}

impl Form {
    /// The form of a text that begins like this, if it has one of ours.
    fn of(text: &[u8]) -> Option<Self> {
        // Whoever reads on refuses the byte-order mark, and says what to do about it.
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        match first(text) {
            (None | Some(b'{'), rest) => Some(Self::of_map(rest)),
            (Some(b'['), rest) => Some(match first(rest) {
                (Some(b'{'), map) if Self::of_map(map) == Self::JsonLines => Self::JsonArray,
                (Some(b'{' | b'#' | b';' | b'('), _) => Self::Edn,
                (None | Some(b']'), _) => Self::JsonArray,
                // A line that is an array is no event, and will be told so.
                _ => Self::JsonLines,
            }),
            (Some(b'(' | b'#' | b';'), _) => Some(Self::Edn),
            _ => None,
        }
    }

    /// After the opening brace.
    fn of_map(text: &[u8]) -> Self {
        match first(text).0 {
            Some(b':' | b'#' | b';') => Self::Edn,
            _ => Self::JsonLines,
        }
    }
}

/// The first byte that is not blank, and what follows it.
fn first(text: &[u8]) -> (Option<u8>, &[u8]) {
    let is_blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',';
    match text.iter().position(|byte| !is_blank(byte)) {
        Some(at) => (Some(text[at]), &text[at + 1..]),
        None => (None, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"index":0,"time":5,"process":3,"type":"invoke","f":"acquire"}"#;

    #[test]
    fn forms_are_recognised_by_their_beginning() {
        for (text, form) in [
            ("", Form::JsonLines),
            (" \n{\"index\":0}", Form::JsonLines),
            ("{", Form::JsonLines),
            ("{]", Form::JsonLines),
            ("[0,0]", Form::JsonLines),
            ("[ {\n\"index\":0}]", Form::JsonArray),
            ("[]", Form::JsonArray),
            ("{:process 0}", Form::Edn),
            ("{ ; who\n:process 0}", Form::Edn),
            ("[{:process 0}]", Form::Edn),
            ("[#jepsen.history.Op{:process 0}]", Form::Edn),
            ("({:process 0})", Form::Edn),
            ("; a comment\n{:process 0}", Form::Edn),
            ("#_ 1 {:process 0}", Form::Edn),
            ("\u{feff}{:process 0}", Form::Edn),
        ] {
            assert_eq!(Form::of(text.as_bytes()), Some(form), "{text}");
        }
        for text in ["history", "0", "<html>", "\0", "index,time"] {
            let said = read(text.as_bytes()).expect_err(text).to_string();
            assert!(said.starts_with("not a history: expected is"), "{said}");
        }
    }

    #[test]
    fn every_form_gives_the_same_history() {
        let expected = jsonl::read(LINE.as_bytes()).expect("well-formed");
        for text in [
            LINE.to_owned(),
            format!("[{LINE}]"),
            format!("  [\n  {}\n]\n", LINE.replace(',', ",\n    ")),
            "{:index 0 :time 5 :process 3 :type :invoke :f :acquire}".to_owned(),
            "[{:index 0 :time 5 :process 3 :type :invoke :f :acquire}]".to_owned(),
        ] {
            assert_eq!(
                read(text.as_bytes()).expect("well-formed"),
                expected,
                "{text}"
            );
        }
        assert_eq!(read(&b"[]"[..]).expect("well-formed"), History::default());
    }

    #[test]
    fn what_is_wrong_in_an_array_is_named_with_its_place() {
        let release = LINE
            .replace("\"index\":0", "\"index\":1")
            .replace("invoke", "ok");
        let cases = [
            (
                format!("[{LINE},{}]", release.replace("acquire", "release")),
                "event 2: process 3 ends release",
            ),
            (
                format!("[{LINE},{LINE}]"),
                "event 2: index 0 does not follow 0",
            ),
            (
                format!("[{LINE},{{\"index\":1}}]"),
                "event 2: not an event: missing field",
            ),
            (format!("[{LINE},7]"), "event 2: not an event: invalid type"),
            (format!("[{LINE}"), "not a JSON array of events: EOF"),
            (
                format!("[{LINE}] {LINE}"),
                "not a JSON array of events: trailing",
            ),
        ];
        for (text, expected) in cases {
            let said = read(text.as_bytes()).expect_err(&text).to_string();
            assert!(said.starts_with(expected), "{said} in {text}");
        }
    }

    #[test]
    fn only_edn_has_its_keys_in_values() {
        let edn = "{:process 3 :type :invoke :f :acquire :value [7 nil]}";
        let history = read_independent(edn.as_bytes()).expect("well-formed");
        assert_eq!(history.events()[0].key.as_deref(), Some("7"));
        let json = read_independent(LINE.as_bytes()).expect_err("JSON");
        assert!(matches!(json, ReadError::IndependentJson));
    }
}
