//! `no-lost-update`: every acknowledged update, and every read after it.

use history::{Function, Value};
use serde_json::Value as Json;

use super::record::{Op, Record};
use super::{Verdict, verdict};

pub(crate) fn none_lost(record: &Record) -> Verdict {
    let is_other = |op: &Op| op.is_ok(&Function::Write) && number(&op.asked).is_none();
    let updates: Vec<&Op> = record.ops.iter().filter(|op| is_update(op)).collect();
    let is_lost = |op: &&Op| is_overwritten(op, &updates) || reads(record, op).contains(&false);
    let is_read = |op: &&Op| !reads(record, op).is_empty();
    let is_known = updates.iter().all(is_read) && !record.ops.iter().any(is_other);
    verdict(updates.iter().any(is_lost), is_known, !updates.is_empty())
}

/// Whether it was acknowledged, and can be read.
fn is_update(op: &Op) -> bool {
    let is_counted = op.is_ok(&Function::Write) && number(&op.asked).is_some();
    op.is_ok(&Function::Add) || is_counted
}

/// A counter is written from the number that was read: who writes the same read the same.
fn is_overwritten(op: &Op, updates: &[&Op]) -> bool {
    let is_same = |other: &&&Op| {
        let of_one = other.key == op.key && other.is(&Function::Write);
        of_one && other.invoke != op.invoke && number(&other.asked) == number(&op.asked)
    };
    op.is(&Function::Write) && updates.iter().any(|other| is_same(&other))
}

/// Of each read of its kind that began after it was acknowledged, whether it shows the update.
fn reads(record: &Record, update: &Op) -> Vec<bool> {
    let reads = record.ops_on(&update.key).into_iter();
    let later = reads.filter(|op| op.is_ok(&Function::Read) && op.invoke > update.end);
    later
        .filter_map(|read| shows(&read.value, update))
        .collect()
}

/// Nothing where the read is of another kind.
fn shows(value: &Value, update: &Op) -> Option<bool> {
    if update.is(&Function::Write) {
        return Some(number(value)? >= number(&update.asked)?);
    }
    let Json::Array(elements) = data(value)? else {
        return None;
    };
    Some(elements.contains(data(&update.asked)?))
}

fn data(value: &Value) -> Option<&Json> {
    match value {
        Value::Data(json) => Some(json),
        _ => None,
    }
}

fn number(value: &Value) -> Option<i64> {
    data(value)?.as_i64()
}
