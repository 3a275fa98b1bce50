//! When a client believes: spells that end with an event, or when a lease is over.

use std::collections::BTreeSet;

use history::{Event, Function, History, Kind, Lease, Process};

use super::record::NEVER;

/// Where a spell ends: before the event at the position, at this time. So they are in order.
pub(super) type Ending = (usize, u64);

/// A stretch of belief.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spell {
    /// The position of the answer that it begins with.
    pub(super) from: usize,
    pub(super) until: Ending,
    /// Whether it ends because a lease is over.
    pub(super) lapses: bool,
}

/// What an answer says of a lease: the positions of the operation, and nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grace {
    pub(super) invoked: usize,
    pub(super) ended: usize,
    pub(super) lease_ns: u64,
}

impl Spell {
    pub(super) fn is_on(&self, place: usize) -> bool {
        self.from < place && place < self.until.0
    }

    /// The last position that is not after its end.
    pub(super) fn last(&self) -> usize {
        if self.lapses {
            self.until.0 - 1
        } else {
            self.until.0
        }
    }
}

/// The leases of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leases {
    None,
    /// That of all grants, in nanoseconds; none that was renewed is longer.
    Same(u64),
    Differ,
}

impl Leases {
    pub(super) fn of(history: &History) -> Self {
        let (mut granted, mut longest) = (BTreeSet::new(), None);
        for event in history.events() {
            let lease = event.value.lease().map(Lease::ns);
            longest = longest.max(lease);
            let is_client = matches!(event.process, Process::Client(_));
            if is_client && event.kind == Kind::Ok && event.function == Function::Acquire {
                granted.insert(lease);
            }
        }
        match (granted.len(), longest) {
            (_, None) => Self::None,
            (1, Some(longest)) if granted.contains(&Some(longest)) => Self::Same(longest),
            _ => Self::Differ,
        }
    }
}

/// The time of a position; that of the last event for what never comes.
pub(super) fn time_of(events: &[Event], place: usize) -> u64 {
    let event = events.get(place).or(events.last());
    event.map_or(0, |event| event.time)
}

/// Whether time passes in a history: if not, nobody knows when a lease is over.
pub(super) fn is_timed(history: &History) -> bool {
    let times = || history.events().iter().map(|event| event.time);
    times().min() != times().max()
}

/// Where a lease that began with an event is over.
pub(super) fn lapse(events: &[Event], begun: usize, lease_ns: u64) -> Ending {
    let over = time_of(events, begun).saturating_add(lease_ns);
    let place = events.partition_point(|event| event.time < over);
    if place < events.len() {
        (place, over)
    } else {
        (NEVER, time_of(events, NEVER))
    }
}

/// The spells of a hold without a lease: one.
pub(super) fn whole(events: &[Event], from: usize, until: usize) -> Vec<Spell> {
    vec![Spell {
        from,
        until: (until, time_of(events, until)),
        lapses: false,
    }]
}

/// The spells of a hold by the leases that its process was told, in the order of the answers, until
/// something else ends its belief.
pub(super) fn by_leases(events: &[Event], graces: &[Grace], until: usize) -> Vec<Spell> {
    let last = (until, time_of(events, until));
    let mut spells: Vec<Spell> = Vec::new();
    for grace in graces {
        let lapse = lapse(events, grace.invoked, grace.lease_ns);
        let from = grace.ended;
        let spell = Spell {
            from,
            until: lapse.min(last),
            lapses: lapse < last,
        };
        if spell.until.0 <= from {
            continue;
        }
        let goes_on = |before: &&mut Spell| (from, time_of(events, from)) <= before.until;
        match spells.last_mut().filter(goes_on) {
            Some(before) if before.until < spell.until => {
                before.until = spell.until;
                before.lapses = spell.lapses;
            }
            Some(_) => {}
            None => spells.push(spell),
        }
    }
    spells
}
