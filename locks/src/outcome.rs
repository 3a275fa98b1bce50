//! What an error says about the operation that met it. One table, because a wrong "it did not
//! happen" makes a wrong verdict.

use crate::{Error, ErrorKind};

/// How much is known about an operation that ended in an error.
///
/// `Refused` and `Failed` become a `fail` in the history (it did not take effect and never will),
/// `Unknown` an `info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// It did not take effect, and the server's answer tells something about the lock: who asks
    /// learns that it is held by another, or not by oneself. A `fail` that is observed.
    Refused,
    /// It did not take effect, and that tells nothing about who holds the lock: the client's own
    /// decision, or a refusal that has other reasons. A `fail` that is not observed and constrains
    /// nothing.
    Failed,
    /// Nobody knows whether it took effect, or still will.
    Unknown,
}

impl Certainty {
    /// Whether the operation is known not to have taken effect.
    #[must_use]
    pub const fn is_definite(self) -> bool {
        !matches!(self, Self::Unknown)
    }

    /// Whether the server itself spoke about the lock.
    #[must_use]
    pub const fn is_observed(self) -> bool {
        matches!(self, Self::Refused)
    }
}

impl ErrorKind {
    /// What this error says about the operation that met it. When in doubt: [`Certainty::Unknown`].
    ///
    /// An error that closes a channel is definite: RabbitMQ works through a channel in order and
    /// answers each method or closes the channel instead of it. Errors that close a connection are
    /// not, since they may belong to another channel or to nobody.
    #[must_use]
    pub const fn certainty(self) -> Certainty {
        match self {
            // The server looked at the lock and said no.
            Self::Busy | Self::Lost | Self::ResourceLocked | Self::NothingRequested => {
                Certainty::Refused
            }

            // Nothing was sent.
            Self::NotHeld
            | Self::AlreadyHeld
            | Self::NotSent
            | Self::Invalid
            | Self::ConnectionRefused
            | Self::TooManyChannels
            | Self::Abandoned => Certainty::Failed,

            // The server refused, for a reason that may lie outside the lock: a permission, a queue
            // of other properties.
            Self::NoRoute
            | Self::NoConsumers
            | Self::AccessRefused
            | Self::NotFound
            | Self::NoSlot
            | Self::PreconditionFailed
            | Self::Nacked
            | Self::Declined
            | Self::LostMeanwhile => Certainty::Failed,

            // The connection, the channel or the answer was lost after something may have been
            // sent.
            Self::ContentTooLarge
            | Self::ConnectionForced
            | Self::InvalidPath
            | Self::FrameError
            | Self::SyntaxError
            | Self::CommandInvalid
            | Self::ChannelError
            | Self::UnexpectedFrame
            | Self::ResourceError
            | Self::NotAllowed
            | Self::NotImplemented
            | Self::InternalError
            | Self::Forbidden
            | Self::Io
            | Self::HeartbeatMissed
            | Self::ConnectionClosed
            | Self::ChannelClosed
            | Self::ConsumerCancelled
            | Self::GivenUp
            | Self::Timeout
            | Self::Crashed
            | Self::Undecided
            | Self::Misconduct
            | Self::Protocol
            | Self::ExecutorGone => Certainty::Unknown,
        }
    }
}

impl Error {
    /// The same error for an operation that left something behind on the server: a kind that says
    /// that it took no effect would be wrong.
    #[must_use]
    pub fn unsettled(self) -> Self {
        if self.kind.certainty().is_definite() {
            return self.as_kind(ErrorKind::GivenUp);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same table, written the other way round: what may be called definite, and nothing else.
    const DEFINITE: &[(ErrorKind, Certainty)] = &[
        (ErrorKind::Busy, Certainty::Refused),
        (ErrorKind::Lost, Certainty::Refused),
        (ErrorKind::ResourceLocked, Certainty::Refused),
        (ErrorKind::NothingRequested, Certainty::Refused),
        (ErrorKind::NotHeld, Certainty::Failed),
        (ErrorKind::AlreadyHeld, Certainty::Failed),
        (ErrorKind::NotSent, Certainty::Failed),
        (ErrorKind::Invalid, Certainty::Failed),
        (ErrorKind::ConnectionRefused, Certainty::Failed),
        (ErrorKind::TooManyChannels, Certainty::Failed),
        (ErrorKind::Abandoned, Certainty::Failed),
        (ErrorKind::NoRoute, Certainty::Failed),
        (ErrorKind::NoConsumers, Certainty::Failed),
        (ErrorKind::AccessRefused, Certainty::Failed),
        (ErrorKind::NotFound, Certainty::Failed),
        (ErrorKind::NoSlot, Certainty::Failed),
        (ErrorKind::PreconditionFailed, Certainty::Failed),
        (ErrorKind::Nacked, Certainty::Failed),
        (ErrorKind::Declined, Certainty::Failed),
        (ErrorKind::LostMeanwhile, Certainty::Failed),
    ];

    #[test]
    fn everything_is_unknown_unless_listed() {
        for &kind in ErrorKind::ALL {
            let expected = DEFINITE
                .iter()
                .find(|(definite, _)| *definite == kind)
                .map_or(Certainty::Unknown, |(_, certainty)| *certainty);
            assert_eq!(kind.certainty(), expected, "{kind}");
        }
    }

    #[test]
    fn codes_that_close_a_connection_are_unknown() {
        for code in [320, 402, 501, 502, 503, 504, 505, 530, 540, 541] {
            let kind = ErrorKind::from_amqp(code).unwrap();
            assert!(!kind.certainty().is_definite(), "{code}");
        }
    }

    #[test]
    fn only_what_is_definite_can_be_observed() {
        for certainty in [Certainty::Refused, Certainty::Failed, Certainty::Unknown] {
            assert!(certainty.is_definite() || !certainty.is_observed());
        }
        assert!(Certainty::Refused.is_observed());
        assert!(!Certainty::Failed.is_observed());
    }
}
