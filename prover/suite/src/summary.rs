//! What many runs showed together.

use std::collections::{BTreeMap, BTreeSet};

use checker::{COVERAGE, Finding, RoleCount, Row, Verdict, stem};
use history::fault::{Effect, Role};
use run::seed::Seed;
use serde::{Deserialize, Serialize};

use super::outcome::{Came, Judged, Outcome};
use super::situation::{Saturation, Situation};

/// Where the bounds of progress differ from run to run they still are one guarantee.
const BOUNDED_BY_RUN: &str = "progress";

/// The name that a guarantee has among those of many runs.
#[must_use]
pub fn tallied(guarantee: &str) -> &str {
    match stem(guarantee) {
        BOUNDED_BY_RUN => BOUNDED_BY_RUN,
        _ => guarantee,
    }
}

/// What many runs found out. Summaries of parts merge into that of the whole, however it is
/// divided.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    /// Whether some run was to see a fault take a lock away.
    pub must_take: bool,
    /// Runs in which clients contended and a fault took a lock away that others wanted.
    pub taken: u64,
    /// Every guarantee, by its name.
    pub guarantees: BTreeMap<String, Tally>,
    /// Every fault that was selected in some run, by its name.
    pub faults: BTreeMap<String, Landings>,
    /// The seeds whose runs violated what they were judged by.
    pub failing: Vec<Seed>,
    /// How soon the failing ones violated something, where their violations are listed.
    #[serde(default)]
    pub counterexamples: Vec<Counterexample>,
    /// Every situation that some run was in, in their order.
    #[serde(default)]
    pub situations: Vec<Seen>,
    /// The seeds whose runs left open, for another reason than what they covered, whether what they
    /// were judged by holds.
    pub open: Vec<Seed>,
    /// Why the run of the least of them did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_because: Option<(Seed, String)>,
    /// The seeds whose runs broke down, and why.
    pub broken: Vec<(Seed, String)>,
}

/// A run that violates what it was judged by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counterexample {
    /// Its seed.
    pub seed: Seed,
    /// So many operations had begun where its first violation was complete.
    pub operations: u64,
    /// The guarantee that was violated then.
    pub guarantee: String,
}

/// A situation, and the run that was in it first. Runs are in the order of their seeds, however they
/// were divided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The situation.
    pub situation: Situation,
    /// The least of the seeds of the runs that were in it.
    pub seed: Seed,
}

/// How many runs came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdicts {
    /// What was asked for holds.
    pub valid: u64,
    /// It does not.
    pub violated: u64,
    /// Nothing can be said.
    pub unknown: u64,
}

/// What all runs say of one guarantee.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Landings {
    /// The effect that it must have at least once.
    pub due: Effect,
    /// How often it was injected.
    pub windows: u64,
    /// How often it had that effect or a greater one.
    pub landed: u64,
    /// How often it revoked a hold.
    pub revoked: u64,
    /// How often it only delayed a holder.
    pub delayed: u64,
    /// How often a lock had more slots by it, or fewer, and no hold was revoked.
    #[serde(default)]
    pub changed: u64,
    /// What its targets were about when they were struck.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<Role, RoleCount>,
}

impl Summary {
    /// Of one run.
    #[must_use]
    pub fn of(outcome: &Outcome) -> Self {
        let mut summary = Self {
            runs: 1,
            ..Self::default()
        };
        match &outcome.came {
            Came::Judged(judged) => summary.count(outcome.seed, judged),
            Came::Broken(why) => summary.broken.push((outcome.seed, why.clone())),
        }
        summary
    }

    /// Takes in what later runs showed.
    pub fn merge(&mut self, later: Self) {
        self.see(later.situations);
        self.runs += later.runs;
        self.verdicts.merge(later.verdicts);
        self.events += later.events;
        self.operations += later.operations;
        self.holds += later.holds;
        self.contended += later.contended;
        self.must_take |= later.must_take;
        self.taken += later.taken;
        for (name, tally) in later.guarantees {
            self.guarantees.entry(name).or_default().merge(&tally);
        }
        for (name, landings) in later.faults {
            self.faults.entry(name).or_default().merge(landings);
        }
        self.failing.extend(later.failing);
        self.counterexamples.extend(later.counterexamples);
        self.counterexamples.sort_by_key(|one| one.seed.0);
        self.open.extend(later.open);
        let because = self
            .open_because
            .take()
            .into_iter()
            .chain(later.open_because);
        self.open_because = because.min_by_key(|(seed, _)| seed.0);
        self.broken.extend(later.broken);
    }

    /// Takes in situations of other runs.
    fn see(&mut self, others: Vec<Seen>) {
        for seen in others {
            let place = self
                .situations
                .binary_search_by(|known| known.situation.cmp(&seen.situation));
            match place {
                Ok(place) => {
                    let known = &mut self.situations[place].seed;
                    known.0 = known.0.min(seen.seed.0);
                }
                Err(place) => self.situations.insert(place, seen),
            }
        }
    }

    /// The failing run that violated something after the fewest operations; of several the first.
    #[must_use]
    pub fn shortest(&self) -> Option<&Counterexample> {
        let all = self.counterexamples.iter();
        all.min_by_key(|counterexample| (counterexample.operations, counterexample.seed.0))
    }

    /// How many situations the last tenth of the runs added, of runs whose seeds follow each other.
    #[must_use]
    pub fn saturation(&self) -> Saturation {
        let last_runs = self.runs.div_ceil(10);
        let seeds = self.situations.iter().map(|seen| seen.seed.0);
        let first = seeds.clone().min().unwrap_or_default();
        let since = first.saturating_add(self.runs - last_runs);
        Saturation {
            situations: self.situations.len() as u64,
            last_runs,
            new_in_last_runs: seeds.filter(|seed| *seed >= since).count() as u64,
        }
    }

    fn count(&mut self, seed: Seed, judged: &Judged) {
        self.verdicts.count(judged.verdict);
        self.events += judged.events;
        self.operations += judged.operations;
        self.tally(&judged.guarantees);
        let seen = |situation: &Situation| Seen {
            situation: situation.clone(),
            seed,
        };
        self.see(judged.situations.iter().map(seen).collect());
        match judged.verdict_without_coverage() {
            Verdict::Valid => {}
            Verdict::Violated => {
                self.failing.push(seed);
                let first = judged.operations_before.zip(judged.first_violated());
                let example = first.map(|(operations, guarantee)| Counterexample {
                    seed,
                    operations,
                    guarantee: guarantee.to_owned(),
                });
                self.counterexamples.extend(example);
            }
            Verdict::Unknown => {
                self.open.push(seed);
                self.open_because = judged.open_because().map(|why| (seed, why));
            }
        }
    }

    /// A run counts once for each name. Where it was judged by one bound and shows another beside it,
    /// the one that decides counts; of several that decide the worst.
    fn tally(&mut self, rows: &[Row]) {
        let mut named: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for row in rows {
            if row.finding.guarantee == COVERAGE {
                self.cover(&row.finding);
            }
            let of_name = named.entry(tallied(&row.finding.guarantee)).or_default();
            of_name.push(row);
        }
        for (name, mut rows) in named {
            let is_judged = rows.iter().any(|row| row.judged);
            rows.retain(|row| row.judged == is_judged);
            let verdicts = rows.iter().map(|row| row.finding.verdict);
            let lengths = rows.iter().flat_map(|row| &row.finding.exposures_ns);
            let tally = self.guarantees.entry(name.to_owned()).or_default();
            tally.judged |= is_judged;
            tally.verdicts.count(verdicts.max().unwrap_or_default());
            tally.overlaps += lengths.clone().count() as u64;
            let longest = lengths.copied().max().unwrap_or(0);
            tally.exposure_ns_max = tally.exposure_ns_max.max(longest);
        }
    }

    fn cover(&mut self, finding: &Finding) {
        let counts = &finding.counts;
        self.holds += counts.holds;
        let is_contended = counts.contended_workers > 0;
        self.contended += u64::from(is_contended);
        self.must_take |= counts.must_take;
        self.taken += u64::from(is_contended && counts.taken_from_contenders > 0);
        for fault in &counts.faults {
            let landings = self.faults.entry(fault.fault.clone()).or_default();
            landings.merge(Landings {
                due: fault.due,
                windows: fault.windows,
                landed: fault.landed,
                revoked: fault.revoked,
                delayed: fault.delayed,
                changed: fault.changed,
                roles: fault.roles.clone(),
            });
        }
    }

    /// What the campaign shows as a whole. Runs cover for each other: what one did not put to the
    /// test another may have.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if !self.failing.is_empty() {
            return Verdict::Violated;
        }
        if self.gaps().is_empty() && self.open.is_empty() && self.broken.is_empty() {
            Verdict::Valid
        } else {
            Verdict::Unknown
        }
    }

    /// Runs that came to a verdict.
    #[must_use]
    pub fn judged_runs(&self) -> u64 {
        let Verdicts {
            valid,
            violated,
            unknown,
        } = self.verdicts;
        valid.saturating_add(violated).saturating_add(unknown)
    }

    /// Runs that decide what they were judged by, whatever they covered.
    #[must_use]
    pub fn decided_runs(&self) -> u64 {
        self.judged_runs().saturating_sub(self.open.len() as u64)
    }

    /// Windows in which a fault took a lock away.
    #[must_use]
    pub fn revoked(&self) -> u64 {
        self.faults.values().map(|fault| fault.revoked).sum()
    }

    /// The guarantees that decide, coverage left out.
    pub fn judged(&self) -> impl Iterator<Item = &str> {
        let deciding = self.guarantees.iter().filter(|(_, tally)| tally.judged);
        let names = deciding.map(|(name, _)| name.as_str());
        names.filter(|name| *name != COVERAGE)
    }

    /// The guarantees that decide and that some run violates.
    #[must_use]
    pub fn violated(&self) -> Vec<&str> {
        let deciding = self.guarantees.iter().filter(|(_, tally)| tally.judged);
        let violated = deciding.filter(|(_, tally)| tally.verdicts.violated > 0);
        violated.map(|(name, _)| name.as_str()).collect()
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
        let missed = self
            .faults
            .iter()
            .filter_map(|(name, fault)| fault.gap(name));
        gaps.extend(missed);
        let seldom = self.faults.iter();
        gaps.extend(seldom.flat_map(|(name, fault)| fault.too_seldom(name)));
        if self.must_take && self.taken == 0 && gaps.is_empty() {
            gaps.insert(
                "in no run a fault took a lock away that others wanted: select one that can, or ask for less with --coverage delayed"
                    .to_owned(),
            );
        }
        gaps
    }
}

impl Landings {
    fn merge(&mut self, later: Self) {
        self.due = self.due.max(later.due);
        self.windows += later.windows;
        self.landed += later.landed;
        self.revoked += later.revoked;
        self.delayed += later.delayed;
        self.changed += later.changed;
        for (role, count) in later.roles {
            self.roles.entry(role).or_default().merge(count);
        }
    }

    /// The effect that it must have; one that no other number shows, with how often it had it.
    #[must_use]
    pub fn due_text(&self) -> String {
        match self.due {
            Effect::Changed => format!("{}, seen in {}", self.due, self.changed),
            due => due.to_string(),
        }
    }

    /// Whom it struck too seldom.
    fn too_seldom(&self, name: &str) -> impl Iterator<Item = String> {
        let roles = self.roles.iter();
        roles.filter_map(move |(role, count)| count.too_seldom(name, *role, self.due))
    }

    /// What it did not put to the test.
    fn gap(&self, name: &str) -> Option<String> {
        match self.due {
            _ if self.landed > 0 => None,
            Effect::None => None,
            _ if self.windows == 0 => Some(format!(
                "{name} never struck: give --time-limit more, or --nemesis-interval less"
            )),
            Effect::Delayed => Some(format!(
                "{name} never delayed a holder: give --nemesis-duration or --time-limit more"
            )),
            Effect::Changed => Some(format!(
                "{name} never gave a lock slots or took some away: give --time-limit more"
            )),
            Effect::Revoked => Some(format!(
                "{name} never took a lock away: give --nemesis-duration or --time-limit more, or ask for less with --coverage {name}=delayed"
            )),
        }
    }
}

impl Tally {
    fn merge(&mut self, later: &Self) {
        self.judged |= later.judged;
        self.verdicts.merge(later.verdicts);
        self.overlaps += later.overlaps;
        self.exposure_ns_max = self.exposure_ns_max.max(later.exposure_ns_max);
    }
}

impl Verdicts {
    fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Valid => self.valid += 1,
            Verdict::Violated => self.violated += 1,
            Verdict::Unknown => self.unknown += 1,
        }
    }

    fn merge(&mut self, later: Self) {
        self.valid += later.valid;
        self.violated += later.violated;
        self.unknown += later.unknown;
    }
}

#[cfg(test)]
mod tests {
    use checker::Row;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::situation::Phase;

    fn verdict() -> impl Strategy<Value = Verdict> {
        prop_oneof![
            Just(Verdict::Valid),
            Just(Verdict::Unknown),
            Just(Verdict::Violated)
        ]
    }

    prop_compose! {
        fn row()(name in 0..4_usize, judged in any::<bool>(), verdict in verdict(), holds in 0..9_u64, exposures_ns in vec(1..9_u64, 0..3)) -> Row {
            let names = [COVERAGE, "exclusion", "progress<=5s", "progress<=7s"];
            let counts = checker::Counts {
                holds,
                contended_workers: holds / 3,
                faults: vec![checker::FaultCount {
                    fault: "cut".to_owned(),
                    windows: holds,
                    landed: holds / 2,
                    ..checker::FaultCount::default()
                }],
                ..checker::Counts::default()
            };
            let finding = Finding { guarantee: names[name].to_owned(), verdict, counts, exposures_ns, ..Finding::default() };
            Row { judged, finding }
        }
    }

    fn situation() -> impl Strategy<Value = Situation> {
        (0..3_usize).prop_map(|phase| Situation {
            fault: Some("cut".to_owned()),
            effect: Effect::None,
            phase: [Phase::Idle, Phase::Acquiring, Phase::Holding][phase],
            missed: BTreeMap::new(),
        })
    }

    fn came() -> impl Strategy<Value = Came> {
        let judged = (
            verdict(),
            any::<bool>(),
            vec(row(), 0..4),
            vec(situation(), 0..3),
        );
        prop_oneof![
            1 => Just(Came::Broken("no disk".to_owned())),
            5 => judged.prop_map(|(verdict, is_over, guarantees, situations)| Came::Judged(Box::new(Judged {
                verdict,
                unfinished: (!is_over).then(|| "killed".to_owned()),
                events: 5,
                operations: 2,
                situations,
                guarantees,
                first_violation_ns: None,
                operations_before: None,
                hits: Vec::new(),
                recheck: None,
            }))),
        ]
    }

    fn merged(parts: impl IntoIterator<Item = Summary>) -> Summary {
        let mut whole = Summary::default();
        for part in parts {
            whole.merge(part);
        }
        whole
    }

    /// A run that covers what these counts say.
    fn covered(contended_workers: u64, taken: u64, must_take: bool) -> Summary {
        let finding = Finding {
            guarantee: COVERAGE.to_owned(),
            verdict: Verdict::Valid,
            counts: checker::Counts {
                holds: 1,
                contended_workers,
                taken_from_contenders: taken,
                must_take,
                ..checker::Counts::default()
            },
            ..Finding::default()
        };
        let mut summary = Summary::default();
        summary.tally(&[Row {
            judged: true,
            finding,
        }]);
        summary
    }

    /// So many runs in this situation alone, from this seed on.
    fn met(phase: Phase, seeds: std::ops::Range<u64>) -> Summary {
        let situation = Situation {
            fault: Some("cut".to_owned()),
            effect: Effect::Revoked,
            phase,
            missed: BTreeMap::new(),
        };
        let one = |seed| Summary {
            runs: 1,
            situations: vec![Seen {
                situation: situation.clone(),
                seed: Seed(seed),
            }],
            ..Summary::default()
        };
        merged(seeds.map(one))
    }

    #[test]
    fn the_last_tenth_of_the_runs_says_whether_more_would_show_more() {
        let saturation = |last_runs, new_in_last_runs| Saturation {
            situations: 2,
            last_runs,
            new_in_last_runs,
        };
        let (holding, idle) = (Phase::Holding, Phase::Idle);
        let late = [met(holding, 5..34), met(idle, 34..35)];
        assert_eq!(merged(late.clone()).saturation(), saturation(3, 1));
        let [first, second] = late;
        assert_eq!(merged([second, first]).saturation(), saturation(3, 1));
        let then_old = [met(holding, 0..29), met(idle, 29..30), met(holding, 30..33)];
        assert_eq!(merged(then_old).saturation(), saturation(4, 1));
        let long_since = [met(idle, 0..1), met(holding, 1..30)];
        assert_eq!(merged(long_since).saturation(), saturation(3, 0));
        assert_eq!(Summary::default().saturation(), Saturation::default());
    }

    #[test]
    fn the_shortest_counterexample_is_the_first_of_the_shortest() {
        let of = |seed, operations| Counterexample {
            seed: Seed(seed),
            operations,
            guarantee: "exclusion".to_owned(),
        };
        let summary = Summary {
            counterexamples: vec![of(1, 9), of(2, 4), of(3, 4)],
            ..Summary::default()
        };
        assert_eq!(summary.shortest().map(|one| one.seed), Some(Seed(2)));
    }

    #[test]
    fn contention_and_a_lock_taken_away_belong_into_one_run() {
        let verdict = |parts: Vec<Summary>| merged(parts).verdict();
        assert_eq!(verdict(vec![covered(2, 0, false)]), Verdict::Valid);
        assert_eq!(verdict(vec![covered(2, 1, true)]), Verdict::Valid);
        let apart = vec![covered(2, 0, true), covered(0, 1, true)];
        assert_eq!(verdict(apart), Verdict::Unknown);
        // A swarm may draw a run without faults: that takes nothing away.
        let without_faults = vec![covered(2, 0, false), covered(0, 1, true)];
        assert_eq!(verdict(without_faults), Verdict::Unknown);
    }

    proptest! {
        /// However many runs are divided, by shards or by batches, the whole is the same.
        #[test]
        fn summaries_of_parts_merge_into_that_of_the_whole(came in vec(came(), 0..12), cut in 0..12_usize) {
            let seeds = (0..).map(Seed);
            let outcomes = came.into_iter().zip(seeds).map(|(came, seed)| Outcome { seed, came });
            let parts: Vec<_> = outcomes.map(|outcome| Summary::of(&outcome)).collect();
            let (first, second) = parts.split_at(cut.min(parts.len()));
            let whole = merged(parts.iter().cloned());
            prop_assert_eq!(merged([merged(first.to_vec()), merged(second.to_vec())]), whole.clone());
            prop_assert_eq!(whole.runs, parts.len() as u64);
            let verdicts = whole.verdicts;
            let counted = verdicts.valid + verdicts.violated + verdicts.unknown + whole.broken.len() as u64;
            prop_assert_eq!(counted, whole.runs);
        }
    }
}
