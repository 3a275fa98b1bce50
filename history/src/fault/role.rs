//! What a target of a fault was about when it was struck.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a target of a fault was about when that was injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It believed to hold a lock, and nothing of it was under way.
    Holder,
    /// It was asking whether it still holds.
    Verifying,
    /// It was giving a lock back.
    Releasing,
    /// It was asking for a lock that another believed to hold.
    Waiter,
    /// It was asking for a lock that nobody else believed to hold.
    Acquiring,
    /// It was administering a lock.
    Administrator,
    /// None of these.
    Idle,
}

/// How often each fault must strike targets in each role, by the fault's name.
pub type Struck = BTreeMap<String, BTreeMap<Role, u64>>;

impl Role {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Holder,
        Self::Verifying,
        Self::Releasing,
        Self::Waiter,
        Self::Acquiring,
        Self::Administrator,
        Self::Idle,
    ];

    /// Whether it believes to hold a lock in this role, so that a fault can take one away.
    #[must_use]
    pub fn holds(self) -> bool {
        matches!(self, Self::Holder | Self::Verifying)
    }
}

/// A word that is no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no role: write holder, verifying, releasing, waiter, acquiring, administrator or idle"
)]
pub struct NoRole(String);

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Holder => "holder",
            Self::Verifying => "verifying",
            Self::Releasing => "releasing",
            Self::Waiter => "waiter",
            Self::Acquiring => "acquiring",
            Self::Administrator => "administrator",
            Self::Idle => "idle",
        })
    }
}

impl FromStr for Role {
    type Err = NoRole;

    fn from_str(word: &str) -> Result<Self, NoRole> {
        let mut all = Self::ALL.into_iter();
        all.find(|role| role.to_string() == word)
            .ok_or_else(|| NoRole(word.to_owned()))
    }
}
