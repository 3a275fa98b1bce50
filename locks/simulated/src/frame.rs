//! What goes over a connection: AMQP's methods with their content, without its bytes.

use locks::broker::{ConsumeOptions, DeleteOptions, Message, Publish, QueueOptions, QueueStatus};
use locks::{Error, ErrorKind};

/// A connection, counted from the beginning of the simulation. Both its ends and the wire between
/// them go by this number.
pub(super) type ConnectionId = u64;

/// A channel of a connection, counted from 1.
pub(super) type ChannelId = u16;

/// What one end of a connection sends to the other.
#[derive(Debug)]
pub(super) enum Segment<F> {
    /// A frame.
    Frame(F),
    /// The end of the stream.
    Fin,
}

/// What a client sends.
#[derive(Debug)]
pub(super) enum ClientFrame {
    Header,
    StartOk { user: String, password: String },
    TuneOk { heartbeat_secs: u16 },
    Open { vhost: String, name: String },
    Heartbeat,
    Close,
    Channel(ChannelId, Method),
}

/// What a client asks on a channel.
#[derive(Debug)]
pub(super) enum Method {
    Open,
    Close,
    CloseOk,
    Declare(String, QueueOptions),
    Delete(String, DeleteOptions),
    Purge(String),
    ConfirmSelect,
    Publish(String, Publish),
    Get { queue: String, no_ack: bool },
    Settle(Settlement),
    Qos(u16),
    Consume(String, ConsumeOptions),
    Cancel(String),
    TxSelect,
    TxCommit,
    TxRollback,
}

/// What becomes of deliveries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settlement {
    pub(super) tag: u64,
    /// All up to the tag, and not just that one.
    pub(super) multiple: bool,
    pub(super) verdict: Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Ack,
    Requeue,
    Discard,
}

/// What the server sends.
#[derive(Debug)]
pub(super) enum ServerFrame {
    Start,
    Tune { heartbeat_secs: u16 },
    OpenOk,
    Heartbeat,
    Blocked(String),
    Unblocked,
    Close(Refusal),
    CloseOk,
    Channel(ChannelId, Reply),
}

/// What the server says on a channel.
#[derive(Debug)]
pub(super) enum Reply {
    /// An answer without content, to whatever was asked.
    Done,
    Declared(QueueStatus),
    /// How many messages a delete or a purge removed.
    Removed(u32),
    Got(Option<Message>),
    Consuming(String),
    CloseOk,

    // The rest comes unasked.
    Deliver(String, Message),
    Cancelled(String),
    Returned(Refusal),
    Confirmed {
        tag: u64,
        ack: bool,
    },
    Closed(Refusal),
}

/// A reply code of the server, and its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: u16,
    pub(super) text: String,
}

/// What a channel is closed for although no operation under way is to blame; the same list as the
/// one for a real broker.
const ASYNCHRONOUS: &[&str] = &["delivery acknowledgement", "unknown delivery tag"];

impl Refusal {
    pub(super) fn new(code: u16, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }

    /// Whether AMQP closes the whole connection for it.
    pub(super) fn is_hard(&self) -> bool {
        !matches!(self.code, 311..=313 | 403..=406)
    }

    /// The error that it is to the client.
    pub(super) fn error(&self) -> Error {
        let asynchronous = ASYNCHRONOUS.iter().any(|reason| self.text.contains(reason));
        if asynchronous {
            return Error::new(ErrorKind::ChannelClosed, self.text.clone());
        }
        Error::of_reply(self.code, self.text.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_closes_a_channel_or_a_connection() {
        let kind = |code| Refusal::new(code, "").error().kind;
        for code in [403, 404, 405, 406] {
            assert!(!Refusal::new(code, "").is_hard(), "{code}");
            assert!(kind(code).certainty().is_definite(), "{code}");
        }
        for code in [320, 530, 540] {
            assert!(Refusal::new(code, "").is_hard(), "{code}");
            assert!(!kind(code).certainty().is_definite(), "{code}");
        }
    }

    #[test]
    fn what_blames_no_operation_has_no_code() {
        let refusal = Refusal::new(406, "PRECONDITION_FAILED - unknown delivery tag 7");
        assert_eq!(refusal.error().kind, ErrorKind::ChannelClosed);
    }
}
