//! The JSON Lines form of a history: one event a line.
//!
//! `{"index":12,"time":48211930,"process":3,"type":"invoke","f":"acquire","key":"lock-0","value":null}`.
//! The format is closed: an unknown field is an error. Lines end with LF or CRLF; blank lines are
//! skipped; the text is UTF-8 without a byte-order mark.

mod array;
mod blocks;
mod line;
mod reader;

use std::io::{self, Write};
use std::sync::Arc;

use crate::fault::NoteError;
use crate::rules::Rules;
use crate::value::ValueError;
use crate::{Draft, Event, History, RuleError};

pub use array::read_array;
pub use reader::read;

/// The longest line that is read, in bytes; a longer one is an error, so that a file without line
/// ends cannot fill the memory.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// Why a history could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes could not be had.
    #[error("cannot read the history")]
    Io(#[from] io::Error),
    /// A line is not an event, or not one that may stand there.
    #[error("line {line}: {problem}")]
    Line {
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        problem: LineError,
    },
    /// The text is no JSON array.
    #[error("not a JSON array of events: {0}")]
    Array(#[source] serde_json::Error),
    /// An element of an array is not an event, or not one that may stand there.
    #[error("event {place}: {problem}")]
    Element {
        /// Counted from 1.
        place: u64,
        /// What is wrong with it.
        problem: LineError,
    },
}

/// What is wrong with a line.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// It is not the JSON of an event.
    #[error("not an event: {0}")]
    Json(#[from] serde_json::Error),
    /// It breaks a rule of well-formedness.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// Its value has the fields of a fault's note and is none.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// It is too long.
    #[error("longer than {LINE_BYTES_MAX} bytes")]
    TooLong,
    /// The text begins with a byte-order mark.
    #[error("begins with a byte-order mark: save the file as UTF-8 without one")]
    ByteOrderMark,
}

impl From<ValueError> for LineError {
    fn from(error: ValueError) -> Self {
        match error {
            ValueError::Json(error) => error.into(),
            ValueError::Note(error) => error.into(),
            ValueError::Rule(error) => error.into(),
        }
    }
}

/// Why an event could not be appended to a log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// It breaks a rule; the log stays as it was.
    #[error("the event breaks a rule of the history")]
    Rule(#[from] RuleError),
    /// It could not be written, or one before it: the log takes no more, so that nothing stands
    /// after a gap.
    #[error("cannot write the history (is the disk full?)")]
    Io(#[source] Arc<io::Error>),
}

/// A history on its way to a file: each event is handed to the sink whole, in one call, as it
/// happens.
///
/// The sink must not buffer if what was appended is to outlive a kill of the process.
#[derive(Debug)]
pub struct Log<W> {
    sink: W,
    rules: Rules,
    next: u64,
    line: Vec<u8>,
    failure: Option<Arc<io::Error>>,
}

impl<W: Write> Log<W> {
    /// An empty log that is written to `sink`.
    pub fn new(sink: W) -> Self {
        Self {
            sink,
            rules: Rules::default(),
            next: 0,
            line: Vec::new(),
            failure: None,
        }
    }

    /// Appends an event at `time` (nanoseconds since the run began), and returns it as it stands
    /// there.
    ///
    /// # Errors
    /// The rule that it breaks, or that it could not be written; after that every other event fails
    /// for the same reason.
    pub fn append(&mut self, time: u64, draft: Draft) -> Result<Event, LogError> {
        if let Some(failure) = &self.failure {
            return Err(LogError::Io(Arc::clone(failure)));
        }
        let event = draft.at(self.next, time);
        self.rules.admit(&event)?;
        if let Err(error) = self.write(&event) {
            let failure = self.failure.insert(Arc::new(error));
            return Err(LogError::Io(Arc::clone(failure)));
        }
        self.next += 1;
        Ok(event)
    }

    fn write(&mut self, event: &Event) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, event)?;
        self.line.push(b'\n');
        self.sink.write_all(&self.line)?;
        self.sink.flush()
    }
}

/// Writes a whole history.
///
/// # Errors
/// The sink's.
pub fn write(history: &History, mut sink: impl Write) -> io::Result<()> {
    for event in history.events() {
        serde_json::to_writer(&mut sink, event)?;
        sink.write_all(b"\n")?;
    }
    sink.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Class, Note, Parameters, Targets};
    use crate::{Answer, Function, Grant, HistoryBuilder, Kind, Lease, Mode, Process, Value};

    const GRANTED: &str = r#"{"index":0,"time":5,"process":3,"type":"invoke","f":"acquire","key":"lock-0","value":null}
{"index":1,"time":9,"process":3,"type":"ok","f":"acquire","key":"lock-0","value":{"slot":1,"token":41}}
{"index":2,"time":9,"process":"nemesis","type":"info","f":"partition","key":null,"value":{"targets":[3]}}
"#;

    fn inject() -> Note {
        Note::Inject {
            id: 1,
            class: Class::Breaking,
            targets: Targets::Processes(vec![0]),
            parameters: Parameters::new(),
        }
    }

    fn problem(text: &str) -> String {
        read(text.as_bytes())
            .expect_err("the text must be refused")
            .to_string()
    }

    #[test]
    fn reads_what_the_design_shows() {
        let history = read(GRANTED.as_bytes()).expect("well-formed");
        let acquire = history.operations().next().expect("one operation");
        let end = acquire.end.expect("it ended");
        assert_eq!(
            end.value,
            Value::Grant(Grant {
                slot: Some(1),
                token: 41,
                lease: None,
            })
        );
        assert_eq!(history.faults().count(), 1);
        assert!(!history.is_incomplete());
    }

    #[test]
    fn a_log_reads_back_equal() {
        let mut bytes = Vec::new();
        let mut log = Log::new(&mut bytes);
        let client = |kind, function| Draft::new(Process::Client(0), kind, function).on("k\n\"ü");
        let drafts = [
            client(Kind::Invoke, Function::Acquire).with(Value::Mode(Mode::Write)),
            client(Kind::Ok, Function::Acquire),
            client(Kind::Invoke, Function::Verify),
            client(Kind::Ok, Function::Verify).answering(Answer::Held),
            Draft::fault("cut", inject()),
            client(Kind::Invoke, Function::Release),
            client(Kind::Fail, Function::Release)
                .because("busy", "RESOURCE_LOCKED")
                .observed(),
            client(Kind::Invoke, Function::Lost),
            client(Kind::Ok, Function::Lost),
        ];
        let mut builder = HistoryBuilder::default();
        for (time, draft) in (0..).zip(drafts) {
            log.append(time, draft.clone()).expect("well-formed");
            builder.push(time, draft).expect("well-formed");
        }
        let history = builder.finish();
        assert_eq!(read(bytes.as_slice()).expect("well-formed"), history);
        let mut again = Vec::new();
        write(&history, &mut again).expect("a vector takes all");
        assert_eq!(again, bytes);
    }

    #[test]
    fn every_prefix_of_the_bytes_reads() {
        for cut in 0..GRANTED.len() {
            let history = read(&GRANTED.as_bytes()[..cut]).expect("a torn log reads");
            let whole = GRANTED.as_bytes()[..cut]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count();
            assert!(history.events().len() >= whole, "cut at {cut}");
        }
    }

    #[test]
    fn a_torn_line_marks_the_history() {
        let history = read(&GRANTED.as_bytes()[..GRANTED.len() - 10]).expect("a torn log reads");
        assert_eq!(history.events().len(), 2);
        assert!(history.is_incomplete());
        let torn_inside_a_character = "{\"index\":0,\"time\":0,\"process\":0,\"type\":\"invoke\",\"f\":\"acquire\",\"key\":\"\u{fc}";
        let bytes = torn_inside_a_character.as_bytes();
        assert!(
            read(&bytes[..bytes.len() - 1])
                .expect("a torn log reads")
                .is_incomplete()
        );
    }

    #[test]
    fn a_torn_line_in_the_middle_is_an_error() {
        let text = format!("{}\n{GRANTED}", &GRANTED[..40]);
        assert!(
            problem(&text).starts_with("line 1: not an event"),
            "{}",
            problem(&text)
        );
    }

    #[test]
    fn carriage_returns_and_blank_lines_are_accepted() {
        let text = GRANTED.replace('\n', "\r\n\r\n");
        assert_eq!(
            read(text.as_bytes()).expect("well-formed").events().len(),
            3
        );
        assert_eq!(
            read(&b""[..]).expect("empty is well-formed").events().len(),
            0
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let second =
            |line: &str| format!("{}\n{line}\n", GRANTED.lines().next().unwrap_or_default());
        let cases = [
            (
                "\u{feff}".to_owned() + GRANTED,
                "line 1: begins with a byte-order mark",
            ),
            (
                second(r#"{"index":0,"time":9,"process":4,"type":"invoke","f":"acquire"}"#),
                "line 2: index 0 does not follow 0",
            ),
            (
                second(r#"{"index":1,"time":4,"process":4,"type":"invoke","f":"acquire"}"#),
                "line 2: time 4 lies before 5",
            ),
            (
                second(r#"{"index":1,"time":9,"process":3,"type":"invoke","f":"acquire"}"#),
                "line 2: process 3 invokes acquire while",
            ),
            (
                second(
                    r#"{"index":1,"time":9,"process":3,"type":"ok","f":"release","key":"lock-0"}"#,
                ),
                "line 2: process 3 ends release but has invoked acquire",
            ),
            (
                second(
                    r#"{"index":1,"time":9,"process":3,"type":"ok","f":"acquire","key":"lock-1"}"#,
                ),
                "line 2: process 3 ends acquire on another key",
            ),
            (
                second(r#"{"index":1,"time":9,"process":4,"type":"ok","f":"acquire"}"#),
                "line 2: process 4 ends acquire but has invoked nothing",
            ),
            (
                second(r#"{"index":1,"time":9,"process":4,"type":"invoke","f":"steal"}"#),
                "line 2: \"steal\" is not an operation",
            ),
            (
                second(
                    r#"{"index":1,"time":9,"process":4,"type":"invoke","f":"acquire","speed":1}"#,
                ),
                "line 2: not an event: unknown field `speed`",
            ),
            (
                second(
                    r#"{"index":1,"index":1,"time":9,"process":4,"type":"invoke","f":"acquire"}"#,
                ),
                "line 2: not an event: duplicate field `index`",
            ),
            (
                second(
                    r#"{"index":1,"time":9,"process":4294967296,"type":"invoke","f":"acquire"}"#,
                ),
                "line 2: not an event: invalid value",
            ),
            (
                second(r#"{"index":1,"time":9,"process":"admin","type":"invoke","f":"acquire"}"#),
                "line 2: not an event: invalid value",
            ),
            (
                second(
                    r#"{"index":1,"time":9,"process":3,"type":"ok","f":"acquire","key":"lock-0","observed":true}"#,
                ),
                "line 2: \"observed\" stands on fail only",
            ),
            (
                second(
                    r#"{"index":1,"time":9,"process":3,"type":"ok","f":"acquire","key":"lock-0","value":{"slot":1,"tokken":4}}"#,
                ),
                "line 2: not an event: unknown field `tokken`",
            ),
            (
                second(r#"[1,9,4,"invoke","acquire","lock-0",null]"#),
                "line 2: not an event: invalid type: sequence, expected an object",
            ),
            (
                second(
                    r#"{"index":1,"time":9,"process":3,"type":"ok","f":"acquire","key":"lock-0","value":[1,41]}"#,
                ),
                "line 2: not an event: invalid type: sequence, expected an object",
            ),
            (
                second(
                    r#"{"index":1,"time":9,"process":3,"type":"fail","f":"acquire","key":"lock-0","error":["busy","no"]}"#,
                ),
                "line 2: not an event: invalid type: sequence, expected an object",
            ),
            (
                second(r#"{"index":1,"time":9,"process":"nemesis","type":"ok","f":"cut"}"#),
                "line 2: a nemesis event must be of type info",
            ),
            (
                second(&nemesis(r#"{"id":0,"phase":"inject","targets":[3]}"#)),
                "line 2: not the note of a fault: invalid type: sequence",
            ),
            (
                second(&nemesis(r#"{"id":0,"phase":"on","id":0}"#)),
                "line 2: not the note of a fault: duplicate field `id`",
            ),
            (
                second(&nemesis(r#"{"id":0,"phase":"on"}"#)),
                "line 2: cut is noted as \"on\", but no fault with the id 0 was injected",
            ),
            (
                second(&format!("{{\"index\":{}}}", "[".repeat(10_000))),
                "line 2: not an event",
            ),
            (
                second(&"x".repeat(LINE_BYTES_MAX + 1)),
                "line 2: longer than",
            ),
        ];
        for (text, expected) in cases {
            let said = problem(&text);
            assert!(
                said.starts_with(expected),
                "expected {expected:?}, but it said {said:?}"
            );
        }
    }

    fn nemesis(value: &str) -> String {
        format!(
            r#"{{"index":1,"time":9,"process":"nemesis","type":"info","f":"cut","value":{value}}}"#
        )
    }

    #[test]
    fn the_nemesis_of_another_program_may_write_what_it_likes() {
        for value in ["null", "[3]", r#"{"targets":[3]}"#, r#"{"phase":"inject"}"#] {
            let history = read(nemesis(value).as_bytes()).expect("well-formed");
            assert!(history.windows().is_empty());
        }
    }

    #[test]
    fn a_retired_process_never_acts_again() {
        let text = r#"{"index":0,"time":5,"process":3,"type":"invoke","f":"acquire","key":"k"}
{"index":1,"time":9,"process":3,"type":"info","f":"acquire","key":"k","error":{"kind":"timeout","text":"no answer"}}
{"index":2,"time":9,"process":3,"type":"invoke","f":"acquire","key":"k"}"#;
        assert!(problem(text).starts_with("line 3: process 3 acts again"));
    }

    #[test]
    fn a_verify_that_says_nothing_is_refused() {
        let text = |value: &str| {
            format!(
                r#"{{"index":0,"time":5,"process":3,"type":"invoke","f":"verify","key":"k"}}
{{"index":1,"time":9,"process":3,"type":"ok","f":"verify","key":"k"{value}}}"#
            )
        };
        for value in ["", r#","value":null"#] {
            assert!(
                problem(&text(value)).starts_with("line 2: a verify that is ok needs the answer")
            );
        }
        read(text(r#","value":"held""#).as_bytes()).expect("well-formed");
    }

    const LEASED: &str = r#"{"index":0,"time":5,"process":3,"type":"invoke","f":"acquire","key":"k","value":null}
{"index":1,"time":9,"process":3,"type":"ok","f":"acquire","key":"k","value":{"slot":1,"token":41,"lease_ms":5000}}
{"index":2,"time":9,"process":3,"type":"invoke","f":"verify","key":"k","value":null}
{"index":3,"time":9,"process":3,"type":"ok","f":"verify","key":"k","value":{"answer":"held","lease_ms":7}}
"#;

    #[test]
    fn leases_are_read_and_written() {
        let history = read(LEASED.as_bytes()).expect("well-formed");
        let leases = history.events().iter().map(|event| event.value.lease());
        let leases: Vec<_> = leases.collect();
        assert_eq!(
            leases,
            [None, Lease::from_ms(5000), None, Lease::from_ms(7)]
        );
        assert!(history.has_leases());
        let mut again = Vec::new();
        write(&history, &mut again).expect("a vector takes all");
        assert_eq!(again, LEASED.as_bytes());
    }

    #[test]
    fn what_is_no_lease_is_refused_with_its_line() {
        let cases = [
            ("0", "invalid value: integer `0`"),
            ("-1", "invalid value: integer `-1`"),
            ("5000.0", "invalid type: floating point `5000.0`"),
            ("\"5000\"", "invalid type: string \"5000\""),
            ("null", "invalid type: null"),
            ("18446744073709551616", "invalid type: floating point"),
        ];
        for (bad, said) in cases {
            for (lease, line) in [("5000", 2), ("7", 4)] {
                let text = LEASED.replace(&format!(":{lease}}}"), &format!(":{bad}}}"));
                let expected = format!("line {line}: not an event: {said}");
                let problem = problem(&text);
                assert!(problem.starts_with(&expected), "{bad}: {problem}");
            }
        }
        let renewal = r#"{"answer":"held","lease_ms":7}"#;
        for bad in [
            r#"{"answer":"lost","lease_ms":7}"#,
            r#"{"answer":"held"}"#,
            r#"{"lease_ms":7}"#,
            r#"["held",7]"#,
            r#"{"answer":"held","lease_ms":7,"token":1}"#,
        ] {
            let problem = problem(&LEASED.replace(renewal, bad));
            assert!(problem.starts_with("line 4: not an event: "), "{problem}");
        }
    }

    /// A disk that takes so many lines, refuses one, and has room again.
    struct Full {
        lines_left: usize,
        bytes: Vec<u8>,
    }

    impl Write for &mut Full {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let refuses = self.lines_left == 0;
            self.lines_left = self.lines_left.wrapping_sub(1);
            if refuses {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.bytes.extend(line);
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nothing_stands_after_an_event_that_could_not_be_written() {
        let mut disk = Full {
            lines_left: 1,
            bytes: Vec::new(),
        };
        let mut log = Log::new(&mut disk);
        let acquire = |process, kind| Draft::new(Process::Client(process), kind, Function::Acquire);
        log.append(0, acquire(0, Kind::Invoke))
            .expect("there is room");
        for draft in [acquire(0, Kind::Ok), acquire(1, Kind::Invoke)] {
            let error = log.append(1, draft).expect_err("the disk was full");
            assert!(
                matches!(&error, LogError::Io(cause) if cause.kind() == io::ErrorKind::StorageFull),
                "{error:?}"
            );
        }
        let history = read(disk.bytes.as_slice()).expect("well-formed");
        assert_eq!(history.events().len(), 1);
    }

    #[test]
    fn a_failed_append_leaves_the_log_as_it_was() {
        let mut bytes = Vec::new();
        let mut log = Log::new(&mut bytes);
        let acquire = |kind| Draft::new(Process::Client(0), kind, Function::Acquire);
        log.append(0, acquire(Kind::Ok))
            .expect_err("nothing was invoked");
        assert_eq!(
            log.append(0, acquire(Kind::Invoke)).expect("well-formed"),
            acquire(Kind::Invoke).at(0, 0)
        );
        assert_eq!(
            read(bytes.as_slice()).expect("well-formed").events().len(),
            1
        );
    }
}
