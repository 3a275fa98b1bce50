//! How much is done.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How much is done: what a change is waiting for, or what a release is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// What each claim says under `[claim.quick]`, and what it says otherwise.
    Quick,
    /// What each claim says.
    #[default]
    Full,
}

/// A text that names no profile.
#[derive(Debug, thiserror::Error)]
#[error("known are quick and full")]
pub struct NoProfile;

impl FromStr for Profile {
    type Err = NoProfile;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "quick" => Ok(Self::Quick),
            "full" => Ok(Self::Full),
            _ => Err(NoProfile),
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Quick => "quick",
            Self::Full => "full",
        })
    }
}
