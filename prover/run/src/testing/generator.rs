//! A workload's generator that takes the steps it is told to take.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use history::{Function, Value};
use workloads::{Client, Feedback, Step};

/// What a generator was told of its steps. Its clones are one and the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Feedbacks(Arc<Mutex<Told>>);

#[derive(Debug, Default)]
struct Told {
    feedbacks: Vec<Feedback>,
    values: Vec<Value>,
}

/// A generator that takes these steps, up to the finish, and what it is told meanwhile.
pub(crate) fn steps(steps: impl IntoIterator<Item = Step>) -> (Box<dyn Client>, Feedbacks) {
    let feedbacks = Feedbacks::default();
    let generator = Steps {
        steps: steps.into_iter().collect(),
        feedbacks: feedbacks.clone(),
    };
    (Box::new(generator), feedbacks)
}

/// The step that does an operation on the only key.
pub(crate) fn invoke(function: Function) -> Step {
    Step::Invoke(function, "k".into())
}

impl Feedbacks {
    /// What came of each step that was taken.
    pub(crate) fn of_steps(&self) -> Vec<Feedback> {
        // The first of them tells of the time before the first step.
        self.told().feedbacks.iter().skip(1).copied().collect()
    }

    /// What the operations brought that took effect.
    pub(crate) fn values(&self) -> Vec<Value> {
        self.told().values.clone()
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Steps {
    steps: VecDeque<Step>,
    feedbacks: Feedbacks,
}

impl Client for Steps {
    fn next(&mut self, last: Feedback) -> Step {
        self.feedbacks.told().feedbacks.push(last);
        self.steps.pop_front().unwrap_or(Step::Done)
    }

    fn told(&mut self, value: &Value) {
        self.feedbacks.told().values.push(value.clone());
    }

    fn finish(&mut self) {
        self.steps.clear();
    }
}
