//! Who waits for which answer of a program, and what becomes of its lines.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use locks::{Error, ErrorKind, Loss};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::message::{Envelope, Lost, Said};
use crate::misconduct::{Misconduct, shown};
use crate::outcome::error_of;
use crate::secrets::Secrets;

/// Nobody loses more between two requests.
const LOSSES_MOST: u32 = 100;

/// What is awaited of a program, by the number of the request.
pub(crate) struct Exchange {
    /// The program's own name, and that of the prover for it.
    node: String,
    prover: String,
    open: Mutex<Open>,
    losses: UnboundedSender<Told<Loss>>,
    /// What no text may carry further.
    secrets: Secrets,
}

#[derive(Default)]
struct Open {
    awaited: BTreeMap<u64, Awaited>,
    /// Why nothing comes any more.
    over: Option<Error>,
    /// How many lines there were so far.
    lines: u64,
    /// How many losses were told since the last request.
    losses: u32,
}

/// Something that a program said, and in which of its lines.
#[derive(Debug)]
pub(crate) struct Told<T> {
    pub(crate) line: u64,
    pub(crate) what: T,
}

/// What is answered to a request.
pub(crate) type Reply = Told<Result<Said, Error>>;

struct Awaited {
    asked: &'static str,
    answer: oneshot::Sender<Reply>,
}

impl Exchange {
    /// With the program of this worker; what is lost comes out of the other end.
    pub(crate) fn with(worker: u32, secrets: Secrets) -> (Self, UnboundedReceiver<Told<Loss>>) {
        let (losses, lost) = unbounded_channel();
        let exchange = Self {
            node: format!("n{worker}"),
            prover: format!("c{worker}"),
            open: Mutex::default(),
            losses,
            secrets,
        };
        (exchange, lost)
    }

    /// Something to say to the program.
    pub(crate) fn envelope<Body>(&self, body: Body) -> Envelope<Body> {
        Envelope {
            src: self.prover.clone(),
            dest: self.node.clone(),
            body,
        }
    }

    /// From here on an answer to this request is awaited.
    pub(crate) fn open(&self, msg_id: u64, asked: &'static str) -> oneshot::Receiver<Reply> {
        let (answer, receiver) = oneshot::channel();
        let mut open = self.state();
        match &open.over {
            Some(error) => drop(answer.send(open.told(Err(error.clone())))),
            None => drop(open.awaited.insert(msg_id, Awaited { asked, answer })),
        }
        open.losses = 0;
        receiver
    }

    /// Gives a line to whoever waits for it.
    ///
    /// # Errors
    /// Nobody should have written it.
    pub(crate) fn take(&self, line: &[u8]) -> Result<(), Misconduct> {
        let said = self.without_secrets(self.read(line)?);
        let mut open = self.state();
        open.lines += 1;
        let Some(id) = said.in_reply_to() else {
            open.losses += 1;
            if open.losses > LOSSES_MOST {
                return Err(Misconduct::Impossible {
                    reason: format!(
                        "more than {LOSSES_MOST} losses, and nothing was asked meanwhile"
                    ),
                    line: shown(line),
                });
            }
            if let Said::Lost(lost) = said {
                let _ = self.losses.send(open.told(loss(lost)));
            }
            return Ok(());
        };
        let Some(awaited) = open.awaited.get(&id) else {
            let line = shown(line);
            return Err(Misconduct::Unasked { id, line });
        };
        // Whoever waits for an answer that is none hears of that.
        let answer = meant(said, awaited.asked, line)?;
        if let Some(awaited) = open.awaited.remove(&id) {
            // Whoever gave up waiting ends the program.
            let _ = awaited.answer.send(open.told(answer));
        }
        Ok(())
    }

    /// Nothing comes any more.
    pub(crate) fn end(&self, error: &Error) {
        let mut open = self.state();
        open.over = Some(error.clone());
        for (_, awaited) in std::mem::take(&mut open.awaited) {
            let _ = awaited.answer.send(open.told(Err(error.clone())));
        }
        let _ = self.losses.send(open.told(Loss::All(error.clone())));
    }

    /// What others will read is said without passwords.
    fn without_secrets(&self, mut said: Said) -> Said {
        let text = match &mut said {
            Said::AcquireOk(said) => &mut said.text,
            Said::ReleaseOk(said) => &mut said.text,
            Said::Error(said) => &mut said.text,
            Said::Lost(said) => &mut said.text,
            _ => return said,
        };
        *text = text.take().map(|text| self.secrets.hide(&text));
        said
    }

    fn read(&self, line: &[u8]) -> Result<Said, Misconduct> {
        let shown = || shown(line);
        let text = std::str::from_utf8(line).map_err(|_| Misconduct::NoText { line: shown() })?;
        let message: Result<Envelope<Said>, _> = serde_json::from_str(text);
        let Envelope { src, dest, body } = message.map_err(|error| {
            let (line, reason) = (shown(), error.to_string());
            match error.classify() {
                serde_json::error::Category::Data => Misconduct::NoMessage { line, reason },
                _ => Misconduct::NoJson { line, reason },
            }
        })?;
        if (&src, &dest) != (&self.node, &self.prover) {
            let expected = format!("\"{}\" speaks to \"{}\"", self.node, self.prover);
            return Err(Misconduct::Address {
                src,
                dest,
                expected,
                line: shown(),
            });
        }
        Ok(body)
    }

    fn state(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Something said in the last line.
    fn told<T>(&self, what: T) -> Told<T> {
        Told {
            line: self.lines,
            what,
        }
    }
}

fn loss(lost: Lost) -> Loss {
    let text = lost.text.unwrap_or_else(|| "said unasked".to_owned());
    let error = Error::new(ErrorKind::Lost, text);
    match lost.key {
        Some(key) => Loss::Key(key, error),
        None => Loss::All(error),
    }
}

/// What an answer means to whoever asked.
fn meant(said: Said, asked: &'static str, line: &[u8]) -> Result<Result<Said, Error>, Misconduct> {
    let impossible = |reason| Misconduct::Impossible {
        reason,
        line: shown(line),
    };
    match said {
        Said::Error(failed) => {
            let text = failed.text.unwrap_or_default();
            let error = error_of(failed.code, &text, failed.kind.as_deref());
            error.map(Err).map_err(impossible)
        }
        said if said.name().strip_suffix("_ok") == Some(asked) => {
            check(&said).map_err(impossible)?;
            Ok(Ok(said))
        }
        said => Err(Misconduct::WrongType {
            asked,
            said: said.name(),
            line: shown(line),
        }),
    }
}

/// What an answer of the right type cannot say.
fn check(said: &Said) -> Result<(), String> {
    let (held, lease_ms, slot) = match said {
        Said::AcquireOk(granted) => (granted.held, granted.lease_ms, granted.slot),
        Said::VerifyOk(verified) => (verified.held, verified.lease_ms, None),
        _ => return Ok(()),
    };
    if lease_ms == Some(0) {
        return Err("a lease of 0 ms is none".to_owned());
    }
    if slot == Some(0) {
        return Err("slots are counted from 1".to_owned());
    }
    let carries = lease_ms.is_some() || slot.is_some();
    let has_token = matches!(said, Said::AcquireOk(granted) if granted.token.is_some());
    if !held && (carries || has_token) {
        return Err("what is not held has no slot, no token and no lease".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(body: &str) -> String {
        format!(r#"{{"src":"n3","dest":"c3","body":{body}}}"#)
    }

    #[test]
    fn an_answer_goes_to_whoever_asked_and_to_nobody_twice() {
        let (exchange, _losses) = Exchange::with(3, Secrets::default());
        let mut answer = exchange.open(7, "verify");
        let said = line(r#"{"type":"verify_ok","in_reply_to":7,"held":true}"#);
        exchange.take(said.as_bytes()).expect("it is awaited");
        let answer = answer.try_recv().expect("an answer");
        let answer = answer.what.expect("no error");
        assert!(matches!(answer, Said::VerifyOk(verified) if verified.held));
        let twice = exchange.take(said.as_bytes());
        assert!(matches!(twice, Err(Misconduct::Unasked { id: 7, .. })));
    }

    #[test]
    fn what_nobody_should_write_is_misconduct() {
        for (text, expected) in [
            ("hello".to_owned(), "no JSON"),
            (String::new(), "no JSON"),
            ("{}".to_owned(), "no message"),
            (line("{}"), "no message"),
            (
                line(r#"{"type":"acquire_ok","in_reply_to":7}"#),
                "no message",
            ),
            (
                line(r#"{"type":"acquire_ok","in_reply_to":7,"held":true}"#),
                "answered verify with acquire_ok",
            ),
            (
                line(r#"{"type":"verify_ok","in_reply_to":8,"held":true}"#),
                "not open",
            ),
            (
                line(r#"{"type":"verify_ok","in_reply_to":7,"held":true,"lease_ms":0}"#),
                "a lease of 0 ms",
            ),
            (
                line(r#"{"type":"error","in_reply_to":7,"code":11,"kind":"io"}"#),
                "is definite",
            ),
            (
                line(r#"{"type":"verify_ok","in_reply_to":7,"held":true}"#).replace("n3", "n4"),
                "\"n3\" speaks to \"c3\"",
            ),
            (
                line(r#"{"type":"verify_ok","in_reply_to":7,"held":true}"#) + "x",
                "no JSON",
            ),
        ] {
            let (exchange, _losses) = Exchange::with(3, Secrets::default());
            let _answer = exchange.open(7, "verify");
            let misconduct = exchange.take(text.as_bytes()).expect_err(&text);
            assert!(misconduct.to_string().contains(expected), "{misconduct}");
        }
    }

    #[test]
    fn a_loss_comes_out_at_the_other_end() {
        let (exchange, mut losses) = Exchange::with(3, Secrets::default());
        for (said, key) in [
            (r#"{"type":"lost","key":"k","text":"why"}"#, Some("k")),
            (r#"{"type":"lost"}"#, None),
        ] {
            exchange.take(line(said).as_bytes()).expect("a loss");
            match (losses.try_recv().expect("a loss").what, key) {
                (Loss::Key(lost, error), Some(key)) => {
                    assert_eq!((lost.as_str(), error.text.as_str()), (key, "why"));
                }
                (Loss::All(_), None) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}
