//! What came of all claims of a file: `proof.json`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use plan::manifest::Git;
use serde::{Deserialize, Serialize};

use crate::profile::Profile;
use crate::shard::Shard;
use crate::tested::Tested;

/// What came of the claims of a file, or of a shard of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    /// The version of the prover.
    pub prover: String,
    /// The commit of what is tested, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<Git>,
    /// The claims file.
    pub source: Source,
    /// SHA-256 of the files that the commands of programs under test name, by their paths.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub programs: BTreeMap<String, String>,
    /// The RabbitMQ that was asked for in place of what the file says: a version or an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rabbitmq: Option<String>,
    /// How much was done.
    pub profile: Profile,
    /// Which part was done here; 1/1 is all of it.
    pub shard: Shard,
    /// When it began.
    pub began: Timestamp,
    /// Whether it came to its end.
    pub state: State,
    /// What came of each claim, in the order of the file.
    pub cases: Vec<Tested>,
    /// The claims of the file that were not selected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

impl Proof {
    /// The same with each case as its own counts decide it. What is stored may say otherwise: then
    /// somebody has changed it, or another prover has made it.
    #[must_use]
    pub fn again(&self) -> Self {
        let cases = self.cases.iter().map(|case| case.again(self.shard));
        Self {
            cases: cases.collect(),
            ..self.clone()
        }
    }
}

/// The file that the claims stand in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its path, as it was given.
    pub path: String,
    /// SHA-256 of its bytes, in lower-case hex.
    pub sha256: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// Whether it came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// All that was selected was done.
    Finished,
    /// Somebody interrupted it, or a shard is missing.
    Interrupted,
    /// Not yet, or it was killed.
    Running,
}

/// A claim that was declared and not selected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Which.
    pub claim: String,
    /// On which testbed.
    pub testbed: String,
    /// Why.
    pub why: String,
}
