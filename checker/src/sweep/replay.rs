//! Reads an order as `docs/certificates.md` says, by stepping through the reference objects of
//! [`crate::model`].

use std::collections::BTreeSet;
use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::DeflateDecoder;
use history::{Function, History, Kind, Operation, Process};

use crate::certificate::PackedOrder;
use crate::model::Reference;
use crate::order::{Order, OrderEntry};
use crate::position::NEVER;

/// Unpacks what stands in a certificate.
fn unpack(packed: &PackedOrder) -> Order {
    let deflated = STANDARD.decode(&packed.deflate).expect("base64");
    let mut raw = Vec::new();
    DeflateDecoder::new(deflated.as_slice())
        .read_to_end(&mut raw)
        .expect("deflate");
    assert_eq!(raw.len() as u64, packed.raw);
    let mut entries = Vec::new();
    let (mut number, mut shift, mut before) = (0u64, 0, 0i64);
    for byte in raw {
        number |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            let zigzag = (number >> 1) as i64;
            before += (zigzag >> 1) ^ -(zigzag & 1);
            let invoke = u32::try_from(before).expect("a position");
            entries.push(OrderEntry {
                invoke,
                is_revocation: number & 1 == 1,
            });
            (number, shift) = (0, 0);
        }
    }
    assert_eq!(entries.len() as u64, packed.entries);
    Order {
        key: packed.key.clone(),
        entries,
    }
}

/// Why the order proves nothing.
pub(super) fn objection<R: Reference>(
    object: &R,
    history: &History,
    order: &Order,
) -> Option<String> {
    if unpack(&PackedOrder::pack(order)) != *order {
        return Some("it does not survive packing".to_owned());
    }
    let mut state = object.initial();
    let mut seen = BTreeSet::new();
    let mut now = 0;
    for entry in &order.entries {
        let operation = operation_at(history, entry.invoke);
        if entry.is_revocation {
            let process = holder(&operation);
            let found = object
                .revocations(&state)
                .into_iter()
                .find(|(revocation, _)| revocation.process == process);
            let Some((_, next)) = found else {
                return Some(format!("nothing to revoke at {}", entry.invoke));
            };
            state = next;
            continue;
        }
        if !seen.insert(entry.invoke) {
            return Some(format!("{} stands twice", entry.invoke));
        }
        let end = history
            .partner(entry.invoke as usize)
            .map_or(NEVER, |end| u32::try_from(end).expect("small"));
        let end = if operation.outcome() == Kind::Info {
            NEVER
        } else {
            end
        };
        now = now.max(entry.invoke);
        if now >= end {
            return Some(format!("{} comes too late", entry.invoke));
        }
        let call = object.call(&operation).expect("it fits");
        match call.map_or_else(|| Some(state.clone()), |call| object.step(&state, &call)) {
            Some(next) => state = next,
            None => return Some(format!("{} cannot follow", entry.invoke)),
        }
    }
    missing(history, &seen)
}

fn operation_at(history: &History, invoke: u32) -> Operation<'_> {
    let place = invoke as usize;
    let end = history.partner(place).map(|end| &history.events()[end]);
    Operation {
        invoke: &history.events()[place],
        end,
    }
}

fn holder(operation: &Operation<'_>) -> Option<u32> {
    match operation.process() {
        Process::Client(process) if operation.outcome() == Kind::Ok => Some(process),
        _ => None,
    }
}

fn missing(history: &History, seen: &BTreeSet<u32>) -> Option<String> {
    let must = |operation: &Operation<'_>| match operation.outcome() {
        Kind::Fail => operation.end.is_some_and(|end| end.observed),
        outcome => outcome == Kind::Ok,
    };
    let is_lock = |operation: &Operation<'_>| {
        matches!(
            operation.invoke.function,
            Function::Acquire | Function::Release | Function::Verify | Function::Lost
        )
    };
    history
        .events()
        .iter()
        .enumerate()
        .filter(|(_, event)| event.kind == Kind::Invoke)
        .find_map(|(place, _)| {
            let invoke = u32::try_from(place).expect("small");
            let operation = operation_at(history, invoke);
            (is_lock(&operation) && must(&operation) && !seen.contains(&invoke))
                .then(|| format!("{invoke} is missing"))
        })
}
