//! What an answer or an error of a lock means in the history: the only place where one becomes the
//! other.

use history::{Draft, Function, Grant, Kind, Lease, Process, Value};
use locks::{Certainty, Error};

/// What a lock answered to an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// The lock is granted.
    Granted(locks::Grant),
    /// What a verify said.
    Answered(locks::Answer),
    /// It is done, and there is no more to say: the lock is given back, the number is written.
    Done,
    /// The slots that an administrator made, removed or found.
    Slots(Vec<u32>),
    /// The number that was read.
    Number(u64),
}

/// The event that ends an operation.
pub(crate) fn ending(
    process: u32,
    function: &Function,
    result: &Result<Reply, Error>,
) -> (Kind, Draft) {
    let kind = kind(result);
    let draft = Draft::new(Process::Client(process), kind, function.clone());
    let draft = match result {
        Ok(reply) if is_too_short(reply) => draft.because(
            "lease-too-short",
            "a lease of less than a millisecond: the record counts whole ones",
        ),
        Ok(reply) => draft.with(value(reply)),
        Err(error) => draft.because(error.kind.name(), &error.text),
    };
    let observed = matches!(result, Err(error) if error.kind.certainty().is_observed());
    (kind, if observed { draft.observed() } else { draft })
}

fn kind(result: &Result<Reply, Error>) -> Kind {
    match result {
        // Nobody can act under it, but until it is over the service may keep others out.
        Ok(reply) if is_too_short(reply) => Kind::Info,
        Ok(_) => Kind::Ok,
        Err(error) => match error.kind.certainty() {
            Certainty::Refused | Certainty::Failed => Kind::Fail,
            Certainty::Unknown => Kind::Info,
        },
    }
}

/// Whether a grant's lease has no whole millisecond. Without one in the record it would be believed
/// for ever.
fn is_too_short(reply: &Reply) -> bool {
    let Reply::Granted(grant) = reply else {
        return false;
    };
    grant
        .lease
        .is_some_and(|lease| Lease::within(lease).is_none())
}

/// Leases are rounded down: who believes for a shorter time is in nobody's way. A renewal that is
/// too short to be written down renews nothing.
pub(crate) fn value(reply: &Reply) -> Value {
    match reply {
        Reply::Granted(locks::Grant {
            slot: None,
            token: None,
            lease: None,
        })
        | Reply::Done => Value::None,
        Reply::Granted(locks::Grant { slot, token, lease }) => Value::Grant(Grant {
            slot: *slot,
            token: token.unwrap_or(0),
            lease: lease.and_then(Lease::within),
        }),
        Reply::Slots(slots) => Value::Slots(slots.clone()),
        Reply::Number(number) => Value::data((*number).into()),
        Reply::Answered(locks::Answer::Held) => Value::Answer(history::Answer::Held),
        Reply::Answered(locks::Answer::Leased(lease)) => {
            let leased = Lease::within(*lease).map(history::Answer::Leased);
            Value::Answer(leased.unwrap_or(history::Answer::Held))
        }
        Reply::Answered(locks::Answer::Lost) => Value::Answer(history::Answer::Lost),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use locks::ErrorKind;

    use super::*;

    #[test]
    fn a_refusal_is_an_observed_fail_and_doubt_is_info() {
        let end = |kind| ending(0, &Function::Acquire, &Err(Error::new(kind, "said so")));
        let draft = |kind| Draft::new(Process::Client(0), kind, Function::Acquire);
        let busy = (
            Kind::Fail,
            draft(Kind::Fail).because("busy", "said so").observed(),
        );
        assert_eq!(end(ErrorKind::Busy), busy);
        let own = (Kind::Fail, draft(Kind::Fail).because("not-held", "said so"));
        assert_eq!(end(ErrorKind::NotHeld), own);
        let late = (Kind::Info, draft(Kind::Info).because("timeout", "said so"));
        assert_eq!(end(ErrorKind::Timeout), late);
    }

    #[test]
    fn a_bare_grant_has_no_value_and_a_rich_one_keeps_all() {
        let end = |grant| ending(0, &Function::Acquire, &Ok(Reply::Granted(grant))).1;
        let draft = Draft::new(Process::Client(0), Kind::Ok, Function::Acquire);
        assert_eq!(end(locks::Grant::default()), draft);
        let rich = locks::Grant {
            slot: Some(2),
            token: Some(41),
            lease: Some(Duration::from_micros(5_900)),
        };
        let value = Value::Grant(Grant {
            slot: Some(2),
            token: 41,
            lease: Lease::from_ms(5),
        });
        assert_eq!(end(rich), draft.with(value));
    }

    #[test]
    fn a_lease_is_rounded_down_and_one_of_no_millisecond_is_nothing_to_believe_in() {
        let short = Duration::from_micros(999);
        let leased = |lease| value(&Reply::Answered(locks::Answer::Leased(lease)));
        let one = Lease::from_ms(1).expect("not 0");
        assert_eq!(
            leased(Duration::from_micros(1_999)),
            Value::Answer(history::Answer::Leased(one))
        );
        assert_eq!(leased(short), Value::Answer(history::Answer::Held));
        let grant = locks::Grant {
            lease: Some(short),
            ..locks::Grant::default()
        };
        let (kind, draft) = ending(0, &Function::Acquire, &Ok(Reply::Granted(grant)));
        assert_eq!(kind, Kind::Info);
        let expected = Draft::new(Process::Client(0), Kind::Info, Function::Acquire);
        let why = "a lease of less than a millisecond: the record counts whole ones";
        assert_eq!(draft, expected.because("lease-too-short", why));
    }
}
