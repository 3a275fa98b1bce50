//! What came of claims, as people see it at the end.

use checker::{counted, show_ns};
use claims::{Expected, Tested};
use gate::text::{line, logged};
use gate::{Decision, Ruling, Subject, TOLERANCE, Worse, decide};

/// The columns.
pub(crate) const HEADER: [&str; 7] = ["claim", "on", "expected", "came out", "runs", "seen", "why"];

/// A row for each claim and testbed, in the order of the file.
pub(crate) fn rows(subject: Subject<'_>) -> Vec<[String; 7]> {
    let cases = subject.proof.cases.iter();
    cases.map(|tested| row(tested, subject)).collect()
}

fn row(tested: &Tested, Subject { proof, today }: Subject<'_>) -> [String; 7] {
    let ruling = Ruling::of(tested, proof, today);
    let expected = match tested.claim.expected {
        Expected::Holds => "holds",
        Expected::Violated => "violated",
    };
    [
        cell(&tested.claim.id),
        cell(&tested.testbed),
        expected.to_owned(),
        ruling.word().to_owned(),
        tested.summary.runs.to_string(),
        seen(tested),
        cell(&ruling.told(&tested.why)),
    ]
}

/// In one line, and nothing that a CI server takes for a command.
fn cell(text: &str) -> String {
    logged(&line(text))
}

/// How often the lock was taken away, and what that led to.
fn seen(tested: &Tested) -> String {
    let summary = &tested.summary;
    let exposures = &tested.measures.exposures;
    let parts = [
        (summary.revoked() > 0).then(|| format!("{} revoked", summary.revoked())),
        (!summary.failing.is_empty()).then(|| format!("{} violated", summary.failing.len())),
        (exposures.count > 0).then(|| format!("overlaps up to {}", show_ns(exposures.max_ns))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        "-".to_owned()
    } else {
        parts.join(", ")
    }
}

/// What stands below the table: what was left out, and what all of it means.
pub(crate) fn conclusion(subject: Subject<'_>) -> String {
    let proof = subject.proof;
    let left_out = proof.left_out.iter().map(|it| {
        let text = format!("left out: {} on {}: {}", it.claim, it.testbed, it.why);
        cell(&text) + "\n"
    });
    let rulings = proof.cases.iter();
    let stopping = rulings.filter(|it| Ruling::of(it, proof, subject.today).stops());
    let (stopping, all) = (stopping.count(), counted(proof.cases.len() as u64, "case"));
    let words = match decide(proof, subject.today) {
        Decision::Passed => format!("passed: {all}, each as expected or accepted"),
        Decision::Nothing => "nothing was selected".to_owned(),
        Decision::Open if stopping == 0 => "open: not all was done".to_owned(),
        Decision::Open => format!("open: {stopping} of {all} not decided"),
        Decision::Broken => {
            format!("broken: {stopping} of {all} not decided, the harness broke down")
        }
        Decision::Failed => format!("failed: {stopping} of {all} not as expected"),
    };
    let shard = match proof.shard {
        claims::Shard::WHOLE => String::new(),
        shard => format!(" (shard {shard} alone; `prover merge` decides)"),
    };
    left_out.collect::<String>() + &format!("proof: {words}{shard}")
}

/// The columns of a comparison.
pub(crate) const WORSE_HEADER: [&str; 3] = ["worse in", "claim", "what"];

/// A row for each thing that got worse.
pub(crate) fn worse_rows(worse: &[Worse]) -> Vec<[String; 3]> {
    let rows = worse.iter();
    rows.map(|it| [it.what.word().to_owned(), cell(&it.name), cell(&it.text)])
        .collect()
}

/// What stands below a comparison.
pub(crate) fn worse_conclusion(worse: &[Worse]) -> String {
    let deciding = worse.iter().filter(|it| it.what.decides()).count() as u64;
    let words = match (worse.is_empty(), deciding) {
        (true, _) => "nothing got worse".to_owned(),
        (false, 0) => "no claim stands worse".to_owned(),
        (false, 1) => "1 claim stands worse".to_owned(),
        (false, count) => format!("{count} claims stand worse"),
    };
    format!("against the earlier proof: {words} ({TOLERANCE})")
}
