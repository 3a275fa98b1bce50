//! The order that the cores of holds give by themselves: each hold lasts as long as is certain, and
//! no longer.

use crate::cores::{self, confirmed_core};
use crate::hold::Hold;
use crate::holds::{Lock, Said};
use crate::order::{Instant, Order, OrderEntry, Side, in_sequence};
use crate::overlap::{Capacity, Interval, Room, rooms};

/// The order for a lock whose holds may be revoked. Its confirmed cores fit together, and every
/// grant has room.
pub(crate) fn revocable_order(lock: &Lock, capacity: Capacity) -> Order {
    in_sequence(lock.key.clone(), revocable_instants(lock, capacity))
}

/// The same, not yet in sequence.
pub(crate) fn revocable_instants(lock: &Lock, capacity: Capacity) -> Vec<(Instant, OrderEntry)> {
    let mut placed = Vec::with_capacity(2 * lock.holds.len() + lock.statements.len());
    for hold in lock
        .holds
        .iter()
        .filter(|hold| !confirmed_core(hold).is_empty())
    {
        placed.push((
            Instant::new(hold.granted, Side::Before),
            OrderEntry::operation(hold.asked),
        ));
        if hold.released_ok().is_none() {
            placed.push((
                Instant::new(hold.core_end(), Side::AfterLast),
                OrderEntry::revocation(hold.asked),
            ));
        }
    }
    for (hold, instant) in points_with_room(lock, capacity) {
        placed.push((instant, OrderEntry::operation(hold.asked)));
        placed.push((instant, OrderEntry::revocation(hold.asked)));
    }
    let belonging = lock
        .statements
        .iter()
        .filter(|statement| statement.hold.is_some());
    placed.extend(belonging.map(|statement| match statement.said {
        Said::Held | Said::Released => after(statement.span.invoke),
        Said::Lost | Said::NotReleased => (
            Instant::new(statement.span.end, Side::BeforeLast),
            OrderEntry::operation(statement.span.invoke),
        ),
    }));
    placed
}

/// Just after its invocation.
pub(crate) fn after(invoke: crate::position::Position) -> (Instant, OrderEntry) {
    (
        Instant::new(invoke, Side::After),
        OrderEntry::operation(invoke),
    )
}

/// The holds without a core, each with an instant at which it has room.
pub(crate) fn points_with_room(lock: &Lock, capacity: Capacity) -> Vec<(&Hold, Instant)> {
    let cores = cores::cores(lock);
    let points = cores::points(lock);
    let windows: Vec<Interval> = points.iter().map(|(_, window)| *window).collect();
    let instant = |((place, window), room): ((usize, Interval), Room)| match room {
        Room::Before(core) => (&lock.holds[place], Instant::new(core, Side::WellBefore)),
        _ => (&lock.holds[place], Instant::new(window.end, Side::Before)),
    };
    points
        .into_iter()
        .zip(rooms(&cores, &windows, capacity))
        .map(instant)
        .collect()
}
