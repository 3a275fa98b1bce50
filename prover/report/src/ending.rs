//! How an operation ended, as people are told.

use history::{Event, Kind};

/// What is known of the end of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ending {
    /// It took effect.
    Ok,
    /// The server said no.
    Refused,
    /// It had no effect, as the client knows by itself.
    Failed,
    /// Nobody knows.
    Unknown,
    /// The record ends before it does.
    Open,
}

impl Ending {
    /// The outcome of an operation that ended like this.
    pub(crate) fn of(end: Option<&Event>) -> Self {
        match end.map(|event| (event.kind, event.observed)) {
            None => Self::Open,
            Some((Kind::Ok, _)) => Self::Ok,
            Some((Kind::Fail, true)) => Self::Refused,
            Some((Kind::Fail, false)) => Self::Failed,
            Some((Kind::Info | Kind::Invoke, _)) => Self::Unknown,
        }
    }

    /// The word in tables and legends.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Open => "no end recorded",
        }
    }
}
