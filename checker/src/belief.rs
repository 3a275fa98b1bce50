//! When a client believes in a hold: from an event on, and until another or until a lease is over,
//! which is between events as a rule.

use history::{Event, Function, History, Kind, Process};

use crate::position::{NEVER, Position, position};

/// A moment of the record: before which event it comes, or with it, and what time it is.
///
/// Moments are in order: what comes before an event is earlier than the event unless it has the
/// same time. [`NEVER`] has the time of the last event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    pub(crate) position: Position,
    pub(crate) time_ns: u64,
}

/// The times of a record.
#[derive(Clone, Copy)]
pub(crate) struct Clock<'a>(&'a [Event]);

impl<'a> Clock<'a> {
    pub(crate) fn of(history: &'a History) -> Self {
        Self(history.events())
    }

    /// The moment of an event.
    pub(crate) fn at(self, place: Position) -> Moment {
        let event = self.0.get(place as usize).or_else(|| self.0.last());
        Moment {
            position: place,
            time_ns: event.map_or(0, |event| event.time),
        }
    }

    /// The moment so long after an event; [`NEVER`] if the record has ended by then. Events of the
    /// same time come after it.
    pub(crate) fn after(self, place: Position, span_ns: u64) -> Moment {
        let time_ns = self.at(place).time_ns.saturating_add(span_ns);
        let next = self.0.partition_point(|event| event.time < time_ns);
        if next == self.0.len() {
            return self.at(NEVER);
        }
        Moment {
            position: position(next),
            time_ns,
        }
    }
}

/// The leases of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leases {
    /// There are none.
    None,
    /// Every grant has this one, in nanoseconds, and no renewal has a longer one.
    Same(u64),
    /// Nobody can tell how long one is of which no answer told.
    Differ,
}

impl Leases {
    pub(crate) fn of(history: &History) -> Self {
        let events = || history.events().iter();
        let mut all = events().filter_map(|event| event.value.lease());
        let grants = events().filter(|event| {
            event.kind == Kind::Ok
                && event.function == Function::Acquire
                && matches!(event.process, Process::Client(_))
        });
        let mut grants = grants.map(|event| event.value.lease());
        match grants.next().flatten() {
            Some(first)
                if grants.all(|lease| lease == Some(first)) && all.all(|lease| lease <= first) =>
            {
                Self::Same(first.ns())
            }
            _ if events().any(|event| event.value.lease().is_some()) => Self::Differ,
            _ => Self::None,
        }
    }
}

/// A stretch of time in which a client believes in a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Belief {
    /// The answer that it begins with.
    pub(crate) begin: Position,
    pub(crate) end: Moment,
    /// Whether it ends because the lease is over, and not with an event.
    pub(crate) runs_out: bool,
}

impl Belief {
    /// The event that it begins with.
    #[must_use]
    pub fn begin(&self) -> usize {
        self.begin as usize
    }

    /// When it ends, in nanoseconds; nothing if it goes on to the end of the record.
    #[must_use]
    pub fn until_ns(&self) -> Option<u64> {
        (self.end.position != NEVER).then_some(self.end.time_ns)
    }

    /// Whether an event lies within it.
    pub(crate) fn has(&self, place: Position) -> bool {
        self.begin < place && place < self.end.position
    }

    /// The last event that is not after its end.
    pub(crate) fn last(&self) -> Position {
        match self.end.position {
            NEVER => NEVER,
            end => end - Position::from(self.runs_out),
        }
    }
}

/// What an answer promised: the lock, for so long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Promise {
    pub(crate) asked: Position,
    pub(crate) answered: Position,
    pub(crate) lease_ns: u64,
}

/// From when on leases are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// From the invocation: the service cannot have counted from earlier.
    FromTheRequest,
    /// From the return, as many programs do.
    FromTheAnswer,
}

/// When a client believes that was promised this, in the order of the answers, unless something
/// else ends its belief before. Stretches with neither an event nor time between them are one.
pub(crate) fn by_leases(
    clock: Clock<'_>,
    promises: &[Promise],
    until: Position,
    counted: Counted,
) -> Vec<Belief> {
    let until = clock.at(until);
    let mut beliefs: Vec<Belief> = Vec::new();
    for promise in promises {
        let begin = promise.answered;
        let from = match counted {
            Counted::FromTheRequest => promise.asked,
            Counted::FromTheAnswer => begin,
        };
        let over = clock.after(from, promise.lease_ns);
        let end = over.min(until);
        if end.position <= begin {
            continue;
        }
        let next = Belief {
            begin,
            end,
            runs_out: over < until,
        };
        match beliefs.last_mut() {
            Some(last) if clock.at(begin) <= last.end => {
                if last.end < end {
                    (last.end, last.runs_out) = (end, next.runs_out);
                }
            }
            _ => beliefs.push(next),
        }
    }
    beliefs
}
