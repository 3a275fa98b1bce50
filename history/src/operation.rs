//! An operation: an invocation and, where there is one, its end.

use crate::{Event, Kind, Process, Value};

/// What one process did between an invocation and its end.
#[derive(Clone, Copy, Debug)]
pub struct Operation<'a> {
    /// The beginning.
    pub invoke: &'a Event,
    /// The end; an invocation without one is as good as `info`.
    pub end: Option<&'a Event>,
}

impl Operation<'_> {
    /// What is known of the outcome.
    #[must_use]
    pub fn outcome(&self) -> Kind {
        self.end.map_or(Kind::Info, |end| end.kind)
    }

    /// How many permits of a semaphore it is about: what was asked for, or else what was answered;
    /// 1 where neither says so.
    #[must_use]
    pub fn permits(&self) -> u32 {
        let values = [Some(&self.invoke.value), self.end.map(|end| &end.value)];
        let said = values.into_iter().flatten().find_map(|value| match value {
            Value::Permits(permits) => Some(permits.get()),
            _ => None,
        });
        said.unwrap_or(1)
    }

    /// Who did it.
    #[must_use]
    pub fn process(&self) -> Process {
        self.invoke.process
    }
}
