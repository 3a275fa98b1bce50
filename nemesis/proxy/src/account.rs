//! What a proxy has done to the bytes of its connections, as far as whoever runs it tells.

use std::iter::Sum;
use std::ops::Add;

use crate::proxy::Counters;

/// Totals of a proxy, or of several; none where nobody counts that, or not for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// The most bytes from clients that were held back, since a toxic was last added: of each
    /// connection, added up.
    pub held_up_bytes: Option<u64>,
    /// The same of bytes from the server.
    pub held_down_bytes: Option<u64>,
    /// Connections that the proxy has closed or reset, and neither end of them.
    pub connections_closed: Option<u64>,
    /// Bytes passed on to the server.
    pub passed_up_bytes: Option<u64>,
    /// Bytes passed on to clients.
    pub passed_down_bytes: Option<u64>,
}

impl Account {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self::all(None);

    /// Nothing has happened.
    pub const NOTHING: Self = Self::all(Some(0));

    const fn all(count: Option<u64>) -> Self {
        Self {
            held_up_bytes: count,
            held_down_bytes: count,
            connections_closed: count,
            passed_up_bytes: count,
            passed_down_bytes: count,
        }
    }

    /// What has come to the totals since `before`. What is held is no total: that stays. Counters
    /// that began anew count from there.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        let since = |now: Option<u64>, before: Option<u64>| {
            let (now, before) = (now?, before?);
            Some(now.checked_sub(before).unwrap_or(now))
        };
        Self {
            connections_closed: since(self.connections_closed, before.connections_closed),
            passed_up_bytes: since(self.passed_up_bytes, before.passed_up_bytes),
            passed_down_bytes: since(self.passed_down_bytes, before.passed_down_bytes),
            ..self
        }
    }
}

impl From<Counters> for Account {
    fn from(counters: Counters) -> Self {
        Self {
            held_up_bytes: Some(counters.held_up_max),
            held_down_bytes: Some(counters.held_down_max),
            connections_closed: Some(counters.closed),
            passed_up_bytes: Some(counters.upstream.delivered),
            passed_down_bytes: Some(counters.downstream.delivered),
        }
    }
}

impl Add for Account {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let both = |one: Option<u64>, other: Option<u64>| Some(one? + other?);
        Self {
            held_up_bytes: both(self.held_up_bytes, other.held_up_bytes),
            held_down_bytes: both(self.held_down_bytes, other.held_down_bytes),
            connections_closed: both(self.connections_closed, other.connections_closed),
            passed_up_bytes: both(self.passed_up_bytes, other.passed_up_bytes),
            passed_down_bytes: both(self.passed_down_bytes, other.passed_down_bytes),
        }
    }
}

impl Sum for Account {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::NOTHING, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_count_from_before_and_what_is_held_does_not() {
        let before = Account {
            connections_closed: Some(9),
            ..Account::all(Some(3))
        };
        let since = Account::all(Some(5)).since(before);
        assert_eq!(since.passed_up_bytes, Some(2));
        assert_eq!(since.held_up_bytes, Some(5));
        assert_eq!(since.connections_closed, Some(5), "they began anew");
        assert_eq!(Account::UNKNOWN.since(before), Account::UNKNOWN);
        assert_eq!(before + Account::UNKNOWN, Account::UNKNOWN);
    }
}
