//! lapin's errors in our words. What is not understood becomes a kind whose outcome is unknown.

use std::io;

use lapin::protocol::AMQPError;
use lapin::types::ShortString;

use crate::{Error, ErrorKind};

/// What a channel is closed for although no operation under way is to blame: the consumer that sat
/// on a delivery for too long, and the settling of a delivery that there is none, to which nothing
/// answers. RabbitMQ says 406 for both.
const ASYNCHRONOUS: &[&str] = &["delivery acknowledgement", "unknown delivery tag"];

/// An error of an operation on an open connection.
pub(super) fn operating(error: &lapin::Error) -> Error {
    match error.kind() {
        lapin::ErrorKind::ProtocolError(amqp) => from_amqp(amqp),
        _ => Error::new(kind(error), error.to_string()),
    }
}

/// An error of connecting, where nothing but a handshake was sent.
pub(super) fn connecting(error: &lapin::Error, address: &str) -> Error {
    let found = operating(error);
    if is_refused(error) {
        let text = format!("nobody listens at {address}: start the broker or correct the address");
        return Error::new(ErrorKind::ConnectionRefused, text);
    }
    Error::new(found.kind, format!("{address}: {}", found.text))
}

/// A reply code that came with a returned message.
pub(super) fn returned(code: u16) -> ErrorKind {
    ErrorKind::from_amqp(code).unwrap_or(ErrorKind::NoRoute)
}

/// A name as AMQP can say it: at most 255 bytes.
pub(super) fn short(name: &str) -> Result<ShortString, Error> {
    ShortString::try_new(name).map_err(|_| {
        let text = format!("name of {} bytes is longer than 255 bytes", name.len());
        Error::new(ErrorKind::Invalid, text)
    })
}

fn from_amqp(amqp: &AMQPError) -> Error {
    let text = amqp.get_message().to_string();
    if ASYNCHRONOUS.iter().any(|reason| text.contains(reason)) {
        return Error::new(ErrorKind::ChannelClosed, text);
    }
    Error::of_reply(amqp.get_id(), text)
}

fn kind(error: &lapin::Error) -> ErrorKind {
    use lapin::ErrorKind as Lapin;
    match error.kind() {
        Lapin::ChannelsLimitReached => ErrorKind::TooManyChannels,
        Lapin::InvalidChannel(_) | Lapin::InvalidChannelState(..) => ErrorKind::ChannelClosed,
        Lapin::InvalidConnectionState(_) => ErrorKind::ConnectionClosed,
        Lapin::IOError(_) => ErrorKind::Io,
        Lapin::RuntimeShutdownError(_) | Lapin::NoDefaultRuntime => ErrorKind::ExecutorGone,
        Lapin::MissingHeartbeatError => ErrorKind::HeartbeatMissed,
        _ => ErrorKind::Protocol,
    }
}

fn is_refused(error: &lapin::Error) -> bool {
    matches!(error.kind(), lapin::ErrorKind::IOError(io) if io.kind() == io::ErrorKind::ConnectionRefused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapin::ChannelState;
    use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};

    fn protocol(kind: impl Into<AMQPErrorKind>, text: &str) -> Error {
        let amqp = AMQPError::new(kind.into(), text.into());
        operating(&lapin::ErrorKind::ProtocolError(amqp).into())
    }

    #[test]
    fn reply_codes_keep_their_kind_and_words() {
        let locked = protocol(AMQPSoftError::RESOURCELOCKED, "RESOURCE_LOCKED - cannot");
        assert_eq!(locked.kind, ErrorKind::ResourceLocked);
        assert_eq!(locked.text, "RESOURCE_LOCKED - cannot");
        let forced = protocol(
            AMQPHardError::CONNECTIONFORCED,
            "CONNECTION_FORCED - closed",
        );
        assert_eq!(forced.kind, ErrorKind::ConnectionForced);
    }

    #[test]
    fn a_channel_closed_for_an_earlier_delivery_blames_no_operation() {
        for text in [
            "PRECONDITION_FAILED - unknown delivery tag 7",
            "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out",
        ] {
            let error = protocol(AMQPSoftError::PRECONDITIONFAILED, text);
            assert_eq!(error.kind, ErrorKind::ChannelClosed, "{text}");
            assert!(!error.kind.certainty().is_definite());
        }
    }

    #[test]
    fn what_has_no_code_is_unknown() {
        let state = lapin::ErrorKind::InvalidChannelState(ChannelState::Closed, "queue.declare");
        for error in [
            state,
            lapin::ErrorKind::MissingHeartbeatError,
            lapin::ErrorKind::FutureCompleted,
        ] {
            let error = operating(&error.into());
            assert!(!error.kind.certainty().is_definite(), "{}", error.kind);
        }
        let io = lapin::Error::from(io::Error::from(io::ErrorKind::ConnectionRefused));
        assert_eq!(operating(&io).kind, ErrorKind::Io);
        assert_eq!(connecting(&io, "h:1").kind, ErrorKind::ConnectionRefused);
    }

    #[test]
    fn names_that_amqp_cannot_say_are_refused_here() {
        assert!(short(&"x".repeat(255)).is_ok());
        assert_eq!(
            short(&"x".repeat(256)).unwrap_err().kind,
            ErrorKind::Invalid
        );
    }
}
