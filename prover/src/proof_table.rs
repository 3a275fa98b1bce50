//! What came of claims, as people see it at the end.

use std::collections::BTreeMap;

use checker::{counted, show_ns};
use claims::{Expected, State, Tested};
use gate::text::{line, lines, logged};
use gate::{Ruling, Subject, TOLERANCE, Worse, headline, name, not_tried};

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

/// What shows each case that is not confirmed, and the command that repeats it.
pub(crate) fn shown(subject: Subject<'_>) -> Vec<String> {
    let proof = subject.proof;
    let cases = proof.cases.iter();
    let others = cases.filter(|it| Ruling::of(it, proof, subject.today) != Ruling::Passed);
    others
        .filter_map(|tested| {
            let repeat = cell(&tested.repeat);
            let found = tested.counterexample.as_ref()?;
            let (name, text) = (cell(&name(tested)), logged(&lines(&found.text)));
            Some(format!(
                "\n{name}, seed {}:\n{text}\nrepeat:  {repeat}",
                found.seed
            ))
        })
        .collect()
}

/// So many cases that were left out for one reason are named.
const LEFT_OUT_MAX: usize = 3;

/// What stands below the table: what was left out, and what all of it means.
pub(crate) fn conclusion(subject: Subject<'_>) -> String {
    let proof = subject.proof;
    let mut left_out: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for it in &proof.left_out {
        let case = format!("{} on {}", it.claim, it.testbed);
        left_out.entry(&it.why).or_default().push(case);
    }
    let left_out = left_out.into_iter().map(|(why, cases)| {
        let cases = match cases.as_slice() {
            few if few.len() <= LEFT_OUT_MAX => few.join(", "),
            many => checker::counted(many.len() as u64, "case"),
        };
        cell(&format!("left out: {cases}: {why}")) + "\n"
    });
    let words = headline(subject);
    let counts = counts(subject);
    let shard = match proof.shard {
        claims::Shard::WHOLE => String::new(),
        shard => format!(" (shard {shard} alone; `prover merge` decides)"),
    };
    left_out.collect::<String>() + &format!("proof: {words}: {counts}{shard}")
}

/// `3 cases: 2 confirmed, 1 unknown`
fn counts(Subject { proof, today }: Subject<'_>) -> String {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for tested in &proof.cases {
        *counts
            .entry(Ruling::of(tested, proof, today).word())
            .or_default() += 1;
    }
    let told = counts.iter().map(|(word, count)| format!("{count} {word}"));
    let told: Vec<String> = told.chain(not_tried(proof)).collect();
    let all = counted(proof.cases.len() as u64, "case");
    let unfinished = match proof.state {
        State::Finished => "",
        State::Interrupted => ", interrupted or in part",
        State::Running => ", not at its end",
    };
    format!("{all}: {}{unfinished}", told.join(", "))
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
