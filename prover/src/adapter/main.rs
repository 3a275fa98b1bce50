//! A lock for the prover: docs/protocol.md over standard input and output. Put your own lock where it says YOURS.
//! This one is a file that only one can make. It needs no service; its weakness: a holder that crashes keeps the lock for ever.
//! Run: `rustc main.rs`, then `prover --lock process:./main`. It needs no crate.

use std::error::Error;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What did not end well. `NotSent`: nothing was asked for, so it never takes effect, code 11; `Unknown`: nobody knows, code 13.
enum Failure {
    #[allow(dead_code, reason = "for your lock: a file needs no connection")]
    NotSent(String),
    NotSupported,
    Unknown(String),
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Unknown(error.to_string())
    }
}

/// One client of the lock.
#[derive(Default)]
struct Session {
    client: String,
    prefix: String,
    held: Vec<String>,
}

impl Session {
    /// YOURS: connect with the first operation, to what `init` said (host, port, url of its endpoints); `NotSent` where that fails.
    fn connect(&self, key: &str) -> Result<PathBuf, Failure> {
        Ok(std::env::temp_dir().join(format!("{}.{key}.lock", self.prefix)))
    }

    /// YOURS: try once. False only where the service said that another holds it.
    fn acquire(&mut self, key: &str) -> Result<bool, Failure> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(self.connect(key)?);
        match file {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
            file => file?.write_all(self.client.as_bytes())?,
        }
        self.held.push(key.to_owned());
        Ok(true)
    }

    /// YOURS: what the service says.
    fn verify(&self, key: &str) -> Result<bool, Failure> {
        match fs::read_to_string(self.connect(key)?) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            holder => Ok(holder? == self.client),
        }
    }

    /// YOURS: false where the service said that it was not held any more.
    fn release(&mut self, key: &str) -> Result<bool, Failure> {
        let still = self.verify(key)?;
        if still {
            fs::remove_file(self.connect(key)?)?;
        }
        self.held.retain(|held| held != key);
        Ok(still)
    }

    /// The answer's fields. YOURS: a grant may say its `token` and its `lease_ms`, a verify that renewed a lease `lease_ms`.
    fn perform(&mut self, kind: &str, line: &str) -> Result<String, Failure> {
        let key = field(line, "key");
        Ok(match kind {
            "init" => {
                (self.client, self.prefix) =
                    (field(line, "client").into(), field(line, "prefix").into());
                // YOURS: what it is. With `"needs":["redis"]` the run has endpoints; a lease is `lease_ms`.
                r#","name":"lock-file","kind":"mutex","operations":["acquire","verify","release"],"needs":[],"promises":["exclusion","progress"]"#.into()
            }
            "acquire" => {
                let end = Instant::now() + Duration::from_millis(field(line, "wait_ms").parse()?);
                let mut held = self.acquire(key)?;
                while !held && Instant::now() < end {
                    sleep(Duration::from_millis(10));
                    held = self.acquire(key)?;
                }
                format!(r#","held":{held}"#)
            }
            "verify" => format!(r#","held":{}"#, self.verify(key)?),
            "release" => format!(r#","held":{}"#, self.release(key)?),
            "close" => {
                for key in self.held.clone() {
                    self.release(&key)?;
                }
                String::new()
            }
            _ => return Err(Failure::NotSupported),
        })
    }
}

/// One field of a message, the first of that name: a text as it stands there, or a number; empty where there is none.
fn field<'a>(line: &'a str, name: &str) -> &'a str {
    let quoted = format!("\"{name}\"");
    let value = line
        .match_indices(&quoted)
        .find_map(|(at, _)| line[at + quoted.len()..].trim_start().strip_prefix(':'))
        .unwrap_or_default()
        .trim_start();
    match value.strip_prefix('"') {
        Some(text) => {
            let mut escaped = false;
            let end = text.find(|letter| {
                let ends = letter == '"' && !escaped;
                escaped = letter == '\\' && !escaped;
                ends
            });
            &text[..end.unwrap_or(text.len())]
        }
        None => &value[..value.find([',', '}', ']', ' ']).unwrap_or(value.len())],
    }
}

fn main() -> io::Result<()> {
    let mut session = Session::default();
    for line in io::stdin().lines() {
        let line = line?;
        let kind = field(&line, "type");
        let (code, text) = match session.perform(kind, &line) {
            Ok(fields) => (0, format!(r#""type":"{kind}_ok"{fields}"#)),
            Err(Failure::NotSupported) => (10, format!("no {kind} here")),
            Err(Failure::NotSent(why)) => (11, why),
            Err(Failure::Unknown(why)) => (13, why),
        };
        let body = match code {
            0 => text,
            _ => format!(
                r#""type":"error","code":{code},"text":"{}""#,
                text.replace(['"', '\\', '\n'], " ")
            ),
        };
        let (from, to, id) = (
            field(&line, "dest"),
            field(&line, "src"),
            field(&line, "msg_id"),
        );
        println!(r#"{{"src":"{from}","dest":"{to}","body":{{"in_reply_to":{id},{body}}}}}"#);
        io::stdout().flush()?;
        if kind == "close" {
            break;
        }
    }
    Ok(())
}
