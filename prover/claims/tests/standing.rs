//! How a claim stands, by a second definition: it looks at the runs one by one, as docs/claims.md
//! words it, and knows nothing of summaries.

use std::collections::BTreeMap;

use checker::{COVERAGE, Counts, FaultCount, Finding, Row, Verdict};
use claims::{Evidence, Expected, Needs, Standing, decide};
use proptest::collection::vec;
use proptest::prelude::*;
use run::seed::Seed;
use suite::{Came, Judged, Outcome, Summary};

/// A run, as far as claims look at it.
#[derive(Clone, Debug)]
struct Run {
    /// Nothing where the harness broke down.
    verdict: Option<Verdict>,
    contended: bool,
    taken: bool,
    windows: u64,
    landed: u64,
}

fn run() -> impl Strategy<Value = Run> {
    let verdict = prop_oneof![
        6 => Just(Some(Verdict::Valid)),
        1 => Just(Some(Verdict::Violated)),
        1 => Just(Some(Verdict::Unknown)),
        1 => Just(None),
    ];
    (verdict, any::<bool>(), any::<bool>(), 0..4_u64, 0..4_u64).prop_map(
        |(verdict, contended, taken, windows, landed)| Run {
            verdict,
            contended,
            taken,
            windows: windows.max(landed),
            landed,
        },
    )
}

fn outcome(seed: u64, run: &Run) -> Outcome {
    judged_by("exclusion", seed, run)
}

fn judged_by(guarantee: &str, seed: u64, run: &Run) -> Outcome {
    let Some(verdict) = run.verdict else {
        return Outcome {
            seed: Seed(seed),
            came: Came::Broken("no disk".to_owned()),
        };
    };
    let exclusion = Finding {
        guarantee: guarantee.to_owned(),
        verdict,
        ..Finding::default()
    };
    let counts = Counts {
        holds: 5,
        contended_workers: if run.contended { 3 } else { 0 },
        taken_from_contenders: u64::from(run.taken),
        must_take: true,
        faults: vec![FaultCount {
            fault: "cut".to_owned(),
            due: history::fault::Effect::Revoked,
            windows: run.windows,
            landed: run.landed,
            revoked: run.landed,
            ..FaultCount::default()
        }],
        ..Counts::default()
    };
    let is_covered = run.contended && run.taken && run.landed > 0;
    let coverage = Finding {
        guarantee: COVERAGE.to_owned(),
        verdict: if is_covered {
            Verdict::Valid
        } else {
            Verdict::Unknown
        },
        counts,
        ..Finding::default()
    };
    let row = |finding| Row {
        judged: true,
        finding,
    };
    let worst = exclusion.verdict.max(coverage.verdict);
    Outcome {
        seed: Seed(seed),
        came: Came::Judged(Box::new(Judged {
            verdict: worst,
            unfinished: None,
            events: 10,
            operations: 5,
            guarantees: vec![row(exclusion), row(coverage)],
            first_violation_ns: None,
            situations: Vec::new(),
            operations_before: None,
            hits: Vec::new(),
            recheck: None,
        })),
    }
}

/// The second definition.
fn naive(expected: Expected, needs: &Needs, runs: &[Run], missing: u64) -> Standing {
    let of = |verdict| {
        runs.iter()
            .filter(|run| run.verdict == Some(verdict))
            .count() as u64
    };
    if of(Verdict::Violated) > 0 {
        return match expected {
            Expected::Holds => Standing::Contradicted,
            Expected::Violated => Standing::Confirmed,
        };
    }
    if runs.iter().any(|run| run.verdict.is_none()) {
        return Standing::Broken;
    }
    if runs.is_empty() {
        return Standing::NotRun;
    }
    let landed: u64 = runs.iter().map(|run| run.landed).sum();
    let is_tested = missing == 0
        && (of(Verdict::Unknown) == 0 || needs.decided > 0)
        && runs.iter().any(|run| run.contended && run.taken)
        && landed > 0
        && runs.len() as u64 >= needs.runs
        && of(Verdict::Valid) >= needs.decided
        && landed >= needs.revoked
        && needs.landed.values().all(|needed| landed >= *needed)
        && 5 * runs.len() as u64 >= needs.holds
        && needs.power == 0;
    match (is_tested, expected) {
        (false, _) => Standing::Unknown,
        (true, Expected::Holds) => Standing::Confirmed,
        (true, Expected::Violated) => Standing::Contradicted,
    }
}

fn needs() -> impl Strategy<Value = Needs> {
    (0..4_u64, 0..3_u64, 0..12_u64, 0..4_u64, 0..4_u64, 0..2_u64).prop_map(
        |(runs, decided, holds, revoked, cut, power)| Needs {
            runs,
            decided,
            holds,
            revoked,
            landed: if cut == 3 {
                BTreeMap::new()
            } else {
                BTreeMap::from([("cut".to_owned(), cut)])
            },
            power: power * 3,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]
    #[test]
    fn a_claim_stands_as_its_runs_say_one_by_one(
        runs in vec(run(), 0..5),
        needs in needs(),
        missing in 0..2_u64,
        is_to_hold in any::<bool>(),
    ) {
        let expected = if is_to_hold { Expected::Holds } else { Expected::Violated };
        let mut summary = Summary::default();
        for (seed, run) in runs.iter().enumerate() {
            summary.merge(Summary::of(&outcome(seed as u64, run)));
        }
        let evidence = Evidence { summary: &summary, power: None, missing, is_whole: true };
        let (standing, why) = decide(expected, &needs, evidence);
        prop_assert_eq!(standing, naive(expected, &needs, &runs, missing), "{}", why);
        prop_assert!(!why.is_empty());
        let of_shard = decide(expected, &needs, Evidence { is_whole: false, ..evidence }).0;
        // What no run of a shard shows, the shard does not say.
        let says_more = of_shard != standing && !matches!(of_shard, Standing::Unknown | Standing::NotRun);
        prop_assert!(!says_more, "{:?} {:?}", of_shard, standing);
    }
}

/// How often something could have been seen, as docs/claims.md words the rule of three.
fn naive_trials(guarantee: &str, runs: &[Run]) -> u64 {
    let is_of_each_loss = ["exclusion", "overlap<=1s"].contains(&guarantee);
    let left_open = runs.iter().any(|run| run.verdict == Some(Verdict::Unknown));
    let losses: u64 = runs.iter().map(|run| run.landed).sum();
    let decided = runs
        .iter()
        .filter(|run| run.verdict == Some(Verdict::Valid))
        .count() as u64;
    if is_of_each_loss && !left_open {
        return losses.max(decided);
    }
    decided
}

/// The percentage that is told, in digits.
fn told(why: &str) -> Option<f64> {
    let (_, rest) = why.split_once("below ")?;
    rest.split_once(" %")?.0.parse().ok()
}

fn run_without_violation() -> impl Strategy<Value = Run> {
    (run(), 0..40_u8).prop_map(|(run, open)| Run {
        verdict: Some(if open == 0 {
            Verdict::Unknown
        } else {
            Verdict::Valid
        }),
        contended: true,
        taken: true,
        ..run
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn how_rare_a_violation_is_follows_from_what_was_tried(
        runs in vec(run_without_violation(), 1..70),
        guarantee in prop_oneof![Just("exclusion"), Just("overlap<=1s"), Just("ownership"), Just("progress<=9s")],
    ) {
        let mut summary = Summary::default();
        for (seed, run) in runs.iter().enumerate() {
            summary.merge(Summary::of(&judged_by(guarantee, seed as u64, run)));
        }
        let needs = Needs { decided: 1, ..Needs::default() };
        let evidence = Evidence { summary: &summary, power: None, missing: 0, is_whole: true };
        let (standing, why) = decide(Expected::Holds, &needs, evidence);
        let trials = naive_trials(guarantee, &runs);
        match told(&why) {
            None => prop_assert!(standing != Standing::Confirmed || trials < 30, "{}: {}", trials, why),
            Some(told) => {
                let exact = 300.0 / trials as f64;
                prop_assert!(trials >= 30 && exact <= told + 1e-9 && told < exact * 1.11, "{}: {}", trials, why);
            }
        }
    }
}

/// What is claimed of a cost, with the round trips that each round took.
fn measured(expected: Expected, most: u32, needed: u64, rounds: &[u32]) -> claims::Tested {
    let mut summary = Summary::default();
    for (seed, took) in rounds.iter().enumerate() {
        let verdict = if *took > most {
            Verdict::Violated
        } else {
            Verdict::Valid
        };
        let mut outcome = outcome(
            seed as u64,
            &Run {
                verdict: Some(verdict),
                contended: false,
                taken: false,
                windows: 0,
                landed: 0,
            },
        );
        if let Came::Judged(judged) = &mut outcome.came {
            judged.guarantees.pop();
            judged.verdict = verdict;
        }
        summary.merge(Summary::of(&outcome));
    }
    serde_json::from_value(serde_json::json!({
        "claim": {"id": "cheap", "says": "it is", "expected": expected, "line": 1},
        "testbed": "sim", "lock": "x", "workload": "cost of verify", "nemesis": "none",
        "standing": "not-run", "why": "", "needs": {"runs": needed}, "summary": summary, "repeat": "",
        "measured": {"cost": {"operation": "verify", "slots": 1, "round-trips": most}},
    }))
    .expect("a case")
}

proptest! {
    #[test]
    fn a_cost_is_what_every_round_took(
        rounds in vec(0..4_u32, 0..6),
        most in 0..4_u32,
        needed in 0..6_u64,
        is_to_hold in any::<bool>(),
    ) {
        let expected = if is_to_hold { Expected::Holds } else { Expected::Violated };
        let mut tested = measured(expected, most, needed, &rounds);
        tested.decide(claims::Shard::WHOLE);
        let is_dear = rounds.iter().any(|took| *took > most);
        let is_enough = !rounds.is_empty() && rounds.len() as u64 >= needed;
        let naive = match (is_dear, is_enough, is_to_hold) {
            (true, _, true) | (false, true, false) => Standing::Contradicted,
            (true, _, false) | (false, true, true) => Standing::Confirmed,
            (false, false, _) if rounds.is_empty() => Standing::NotRun,
            (false, false, _) => Standing::Unknown,
        };
        prop_assert_eq!(tested.standing, naive, "{}", tested.why);
    }
}
