//! How rare a violation must be that a run did not show, for it was put to the test often.
//!
//! Every holder that a fault struck is a trial: another client may be let in meanwhile, which the
//! guarantees that speak of each loss would have seen.

use checker::{COVERAGE, FaultCount, Judgement, RoleCount, Verdict, bound_at_95, is_of_each_loss};
use history::fault::Effect;
use serde::Serialize;

use crate::scene::Scene;

/// How rare a violation must be, where it could have been seen often enough to say so.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Rarity {
    /// Nothing where it speaks of all faults together.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
    effect: Effect,
    /// How often the fault did that to a holder.
    times: u64,
    /// The guarantees that would have seen it.
    guarantees: Vec<String>,
    /// A violation comes in less than this part of these times, with a confidence of 95 %.
    below: f64,
    pub(crate) sentence: String,
}

/// Of each fault and of all together. Of a run that is violated nothing is said.
pub(crate) fn rarities(judgement: &Judgement, scene: &Scene) -> Vec<Rarity> {
    let guarantees = kept(judgement);
    let mut rows = judgement.guarantees.iter();
    let coverage = rows.find(|row| row.finding.guarantee == COVERAGE);
    let Some(coverage) = coverage.filter(|_| !guarantees.is_empty()) else {
        return Vec::new();
    };
    let faults = &coverage.finding.counts.faults;
    let of_effect = |effect: Effect| {
        let of_each = faults.iter().filter_map(|count| {
            rarity(
                Some(&count.fault),
                effect,
                times(count, effect),
                &guarantees,
            )
        });
        let of_each: Vec<Rarity> = of_each.collect();
        let all = faults.iter().map(|count| times(count, effect)).sum();
        let is_sum = faults.iter().filter(|it| times(it, effect) > 0).count() > 1;
        let together = (is_sum && !overlap(scene))
            .then(|| rarity(None, effect, all, &guarantees))
            .flatten();
        of_each.into_iter().chain(together).collect::<Vec<_>>()
    };
    let effects = [Effect::Revoked, Effect::Delayed];
    effects.into_iter().flat_map(of_effect).collect()
}

/// What was judged and valid and would have seen a second client at each loss.
fn kept(judgement: &Judgement) -> Vec<String> {
    if judgement.verdict == Verdict::Violated {
        return Vec::new();
    }
    let rows = judgement.guarantees.iter();
    let kept = rows.filter(|row| row.judged && row.finding.verdict == Verdict::Valid);
    let names = kept.map(|row| &row.finding.guarantee);
    names
        .filter(|name| is_of_each_loss(name))
        .cloned()
        .collect()
}

/// Two faults at the same time may take one and the same hold away: then a sum counts it twice.
fn overlap(scene: &Scene) -> bool {
    let windows = scene.windows.iter();
    let mut spans: Vec<(u64, u64)> = windows
        .map(|window| (window.begin, window.end.unwrap_or(scene.end)))
        .collect();
    spans.sort_unstable();
    spans.windows(2).any(|pair| pair[1].0 < pair[0].1)
}

/// How often a fault had an effect on a target.
fn times(count: &FaultCount, effect: Effect) -> u64 {
    let of_role = |role: &RoleCount| match effect {
        Effect::Revoked => role.revoked,
        Effect::Delayed => role.delayed,
        Effect::Changed | Effect::None => 0,
    };
    count.roles.values().map(of_role).sum()
}

fn rarity(
    fault: Option<&str>,
    effect: Effect,
    times: u64,
    guarantees: &[String],
) -> Option<Rarity> {
    let below = bound_at_95(times)?;
    let told = checker::rarity(times)?;
    let whom = match effect {
        Effect::Revoked => "holders that lost the lock to",
        Effect::Delayed => "holders that were delayed by",
        Effect::Changed | Effect::None => return None,
    };
    let by = fault.unwrap_or("any of the faults");
    let names = guarantees.join(", ");
    Some(Rarity {
        fault: fault.map(str::to_owned),
        effect,
        times,
        guarantees: guarantees.to_vec(),
        below,
        sentence: format!("0 violations of {names} in {times} {whom} {by}: {told}"),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use checker::{Finding, Row};
    use history::fault::Role;

    use super::*;

    fn count(fault: &str, revoked: [u64; 2], delayed: u64) -> FaultCount {
        let [holder, verifying] = revoked.map(|revoked| RoleCount {
            struck: 1_000,
            revoked,
            ..RoleCount::default()
        });
        let holder = RoleCount { delayed, ..holder };
        FaultCount {
            fault: fault.to_owned(),
            roles: BTreeMap::from([(Role::Holder, holder), (Role::Verifying, verifying)]),
            ..FaultCount::default()
        }
    }

    fn row(guarantee: &str, verdict: Verdict, judged: bool) -> Row {
        let finding = Finding {
            guarantee: guarantee.to_owned(),
            verdict,
            ..Finding::default()
        };
        Row { judged, finding }
    }

    fn judgement(faults: Vec<FaultCount>, rows: Vec<Row>) -> Judgement {
        let mut coverage = row(COVERAGE, Verdict::Valid, true);
        coverage.finding.counts.faults = faults;
        let verdicts = rows.iter().filter(|row| row.judged);
        let verdict = verdicts.map(|row| row.finding.verdict).max();
        Judgement {
            verdict: verdict.unwrap_or_default(),
            incomplete: false,
            unfinished: None,
            missing_event: None,
            guarantees: rows.into_iter().chain([coverage]).collect(),
            promised_by: None,
            linearized: Vec::new(),
        }
    }

    fn sentences(judgement: &Judgement, scene: &Scene) -> Vec<String> {
        let all = rarities(judgement, scene).into_iter();
        all.map(|rarity| rarity.sentence).collect()
    }

    fn kept_by(faults: Vec<FaultCount>) -> Judgement {
        judgement(
            faults,
            vec![
                row("confirmed-exclusion", Verdict::Valid, true),
                row("progress<=10s", Verdict::Valid, true),
                row("exclusion", Verdict::Violated, false),
            ],
        )
    }

    #[test]
    fn it_is_said_by_fault_and_effect_and_of_all_together_where_enough_was_tried() {
        let kept = kept_by(vec![
            count("partition", [400, 12], 30),
            count("cut", [29, 0], 29),
        ]);
        let kept = sentences(&kept, &Scene::default());
        let of = "0 violations of confirmed-exclusion in";
        let expected = [
            format!("{of} 412 holders that lost the lock to partition: below 0.73 % each at 95 %"),
            format!(
                "{of} 441 holders that lost the lock to any of the faults: below 0.69 % each at 95 %"
            ),
            format!("{of} 30 holders that were delayed by partition: below 10 % each at 95 %"),
            format!(
                "{of} 59 holders that were delayed by any of the faults: below 5.1 % each at 95 %"
            ),
        ];
        assert_eq!(kept, expected);
    }

    #[test]
    fn it_is_not_said_of_what_was_violated_left_open_or_only_shown() {
        let faults = || vec![count("partition", [400, 12], 0)];
        let none = |rows| sentences(&judgement(faults(), rows), &Scene::default()).is_empty();
        let exclusion = |verdict, judged| row("exclusion", verdict, judged);
        assert!(none(vec![exclusion(Verdict::Violated, true)]));
        assert!(none(vec![exclusion(Verdict::Unknown, true)]));
        assert!(none(vec![exclusion(Verdict::Valid, false)]));
        // Progress is decided once a run.
        assert!(none(vec![row("progress<=10s", Verdict::Valid, true)]));
        // Nothing is said of a run that violates something else either.
        let other = row("fencing", Verdict::Violated, true);
        assert!(none(vec![exclusion(Verdict::Valid, true), other]));
        assert!(!none(vec![exclusion(Verdict::Valid, true)]));
    }

    #[test]
    fn faults_at_the_same_time_are_not_added_up() {
        let window = |begin, end| crate::scene::Window {
            fault: "cut".into(),
            targets: Vec::new(),
            holders: Vec::new(),
            begin,
            end,
            event: 0,
            evidence: String::new(),
        };
        let said = |windows| {
            let scene = Scene {
                end: 100,
                windows,
                ..Scene::default()
            };
            let faults = vec![count("partition", [40, 0], 0), count("cut", [40, 0], 0)];
            let all = sentences(&kept_by(faults), &scene);
            all.iter().any(|one| one.contains("80 holders"))
        };
        assert!(said(vec![window(0, Some(10)), window(10, None)]));
        assert!(!said(vec![window(0, Some(11)), window(10, None)]));
        assert!(!said(vec![window(0, None), window(10, Some(20))]));
    }
}
