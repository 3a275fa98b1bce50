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
    /// How many of those up to each were answered.
    answered: Vec<usize>,
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
        let session = Session::new(process, operations);
        let worker = of_workers.entry(case.scope.worker(process)).or_default();
        worker.push((first, last, session));
    }
    of_workers
        .into_iter()
        .map(|(worker, sessions)| (worker, Spans::new(sessions)))
        .collect()
}

impl<'a> Session<'a> {
    fn new(process: u32, operations: Vec<Step<'a>>) -> Self {
        let count = |count: &mut usize, step: &Step<'_>| {
            *count += usize::from(step.is_answered());
            Some(*count)
        };
        Self {
            process,
            answered: operations.iter().scan(0, count).collect(),
            operations,
        }
    }

    /// The operations that were under way or began between two positions.
    fn steps(&self, from: Position, until: Position) -> impl Iterator<Item = &Step<'_>> {
        let first = self.operations.partition_point(|step| step.end < from);
        self.operations[first..]
            .iter()
            .take_while(move |step| step.invoke < until)
    }

    /// Whether it got an answer to something that it asked while the fault was surely on.
    pub(super) fn is_answered_within(&self, span: Span) -> bool {
        let answered = |count: usize| count.checked_sub(1).map_or(0, |last| self.answered[last]);
        let first = self
            .operations
            .partition_point(|step| step.invoke <= span.on);
        let until = self.operations.partition_point(|step| step.end < span.over);
        first < until && answered(first) < answered(until)
    }

    /// Whether it recorded anything while the fault was surely on.
    pub(super) fn acts_within(&self, span: Span) -> bool {
        let is_in = |place: Position| span.on < place && place < span.over;
        self.steps(span.on, span.over)
            .any(|step| is_in(step.invoke) || is_in(step.end))
    }

    /// Whether it added slots to a lock or took some away, from the injection to the end.
    pub(super) fn changes_slots_within(&self, span: Span) -> bool {
        let is_in = |place: Position| span.inject < place && place < span.over;
        self.steps(span.inject, span.over)
            .any(|step| is_in(step.invoke) && is_in(step.end) && step.changes_slots())
    }

    /// Where the operation was invoked that was under way at a position, if one was.
    pub(super) fn under_way(&self, at: Position) -> Option<usize> {
        let begun = self.operations.partition_point(|step| step.invoke < at);
        let step = self.operations.get(begun.checked_sub(1)?)?;
        (at < step.end).then_some(step.invoke as usize)
    }

    /// Since when an operation on the lock was under way that had not ended before a position, if
    /// one was. What has no end in the record shows nothing.
    pub(super) fn waits_at(&self, place: Position) -> Option<Position> {
        let begun = self.operations.partition_point(|step| step.invoke < place);
        let step = self.operations.get(begun.checked_sub(1)?)?;
        let is_under_way = place <= step.end && step.end != NEVER && step.is_of_the_lock();
        is_under_way.then_some(step.invoke)
    }

    /// The operations on the lock that began while a fault was surely on, up to `until`, and have an
    /// end in the record: their functions, and where they began and ended.
    pub(super) fn begun_within(
        &self,
        span: Span,
        until: Position,
    ) -> impl Iterator<Item = (&Function, Position, Position)> {
        let own = self.steps(span.on, span.over);
        let is_meant = move |step: &&Step<'_>| {
            span.on < step.invoke
                && step.invoke <= until
                && step.end != NEVER
                && step.is_of_the_lock()
        };
        own.filter(is_meant)
            .map(|step| (step.function, step.invoke, step.end))
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
        // Only the last one that began can be open, and only the last of all be without an outcome.
        let begun = self
            .operations
            .partition_point(|step| step.invoke < span.over);
        let Some(step) = begun.checked_sub(1).map(|last| &self.operations[last]) else {
            return false;
        };
        step.end >= span.on
            && step.invoke <= until
            && step.is_of_the_lock()
            && (step.is_open_at(span.over) || step.is_info())
            && is_some_time(step.invoke.max(span.on), step.end.min(span.over))
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

    fn changes_slots(&self) -> bool {
        let lists_some = |event: &Event| {
            let some = matches!(&event.value, Value::Slots(slots) if !slots.is_empty());
            event.kind == Kind::Ok && some
        };
        matches!(self.function, Function::Grow | Function::Shrink)
            && self.outcome.is_some_and(lists_some)
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use history::fault::Class;

    use super::*;
    use crate::Scope;
    use crate::search::Limits;
    use crate::search::properties::{LOCK, cases, for_histories_up_to};

    /// Every operation is looked at.
    fn is_answered_by_all(session: &Session<'_>, span: Span) -> bool {
        let mut steps = session.steps(span.on, span.over);
        steps.any(|step| span.on < step.invoke && step.end < span.over && step.is_answered())
    }

    fn waits_by_all(
        session: &Session<'_>,
        span: Span,
        until: Position,
        is_some_time: impl Fn(Position, Position) -> bool,
    ) -> bool {
        let begun = session.steps(span.on, span.over);
        let of_the_lock = begun.filter(|step| step.invoke <= until && step.is_of_the_lock());
        of_the_lock
            .filter(|step| step.is_open_at(span.over) || step.is_info())
            .any(|step| is_some_time(step.invoke.max(span.on), step.end.min(span.over)))
    }

    #[test]
    fn few_operations_tell_of_all() {
        let seen = Cell::new([0; 2]);
        for_histories_up_to(24, LOCK, |history| {
            let scope = Scope::default();
            let case = Case::new(history, &scope, Limits::none());
            let sessions = sessions(&case);
            let all = sessions.values().flat_map(|spans| spans.meeting(0, NEVER));
            for session in all {
                for (on, over) in [(0, 5), (1, 3), (2, 9), (4, 7), (5, 20), (6, 12)] {
                    let span = Span {
                        class: Class::Slowing,
                        inject: on,
                        on,
                        over,
                    };
                    let is_answered = session.is_answered_within(span);
                    assert_eq!(is_answered, is_answered_by_all(session, span));
                    let some = |from, to| from < to;
                    let until = over - 2;
                    let waits = session.waits(span, until, some);
                    assert_eq!(waits, waits_by_all(session, span, until, some));
                    let more = [is_answered, waits].map(usize::from);
                    seen.set(std::array::from_fn(|at| seen.get()[at] + more[at]));
                }
            }
        });
        let enough = seen
            .get()
            .iter()
            .all(|number| *number > cases() as usize / 10);
        assert!(enough, "{seen:?}");
    }
}
