//! What came of a claim on one testbed.

use run::seed::Seeds;
use serde::{Deserialize, Serialize};
use suite::{Power, Summary};

use crate::claim::Claim;
use crate::cost::Cost;
use crate::measures::Measures;
use crate::needs::Needs;
use crate::shard::Shard;
use crate::standing::{Evidence, Standing, decide};

/// What stands before and after the shards that are missing.
const MISSING: [&str; 2] = [" (missing: shard ", ")"];

/// What came of a claim on one testbed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// The claim.
    pub claim: Claim,
    /// Where it was put to the test, as that was asked for: `docker`.
    pub testbed: String,
    /// Where that was: image and versions; nothing where nothing was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The lock.
    pub lock: String,
    /// What the clients do.
    pub workload: String,
    /// What breaks, as that was asked for.
    pub nemesis: String,
    /// How it stands.
    pub standing: Standing,
    /// Why: one sentence.
    pub why: String,
    /// How often it had to be put to the test.
    #[serde(default)]
    pub needs: Needs,
    /// The seeds that were asked for, where they were: `0..200`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seeds: Option<Seeds>,
    /// What the runs showed together.
    pub summary: Summary,
    /// What was measured in them.
    #[serde(default)]
    pub measures: Measures,
    /// Which known mistakes the plan catches, where that was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<Power>,
    /// What was measured instead of runs with faults, where the claim is about costs. Each round counts as
    /// a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
    /// The runs whose records are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stored: Vec<Stored>,
    /// The run that shows a violation after the fewest operations; it is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterexample: Option<Counterexample>,
    /// The command that repeats this.
    pub repeat: String,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub spent_ms: u64,
}

impl Tested {
    /// Says how it stands, by what its own runs showed. What a shard alone has not seen nobody has seen
    /// yet: that is for the whole to say.
    pub fn decide(&mut self, shard: Shard) {
        if let Some(Measured { cost, .. }) = &self.measured {
            let expected = self.claim.expected;
            (self.standing, self.why) = cost.decide(expected, self.needs.runs, &self.summary);
            return;
        }
        let evidence = Evidence {
            summary: &self.summary,
            power: self.power.as_ref(),
            missing: self.missing_seeds(),
            is_whole: shard == Shard::WHOLE,
        };
        (self.standing, self.why) = decide(self.claim.expected, &self.needs, evidence);
    }

    /// The same as its own counts decide it, whatever was written of how it stands. In a proof of
    /// this shard; what has no seeds was not divided, so one machine has run all of it.
    #[must_use]
    pub fn again(&self, shard: Shard) -> Self {
        let mut again = self.clone();
        again.decide(self.seeds.as_ref().map_or(Shard::WHOLE, |_| shard));
        if let Some(flaw) = self.flaw() {
            (again.standing, again.why) = (Standing::Broken, flaw);
            return again;
        }
        if let Some(shards) = self.missed(&again.why) {
            again.miss(shards);
        }
        again
    }

    /// Says which shards are missing, where these may be why nothing is decided.
    pub(crate) fn miss(&mut self, shards: &str) {
        if matches!(self.standing, Standing::Unknown | Standing::NotRun) {
            let [before, after] = MISSING;
            self.why += &format!("{before}{shards}{after}");
        }
    }

    /// The shards that it says are missing, after this reason.
    fn missed(&self, why: &str) -> Option<&str> {
        let [before, after] = MISSING;
        let rest = self.why.strip_prefix(why)?.strip_prefix(before)?;
        let shards = rest.strip_suffix(after)?;
        let is_named = |it: char| it.is_ascii_digit() || "/, ".contains(it);
        shards.chars().all(is_named).then_some(shards)
    }

    /// Takes in what another shard showed.
    pub(crate) fn merge(&mut self, other: Self) {
        self.summary.merge(other.summary);
        self.summary.failing.sort_by_key(|seed| seed.0);
        self.summary.open.sort_by_key(|seed| seed.0);
        self.summary.broken.sort_by_key(|(seed, _)| seed.0);
        self.measures.merge(&other.measures);
        self.place = self.place.take().or(other.place);
        self.power = self.power.take().or(other.power);
        if other
            .measured
            .as_ref()
            .is_some_and(|it| it.folder.is_some())
        {
            self.measured = other.measured;
        }
        self.stored.extend(other.stored);
        self.stored.sort();
        let counterexamples = self
            .counterexample
            .take()
            .into_iter()
            .chain(other.counterexample);
        self.counterexample = counterexamples.min_by_key(|it| (it.operations, it.seed));
        self.spent_ms += other.spent_ms;
    }

    /// Seeds that were asked for and not run.
    #[must_use]
    pub fn missing_seeds(&self) -> u64 {
        let asked = self
            .seeds
            .as_ref()
            .map_or(0, |seeds| seeds.0.end - seeds.0.start);
        asked.saturating_sub(self.summary.runs)
    }
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// What it may cost.
    pub cost: Cost,
    /// The folder of the measurements, from that of the proof; nothing where nothing was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
}

/// A run whose record is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stored {
    /// Its seed.
    pub seed: u64,
    /// Its folder, from that of the proof: `runs/<claim>/<testbed>/<lock>-<workload>/<time>`.
    pub folder: String,
}

/// A run that shows a violation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counterexample {
    /// Its seed.
    pub seed: u64,
    /// Operations of clients before the violation is complete.
    pub operations: u64,
    /// What is violated.
    pub guarantee: String,
    /// What happened, for people: a few lines.
    pub text: String,
}
