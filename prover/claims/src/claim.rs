//! One claim, as people read it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::standing::Standing;

/// What somebody says of a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Its name: letters, digits, `-`, `_` and `.`.
    pub id: String,
    /// The sentence.
    pub says: String,
    /// What is to come of putting it to the test.
    pub expected: Expected,
    /// Why that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where more is said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// That it is known not to be so, for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
    /// Where it stands in its file, counted from 1.
    pub line: usize,
}

/// What is to come of putting a claim to the test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expected {
    /// What is judged holds in every run.
    #[default]
    Holds,
    /// Some run violates it.
    Violated,
}

impl Expected {
    /// How a claim stands that is violated.
    pub(crate) const fn if_violated(self) -> Standing {
        match self {
            Self::Holds => Standing::Contradicted,
            Self::Violated => Standing::Confirmed,
        }
    }
}

/// A claim that is known to be contradicted, and does not fail the gate for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Accepted {
    /// Why.
    pub reason: String,
    /// The last day on which that counts.
    #[serde(with = "day")]
    pub until: Date,
}

impl Accepted {
    /// Whether it still counts on this day.
    #[must_use]
    pub fn is_in_force(&self, today: Date) -> bool {
        today <= self.until
    }
}

/// A day as a text: `2027-01-31`.
mod day {
    use jiff::civil::Date;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(day: &Date, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(day)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Date, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong =
            |_| D::Error::custom(format!("\"{text}\" is no day: write it as \"2027-01-31\""));
        text.parse().map_err(wrong)
    }
}
