//! What one process did.

use std::collections::BTreeMap;

use history::{Answer, Event, Function, Kind, Process, Value};

use super::Span;
use super::spans::Spans;
use crate::Case;
use crate::position::{NEVER, Position, position};

/// One session of a worker.
pub(super) struct Session<'a> {
    pub(super) process: u32,
    /// In the order of their invocations; each has ended before the next begins.
    operations: Vec<Step<'a>>,
}

/// An operation by its positions.
struct Step<'a> {
    invoke: Position,
    /// [`NEVER`] if it has no end in the record.
    end: Position,
    function: &'a Function,
    outcome: Option<&'a Event>,
}

/// The sessions of each worker.
pub(super) fn sessions<'a>(case: &'a Case<'_>) -> BTreeMap<u32, Spans<Session<'a>>> {
    let mut sessions: BTreeMap<u32, Vec<Step<'_>>> = BTreeMap::new();
    for (place, event) in case.history.events().iter().enumerate() {
        if let (Process::Client(process), Kind::Invoke) = (event.process, event.kind) {
            let partner = case.history.partner(place);
            let step = Step {
                invoke: position(place),
                end: partner.map_or(NEVER, position),
                function: &event.function,
                outcome: partner.map(|partner| &case.history.events()[partner]),
            };
            sessions.entry(process).or_default().push(step);
        }
    }
    let mut of_workers: BTreeMap<u32, Vec<_>> = BTreeMap::new();
    for (process, operations) in sessions {
        let first = operations.first().map_or(0, |step| step.invoke);
        let last = operations.last().map_or(0, |step| step.end);
        let session = Session {
            process,
            operations,
        };
        let worker = of_workers.entry(case.scope.worker(process)).or_default();
        worker.push((first, last, session));
    }
    of_workers
        .into_iter()
        .map(|(worker, sessions)| (worker, Spans::new(sessions)))
        .collect()
}

impl Session<'_> {
    /// The operations that were under way or began between two positions.
    fn steps(&self, from: Position, until: Position) -> impl Iterator<Item = &Step<'_>> {
        let first = self.operations.partition_point(|step| step.end < from);
        self.operations[first..]
            .iter()
            .take_while(move |step| step.invoke < until)
    }

    /// Whether it got an answer to something that it asked while the fault was surely on.
    pub(super) fn is_answered_within(&self, span: Span) -> bool {
        self.steps(span.on, span.over)
            .any(|step| span.on < step.invoke && step.end < span.over && step.is_answered())
    }

    /// Whether it recorded anything while the fault was surely on.
    pub(super) fn acts_within(&self, span: Span) -> bool {
        let is_in = |place: Position| span.on < place && place < span.over;
        self.steps(span.on, span.over)
            .any(|step| is_in(step.invoke) || is_in(step.end))
    }

    /// Whether an operation waited for some time while the fault was surely on, and until it was
    /// taken off or until nobody knew any more what became of it. Those count that were begun while
    /// the process still believed, which is until `until`.
    pub(super) fn waits(
        &self,
        span: Span,
        until: Position,
        is_some_time: impl Fn(Position, Position) -> bool,
    ) -> bool {
        let begun = self.steps(span.on, span.over);
        let of_the_lock = begun.filter(|step| step.invoke <= until && step.is_of_the_lock());
        of_the_lock
            .filter(|step| step.is_open_at(span.over) || step.is_info())
            .any(|step| is_some_time(step.invoke.max(span.on), step.end.min(span.over)))
    }
}

impl Step<'_> {
    /// The resource that a lock guards is out of reach of faults, and nobody asks for a loss
    /// notification.
    fn is_of_the_lock(&self) -> bool {
        !matches!(
            self.function,
            Function::Lost | Function::Read | Function::Write
        )
    }

    /// Only the other side can have said so. That a lock is lost a client may also conclude by
    /// itself.
    fn is_answered(&self) -> bool {
        let says = |event: &Event| match event.kind {
            Kind::Ok => event.value != Value::Answer(Answer::Lost),
            Kind::Fail => event.observed,
            Kind::Invoke | Kind::Info => false,
        };
        self.is_of_the_lock() && self.outcome.is_some_and(says)
    }

    /// If the record ends before the operation does, that shows nothing.
    fn is_open_at(&self, place: Position) -> bool {
        self.end > place && self.end != NEVER
    }

    fn is_info(&self) -> bool {
        self.outcome.is_some_and(|event| event.kind == Kind::Info)
    }
}

/// Whether the event by which nobody knows any more what became of an operation says that the
/// connection is gone or that the process died; a client that merely lost patience has not been
/// told anything.
pub(super) fn ends_the_session(event: &Event) -> bool {
    const KINDS: &[&str] = &["io", "heartbeat-missed", "not-sent", "crashed"];
    let kind = event.error.as_ref().map_or("", |error| &*error.kind);
    kind.starts_with("connection") || KINDS.contains(&kind)
}
