//! What many runs showed together.

use std::collections::{BTreeMap, BTreeSet};

use checker::{Finding, Verdict};
use report::COVERAGE;
use serde::Serialize;

use super::trial::{Trial, TrialError};
use crate::seed::Seed;

/// Where the bounds of progress differ from run to run they still are one guarantee.
const BOUNDED_BY_RUN: &str = "progress";

/// What a campaign found out.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    /// Runs.
    pub runs: u64,
    /// Runs by their own verdicts.
    pub verdicts: Verdicts,
    /// Events in all histories.
    pub events: u64,
    /// Operations of clients in all histories.
    pub operations: u64,
    /// Grants in all histories.
    pub holds: u64,
    /// Runs in which clients contended.
    pub contended: u64,
    /// Every guarantee, by its name.
    pub guarantees: BTreeMap<String, Tally>,
    /// Every fault that was selected in some run, by its name.
    pub faults: BTreeMap<String, Landings>,
    /// The seeds whose runs violated what they were judged by.
    pub failing: Vec<Seed>,
    /// The seeds whose runs left open, for another reason than what they covered, whether what they were judged by holds.
    pub open: Vec<Seed>,
    /// The seeds whose runs broke down, and why.
    pub broken: Vec<(Seed, String)>,
}

/// How many runs came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    /// What was asked for holds.
    pub valid: u64,
    /// It does not.
    pub invalid: u64,
    /// Nothing can be said.
    pub unknown: u64,
}

/// What all runs say of one guarantee.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tally {
    /// Whether it decides.
    pub judged: bool,
    /// How many runs say what.
    pub verdicts: Verdicts,
    /// Overlaps in all runs.
    pub overlaps: u64,
    /// The longest of them, in nanoseconds.
    pub exposure_ns_max: u64,
}

/// What all runs say of one fault.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Landings {
    /// How often it was injected.
    pub windows: u64,
    /// How often it took effect on a holder.
    pub landed: u64,
}

impl Summary {
    /// Takes in one run.
    pub fn take(&mut self, seed: Seed, trial: &Result<Trial, TrialError>) {
        self.runs += 1;
        let trial = match trial {
            Ok(trial) => trial,
            Err(error) => return self.broken.push((seed, error.to_string())),
        };
        self.verdicts.count(trial.judgement.verdict);
        self.events += trial.history.events().len() as u64;
        self.operations += trial.history.operations().count() as u64;
        for row in &trial.judgement.guarantees {
            self.tally(row.judged, &row.finding);
        }
        match essence(trial) {
            Verdict::Valid => {}
            Verdict::Invalid => self.failing.push(seed),
            Verdict::Unknown => self.open.push(seed),
        }
    }

    fn tally(&mut self, is_judged: bool, finding: &Finding) {
        if finding.guarantee == COVERAGE {
            self.cover(finding);
        }
        let name = match finding.guarantee.split_once("<=") {
            Some((BOUNDED_BY_RUN, _)) => BOUNDED_BY_RUN.to_owned(),
            _ => finding.guarantee.clone(),
        };
        let tally = self.guarantees.entry(name).or_default();
        tally.judged |= is_judged;
        tally.verdicts.count(finding.verdict);
        let longest = finding.exposures_ns.iter().copied().max().unwrap_or(0);
        tally.overlaps += finding.exposures_ns.len() as u64;
        tally.exposure_ns_max = tally.exposure_ns_max.max(longest);
    }

    fn cover(&mut self, finding: &Finding) {
        let counts = &finding.counts;
        self.holds += counts.holds;
        self.contended += u64::from(counts.contended_workers > 0);
        for fault in &counts.faults {
            let landings = self.faults.entry(fault.fault.clone()).or_default();
            landings.windows += fault.windows;
            landings.landed += fault.landed;
        }
    }

    /// What the campaign shows as a whole. Runs cover for each other: what one did not put to the test another may have.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if !self.failing.is_empty() {
            return Verdict::Invalid;
        }
        if self.gaps().is_empty() && self.open.is_empty() && self.broken.is_empty() {
            Verdict::Valid
        } else {
            Verdict::Unknown
        }
    }

    /// What no run put to the test.
    #[must_use]
    pub fn gaps(&self) -> BTreeSet<String> {
        let mut gaps = BTreeSet::new();
        if self.holds == 0 {
            gaps.insert("no lock was ever granted".to_owned());
        }
        if self.contended == 0 {
            gaps.insert("no two workers wanted the same lock at the same time".to_owned());
        }
        let missed = self.faults.iter().filter(|(_, fault)| fault.landed == 0);
        gaps.extend(missed.map(|(name, _)| format!("{name} never landed on a holder")));
        gaps
    }
}

/// What a run says of what it was judged by, whatever it covered.
fn essence(trial: &Trial) -> Verdict {
    let judged = trial.judgement.guarantees.iter().filter(|row| row.judged);
    let findings = judged.map(|row| &row.finding);
    let verdict = checker::merge(findings.filter(|finding| finding.guarantee != COVERAGE));
    if trial.judgement.unfinished.is_some() {
        return verdict.max(Verdict::Unknown);
    }
    verdict
}

impl Verdicts {
    fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Valid => self.valid += 1,
            Verdict::Invalid => self.invalid += 1,
            Verdict::Unknown => self.unknown += 1,
        }
    }
}
