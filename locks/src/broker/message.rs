//! Messages: on their way to the broker, confirmed or returned, and on their way back.

use crate::{Error, ErrorKind};

/// A message to publish.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Publish {
    /// The server returns it where no queue takes it.
    pub mandatory: bool,
    /// It survives a restart in a durable queue.
    pub persistent: bool,
    /// Its body.
    pub body: Vec<u8>,
}

impl Publish {
    /// An empty mandatory message: the question whether the queue exists.
    #[must_use]
    pub fn ping() -> Self {
        Self {
            mandatory: true,
            ..Self::default()
        }
    }
}

/// What the server made of a publish in confirm mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirm {
    /// Every queue it was routed to has it.
    Ack,
    /// A queue refused it.
    Nack,
    /// It was mandatory, and no queue of that name exists.
    Returned(Returned),
}

/// A mandatory message that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned {
    /// The reply code as a kind: [`NoRoute`](ErrorKind::NoRoute).
    pub kind: ErrorKind,
    /// The server's words.
    pub text: String,
}

impl From<Returned> for Error {
    fn from(returned: Returned) -> Self {
        Self::new(returned.kind, returned.text)
    }
}

/// A message from the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The delivery tag by which it is settled on the channel it came through.
    pub tag: u64,
    /// Whether it may have been delivered before.
    pub redelivered: bool,
    /// Its body.
    pub body: Vec<u8>,
}
