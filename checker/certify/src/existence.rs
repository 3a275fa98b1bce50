//! `slot-existence`: whether slots are there as those say who made, removed, counted or were
//! granted them.

use std::collections::{BTreeMap, BTreeSet};

use history::{Function, History, Kind};

use super::administration::{AdminOp, administered, ops};
use super::changes::Changes;
use super::error::{Flaw, ensure};
use super::record::{KeyName, Record};

/// What an operation says of one slot.
struct Word {
    invoked: usize,
    ended: usize,
    /// Whether the slot was there before it, if it says so.
    found: Option<bool>,
    /// Whether the slot was there after it.
    left: bool,
    /// Where something begins that may have changed that, and was not through when the operation
    /// began.
    until: usize,
}

/// The words about each slot of a key.
type Slots = BTreeMap<u32, Vec<Word>>;

pub(super) fn check(history: &History, record: &Record) -> Result<(), Flaw> {
    let mut is_tested = false;
    for (name, ops) in &administered(history) {
        for words in slots(record, name, ops).values() {
            let mut stands = [Stands::default(), Stands::default()];
            for word in words {
                stands[usize::from(word.left)].add(word);
                is_tested = is_tested || is_tested_by(word, words);
            }
            let [absent, present] = stands.map(Stands::ready);
            for (place, word) in words.iter().enumerate() {
                let other = match word.found {
                    Some(true) => &absent,
                    Some(false) => &present,
                    None => continue,
                };
                let beside = words[..place].iter().rev();
                let mut beside = beside.take_while(|other| other.ended > word.invoked);
                ensure(
                    !other.spans(word) && !beside.any(|other| contradict(other, word)),
                    || {
                        Flaw::new("a slot is not as it was left")
                            .on(name)
                            .at(history.events()[word.ended].index)
                    },
                )?;
            }
        }
    }
    ensure(is_tested, || {
        Flaw::new("nobody looked for a slot after it was made or removed")
    })
}

/// Whether a slot was changed and looked for before that may have changed again. `words` come in
/// the order of their ends.
fn is_tested_by(word: &Word, words: &[Word]) -> bool {
    let later = words.partition_point(|look| look.ended <= word.ended);
    let mut looks = words[later..]
        .iter()
        .take_while(|look| look.ended < word.until);
    word.found == Some(!word.left)
        && looks.any(|look| look.found == Some(word.left) && word.ended < look.invoked)
}

/// Whether the operations that end at two positions contradict each other about a slot that was
/// there first (or was not).
pub(super) fn is_shown(
    history: &History,
    record: &Record,
    name: &KeyName,
    ends: [usize; 2],
    was_there: bool,
) -> bool {
    let slots = slots(record, name, &ops(history, name));
    slots.values().any(|words| {
        let of = |end| words.iter().find(|word| word.ended == end);
        let pair = of(ends[0]).zip(of(ends[1]));
        pair.is_some_and(|(first, second)| first.left == was_there && contradict(first, second))
    })
}

/// Whether of two operations, the first of which ended first, neither can have come before the
/// other.
fn contradict(first: &Word, second: &Word) -> bool {
    let is_before = first.ended < second.invoked || !can_follow(first, second);
    first.ended < second.ended && is_before && !can_follow(second, first)
}

/// Whether a word can have been said after another, whatever came between.
fn can_follow(word: &Word, other: &Word) -> bool {
    word.found != Some(!other.left) || word.ended > other.until
}

/// What is said of each slot, in the order of the ends.
fn slots(record: &Record, name: &KeyName, ops: &[AdminOp]) -> Slots {
    let key = record.keys.get(name);
    let changes = [Changes::making(ops), Changes::removing(ops)];
    let next_change = |slot, is_there: bool, from| changes[usize::from(is_there)].next(slot, from);
    let holds = record.holds.iter().filter(|hold| Some(&hold.key) == key);
    let mut slots = Slots::new();
    for hold in holds {
        if let Some(slot) = hold.slot {
            slots.entry(slot).or_default().push(Word {
                invoked: hold.asked,
                ended: hold.granted,
                found: Some(true),
                left: true,
                until: next_change(slot, true, hold.asked),
            });
        }
    }
    let listed: BTreeSet<u32> = ops
        .iter()
        .flat_map(|op| op.slots.iter().flatten().copied())
        .chain(slots.keys().copied())
        .collect();
    for slot in listed {
        let words = slots.entry(slot).or_default();
        words.extend(ops.iter().filter_map(|op| {
            let (found, left) = said(op, slot)?;
            Some(Word {
                invoked: op.invoked,
                ended: op.ended,
                found,
                left,
                until: next_change(slot, left, op.invoked),
            })
        }));
        words.sort_by_key(|word| word.ended);
    }
    slots
}

/// Whether an operation found a slot, if it says so, and whether it left it there.
fn said(op: &AdminOp, slot: u32) -> Option<(Option<bool>, bool)> {
    let is_destroy = op.function == Function::Destroy;
    if op.outcome != Kind::Ok || (op.slots.is_none() && !is_destroy) {
        return None;
    }
    Some(match (&op.function, op.names(slot)) {
        (Function::Create, listed) => (Some(false), listed),
        (Function::Grow, true) => (Some(false), true),
        (Function::Shrink | Function::Overshoot | Function::Destroy, true) => (Some(true), false),
        (Function::Destroy, false) => (None, false),
        (Function::Count, listed) => (Some(listed), listed),
        _ => return None,
    })
}

/// Times in which a slot is known to be there, or not to be.
#[derive(Default)]
struct Stands(Vec<(usize, usize)>);

impl Stands {
    fn add(&mut self, word: &Word) {
        self.0.push((word.ended, word.until));
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
