//! Who acted: a client's process, the nemesis, or the run itself.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name under which somebody acts in a history.
///
/// A client's number is the name of one session: when the outcome of an operation is unknown the
/// process is retired and the worker goes on as `process + concurrency`, so the worker of a process
/// is `process % concurrency`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Process {
    /// One session of a lock, driven by one worker.
    Client(u32),
    /// Whoever breaks things.
    Nemesis,
    /// The run, which says of its record where it begins and ends.
    Run,
}

const NEMESIS: &str = "nemesis";
const RUN: &str = "run";

impl fmt::Display for Process {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(number) => number.fmt(out),
            Self::Nemesis => out.write_str(NEMESIS),
            Self::Run => out.write_str(RUN),
        }
    }
}

impl Serialize for Process {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Client(number) => serializer.serialize_u32(*number),
            Self::Nemesis => serializer.serialize_str(NEMESIS),
            Self::Run => serializer.serialize_str(RUN),
        }
    }
}

impl<'de> Deserialize<'de> for Process {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ProcessVisitor)
    }
}

struct ProcessVisitor;

impl Visitor<'_> for ProcessVisitor {
    type Value = Process;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "a process number from 0 to {}, \"{NEMESIS}\" or \"{RUN}\"",
            u32::MAX
        )
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Process, E> {
        u32::try_from(number)
            .map(Process::Client)
            .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Process, E> {
        match name {
            NEMESIS => Ok(Process::Nemesis),
            RUN => Ok(Process::Run),
            _ => Err(E::invalid_value(de::Unexpected::Str(name), &self)),
        }
    }
}
