//! The part of a hold that every explanation of the history contains, where the service may revoke
//! holds.
//!
//! A hold is certain from the return of the grant to the invocation of the last `held` answer or of
//! the successful release: its core. One that was never confirmed is certain at some instant of its
//! acquire only.

use crate::hold::Hold;
use crate::holds::Lock;
use crate::overlap::Interval;

/// The core of a hold.
pub(crate) fn confirmed_core(hold: &Hold) -> Interval {
    Interval {
        process: hold.process,
        begin: hold.granted,
        end: hold.core_end(),
        shared: hold.shared,
    }
}

/// The cores of all holds of a lock.
pub(crate) fn cores(lock: &Lock) -> Vec<Interval> {
    lock.holds.iter().map(confirmed_core).collect()
}

/// The holds without a core, each with the window in which it needs room for an instant.
pub(crate) fn points(lock: &Lock) -> Vec<(usize, Interval)> {
    let holds = lock
        .holds
        .iter()
        .enumerate()
        .filter(|(_, hold)| confirmed_core(hold).is_empty());
    holds
        .map(|(place, hold)| {
            (
                place,
                Interval {
                    process: hold.process,
                    begin: hold.asked,
                    end: hold.granted,
                    shared: hold.shared,
                },
            )
        })
        .collect()
}
