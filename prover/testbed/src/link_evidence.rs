//! What a link did, told by the link itself: evidence for a fault from outside of its bookkeeping,
//! under the same names whether the link is a proxy's or simulated.

use nemesis::Evidence;
use proxy::Account;

/// What the proxies of a worker tell.
pub(crate) fn of_proxies(seen: Account) -> Evidence {
    known([
        ("held_up_bytes", seen.held_up_bytes),
        ("held_down_bytes", seen.held_down_bytes),
        ("connections_closed", seen.connections_closed),
        ("passed_up_bytes", seen.passed_up_bytes),
        ("passed_down_bytes", seen.passed_down_bytes),
    ])
}

/// What a simulated link tells.
pub(crate) fn of_simulated(seen: simulated::Evidence) -> Evidence {
    known([
        ("held_up_bytes", seen.held_up_bytes),
        ("held_down_bytes", seen.held_down_bytes),
        ("connections_closed", seen.connections_closed),
        ("passed_up_bytes", seen.passed_up_bytes),
        ("passed_down_bytes", seen.passed_down_bytes),
    ])
}

fn known(all: [(&str, Option<u64>); 5]) -> Evidence {
    let known = all.into_iter().filter_map(|(name, count)| {
        let count = count?;
        Some((name.to_owned(), count.into()))
    });
    known.collect()
}
