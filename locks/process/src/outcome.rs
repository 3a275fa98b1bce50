//! Maelstrom's error codes and the kinds of errors here: which of them are definite.

use locks::{Certainty, Error, ErrorKind};

/// Maelstrom's codes of errors after which the operation surely took no effect; whatever else a
/// program says leaves it open.
const DEFINITE: &[u32] = &[1, 10, 11, 12, 14, 20, 21, 22, 30];

/// A program's own time-out: nobody knows.
const TIMEOUT: u32 = 0;
/// The service cannot be reached now; nothing was sent.
const UNAVAILABLE: u32 = 11;
/// The request makes no sense.
const MALFORMED: u32 = 12;
/// Something broke: nobody knows.
const CRASH: u32 = 13;
/// The operation was not carried out.
const ABORT: u32 = 14;
/// There is no such lock.
const NO_KEY: u32 = 20;
/// There is one already.
const KEY_EXISTS: u32 = 21;
/// The lock is not as the operation needs it.
const PRECONDITION: u32 = 22;

/// The error that a program's code and words mean.
///
/// # Errors
/// The two do not agree, or the kind is none; it says so.
pub(crate) fn error_of(code: u32, text: &str, kind: Option<&str>) -> Result<Error, String> {
    let is_definite = DEFINITE.contains(&code);
    let kind = match kind {
        None if is_definite => ErrorKind::Declined,
        None if code == TIMEOUT => ErrorKind::Timeout,
        None => ErrorKind::Undecided,
        Some(name) => named(name)?,
    };
    if kind.certainty().is_definite() != is_definite {
        let how = if is_definite {
            "definite"
        } else {
            "not definite"
        };
        return Err(format!("code {code} is {how}, and kind {kind} is not so"));
    }
    Ok(Error::new(kind, text))
}

fn named(name: &str) -> Result<ErrorKind, String> {
    let kind = ErrorKind::ALL.iter().find(|kind| kind.name() == name);
    match kind.copied() {
        // What a program did wrong is for others to say.
        None | Some(ErrorKind::Misconduct) => Err(format!("there is no kind of error \"{name}\"")),
        Some(kind) => Ok(kind),
    }
}

/// The code of an error of ours.
pub(crate) fn code_of(kind: ErrorKind) -> u32 {
    match kind {
        ErrorKind::NotFound => NO_KEY,
        ErrorKind::AlreadyHeld => KEY_EXISTS,
        ErrorKind::PreconditionFailed => PRECONDITION,
        ErrorKind::NotSent | ErrorKind::ConnectionRefused => UNAVAILABLE,
        ErrorKind::Invalid => MALFORMED,
        ErrorKind::Timeout => TIMEOUT,
        other => match other.certainty() {
            Certainty::Refused | Certainty::Failed => ABORT,
            Certainty::Unknown => CRASH,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_ours_comes_back_as_it_was() {
        for kind in ErrorKind::ALL {
            let back = error_of(code_of(*kind), "said so", Some(kind.name()));
            match kind {
                ErrorKind::Misconduct => assert!(back.is_err()),
                kind => assert_eq!(back, Ok(Error::new(*kind, "said so"))),
            }
        }
    }

    #[test]
    fn a_code_that_nobody_knows_is_not_definite() {
        for code in [0, 2, 13, 15, 31, 1000, u32::MAX] {
            let error = error_of(code, "", None).expect("an error");
            assert_eq!(error.kind.certainty(), Certainty::Unknown, "{code}");
        }
        for code in [1, 10, 11, 12, 14, 20, 21, 22, 30] {
            let error = error_of(code, "", None).expect("an error");
            assert_eq!(error.kind.certainty(), Certainty::Failed, "{code}");
        }
        assert!(error_of(13, "", Some("busy")).is_err());
        assert!(error_of(11, "", Some("io")).is_err());
        assert!(error_of(11, "", Some("bsuy")).is_err());
    }
}
