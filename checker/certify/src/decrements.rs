//! `no-lost-decrement` and `no-doubled-decrement`: what was requested and what was carried out,
//! counted.

use history::{Function, History, Kind};

use super::administration::{AdminOp, administered, last_count, ops};
use super::error::{Flaw, ensure};
use super::record::KeyName;

/// What of one key is counted.
struct Books {
    /// Requests that are `ok`.
    requested: u64,
    /// Requests that may have been filed before the last count ended.
    possible: u64,
    /// Requests that were filed for certain before it ended.
    certain: u64,
    /// How many slots went as decrements, at least and at most.
    least: u64,
    most: Option<u64>,
    /// The position of the end of the last count.
    counted: usize,
    /// Whether a shrink ended after that count began, or did not end.
    goes_on: bool,
}

pub(super) fn none_lost(history: &History) -> Result<(), Flaw> {
    let books = all(history)?;
    ensure(books.iter().any(|(_, books)| books.requested > 0), || {
        Flaw::new("no decrement was requested")
    })?;
    ensure_nothing_hidden(history)?;
    books.iter().try_for_each(|(name, books)| {
        ensure(books.least >= books.requested, || {
            Flaw::new("it is not certain that every decrement was carried out").on(name)
        })
    })
}

pub(super) fn none_doubled(history: &History) -> Result<(), Flaw> {
    let books = all(history)?;
    ensure(books.iter().any(|(_, books)| books.least > 0), || {
        Flaw::new("no decrement was carried out")
    })?;
    ensure_nothing_hidden(history)?;
    books.iter().try_for_each(|(name, books)| {
        let is_covered = books.most.is_some_and(|most| most <= books.certain);
        ensure(is_covered && !books.goes_on, || {
            Flaw::new("it is not certain that every decrement was requested").on(name)
        })
    })
}

/// Whether a shrink that ends at a position found nothing requested any more, and the last count,
/// which ends at another, lacks fewer slots than requested.
pub(super) fn is_lost(history: &History, name: &KeyName, told: usize, counted: usize) -> bool {
    let ops = ops(history, name);
    let Ok(books) = books(&ops) else {
        return false;
    };
    let mut tellers = ops.iter().filter(|op| op.ended == told);
    let is_told = tellers.any(|teller| is_final(&ops, teller));
    let begun = last_count(&ops).map_or(0, |count| count.invoked);
    let is_lost = books.most.is_some_and(|most| most < books.requested);
    is_told && told < begun && books.counted == counted && is_lost
}

/// Whether the last count, which ends at a position, lacks more slots than may have been requested.
pub(super) fn is_doubled(history: &History, name: &KeyName, counted: usize) -> bool {
    let books = books(&ops(history, name));
    books.is_ok_and(|books| books.counted == counted && books.least > books.possible)
}

/// The accounts of every key with a request.
fn all(history: &History) -> Result<Vec<(KeyName, Books)>, Flaw> {
    let mut all = Vec::new();
    for (name, ops) in administered(history) {
        if ops.iter().any(|op| op.is(&Function::Request)) {
            let books = books(&ops).map_err(|why| Flaw::new(why).on(&name))?;
            all.push((name, books));
        }
    }
    Ok(all)
}

/// Fails where the account of a count shows more decrements than were requested by then: what was
/// lost later may hide them.
fn ensure_nothing_hidden(history: &History) -> Result<(), Flaw> {
    administered(history).iter().try_for_each(|(name, ops)| {
        let counts = ops.iter().filter(|op| op.found().is_some());
        let mut books = counts.filter_map(|count| books_until(ops, count).ok());
        ensure(books.all(|books| books.least <= books.possible), || {
            Flaw::new("a count lacked more slots than were requested by then").on(name)
        })
    })
}

fn books(ops: &[AdminOp]) -> Result<Books, &'static str> {
    let last = last_count(ops).ok_or("the slots were not counted after the first request")?;
    books_until(ops, last)
}

fn books_until(ops: &[AdminOp], last: &AdminOp) -> Result<Books, &'static str> {
    let of = |function: Function| ops.iter().filter(move |op| op.is(&function));
    if of(Function::Request).next().is_none() {
        return Err("no decrement was requested");
    }
    let work = of(Function::Request).chain(of(Function::Shrink));
    let begun = work.map(|op| op.invoked).min().unwrap_or(0);
    if last.invoked <= begun {
        return Err("the slots were not counted after the first request");
    }
    let found = |count: &AdminOp| count.found().map_or(0, |slots| slots.len() as u64);
    let first = ops
        .iter()
        .rfind(|op| op.found().is_some() && op.ended < begun);
    ensure_known(ops, begun, first)?;
    let (from, until) = match first {
        Some(first) => (Some((first.invoked, first.ended)), last),
        None => (None, last),
    };
    // Whether it took effect in between: surely, perhaps or not at all.
    let is_outside = |op: &AdminOp| {
        op.invoked > until.ended || from.is_some_and(|(invoked, _)| op.settled() < invoked)
    };
    let is_inside = |op: &AdminOp| {
        op.settled() < until.invoked && from.is_none_or(|(_, ended)| ended < op.invoked)
    };
    let is_contested = |op: &AdminOp| {
        of(Function::Shrink)
            .any(|shrink| shrink.invoked < op.settled() && op.invoked < shrink.settled())
    };
    if of(Function::Destroy).any(|op| !is_outside(op)) {
        return Err("the lock was destroyed in between");
    }
    let (mut least, mut most) = (0_i128, Some(0_i128));
    let mut add = |surely: i128, perhaps: Option<i128>| {
        least += surely;
        most = most.zip(perhaps).map(|(sum, perhaps)| sum + perhaps);
    };
    let before = first.map_or(0, found);
    let difference = i128::from(before) - i128::from(found(last));
    add(difference, Some(difference));
    for made in of(Function::Create).chain(of(Function::Grow)) {
        let number = made.slots.as_ref().map(|slots| slots.len() as i128);
        if !is_outside(made) {
            add(number.filter(|_| is_inside(made)).unwrap_or(0), number);
        }
    }
    let mut has_gone = true;
    for removed in of(Function::Overshoot).filter(|removed| !is_outside(removed)) {
        let number = removed.slots.as_ref().map(|slots| slots.len() as i128);
        let surely = number.filter(|_| is_inside(removed) && !is_contested(removed));
        has_gone &= number.is_some();
        add(-number.unwrap_or(0), Some(-surely.unwrap_or(0)));
    }
    let positive = |number: i128| u64::try_from(number).unwrap_or(0);
    Ok(Books {
        requested: of(Function::Request)
            .filter(|request| request.outcome == Kind::Ok)
            .count() as u64,
        possible: of(Function::Request)
            .filter(|request| request.invoked < last.ended)
            .count() as u64,
        certain: of(Function::Request)
            .filter(|request| request.outcome == Kind::Ok && request.invoked < last.ended)
            .count() as u64,
        least: if has_gone { positive(least) } else { 0 },
        most: most.map(positive),
        counted: last.ended,
        goes_on: of(Function::Shrink).any(|shrink| shrink.ended > last.invoked),
    })
}

/// Without a count before all requests and shrinks, the lock must have been made by the first thing
/// that was done to it, alone.
fn ensure_known(
    ops: &[AdminOp],
    begun: usize,
    first: Option<&AdminOp>,
) -> Result<(), &'static str> {
    let mut all = ops.iter().filter(|op| op.outcome != Kind::Fail);
    let made = all
        .next()
        .filter(|made| made.function == Function::Create && made.outcome == Kind::Ok);
    let is_made =
        made.is_some_and(|made| made.ended < begun && all.all(|other| made.ended < other.invoked));
    if first.is_some() || is_made {
        Ok(())
    } else {
        Err("the slots were not known before the first request")
    }
}

/// Whether a shrink was told that nothing was requested after every request that is `ok`, beside no
/// other shrink, and nothing was requested later.
fn is_final(ops: &[AdminOp], told: &AdminOp) -> bool {
    let is_after = ops
        .iter()
        .filter(|op| op.is(&Function::Request))
        .all(|request| {
            let is_over = request.outcome == Kind::Info || request.ended < told.invoked;
            request.invoked < told.invoked && is_over
        });
    let mut others = ops
        .iter()
        .filter(|op| op.function == Function::Shrink && op.invoked != told.invoked);
    let is_alone = others.all(|other| other.settled() < told.invoked || other.invoked > told.ended);
    told.function == Function::Shrink && told.nothing_requested && is_after && is_alone
}
