//! `slot-existence`: whether slots are there as those say who made, removed, counted or were granted them.

use std::collections::{BTreeMap, BTreeSet};

use history::{Function, History, Kind};

use super::administration::{Deed, administered, deeds};
use super::error::{Flaw, ensure};
use super::record::{KeyName, NEVER, Record};

/// What an operation says of one slot.
struct Word {
    invoked: usize,
    ended: usize,
    /// Whether the slot was there before it, if it says so.
    found: Option<bool>,
    /// Whether the slot was there after it.
    left: bool,
}

/// The words about each slot of a key.
type Slots = BTreeMap<u32, Vec<Word>>;

pub(super) fn check(history: &History, record: &Record) -> Result<(), Flaw> {
    let mut is_tested = false;
    for (name, deeds) in &administered(history) {
        for (slot, words) in slots(record, name, deeds) {
            let mut stands = [Stands::default(), Stands::default()];
            for word in &words {
                let until = until(deeds, slot, word);
                stands[usize::from(word.left)].add(word.ended, until);
                is_tested |= word.found == Some(!word.left)
                    && words
                        .iter()
                        .any(|look| look.found == Some(word.left) && lies_in(look, word, until));
            }
            let [absent, present] = stands.map(Stands::ready);
            for word in &words {
                let other = match word.found {
                    Some(true) => &absent,
                    Some(false) => &present,
                    None => continue,
                };
                ensure(!other.spans(word), || {
                    Flaw::new("a slot is not as it was left")
                        .on(name)
                        .at(history.events()[word.ended].index)
                })?;
            }
        }
    }
    ensure(is_tested, || {
        Flaw::new("nobody looked for a slot after it was made or removed")
    })
}

/// Whether the operations that end at two positions contradict each other about a slot that was there first (or was not).
pub(super) fn is_shown(
    history: &History,
    record: &Record,
    name: &KeyName,
    ends: [usize; 2],
    was_there: bool,
) -> bool {
    let deeds = deeds(history, name);
    let slots = slots(record, name, &deeds);
    slots.into_iter().any(|(slot, words)| {
        let of = |end| words.iter().find(|word| word.ended == end);
        let pair = of(ends[0]).zip(of(ends[1]));
        pair.is_some_and(|(first, second)| {
            first.left == was_there
                && second.found == Some(!was_there)
                && lies_in(second, first, until(&deeds, slot, first))
        })
    })
}

/// Whether a word begins after another and ends before something may have changed what that one says.
fn lies_in(word: &Word, after: &Word, until: usize) -> bool {
    after.ended < word.invoked && word.ended < until
}

/// Where something begins that may have changed the slot from what the word left, and was not through when the word's operation began.
fn until(deeds: &[Deed], slot: u32, word: &Word) -> usize {
    use Function::{Create, Destroy, Grow, Overshoot, Shrink};
    let changes = |deed: &&Deed| {
        let may_name = deed.slots.is_none() || deed.names(slot);
        let changes = if word.left {
            deed.is(&Destroy) || (deed.is(&Shrink) || deed.is(&Overshoot)) && may_name
        } else {
            (deed.is(&Create) || deed.is(&Grow)) && may_name
        };
        changes && deed.settled() > word.invoked
    };
    let first = deeds.iter().find(changes);
    first.map_or(NEVER, |deed| deed.invoked)
}

fn slots(record: &Record, name: &KeyName, deeds: &[Deed]) -> Slots {
    let key = record.keys.get(name);
    let holds = record.holds.iter().filter(|hold| Some(&hold.key) == key);
    let mut slots = Slots::new();
    for hold in holds {
        if let Some(slot) = hold.slot {
            slots.entry(slot).or_default().push(Word {
                invoked: hold.asked,
                ended: hold.granted,
                found: Some(true),
                left: true,
            });
        }
    }
    let listed: BTreeSet<u32> = deeds
        .iter()
        .flat_map(|deed| deed.slots.iter().flatten().copied())
        .chain(slots.keys().copied())
        .collect();
    for slot in listed {
        let words = deeds.iter().filter_map(|deed| word(deed, slot));
        slots.entry(slot).or_default().extend(words);
    }
    slots
}

fn word(deed: &Deed, slot: u32) -> Option<Word> {
    if deed.outcome != Kind::Ok || deed.slots.is_none() {
        return None;
    }
    let (found, left) = match (&deed.function, deed.names(slot)) {
        (Function::Create, listed) => (Some(false), listed),
        (Function::Grow, true) => (Some(false), true),
        (Function::Shrink | Function::Overshoot | Function::Destroy, true) => (Some(true), false),
        (Function::Destroy, false) => (None, false),
        (Function::Count, listed) => (Some(listed), listed),
        _ => return None,
    };
    Some(Word {
        invoked: deed.invoked,
        ended: deed.ended,
        found,
        left,
    })
}

/// Times in which a slot is known to be there, or not to be.
#[derive(Default)]
struct Stands(Vec<(usize, usize)>);

impl Stands {
    fn add(&mut self, from: usize, until: usize) {
        self.0.push((from, until));
    }

    /// By their beginnings, each with the latest end among those that began no later.
    fn ready(mut self) -> Self {
        self.0.sort_unstable();
        let mut latest = 0;
        for (_, until) in &mut self.0 {
            latest = latest.max(*until);
            *until = latest;
        }
        self
    }

    /// Whether a word lies in one of them.
    fn spans(&self, word: &Word) -> bool {
        let begun = self.0.partition_point(|(from, _)| *from < word.invoked);
        let last = begun.checked_sub(1).map(|last| self.0[last]);
        last.is_some_and(|(_, until)| word.ended < until)
    }
}
