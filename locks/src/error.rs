//! What can go wrong between a lock and its broker, typed: the kind decides, the text explains.

use std::fmt;

/// An error of a lock or of its broker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Error {
    /// What happened; decides how certain the outcome is ([`ErrorKind::certainty`]).
    pub kind: ErrorKind,
    /// The words of whoever noticed it, a lower-case fragment; the server's own words where it
    /// spoke.
    pub text: String,
}

impl Error {
    /// An error of this kind with these words.
    pub fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
        }
    }

    /// What the server said with a reply code of AMQP 0-9-1.
    #[must_use]
    pub fn of_reply(code: u16, text: impl Into<String>) -> Self {
        let text = text.into();
        let kind = if OF_THE_ACCOUNT.iter().any(|words| text.contains(words)) {
            ErrorKind::Forbidden
        } else {
            ErrorKind::from_amqp(code).unwrap_or(ErrorKind::Protocol)
        };
        Self { kind, text }
    }

    /// The same words under another kind, where a lock knows better what they mean.
    #[must_use]
    pub fn as_kind(self, kind: ErrorKind) -> Self {
        Self { kind, ..self }
    }
}

/// Words of RabbitMQ where it refuses to an account what it grants to others, whatever the code: a
/// permission, a login, a limit, a virtual host.
const OF_THE_ACCOUNT: &[&str] = &[
    "refused for user",
    "Login was refused",
    "limit in vhost",
    "NOT_ALLOWED - vhost",
];

/// Declares the kinds once: the enum, its names, and the list of all.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)+) => {
        /// Everything that can go wrong. The names ([`ErrorKind::name`]) are what histories record.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ErrorKind {
            $($(#[$doc])* $kind,)+
        }

        impl ErrorKind {
            /// Every kind, in the order of declaration.
            pub const ALL: &[Self] = &[$(Self::$kind,)+];

            /// The name of the kind in histories and reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }
        }
    };
}

kinds! {
    /// The server said that somebody else holds the lock.
    Busy = "busy",
    /// Every slot of a semaphore was found taken, one after the other: not at one moment, so it
    /// says nothing of any.
    NoSlot = "no-slot",
    /// The server said that this session does not hold the lock any more, so it cannot be released.
    Lost = "lost",
    /// There was no decrement to carry out.
    NothingRequested = "nothing-requested",
    /// The session itself knows that it does not hold the lock; nothing was sent.
    NotHeld = "not-held",
    /// The session itself knows that it holds the lock already; nothing was sent.
    AlreadyHeld = "already-held",
    /// The connection or channel was known to be dead before the operation was sent; nothing was
    /// sent.
    NotSent = "not-sent",
    /// The caller asked for something that cannot be said to a broker; nothing was sent.
    Invalid = "invalid",
    /// Nobody listens at the broker's address; nothing was sent.
    ConnectionRefused = "connection-refused",

    /// AMQP 311: the server refuses content of that size.
    ContentTooLarge = "content-too-large",
    /// AMQP 312: a mandatory message reached no queue.
    NoRoute = "no-route",
    /// AMQP 313: an immediate message found no consumer.
    NoConsumers = "no-consumers",
    /// AMQP 320: an operator closed the connection, or the node is shutting down.
    ConnectionForced = "connection-forced",
    /// AMQP 402: the client asked for an unknown virtual host.
    InvalidPath = "invalid-path",
    /// AMQP 403: the queue is consumed exclusively by somebody else.
    AccessRefused = "access-refused",
    /// AMQP 404: there is no such queue.
    NotFound = "not-found",
    /// AMQP 405: the queue belongs exclusively to another connection.
    ResourceLocked = "resource-locked",
    /// AMQP 406: the queue exists with other properties, or is in use, or is not empty.
    PreconditionFailed = "precondition-failed",
    /// AMQP 501: a malformed frame.
    FrameError = "frame-error",
    /// AMQP 502: an illegal value in a frame.
    SyntaxError = "syntax-error",
    /// AMQP 503: an invalid sequence of frames.
    CommandInvalid = "command-invalid",
    /// AMQP 504: work on a channel that is not open.
    ChannelError = "channel-error",
    /// AMQP 505: a frame that was not expected there.
    UnexpectedFrame = "unexpected-frame",
    /// AMQP 506: the server is out of something.
    ResourceError = "resource-error",
    /// AMQP 530: forbidden by the server's rules, such as an unknown virtual host or a consumer tag
    /// used twice.
    NotAllowed = "not-allowed",
    /// AMQP 540: the server cannot do that.
    NotImplemented = "not-implemented",
    /// AMQP 541: the server failed while doing it.
    InternalError = "internal-error",

    /// The server refuses to this account what it grants to others: a permission, a login, a limit,
    /// a virtual host. It says nothing of the lock.
    Forbidden = "forbidden",
    /// The server answered a publish with a negative confirm: it does not have the message.
    Nacked = "nacked",
    /// The connection broke: reset, end of file, no route, …
    Io = "io",
    /// The server was silent for longer than the heartbeat allows.
    HeartbeatMissed = "heartbeat-missed",
    /// The connection is closed, and no code says why.
    ConnectionClosed = "connection-closed",
    /// The channel is closed, and no code says that this operation was the reason.
    ChannelClosed = "channel-closed",
    /// The server cancelled the consumer, because its queue is gone.
    ConsumerCancelled = "consumer-cancelled",
    /// No more channels on this connection.
    TooManyChannels = "too-many-channels",
    /// An earlier publish on this channel was given up, so a confirm could be taken for another's.
    Abandoned = "abandoned",
    /// The session gave up its connection, and the lock with it, because a step went wrong
    /// half-way.
    GivenUp = "given-up",
    /// No answer within the time allowed.
    Timeout = "timeout",
    /// The client's own process died while it waited.
    Crashed = "crashed",
    /// A program that is a lock says, by a definite code, that the operation took no effect and
    /// never will; it gives no reason that has a name here.
    Declined = "declined",
    /// A program that is a lock says, by its code, that nobody knows what became of the operation.
    Undecided = "undecided",
    /// The session learnt, while it asked, that it had lost what it asked about: what is answered
    /// after that does not matter.
    LostMeanwhile = "lost-meanwhile",
    /// A program that is a lock did what no verdict may rest on.
    Misconduct = "misconduct",
    /// Something that is not AMQP, or not in its order.
    Protocol = "protocol",
    /// The program's own executor is shutting down.
    ExecutorGone = "executor-gone",
}

impl ErrorKind {
    /// The kind for a reply code of AMQP 0-9-1; `None` for codes it does not define as errors.
    #[must_use]
    pub const fn from_amqp(code: u16) -> Option<Self> {
        Some(match code {
            311 => Self::ContentTooLarge,
            312 => Self::NoRoute,
            313 => Self::NoConsumers,
            320 => Self::ConnectionForced,
            402 => Self::InvalidPath,
            403 => Self::AccessRefused,
            404 => Self::NotFound,
            405 => Self::ResourceLocked,
            406 => Self::PreconditionFailed,
            501 => Self::FrameError,
            502 => Self::SyntaxError,
            503 => Self::CommandInvalid,
            504 => Self::ChannelError,
            505 => Self::UnexpectedFrame,
            506 => Self::ResourceError,
            530 => Self::NotAllowed,
            540 => Self::NotImplemented,
            541 => Self::InternalError,
            _ => return None,
        })
    }

    /// Whether the server itself said this, with a reply code.
    #[must_use]
    pub fn is_amqp(self) -> bool {
        (311..=541).any(|code| Self::from_amqp(code) == Some(self))
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_speakable() {
        let names: BTreeSet<_> = ErrorKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), ErrorKind::ALL.len());
        for name in names {
            assert!(
                name.chars().all(|c| c.is_ascii_lowercase() || c == '-'),
                "{name}"
            );
        }
    }

    #[test]
    fn every_amqp_code_has_its_own_kind() {
        let kinds: Vec<_> = (0..=999).filter_map(ErrorKind::from_amqp).collect();
        let distinct: BTreeSet<_> = kinds.iter().collect();
        assert_eq!(kinds.len(), 18);
        assert_eq!(distinct.len(), 18);
        assert!(kinds.into_iter().all(ErrorKind::is_amqp));
        assert!(!ErrorKind::Busy.is_amqp());
    }

    #[test]
    fn what_is_refused_to_the_account_is_told_from_what_a_competitor_has() {
        let kind = |code, text: &str| Error::of_reply(code, text).kind;
        for (code, text) in [
            (
                403,
                "ACCESS_REFUSED - configure access to queue 'q' in vhost '/' refused for user 'u'",
            ),
            (
                403,
                "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN.",
            ),
            (
                406,
                "PRECONDITION_FAILED - cannot declare queue 'q': queue limit in vhost '/' (5) is reached",
            ),
            (
                530,
                "NOT_ALLOWED - access to vhost '/' refused for user 'u': connection limit (5) is reached",
            ),
            (530, "NOT_ALLOWED - vhost x not found"),
        ] {
            assert_eq!(kind(code, text), ErrorKind::Forbidden, "{text}");
        }
        let used = "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use";
        assert_eq!(kind(403, used), ErrorKind::AccessRefused);
        let tag = "NOT_ALLOWED - attempt to reuse consumer tag 't'";
        assert_eq!(kind(530, tag), ErrorKind::NotAllowed);
        assert_eq!(kind(200, "OK"), ErrorKind::Protocol);
    }

    #[test]
    fn an_error_reads_as_its_text() {
        let error = Error::new(ErrorKind::Io, "connection reset by peer");
        assert_eq!(error.to_string(), "connection reset by peer");
        assert_eq!(error.as_kind(ErrorKind::NotSent).kind, ErrorKind::NotSent);
    }
}
