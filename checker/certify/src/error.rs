//! Why a certificate is refused.

use std::fmt;

use super::record::KeyName;

/// Why a certificate is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertifyError {
    /// It cannot be read: it is no certificate, or one of another format.
    #[error("not a certificate of format 2: {0}")]
    Unreadable(String),
    /// It was changed after it was issued.
    #[error("the certificate was changed: its digest is not that of its bytes (issue it again)")]
    Changed,
    /// It was issued for another history, or the history was changed.
    #[error(
        "the certificate speaks of another history: \"{0}\" is not that of this one (issue it for this history)"
    )]
    OtherHistory(&'static str),
    /// It claims nothing.
    #[error("the certificate has no judgements, so it proves nothing")]
    Empty,
    /// One of its claims is not proved.
    #[error("\"{of}\" is not proved: {flaw}")]
    Claim {
        /// What is claimed to hold or not: a guarantee or a model.
        of: String,
        /// What is wrong with the proof.
        flaw: Flaw,
    },
}

/// What is wrong with a proof, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// What is wrong.
    pub why: String,
    /// The key it is about, if it is about one.
    pub key: Option<KeyName>,
    /// The index of the event it is about, if it is about one.
    pub event: Option<u64>,
}

impl Flaw {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            key: None,
            event: None,
        }
    }

    pub(super) fn on(self, key: &KeyName) -> Self {
        Self {
            key: Some(key.clone()),
            ..self
        }
    }

    pub(super) fn at(self, event: u64) -> Self {
        Self {
            event: Some(event),
            ..self
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.why)?;
        match &self.key {
            Some(Some(key)) => write!(out, ", key {key:?}")?,
            Some(None) => out.write_str(", key null")?,
            None => {}
        }
        self.event
            .map_or(Ok(()), |event| write!(out, ", event {event}"))
    }
}

/// `Ok` if the condition holds, else the flaw.
pub(super) fn ensure(condition: bool, flaw: impl FnOnce() -> Flaw) -> Result<(), Flaw> {
    if condition { Ok(()) } else { Err(flaw()) }
}
