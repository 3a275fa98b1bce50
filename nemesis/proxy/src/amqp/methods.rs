//! The methods of AMQP 0-9-1 with RabbitMQ's extensions: their names, numbers and directions.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::toxic::Stream;

/// Class and number within that.
type Id = (u16, u16);

const UP: &[Stream] = &[Stream::Upstream];
const DOWN: &[Stream] = &[Stream::Downstream];
const BOTH: &[Stream] = &Stream::BOTH;

/// Name, numbers, and the directions in which it may go.
type Row = (&'static str, Id, &'static [Stream]);

const METHODS: &[Row] = &[
    ("connection.start", (10, 10), DOWN),
    ("connection.start-ok", (10, 11), UP),
    ("connection.secure", (10, 20), DOWN),
    ("connection.secure-ok", (10, 21), UP),
    ("connection.tune", (10, 30), DOWN),
    ("connection.tune-ok", (10, 31), UP),
    ("connection.open", (10, 40), UP),
    ("connection.open-ok", (10, 41), DOWN),
    ("connection.close", (10, 50), BOTH),
    ("connection.close-ok", (10, 51), BOTH),
    ("connection.blocked", (10, 60), DOWN),
    ("connection.unblocked", (10, 61), DOWN),
    ("connection.update-secret", (10, 70), UP),
    ("connection.update-secret-ok", (10, 71), DOWN),
    ("channel.open", (20, 10), UP),
    ("channel.open-ok", (20, 11), DOWN),
    ("channel.flow", (20, 20), BOTH),
    ("channel.flow-ok", (20, 21), BOTH),
    ("channel.close", (20, 40), BOTH),
    ("channel.close-ok", (20, 41), BOTH),
    ("exchange.declare", (40, 10), UP),
    ("exchange.declare-ok", (40, 11), DOWN),
    ("exchange.delete", (40, 20), UP),
    ("exchange.delete-ok", (40, 21), DOWN),
    ("exchange.bind", (40, 30), UP),
    ("exchange.bind-ok", (40, 31), DOWN),
    ("exchange.unbind", (40, 40), UP),
    ("exchange.unbind-ok", (40, 51), DOWN),
    ("queue.declare", (50, 10), UP),
    ("queue.declare-ok", (50, 11), DOWN),
    ("queue.bind", (50, 20), UP),
    ("queue.bind-ok", (50, 21), DOWN),
    ("queue.purge", (50, 30), UP),
    ("queue.purge-ok", (50, 31), DOWN),
    ("queue.delete", (50, 40), UP),
    ("queue.delete-ok", (50, 41), DOWN),
    ("queue.unbind", (50, 50), UP),
    ("queue.unbind-ok", (50, 51), DOWN),
    ("basic.qos", (60, 10), UP),
    ("basic.qos-ok", (60, 11), DOWN),
    ("basic.consume", (60, 20), UP),
    ("basic.consume-ok", (60, 21), DOWN),
    ("basic.cancel", (60, 30), BOTH),
    ("basic.cancel-ok", (60, 31), BOTH),
    ("basic.publish", (60, 40), UP),
    ("basic.return", (60, 50), DOWN),
    ("basic.deliver", (60, 60), DOWN),
    ("basic.get", (60, 70), UP),
    ("basic.get-ok", (60, 71), DOWN),
    ("basic.get-empty", (60, 72), DOWN),
    ("basic.ack", (60, 80), BOTH),
    ("basic.reject", (60, 90), UP),
    ("basic.recover", (60, 110), UP),
    ("basic.recover-ok", (60, 111), DOWN),
    ("basic.nack", (60, 120), BOTH),
    ("confirm.select", (85, 10), UP),
    ("confirm.select-ok", (85, 11), DOWN),
    ("tx.select", (90, 10), UP),
    ("tx.select-ok", (90, 11), DOWN),
    ("tx.commit", (90, 20), UP),
    ("tx.commit-ok", (90, 21), DOWN),
    ("tx.rollback", (90, 30), UP),
    ("tx.rollback-ok", (90, 31), DOWN),
];

/// Those that a content follows: `basic.publish`, `basic.return`, `basic.deliver`, `basic.get-ok`.
const WITH_CONTENT: [Id; 4] = [(60, 40), (60, 50), (60, 60), (60, 71)];

/// A method of AMQP by its name, such as `queue.declare`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub struct Method(&'static Row);

/// Why a name stands for no method in one direction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MethodError {
    /// There is none of that name.
    #[error("{0:?} is no method of AMQP 0-9-1: write it like queue.declare or basic.get-ok")]
    Unknown(String),
    /// It never goes that way.
    #[error("{0} never goes {way}", way = .1.name())]
    Never(Method, Stream),
    /// It goes both ways, and nobody said which one is meant.
    #[error("{0} goes both ways: write \"{0} up\" for the client's, \"{0} down\" for the server's")]
    Both(Method),
}

impl Method {
    /// The method called `name`.
    ///
    /// # Errors
    /// There is none.
    pub fn named(name: &str) -> Result<Self, MethodError> {
        let found = METHODS.iter().find(|(known, ..)| *known == name);
        found
            .map(Self)
            .ok_or_else(|| MethodError::Unknown(name.to_owned()))
    }

    /// A method and the way it goes: its name, and where it may go both ways ` up` or ` down`
    /// behind that.
    ///
    /// # Errors
    /// There is none, it never goes that way, or it is not said which way.
    pub fn on_its_way(text: &str) -> Result<(Self, Stream), MethodError> {
        let (name, way) = match text.split_once(' ') {
            Some((name, "up")) => (name, Some(Stream::Upstream)),
            Some((name, "down")) => (name, Some(Stream::Downstream)),
            _ => (text, None),
        };
        let method = Self::named(name)?;
        let way = match (way, method.ways()) {
            (Some(way), _) => way,
            (None, &[way]) => way,
            (None, _) => return Err(MethodError::Both(method)),
        };
        method.check(way)?;
        Ok((method, way))
    }

    /// Whether it may go that way.
    ///
    /// # Errors
    /// It never does.
    pub fn check(self, way: Stream) -> Result<(), MethodError> {
        if self.ways().contains(&way) {
            return Ok(());
        }
        Err(MethodError::Never(self, way))
    }

    pub(crate) fn id(self) -> Id {
        self.0.1
    }

    fn ways(self) -> &'static [Stream] {
        self.0.2
    }

    pub(super) fn has_content(id: Id) -> bool {
        WITH_CONTENT.contains(&id)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.0)
    }
}

impl TryFrom<String> for Method {
    type Error = MethodError;

    fn try_from(name: String) -> Result<Self, MethodError> {
        Self::named(&name)
    }
}

impl From<Method> for &'static str {
    fn from(method: Method) -> Self {
        method.0.0
    }
}

#[cfg(test)]
mod tests {
    use amq_protocol::protocol::{basic, confirm, connection, queue, tx};

    use super::*;

    #[test]
    fn numbers_are_those_of_the_protocol() {
        /// The numbers of a method of the crate that our client uses.
        macro_rules! id {
            ($class:ident :: $method:ident) => {{
                let method = $class::$method::default();
                (method.get_amqp_class_id(), method.get_amqp_method_id())
            }};
        }
        for (name, id) in [
            ("connection.blocked", id!(connection::Blocked)),
            ("queue.declare-ok", id!(queue::DeclareOk)),
            ("queue.unbind", id!(queue::Unbind)),
            ("basic.publish", id!(basic::Publish)),
            ("basic.get-empty", id!(basic::GetEmpty)),
            ("basic.nack", id!(basic::Nack)),
            ("basic.recover-ok", id!(basic::RecoverOk)),
            ("confirm.select", id!(confirm::Select)),
            ("tx.commit-ok", id!(tx::CommitOk)),
        ] {
            assert_eq!(Method::named(name).map(Method::id), Ok(id), "{name}");
        }
    }

    #[test]
    fn the_way_follows_from_the_name_or_stands_behind_it() {
        let way = |text| Method::on_its_way(text).map(|(_, way)| way);
        assert_eq!(way("queue.declare"), Ok(Stream::Upstream));
        assert_eq!(way("queue.declare-ok"), Ok(Stream::Downstream));
        assert_eq!(way("basic.ack up"), Ok(Stream::Upstream));
        assert_eq!(way("basic.ack down"), Ok(Stream::Downstream));
        for (text, part) in [
            ("basic.ack", "goes both ways"),
            ("queue.declare down", "queue.declare never goes downstream"),
            ("queue.steal", "no method of AMQP"),
            ("queue.declare sideways", "no method of AMQP"),
        ] {
            let error = way(text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn names_and_numbers_are_unique() {
        for (place, (name, id, _)) in METHODS.iter().enumerate() {
            let mut before = METHODS[..place].iter();
            assert!(!before.any(|(other, other_id, _)| other == name || other_id == id));
        }
    }
}
