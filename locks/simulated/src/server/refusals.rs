//! What the server says when it refuses, in RabbitMQ's words.

use crate::frame::Refusal;

/// The only virtual host.
pub(super) const VHOST: &str = "/";

pub(super) fn not_found(queue: &str) -> Refusal {
    Refusal::new(
        404,
        format!("NOT_FOUND - no queue '{queue}' in vhost '{VHOST}'"),
    )
}

pub(super) fn locked(queue: &str) -> Refusal {
    let text = format!(
        "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{queue}' in vhost '{VHOST}'. \
         It could be originally declared on another connection or the exclusive property value does not match that of the original declaration."
    );
    Refusal::new(405, text)
}

pub(super) fn in_exclusive_use(queue: &str) -> Refusal {
    let text = format!("ACCESS_REFUSED - queue '{queue}' in vhost '{VHOST}' in exclusive use");
    Refusal::new(403, text)
}

pub(super) fn reserved(queue: &str) -> Refusal {
    let text = format!("ACCESS_REFUSED - queue name '{queue}' contains reserved prefix 'amq.*'");
    Refusal::new(403, text)
}

pub(super) fn inequivalent(queue: &str, argument: &str) -> Refusal {
    let text = format!(
        "PRECONDITION_FAILED - inequivalent arg '{argument}' for queue '{queue}' in vhost '{VHOST}'"
    );
    Refusal::new(406, text)
}

pub(super) fn precondition(text: impl std::fmt::Display) -> Refusal {
    Refusal::new(406, format!("PRECONDITION_FAILED - {text}"))
}

pub(super) fn queue_precondition(queue: &str, why: &str) -> Refusal {
    precondition(format_args!("queue '{queue}' in vhost '{VHOST}' {why}"))
}

pub(super) fn tag_in_use(tag: &str) -> Refusal {
    Refusal::new(
        530,
        format!("NOT_ALLOWED - attempt to reuse consumer tag '{tag}'"),
    )
}

pub(super) fn unknown_vhost(vhost: &str) -> Refusal {
    Refusal::new(530, format!("NOT_ALLOWED - vhost {vhost} not found"))
}

pub(super) fn wrong_password() -> Refusal {
    let text = "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile.";
    Refusal::new(403, text)
}

pub(super) fn forced(reason: &str) -> Refusal {
    Refusal::new(320, format!("CONNECTION_FORCED - {reason}"))
}

pub(super) fn consumer_timeout(channel: u16, millis: u128) -> Refusal {
    precondition(format_args!(
        "delivery acknowledgement on channel {channel} timed out. Timeout value used: {millis} ms. \
         This timeout value can be configured, see consumers doc guide to learn more"
    ))
}

pub(super) fn out_of_order(what: &str) -> Refusal {
    Refusal::new(503, format!("COMMAND_INVALID - {what}"))
}

pub(super) fn not_modelled(what: &str) -> Refusal {
    Refusal::new(
        540,
        format!("NOT_IMPLEMENTED - the simulation does not model {what}"),
    )
}
