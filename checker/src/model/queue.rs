//! A queue: first in, first out.

use std::collections::VecDeque;
use std::sync::Arc;

use history::{Function, Kind, Operation, Value};

use super::cas_register::json;
use super::named_model::{NamedModel, plain};
use super::set::element;
use super::{Reference, Unsuitable};

/// Gives elements out in the order in which they came in.
#[derive(Clone, Copy, Debug)]
pub struct Queue;

pub(super) const MODEL: NamedModel = NamedModel {
    pattern: "queue",
    meaning: "a queue, first in, first out; a dequeue of nil or a refused one found it empty",
    make: |argument| plain(argument, Queue),
    make_revocable: None,
};

/// Each element is kept as its JSON text.
pub(super) type Elements = VecDeque<Arc<str>>;

/// What was asked of a queue and answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum QueueCall {
    /// It was put in, or may have been.
    Enqueue(Arc<str>),
    /// It was taken out.
    Dequeue(Arc<str>),
    /// Whatever was first may have been taken out.
    MaybeDequeue,
    /// There was nothing to take out.
    Empty,
}

impl Reference for Queue {
    type State = Elements;
    type Call = QueueCall;

    fn knows(&self, function: &Function) -> bool {
        matches!(function, Function::Enqueue | Function::Dequeue)
    }

    fn call(&self, operation: &Operation<'_>) -> Result<Option<QueueCall>, Unsuitable> {
        Ok(match (&operation.invoke.function, operation.outcome()) {
            (Function::Enqueue, Kind::Ok | Kind::Info) => {
                Some(QueueCall::Enqueue(element(&json(&operation.invoke.value))))
            }
            (Function::Dequeue, Kind::Ok) => Some(taken(operation)),
            (Function::Dequeue, Kind::Info) => Some(QueueCall::MaybeDequeue),
            (Function::Dequeue, Kind::Fail) => Some(QueueCall::Empty),
            _ => None,
        })
    }

    fn initial(&self) -> Elements {
        Elements::new()
    }

    fn observes(&self, call: &Self::Call) -> bool {
        *call == QueueCall::Empty
    }

    fn step(&self, elements: &Elements, call: &QueueCall) -> Option<Elements> {
        let mut next = elements.clone();
        match call {
            QueueCall::Enqueue(element) => next.push_back(element.clone()),
            QueueCall::Dequeue(element) => {
                next.pop_front().filter(|first| first == element)?;
            }
            QueueCall::MaybeDequeue => {
                next.pop_front()?;
            }
            QueueCall::Empty if elements.is_empty() => {}
            QueueCall::Empty => return None,
        }
        Some(next)
    }

    fn state_bytes(&self, elements: &Elements) -> usize {
        size_of::<Elements>() + elements.capacity() * size_of::<Arc<str>>()
    }
}

fn taken(operation: &Operation<'_>) -> QueueCall {
    match operation.end.map(|end| &end.value) {
        Some(value @ Value::Data(_)) => QueueCall::Dequeue(element(&json(value))),
        _ => QueueCall::Empty,
    }
}

#[cfg(test)]
mod tests {
    use crate::model::testing::{accepts, rejects, steps};

    use super::*;

    #[test]
    fn models() {
        let states = steps(
            &Queue,
            "0 enqueue 1; 0 ok; 0 enqueue 2; 0 ok; 0 dequeue; 0 ok 1; 0 dequeue; 0 info",
        );
        let queue = |elements: &[i32]| {
            Some(
                elements
                    .iter()
                    .map(|number| element(&(*number).into()))
                    .collect::<Elements>(),
            )
        };
        assert_eq!(
            states,
            [queue(&[1]), queue(&[1, 2]), queue(&[2]), queue(&[])]
        );
        assert_eq!(steps(&Queue, "0 dequeue; 0 ok 1"), [None]);
    }

    #[test]
    fn accepts_first_in_first_out() {
        accepts(
            "queue",
            "0 enqueue 1; 1 enqueue 2; 0 ok; 1 ok; 0 dequeue; 0 ok 2; 0 dequeue; 0 ok 1; 0 dequeue; 0 ok",
        );
        accepts(
            "queue",
            "0 enqueue 1; 0 info; 1 dequeue; 1 refused; 1 dequeue; 1 ok 1",
        );
        accepts(
            "queue",
            "0 enqueue 1; 0 ok; 0 dequeue; 0 info; 1 dequeue; 1 ok 1",
        );
        accepts(
            "queue",
            "0 enqueue 1; 0 ok; 0 dequeue; 0 info; 1 dequeue; 1 ok",
        );
    }

    #[test]
    fn rejects_the_wrong_order_and_twice_the_same() {
        rejects(
            "queue",
            "0 enqueue 1; 0 ok; 0 enqueue 2; 0 ok; 1 dequeue; 1 ok 2",
        );
        rejects(
            "queue",
            "0 enqueue 1; 0 ok; 1 dequeue; 1 ok 1; 1 dequeue; 1 ok 1",
        );
        rejects("queue", "0 enqueue 1; 0 ok; 1 dequeue; 1 refused");
    }
}
