//! What a fault did to those who held a lock.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a fault did to those who held a lock, from the least to the most.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Nothing that the record shows.
    #[default]
    None,
    /// Operations waited, and nothing was lost.
    Delayed,
    /// A lock has more slots than before, or fewer.
    Changed,
    /// A hold was taken away.
    Revoked,
}

/// A word that is no effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no effect of a fault: write revoked, changed, delayed or none")]
pub struct NoEffect(String);

impl Effect {
    /// All of them, from the least to the most.
    pub const ALL: [Self; 4] = [Self::None, Self::Delayed, Self::Changed, Self::Revoked];
}

impl fmt::Display for Effect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::None => "none",
            Self::Delayed => "delayed",
            Self::Changed => "changed",
            Self::Revoked => "revoked",
        })
    }
}

impl FromStr for Effect {
    type Err = NoEffect;

    fn from_str(word: &str) -> Result<Self, NoEffect> {
        let mut all = Self::ALL.into_iter();
        all.find(|effect| effect.to_string() == word)
            .ok_or_else(|| NoEffect(word.to_owned()))
    }
}
