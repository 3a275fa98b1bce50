//! `fencing`: tokens are unique and grow.

use std::collections::{BTreeMap, BTreeSet};

use history::History;

use super::error::{Flaw, ensure};
use super::record::{Hold, Record};
use super::scan::flaw;

/// A grant with a token, and the first grant of the hold that it goes on with.
struct Grant<'a> {
    hold: &'a Hold,
    first: usize,
}

/// Checks the tokens of every key; two that may be compared are needed.
pub(super) fn check(history: &History, record: &Record, slots: u64) -> Result<(), Flaw> {
    let mut keys: BTreeMap<usize, Vec<Grant<'_>>> = BTreeMap::new();
    for (index, hold) in record.holds.iter().enumerate() {
        if hold.token != 0 {
            let first = first_of(index, hold, slots);
            keys.entry(hold.key)
                .or_default()
                .push(Grant { hold, first });
        }
    }
    let firsts = keys
        .values()
        .map(|grants| -> BTreeSet<usize> { grants.iter().map(|grant| grant.first).collect() });
    ensure(firsts.into_iter().any(|firsts| firsts.len() > 1), || {
        Flaw::new("no two holds of a key have tokens")
    })?;
    keys.values()
        .try_for_each(|grants| of_key(history, record, grants, slots))
}

/// The first grant of the hold that a grant goes on with: of a lock of one slot, what its client was
/// granted while it believed that it held it is the same hold.
fn first_of(index: usize, hold: &Hold, slots: u64) -> usize {
    hold.within.filter(|_| slots == 1).unwrap_or(index)
}

/// Whether two grants contradict each other, the first of which has the greater token, or the same.
pub(super) fn is_back(record: &Record, first: &Hold, second: &Hold, slots: u64) -> bool {
    let index = |hold: &Hold| {
        let mut holds = record.holds.iter();
        holds.position(|other| other.asked == hold.asked)
    };
    let of = |hold: &Hold| index(hold).map(|index| first_of(index, hold, slots));
    if first.token == 0 || second.token == 0 {
        return false;
    }
    if first.token == second.token {
        return of(first) != of(second);
    }
    let is_before = first.granted < second.asked || lies_before(first, second, slots);
    first.token > second.token && is_before
}

/// Whether two holds of a lock of one slot were certain one after the other, and cannot have begun
/// otherwise.
fn lies_before(first: &Hold, second: &Hold, slots: u64) -> bool {
    let are_certain = [first, second]
        .iter()
        .all(|hold| hold.granted < hold.confirmed_until);
    let exclude_each_other = slots == 1 && !(first.shared && second.shared);
    are_certain && exclude_each_other && first.confirmed_until < second.granted
}

fn of_key(
    history: &History,
    record: &Record,
    grants: &[Grant<'_>],
    slots: u64,
) -> Result<(), Flaw> {
    let mut owners: BTreeMap<u64, usize> = BTreeMap::new();
    for grant in grants {
        let owner = *owners.entry(grant.hold.token).or_insert(grant.first);
        ensure(owner == grant.first, || wrong(history, record, grant.hold))?;
    }
    let holds = || grants.iter().map(|grant| grant.hold);
    let by_return = holds().map(|hold| (hold.granted, hold.token));
    let by_request = holds().map(|hold| (hold.asked, hold));
    none_back(by_return, by_request).map_err(|hold| wrong(history, record, hold))?;
    if slots != 1 {
        return Ok(());
    }
    let certain = || holds().filter(|hold| hold.granted < hold.confirmed_until);
    let writers = certain().filter(|hold| !hold.shared);
    let ends = |hold: &Hold| (hold.confirmed_until, hold.token);
    let all = none_back(
        certain().map(ends),
        writers.clone().map(|hold| (hold.granted, hold)),
    );
    let readers = certain().filter(|hold| hold.shared);
    let of_readers = none_back(writers.map(ends), readers.map(|hold| (hold.granted, hold)));
    all.and(of_readers)
        .map_err(|hold| wrong(history, record, hold))
}

/// The first hold with a token less than one that was over at its beginning.
fn none_back<'a>(
    over: impl Iterator<Item = (usize, u64)>,
    begins: impl Iterator<Item = (usize, &'a Hold)>,
) -> Result<(), &'a Hold> {
    let over: BTreeMap<usize, u64> = over.collect();
    let begins: BTreeMap<usize, &Hold> = begins.collect();
    let mut over = over.into_iter().peekable();
    let mut greatest = 0;
    for (begin, hold) in begins {
        while let Some((_, token)) = over.next_if(|(end, _)| *end < begin) {
            greatest = token.max(greatest);
        }
        if hold.token < greatest {
            return Err(hold);
        }
    }
    Ok(())
}

fn wrong(history: &History, record: &Record, hold: &Hold) -> Flaw {
    let why = "the token is not new, or less than an earlier one";
    flaw(history, record, hold.key, hold.granted, why)
}
