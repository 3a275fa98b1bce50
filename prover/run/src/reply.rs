//! What an answer or an error of a lock means in the history: the only place where one becomes the
//! other.

use history::{Draft, Function, Grant, Kind, Process, Value};
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
        Ok(reply) => draft.with(value(reply)),
        Err(error) => draft.because(error.kind.name(), &error.text),
    };
    let observed = matches!(result, Err(error) if error.kind.certainty().is_observed());
    (kind, if observed { draft.observed() } else { draft })
}

fn kind(result: &Result<Reply, Error>) -> Kind {
    match result {
        Ok(_) => Kind::Ok,
        Err(error) => match error.kind.certainty() {
            Certainty::Refused | Certainty::Failed => Kind::Fail,
            Certainty::Unknown => Kind::Info,
        },
    }
}

pub(crate) fn value(reply: &Reply) -> Value {
    match reply {
        Reply::Granted(locks::Grant {
            slot: None,
            token: None,
            ..
        })
        | Reply::Done => Value::None,
        Reply::Granted(locks::Grant { slot, token, .. }) => Value::Grant(Grant {
            slot: *slot,
            token: token.unwrap_or(0),
        }),
        Reply::Slots(slots) => Value::Slots(slots.clone()),
        Reply::Number(number) => Value::data((*number).into()),
        Reply::Answered(locks::Answer::Held | locks::Answer::Leased(_)) => {
            Value::Answer(history::Answer::Held)
        }
        Reply::Answered(locks::Answer::Lost) => Value::Answer(history::Answer::Lost),
    }
}

#[cfg(test)]
mod tests {
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
            lease: None,
        };
        let value = Value::Grant(Grant {
            slot: Some(2),
            token: 41,
        });
        assert_eq!(end(rich), draft.with(value));
    }
}
