//! Legal orders of what happened: unpacked, and replayed step by step.

use std::collections::{BTreeMap, HashSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::{Decompress, FlushDecompress, Status};
use history::History;

use super::error::Flaw;
use super::file::Order;
use super::object::{Object, Place};
use super::record::{KeyName, Record};

/// One entry of an order.
#[derive(Clone, Copy)]
struct OrderEntry {
    is_revocation: bool,
    /// The position of an invocation.
    invoked: usize,
}

/// Checks that the orders are there for every key that needs one and for no other, and that each is
/// legal.
pub(super) fn check<O: Object>(
    history: &History,
    record: &Record,
    object: &O,
    places: &[Place<O::Call>],
    orders: &[Order],
) -> Result<(), Flaw> {
    let mut needed = needed(object, places);
    for order in orders {
        let name: KeyName = order.key.as_deref().map(Into::into);
        let key = record.keys.get(&name);
        let places = key
            .and_then(|key| needed.remove(key))
            .ok_or_else(|| Flaw::new("this key needs no order, or has another one").on(&name))?;
        let replay = Replay {
            history,
            object,
            name: &name,
            places,
        };
        replay.check(order)?;
    }
    needed.keys().next().map_or(Ok(()), |key| {
        Err(Flaw::new("this key has no order").on(record.key_name(*key)))
    })
}

/// The operations of each key that needs an order, in the order of their invocations.
fn needed<'a, O: Object>(
    object: &O,
    places: &'a [Place<O::Call>],
) -> BTreeMap<usize, Vec<&'a Place<O::Call>>> {
    let mut needed: BTreeMap<usize, Vec<_>> = BTreeMap::new();
    for place in places {
        needed.entry(place.key).or_default().push(place);
    }
    let needs = |place: &&Place<_>| place.is_must() && object.needs_order_for(&place.call);
    needed.retain(|_, places| places.iter().any(needs));
    needed
}

struct Replay<'a, O: Object> {
    history: &'a History,
    object: &'a O,
    name: &'a KeyName,
    places: Vec<&'a Place<O::Call>>,
}

impl<O: Object> Replay<'_, O> {
    fn check(&self, order: &Order) -> Result<(), Flaw> {
        // Each operation stands there once at most, and each hold is revoked once at most.
        let entries = unpack(order, 2 * self.places.len() as u64)
            .map_err(|why| Flaw::new(why).on(self.name))?;
        let mut state = self.object.initial();
        let mut instant = 0;
        let mut placed = HashSet::new();
        for entry in entries {
            let step = if entry.is_revocation {
                self.revoke(&mut state, entry)
            } else {
                self.place(&mut state, &mut instant, &mut placed, entry)
            };
            step.map_err(|why| self.flaw(why, entry.invoked))?;
        }
        let mut must = self.places.iter().filter(|place| place.is_must());
        let missing = must.find(|place| !placed.contains(&place.invoked));
        missing.map_or(Ok(()), |place| {
            Err(self.flaw("the operation is not in the order", place.invoked))
        })
    }

    fn place(
        &self,
        state: &mut O::State,
        instant: &mut usize,
        placed: &mut HashSet<usize>,
        entry: OrderEntry,
    ) -> Result<(), &'static str> {
        let at = self
            .places
            .binary_search_by_key(&entry.invoked, |place| place.invoked);
        let place =
            at.map_err(|_| "this is no invocation of an operation that has a place in the order")?;
        let place = self.places[place];
        if !placed.insert(entry.invoked) {
            return Err("the operation is in the order twice");
        }
        *instant = place.invoked.max(*instant);
        if *instant >= place.ended {
            return Err("the operation had ended before its place in the order");
        }
        let allowed = self.object.step(state, &place.call);
        allowed
            .then_some(())
            .ok_or("the operation is not allowed at its place in the order")
    }

    fn revoke(&self, state: &mut O::State, entry: OrderEntry) -> Result<(), &'static str> {
        if !self.object.revokes() {
            return Err("nothing is revoked in this model");
        }
        let revoked = self.object.revoke(state, entry.invoked);
        revoked
            .then_some(())
            .ok_or("what does not go on is revoked")
    }

    fn flaw(&self, why: &str, position: usize) -> Flaw {
        let flaw = Flaw::new(why).on(self.name);
        match self.history.events().get(position) {
            Some(event) => flaw.at(event.index),
            None => flaw,
        }
    }
}

const NUMBER_BYTES_MAX: u64 = 5;

/// Unpacks an order of at most this many entries; so a small certificate cannot ask for much
/// memory.
fn unpack(order: &Order, entries_max: u64) -> Result<Vec<OrderEntry>, &'static str> {
    let shortest = order.entries..=NUMBER_BYTES_MAX * order.entries.min(entries_max);
    if order.entries > entries_max || !shortest.contains(&order.raw) {
        return Err("the order has more entries or bytes than there can be");
    }
    let bytes = inflate(order)?;
    let mut rest = bytes.as_slice();
    let mut entries = Vec::new();
    let mut last = 0_i64;
    while !rest.is_empty() {
        let number = take_number(&mut rest)?;
        let zigzag = (number >> 1).cast_signed();
        last += (zigzag >> 1) ^ -(zigzag & 1);
        let invoked = usize::try_from(last).map_err(|_| "an entry lies before the first event")?;
        entries.push(OrderEntry {
            is_revocation: number & 1 == 1,
            invoked,
        });
    }
    if entries.len() as u64 == order.entries {
        Ok(entries)
    } else {
        Err("the order has another number of entries")
    }
}

fn inflate(order: &Order) -> Result<Vec<u8>, &'static str> {
    let packed = STANDARD
        .decode(&order.deflate)
        .map_err(|_| "\"deflate\" is not base64")?;
    let raw =
        usize::try_from(order.raw).map_err(|_| "the order has more bytes than there can be")?;
    // One byte of room more than needed shows a stream that is too long.
    let mut bytes = Vec::with_capacity(raw + 1);
    let mut stream = Decompress::new(false);
    let status = stream
        .decompress_vec(&packed, &mut bytes, FlushDecompress::Finish)
        .map_err(|_| "\"deflate\" is not a DEFLATE stream")?;
    let whole = status == Status::StreamEnd
        && stream.total_in() == packed.len() as u64
        && bytes.len() == raw;
    if whole {
        Ok(bytes)
    } else {
        Err("\"deflate\" does not inflate to \"raw\" bytes")
    }
}

/// Takes one LEB128 number in its shortest form.
fn take_number(rest: &mut &[u8]) -> Result<u64, &'static str> {
    let mut number = 0;
    for shift in (0..).step_by(7).take(NUMBER_BYTES_MAX as usize) {
        let (byte, after) = rest
            .split_first()
            .ok_or("the last number of the order is cut off")?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return if *byte == 0 && shift > 0 {
                Err("a number of the order is padded")
            } else {
                Ok(number)
            };
        }
    }
    Err("a number of the order is too long")
}
