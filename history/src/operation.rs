//! An operation: an invocation and, where there is one, its end.

use crate::{Event, Kind, Process};

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

    /// Who did it.
    #[must_use]
    pub fn process(&self) -> Process {
        self.invoke.process
    }
}
