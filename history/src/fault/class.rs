//! What kind of harm a fault does.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of harm a fault does, and so how it shows in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Nothing passes, at least one way: an answer from the other side shows that the fault was not
    /// on.
    Isolating,
    /// Its targets stand still: whatever they do shows that the fault was not on.
    Halting,
    /// Something breaks for good, and its targets hear of it.
    Breaking,
    /// Everything still works, later than it would.
    Slowing,
    /// Its targets are administrators, and add slots to locks or take some away.
    Changing,
}

impl fmt::Display for Class {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Isolating => "isolating",
            Self::Halting => "halting",
            Self::Breaking => "breaking",
            Self::Slowing => "slowing",
            Self::Changing => "changing",
        })
    }
}
