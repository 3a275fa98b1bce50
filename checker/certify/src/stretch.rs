//! For how long somebody believes without a break.

use std::collections::BTreeMap;

use history::History;

use super::record::{Hold, Record};
use super::spell::{Ending, Spell, time_of};

/// A spell, or some that follow each other without a break.
#[derive(Clone, Copy)]
pub(super) struct Stretch<'a> {
    /// The hold of the first spell.
    pub(super) hold: &'a Hold,
    pub(super) from: usize,
    pub(super) until: Ending,
    pub(super) shared: bool,
}

/// Whose spells are joined, and which of them: those of a process on a key, all or only the
/// exclusive ones, or those of a hold.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Line {
    Process { key: usize, process: u32, all: bool },
    Hold(usize),
}

/// The spells as they are, in the order of their beginnings.
pub(super) fn spells(record: &Record) -> Vec<Stretch<'_>> {
    let spells = record.holds.iter().flat_map(|hold| {
        let spells = hold.spells.iter();
        spells.map(move |spell| single(hold, spell, hold.shared))
    });
    in_order(spells.collect())
}

/// The stretches, in the order of their beginnings.
pub(super) fn unbroken<'a>(history: &History, record: &'a Record, slots: u64) -> Vec<Stretch<'a>> {
    let mut lines: BTreeMap<Line, Vec<(&Hold, Spell)>> = BTreeMap::new();
    for (index, hold) in record.holds.iter().enumerate() {
        let (key, process) = (hold.key, hold.process);
        let process_line = |all| Line::Process { key, process, all };
        let of_hold = match (slots, hold.shared) {
            (1, false) => vec![process_line(true), process_line(false)],
            (1, true) => vec![process_line(true)],
            _ => vec![Line::Hold(index)],
        };
        for line in of_hold {
            let spells = hold.spells.iter().map(|spell| (hold, *spell));
            lines.entry(line).or_default().extend(spells);
        }
    }
    let joined = lines.into_iter().flat_map(|(line, mut spells)| {
        spells.sort_by_key(|(_, spell)| spell.from);
        let shared = match line {
            // The same as the line of the exclusive ones.
            Line::Process { all: true, .. } if spells.iter().all(|(hold, _)| !hold.shared) => {
                return Vec::new();
            }
            Line::Process { all, .. } => all,
            Line::Hold(_) => spells.iter().any(|(hold, _)| hold.shared),
        };
        join(history, &spells, shared)
    });
    in_order(joined.collect())
}

fn single<'a>(hold: &'a Hold, spell: &Spell, shared: bool) -> Stretch<'a> {
    Stretch {
        hold,
        from: spell.from,
        until: spell.until,
        shared,
    }
}

fn in_order(mut stretches: Vec<Stretch<'_>>) -> Vec<Stretch<'_>> {
    stretches.sort_by_key(|stretch| stretch.from);
    stretches
}

fn join<'a>(history: &History, spells: &[(&'a Hold, Spell)], shared: bool) -> Vec<Stretch<'a>> {
    let mut stretches: Vec<Stretch<'_>> = Vec::new();
    // The latest time at which a spell of the last stretch lapsed.
    let mut lapsed_ns = None;
    for (hold, spell) in spells {
        let lapse = spell.lapses.then_some(spell.until.1);
        let goes_on = |last: &&mut Stretch<'_>| {
            spell.from < last.until.0 || lapsed_ns >= Some(time_of(history.events(), spell.from))
        };
        if let Some(last) = stretches.last_mut().filter(goes_on) {
            last.until = last.until.max(spell.until);
            lapsed_ns = lapsed_ns.max(lapse);
        } else {
            stretches.push(single(hold, spell, shared));
            lapsed_ns = lapse;
        }
    }
    stretches
}
