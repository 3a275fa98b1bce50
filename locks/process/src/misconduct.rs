//! What a program did that no verdict may rest on.

use locks::{Error, ErrorKind};

/// So much of a line stands in an error.
const SHOWN: usize = 200;

/// What a program did that no verdict may rest on: the run ends, and says it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it means")]
pub enum Misconduct {
    #[error("wrote a line that is no JSON ({reason}): {line}")]
    NoJson { line: String, reason: String },
    #[error("wrote a line that is no message ({reason}): {line}")]
    NoMessage { line: String, reason: String },
    #[error("wrote a line of more than {most} bytes, which begins: {line}")]
    TooLong { line: String, most: usize },
    #[error("wrote a line that is no UTF-8: {line}")]
    NoText { line: String },
    #[error("wrote a message from \"{src}\" to \"{dest}\", where {expected}: {line}")]
    Address {
        src: String,
        dest: String,
        expected: String,
        line: String,
    },
    #[error("answered a request that is not open (in_reply_to {id}): {line}")]
    Unasked { id: u64, line: String },
    #[error("answered {asked} with {said}: {line}")]
    WrongType {
        asked: &'static str,
        said: &'static str,
        line: String,
    },
    #[error("answered what cannot be ({reason}): {line}")]
    Impossible { reason: String, line: String },
    #[error("ended its last line without a line feed: {line}")]
    Torn { line: String },
    #[error("ended though nobody asked it to ({how}){}", last_words(.stderr))]
    Ended { how: String, stderr: String },
    #[error("did not end within {0} s of being asked to")]
    Stayed(u64),
    #[error("left processes behind: {0}")]
    Children(String),
    #[error("says of itself what it did not say before: {was}, now {now}")]
    Changed { was: String, now: String },
    #[error("could not be started: {0}")]
    Spawn(String),
}

fn last_words(stderr: &str) -> String {
    match stderr {
        "" => String::new(),
        words => format!("; its standard error ends with:\n{words}"),
    }
}

impl Misconduct {
    /// What is recorded and told.
    #[must_use]
    pub fn of(&self, program: &str) -> Error {
        let text = format!("the program `{program}` {self}");
        Error::new(ErrorKind::Misconduct, text)
    }
}

/// The beginning of a line as an error shows it.
pub(crate) fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end();
    let (text, more) = match text.char_indices().nth(SHOWN) {
        Some((end, _)) => (&text[..end], "…"),
        None => (text, ""),
    };
    text.replace(char::is_control, "?") + more
}
