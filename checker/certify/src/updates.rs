//! `no-lost-update`: what was acknowledged is read afterwards.

use std::collections::{BTreeMap, BTreeSet};

use history::{Function, History, Kind, Value};
use serde_json::Value as Json;

use super::data::{elements, json};
use super::error::{Flaw, ensure};
use super::record::KeyName;

/// An acknowledged operation on a resource, by the positions of its events.
pub(super) struct Access {
    invoked: usize,
    ended: usize,
    what: What,
}

enum What {
    Add(String),
    /// The number that was written, if it was one.
    Write(Option<i64>),
    Elements(BTreeSet<String>),
    Number(i64),
}

impl Access {
    /// The access that ends at this position, if one does. A read that brings neither elements nor
    /// a number is none.
    pub(super) fn ended_at(history: &History, position: usize) -> Option<Self> {
        let end = history
            .events()
            .get(position)
            .filter(|end| end.kind == Kind::Ok)?;
        let invoked = history.partner(position)?;
        let asked = json(&history.events()[invoked].value);
        let what = match end.function {
            Function::Add => What::Add(asked.to_string()),
            Function::Write => What::Write(asked.as_i64()),
            Function::Read => What::read(&end.value)?,
            _ => return None,
        };
        Some(Self {
            invoked,
            ended: position,
            what,
        })
    }

    /// Whether this update is gone, as the other access shows.
    pub(super) fn is_lost_by(&self, other: &Self) -> bool {
        let is_before = self.ended < other.invoked;
        match (&self.what, &other.what) {
            (What::Add(element), What::Elements(elements)) => {
                is_before && !elements.contains(element)
            }
            (What::Write(Some(one)), What::Write(Some(two))) => {
                one == two && self.ended != other.ended
            }
            (What::Write(Some(written)), What::Number(read)) => is_before && read < written,
            _ => false,
        }
    }

    fn is_update(&self) -> bool {
        matches!(self.what, What::Add(_) | What::Write(_))
    }

    /// Whether a read of this kind could have shown it.
    fn is_shown_by(&self, read: &Self) -> bool {
        self.ended < read.invoked
            && matches!(
                (&self.what, &read.what),
                (What::Add(_), What::Elements(_)) | (What::Write(Some(_)), What::Number(_))
            )
    }
}

impl What {
    fn read(value: &Value) -> Option<Self> {
        match json(value) {
            Json::Number(number) => number.as_i64().map(Self::Number),
            other => elements(&other).ok().map(Self::Elements),
        }
    }
}

pub(super) fn check(history: &History) -> Result<(), Flaw> {
    let mut keys: BTreeMap<&KeyName, Vec<Access>> = BTreeMap::new();
    for (position, event) in history.events().iter().enumerate() {
        if let Some(access) = Access::ended_at(history, position) {
            keys.entry(&event.key).or_default().push(access);
        }
    }
    let has_updates = keys.values().flatten().any(Access::is_update);
    ensure(has_updates, || {
        Flaw::new("nothing was written and acknowledged")
    })?;
    for (key, accesses) in keys {
        let lost = first_lost(&accesses);
        lost.map_or(Ok(()), |(why, position)| {
            Err(Flaw::new(why).on(key).at(history.events()[position].index))
        })?;
    }
    Ok(())
}

/// What is wrong with a resource, and the position where. `accesses` come in the order of their
/// ends.
fn first_lost(accesses: &[Access]) -> Option<(&'static str, usize)> {
    let (updates, mut reads): (Vec<&Access>, Vec<&Access>) =
        accesses.iter().partition(|access| access.is_update());
    reads.sort_by_key(|read| read.invoked);
    let mut written = BTreeSet::new();
    let unread = updates
        .iter()
        .find(|update| !reads.iter().rev().any(|read| update.is_shown_by(read)));
    if let Some(unread) = unread {
        return Some(("the update was never read", unread.ended));
    }
    let twice = updates
        .iter()
        .find(|update| matches!(update.what, What::Write(number) if !written.insert(number)));
    if let Some(twice) = twice {
        return Some(("the number was written twice", twice.ended));
    }
    let lost = first_stale(&updates, &reads)?;
    Some(("the read does not show an update", lost.ended))
}

/// The first read that does not show what was acknowledged before. Of numbers only the greatest
/// before a read counts.
fn first_stale<'a>(updates: &[&Access], reads: &[&'a Access]) -> Option<&'a Access> {
    let mut updates = updates.iter().copied().peekable();
    let (mut adds, mut greatest) = (Vec::new(), None);
    let stale = reads.iter().find(|read| {
        while let Some(update) = updates.next_if(|update| update.ended < read.invoked) {
            match (
                &update.what,
                greatest.map(|greatest: &Access| &greatest.what),
            ) {
                (What::Add(_), _) => adds.push(update),
                (What::Write(one), Some(What::Write(other))) if one <= other => {}
                _ => greatest = Some(update),
            }
        }
        adds.iter()
            .chain(&greatest)
            .any(|update| update.is_lost_by(read))
    });
    stale.copied()
}
