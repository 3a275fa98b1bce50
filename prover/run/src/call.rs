//! From an operation of a workload to the call of a lock.

use history::{Function, Value};
use locks::{Action, Error, ErrorKind, Session};

use crate::reply::Reply;

/// Has a session do an operation.
///
/// # Errors
/// The lock's own, and that there is no such operation of a lock.
pub(crate) async fn call(
    session: &mut dyn Session,
    function: &Function,
    key: &str,
    asked: &Value,
) -> Result<Reply, Error> {
    match function {
        Function::Acquire => session.acquire(key).await.map(Reply::Granted),
        Function::Verify => session.verify(key).await.map(Reply::Answered),
        Function::Release => session.release(key).await.map(|()| Reply::Done),
        other => {
            let action = action(other, asked).ok_or_else(|| {
                let text = format!("a lock has no operation {other}");
                Error::new(ErrorKind::Invalid, text)
            })?;
            session.administer(key, action).await.map(Reply::Slots)
        }
    }
}

/// What an administrator asks for.
fn action(function: &Function, asked: &Value) -> Option<Action> {
    let slots = match asked {
        Value::Slots(slots) => slots.as_slice(),
        _ => &[],
    };
    let last = || slots.last().copied();
    Some(match function {
        Function::Create => Action::Create { slots: last()? },
        Function::Grow => Action::Grow { most: last()? },
        Function::Shrink => Action::Shrink,
        Function::Destroy => Action::Destroy,
        Function::Count => Action::Count,
        Function::Overshoot => Action::Overshoot,
        Function::Wait => Action::Wait { slot: last()? },
        Function::Request => Action::Request,
        _ => return None,
    })
}
