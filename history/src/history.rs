//! The well-formed list of events.

use crate::rules::{RuleError, Rules};
use crate::{Draft, Event, Function, Kind, Mark, Operation, Outline, Process, Value};

/// Everything that happened in a run, in the order in which it was recorded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    events: Vec<Event>,
    /// For each event the other end of its operation.
    partners: Vec<Option<u32>>,
    torn: bool,
}

impl History {
    /// All events in order.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The position of the other end of the operation to which the event at `position` belongs.
    #[must_use]
    pub fn partner(&self, position: usize) -> Option<usize> {
        self.partners
            .get(position)
            .copied()
            .flatten()
            .map(|partner| partner as usize)
    }

    /// The operations of all clients, in the order of their invocations.
    pub fn operations(&self) -> impl Iterator<Item = Operation<'_>> {
        self.events
            .iter()
            .enumerate()
            .filter(|(_, event)| event.kind == Kind::Invoke)
            .map(|(position, invoke)| {
                let end = self.partner(position).map(|partner| &self.events[partner]);
                Operation { invoke, end }
            })
    }

    /// The events of the nemesis, in order.
    pub fn faults(&self) -> impl Iterator<Item = &Event> {
        self.events
            .iter()
            .filter(|event| event.process == Process::Nemesis)
    }

    /// What the first event says of the run, if this is a record of this program's own.
    #[must_use]
    pub fn outline(&self) -> Option<&Outline> {
        match &self.events.first()?.value {
            Value::Outline(outline) => Some(outline),
            _ => None,
        }
    }

    /// Whether some grant or answer has a lease.
    #[must_use]
    pub fn has_leases(&self) -> bool {
        self.events
            .iter()
            .any(|event| event.value.lease().is_some())
    }

    /// Whether its times say how much passed between events: in a record without a clock all are
    /// the same, and nobody can tell when a lease is over.
    #[must_use]
    pub fn has_clock(&self) -> bool {
        let ends = self.events.first().zip(self.events.last());
        ends.is_some_and(|(first, last)| first.time < last.time)
    }

    /// The position of a mark, if it stands there.
    #[must_use]
    pub fn mark(&self, mark: Mark) -> Option<usize> {
        let is_it = |event: &Event| event.function == Function::Mark(mark);
        self.events.iter().position(is_it)
    }

    /// Whether the record was cut off while it was written: the last line is torn, an operation has
    /// no end, or it began as one of this program's own and does not say that it is whole. A verdict
    /// about such a history speaks of what was recorded, not of the whole run.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.torn
            || self.is_unfinished()
            || self.operations().any(|operation| operation.end.is_none())
    }

    /// Whether this is a record of this program's own that does not say that it is whole: torn,
    /// killed, cut short, or of a run that did not come to its end.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        let is_end = |event: &Event| event.function == Function::Mark(Mark::End);
        self.outline().is_some() && !self.events.last().is_some_and(is_end)
    }

    /// The first index that is not there, counted from 0. A record of this program's own has none:
    /// its events are numbered without gaps. What was recorded elsewhere may count as it likes.
    #[must_use]
    pub fn first_gap(&self) -> Option<u64> {
        let mut places = (0..).zip(&self.events);
        places
            .find(|(place, event)| event.index != *place)
            .map(|(place, _)| place)
    }
}

/// Builds a history event by event; each must keep to the [rules](crate::rules).
#[derive(Debug, Default)]
pub struct HistoryBuilder {
    rules: Rules,
    history: History,
}

impl HistoryBuilder {
    /// Appends an event with the next index at `time` (nanoseconds since the run began).
    ///
    /// # Errors
    /// The rule that the event breaks; the builder stays as it was.
    pub fn push(&mut self, time: u64, draft: Draft) -> Result<(), RuleError> {
        let index = self.history.events.last().map_or(0, |last| last.index + 1);
        self.push_event(draft.at(index, time))
    }

    /// Appends an event that already has its place and time.
    ///
    /// # Errors
    /// The rule that the event breaks; the builder stays as it was.
    pub fn push_event(&mut self, event: Event) -> Result<(), RuleError> {
        let partner = self.rules.admit(&event)?;
        let position =
            u32::try_from(self.history.events.len()).map_err(|_| RuleError::TooManyEvents)?;
        if let Some(partner) = partner {
            self.history.partners[partner as usize] = Some(position);
        }
        self.history.partners.push(partner);
        self.history.events.push(event);
        Ok(())
    }

    /// Takes the clock away from a history with leases: some of its times were missing or made up,
    /// and by those a lease would be over too soon or too late.
    pub(crate) fn mistrust_times(&mut self) {
        if self.history.has_leases() {
            for event in &mut self.history.events {
                event.time = 0;
            }
        }
    }

    /// Notes that the record was cut off in the middle of an event.
    pub(crate) fn mark_torn(&mut self) {
        self.history.torn = true;
    }

    /// The history of what was pushed.
    #[must_use]
    pub fn finish(self) -> History {
        self.history
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Function;

    fn history(indices: &[u64]) -> History {
        let mut builder = HistoryBuilder::default();
        for (process, index) in (0..).zip(indices) {
            let draft = Draft::new(Process::Client(process), Kind::Invoke, Function::Acquire);
            builder.push_event(draft.at(*index, 0)).expect("in order");
        }
        builder.finish()
    }

    #[test]
    fn what_is_missing_is_named_by_its_index() {
        assert_eq!(history(&[]).first_gap(), None);
        assert_eq!(history(&[0, 1, 2]).first_gap(), None);
        assert_eq!(history(&[0, 1, 3, 7]).first_gap(), Some(2));
        assert_eq!(history(&[1, 2]).first_gap(), Some(0));
    }
}
