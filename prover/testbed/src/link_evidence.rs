//! What a link did, told by the link itself: evidence for a fault from outside of its bookkeeping.

use nemesis::Evidence;
use proxy::Account;

/// What the links of one worker did; none where nobody counts that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkEvidence {
    /// The most bytes from the worker's clients that were received and not passed on.
    pub held_up_bytes: Option<u64>,
    /// The same of bytes from the services.
    pub held_down_bytes: Option<u64>,
    /// Connections that the link has closed or reset.
    pub connections_closed: Option<u64>,
    /// Bytes passed on to the services.
    pub passed_up_bytes: Option<u64>,
    /// Bytes passed on to the worker's clients.
    pub passed_down_bytes: Option<u64>,
}

impl From<Account> for LinkEvidence {
    fn from(account: Account) -> Self {
        let Account {
            held_up_bytes,
            held_down_bytes,
            connections_closed,
            passed_up_bytes,
            passed_down_bytes,
        } = account;
        Self {
            held_up_bytes,
            held_down_bytes,
            connections_closed,
            passed_up_bytes,
            passed_down_bytes,
        }
    }
}

impl From<LinkEvidence> for Evidence {
    fn from(seen: LinkEvidence) -> Self {
        let all = [
            ("held_up_bytes", seen.held_up_bytes),
            ("held_down_bytes", seen.held_down_bytes),
            ("connections_closed", seen.connections_closed),
            ("passed_up_bytes", seen.passed_up_bytes),
            ("passed_down_bytes", seen.passed_down_bytes),
        ];
        let known = all
            .into_iter()
            .filter_map(|(name, count)| Some((name, count?)));
        known
            .map(|(name, count)| (name.to_owned(), count.into()))
            .collect()
    }
}
