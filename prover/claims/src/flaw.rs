//! What contradicts itself in the counts of a claim: no runs can have led to it.

use std::collections::BTreeSet;

use suite::{Landings, Summary, Verdicts};

use crate::case::SIMULATED;
use crate::tested::{Measured, Tested};

impl Tested {
    /// What in its counts cannot be, whatever was run.
    #[must_use]
    pub fn flaw(&self) -> Option<String> {
        let summary = &self.summary;
        let of_seeds = || self.flaw_of_seeds();
        let of_measured = || {
            let measured = self.measured.as_ref()?;
            flaw_of_measured(measured, summary)
        };
        flaw_of_runs(summary)
            .or_else(|| flaw_of_faults(summary))
            .or_else(of_seeds)
            .or_else(of_measured)
    }

    fn flaw_of_seeds(&self) -> Option<String> {
        let Some(seeds) = &self.seeds else {
            let is_whole = self.testbed != SIMULATED || self.measured.is_some();
            return (!is_whole && self.summary.runs > 0)
                .then(|| "it was simulated, and nobody says with which seeds".to_owned());
        };
        let summary = &self.summary;
        if summary.runs > seeds.0.end - seeds.0.start {
            return Some("there are more runs than seeds".to_owned());
        }
        let broken = summary.broken.iter().map(|(seed, _)| seed);
        let named = summary.failing.iter().chain(&summary.open).chain(broken);
        let mut foreign = named.filter(|seed| !seeds.0.contains(&seed.0));
        let seed = foreign.next()?;
        Some(format!("the seed {seed} is none of {seeds}"))
    }
}

fn flaw_of_runs(summary: &Summary) -> Option<String> {
    let count = |verdicts: &Verdicts| {
        let all = [verdicts.valid, verdicts.violated, verdicts.unknown];
        all.into_iter().fold(0_u64, u64::saturating_add)
    };
    let judged = count(&summary.verdicts);
    let failing = summary.failing.len() as u64;
    let is_counted_once = {
        let once: BTreeSet<u64> = summary.failing.iter().map(|seed| seed.0).collect();
        once.len() as u64 == failing
    };
    let flaws = [
        (
            judged.saturating_add(summary.broken.len() as u64) != summary.runs,
            "its runs are not as many as came out somehow",
        ),
        (
            summary.verdicts.violated != failing,
            "the runs with violations are not as many as are named",
        ),
        (!is_counted_once, "a run with a violation is named twice"),
        (
            (summary.open.len() as u64).saturating_add(failing) > judged,
            "more runs were left open than were judged",
        ),
        (
            summary
                .guarantees
                .values()
                .any(|it| count(&it.verdicts) > judged),
            "a guarantee was judged more often than there are runs",
        ),
    ];
    told(&flaws)
}

fn flaw_of_faults(summary: &Summary) -> Option<String> {
    let is_too_much = |seen: &Landings| {
        let struck = seen.revoked.saturating_add(seen.delayed);
        let struck = struck.saturating_add(seen.changed);
        seen.landed > seen.windows || struck > seen.windows
    };
    let flaws = [(
        summary.faults.values().any(is_too_much),
        "a fault had an effect more often than it struck",
    )];
    told(&flaws)
}

fn flaw_of_measured(measured: &Measured, summary: &Summary) -> Option<String> {
    let guarantee = measured.cost.guarantee();
    let is_other = summary.guarantees.keys().any(|name| *name != guarantee);
    let flaws = [(
        is_other,
        "it was judged by another bound than the one that is claimed",
    )];
    told(&flaws)
}

fn told(flaws: &[(bool, &str)]) -> Option<String> {
    let mut flaws = flaws.iter().filter(|(is_so, _)| *is_so);
    flaws.next().map(|(_, what)| (*what).to_owned())
}
