//! What a fault is aimed at.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Target;

/// What a fault is aimed at: whoever is so at the moment when it strikes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Aim {
    /// One worker that holds a lock.
    #[default]
    Holder,
    /// One worker that waits for a lock that another holds.
    Waiter,
    /// One worker that has asked for a lock and has no answer yet.
    Acquiring,
    /// One worker that is giving a lock back.
    Releasing,
    /// One worker that is asking whether it still holds.
    Verifying,
    /// One worker in the middle of administering a lock.
    Administrator,
    /// Any one worker.
    Any,
    /// Each worker by the toss of a coin, at least one.
    Random,
    /// All workers.
    All,
}

impl Aim {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Holder,
        Self::Waiter,
        Self::Acquiring,
        Self::Releasing,
        Self::Verifying,
        Self::Administrator,
        Self::Any,
        Self::Random,
        Self::All,
    ];

    /// The target that it is with this draw.
    #[must_use]
    pub fn target(self, draw: u32) -> Target {
        match self {
            Self::Holder => Target::Holder { draw },
            Self::Waiter => Target::Waiter { draw },
            Self::Acquiring => Target::Acquiring { draw },
            Self::Releasing => Target::Releasing { draw },
            Self::Verifying => Target::Verifying { draw },
            Self::Administrator => Target::Administrator { draw },
            Self::Any => Target::Any { draw },
            Self::Random => Target::Random { draw },
            Self::All => Target::All,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Holder => "holder",
            Self::Waiter => "waiter",
            Self::Acquiring => "acquiring",
            Self::Releasing => "releasing",
            Self::Verifying => "verifying",
            Self::Administrator => "administrator",
            Self::Any => "any",
            Self::Random => "random",
            Self::All => "all",
        }
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// A word that nothing is aimed at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is nothing to aim at: write {known}", known = known())]
pub struct NoAim(String);

fn known() -> String {
    Aim::ALL.map(Aim::name).join(", ")
}

impl FromStr for Aim {
    type Err = NoAim;

    fn from_str(word: &str) -> Result<Self, NoAim> {
        let mut all = Self::ALL.into_iter();
        all.find(|aim| aim.name() == word)
            .ok_or_else(|| NoAim(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_read_by_its_name() {
        for aim in Aim::ALL {
            assert_eq!(aim.to_string().parse(), Ok(aim));
            let json = serde_json::to_value(aim).expect("JSON");
            assert_eq!(json, aim.to_string());
        }
        let said = "holders".parse::<Aim>().expect_err("unknown").to_string();
        assert!(said.contains("write holder, waiter"), "{said}");
    }
}
