//! What is done to the broker as a whole, and not over one of its connections.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that an operator does to the broker, or that happens to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// It runs short of something, or has enough again.
    Alarm {
        /// Of what.
        of: Resource,
        /// Whether it runs short.
        raised: bool,
    },
    /// Deletes the queues whose names begin so.
    Delete(String),
    /// Purges them.
    Purge(String),
    /// Closes a connection.
    Close(u8),
    /// Sets the policy for queues whose names begin so.
    Policy {
        /// How the names begin.
        prefix: String,
        /// How long they may be unused, in milliseconds.
        expires_ms: Option<u64>,
        /// How many messages they may hold.
        max_length: Option<u32>,
    },
    /// Takes the policy away.
    NoPolicy,
    /// Takes the broker down and starts it again.
    Restart(Ending),
    /// It stands still.
    Pause,
    /// It goes on.
    Resume,
    /// How long a delivery may stay unsettled on channels that are opened from now on, and how often
    /// these look; as usual where nothing is said.
    ConsumerTimeout(Option<Patience>),
}

/// A broker's patience with those who settle nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patience {
    /// How long a delivery may stay unsettled, in milliseconds.
    pub timeout_ms: u64,
    /// How often a channel looks, in milliseconds.
    pub looks_every_ms: u64,
}

impl Patience {
    /// That of a broker of which nobody says anything.
    pub const USUAL: Self = Self {
        timeout_ms: 30 * 60 * 1_000,
        looks_every_ms: 60 * 1_000,
    };
}

/// What a broker can run short of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Resource {
    Memory,
    Disk,
}

/// How a broker is taken down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// It tells its clients.
    Stopped,
    /// It does not.
    Killed,
}

impl Act {
    /// What puts it back, where that is not done by itself.
    #[must_use]
    pub fn undo(&self) -> Option<Self> {
        match self {
            Self::Alarm { of, raised: true } => Some(Self::Alarm {
                of: *of,
                raised: false,
            }),
            Self::Policy { .. } => Some(Self::NoPolicy),
            Self::Pause => Some(Self::Resume),
            Self::ConsumerTimeout(Some(_)) => Some(Self::ConsumerTimeout(None)),
            _ => None,
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |name: &str, value: Option<u64>| {
            value.map_or_else(String::new, |value| format!(" {name}={value}"))
        };
        match self {
            Self::Alarm { of, raised: true } => write!(f, "{} runs short", of.name()),
            Self::Alarm { of, raised: false } => write!(f, "{} suffices", of.name()),
            Self::Delete(prefix) => write!(f, "operator deletes {prefix:?}*"),
            Self::Purge(prefix) => write!(f, "operator purges {prefix:?}*"),
            Self::Close(connection) => write!(f, "operator closes connection {connection}"),
            Self::Policy {
                prefix,
                expires_ms,
                max_length,
            } => {
                let expires = number("expires", *expires_ms);
                let max_length = number("max-length", max_length.map(u64::from));
                write!(f, "policy for {prefix:?}*{expires}{max_length}")
            }
            Self::NoPolicy => f.write_str("no policy"),
            Self::Restart(Ending::Stopped) => f.write_str("broker stops and starts"),
            Self::Restart(Ending::Killed) => f.write_str("broker is killed and starts"),
            Self::Pause => f.write_str("broker stands still"),
            Self::Resume => f.write_str("broker goes on"),
            Self::ConsumerTimeout(None) => f.write_str("usual consumer timeout"),
            Self::ConsumerTimeout(Some(Patience {
                timeout_ms,
                looks_every_ms,
            })) => write!(
                f,
                "consumer timeout {timeout_ms} ms, looked at every {looks_every_ms} ms"
            ),
        }
    }
}

impl Resource {
    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Disk => "disk",
        }
    }
}
