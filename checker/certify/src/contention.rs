//! What a guarantee is judged by: holds that others could have broken into. A guarantee that
//! nothing was judged by is not valid.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{Flaw, ensure};
use super::record::{Hold, NEVER, Record};

/// Who counts.
#[derive(Clone, Copy)]
pub(super) enum Room {
    /// Every client once.
    ForOneClient,
    /// So many wants.
    For(u64),
}

impl Room {
    /// That of a lock with so many slots.
    pub(super) fn of(slots: u64) -> Self {
        match slots {
            1 => Self::ForOneClient,
            _ => Self::For(slots),
        }
    }
}

/// When a hold is believed.
pub(super) fn believed(hold: &Hold) -> Vec<(usize, usize)> {
    let spells = hold.spells.iter();
    spells.map(|spell| (spell.from, spell.until.0)).collect()
}

/// When it is confirmed.
pub(super) fn confirmed(hold: &Hold) -> Vec<(usize, usize)> {
    vec![(hold.granted, hold.confirmed_until)]
}

/// Fails unless some hold lasted for a while in which not everybody who wanted its key could have
/// it, before the last phase. `lasts` is when a hold goes on, by positions.
pub(super) fn ensure_some(
    record: &Record,
    room: Room,
    lasts: impl Fn(&Hold) -> Vec<(usize, usize)>,
) -> Result<(), Flaw> {
    let mut wants: BTreeMap<usize, Vec<Want>> = BTreeMap::new();
    for hold in &record.holds {
        let wants = wants.entry(hold.key).or_default();
        for (from, until) in believed(hold) {
            wants.push(Want::new(from, until, hold.process, hold.shared));
        }
    }
    for ask in record.asks.iter().filter(|ask| ask.was_sent) {
        let want = Want::new(ask.invoked, ask.ended, ask.process, ask.shared);
        wants.entry(ask.key).or_default().push(want);
    }
    let crowds = wants
        .iter()
        .map(|(key, wants)| (*key, crowded(wants, room)));
    let crowds: BTreeMap<usize, Vec<(usize, usize)>> = crowds.collect();
    let is_contended = |hold: &&Hold| {
        let crowds = &crowds[&hold.key];
        lasts(hold).into_iter().any(|(from, until)| {
            let end = until.min(record.settled);
            let next = crowds.partition_point(|(_, last)| *last <= from);
            from < end && crowds.get(next).is_some_and(|(first, _)| *first < end)
        })
    };
    ensure(record.holds.iter().any(|hold| is_contended(&hold)), || {
        Flaw::new("no hold was contended, so nothing was put to the test")
    })
}

/// Who has or wants a key, from one position to another.
struct Want {
    from: usize,
    until: usize,
    process: u32,
    shared: bool,
}

impl Want {
    fn new(from: usize, until: usize, process: u32, shared: bool) -> Self {
        Self {
            from,
            until,
            process,
            shared,
        }
    }
}

/// The stretches of positions in which more want a key than there is room for, an exclusive want
/// among them.
fn crowded(wants: &[Want], room: Room) -> Vec<(usize, usize)> {
    let mut begins: BTreeMap<usize, Vec<&Want>> = BTreeMap::new();
    let mut ends = begins.clone();
    for want in wants {
        begins.entry(want.from).or_default().push(want);
        ends.entry(want.until).or_default().push(want);
    }
    let positions: BTreeSet<usize> = begins.keys().chain(ends.keys()).copied().collect();
    // How often each process wants it, exclusively or shared.
    let mut wanting: BTreeMap<u32, u64> = BTreeMap::new();
    let (mut all, mut exclusive) = (0_u64, 0_u64);
    let (mut crowded, mut since) = (Vec::new(), None);
    for position in positions {
        for want in begins.remove(&position).unwrap_or_default() {
            *wanting.entry(want.process).or_default() += 1;
            all += 1;
            exclusive += u64::from(!want.shared);
        }
        for want in ends.remove(&position).unwrap_or_default() {
            all -= 1;
            exclusive -= u64::from(!want.shared);
            let left = wanting.entry(want.process).or_default();
            *left -= 1;
            if *left == 0 {
                wanting.remove(&want.process);
            }
        }
        let is_too_much = match room {
            Room::ForOneClient => wanting.len() > 1,
            Room::For(slots) => all > slots,
        };
        match (since, is_too_much && exclusive > 0) {
            (None, true) => since = Some(position),
            (Some(first), false) => {
                crowded.push((first, position));
                since = None;
            }
            _ => {}
        }
    }
    crowded.extend(since.map(|first| (first, NEVER)));
    crowded
}
