//! The report of a proof: what came of each claim, those first that keep the gate shut.

use checker::counted;
use claims::{Counterexample, Expected, Stored, Tested};
use gate::{Decision, Ruling, Subject, decide, facts_of_case, facts_of_proof, show_times};
use serde::Serialize;

use crate::error::SiteError;
use crate::link::href;
use crate::page::page;

const TEMPLATE: &str = include_str!("claims_page.html.j2");

/// So many stored runs of a claim are linked.
const STORED_MAX: usize = 50;

#[derive(Serialize)]
struct View {
    title: String,
    standing: &'static str,
    decision: &'static str,
    says: String,
    today: String,
    is_shard: bool,
    /// Names and values.
    facts: Vec<(String, String)>,
    claims: Vec<ClaimView>,
    left_out: Vec<[String; 3]>,
}

#[derive(Serialize)]
struct ClaimView {
    /// What leads here within the page.
    anchor: String,
    id: String,
    says: String,
    testbed: String,
    expected: &'static str,
    reason: Option<String>,
    link: Option<String>,
    standing: &'static str,
    word: &'static str,
    why: String,
    runs: u64,
    exposures: Option<String>,
    counterexample: Option<ExampleView>,
    stored: Vec<[String; 2]>,
    stored_left_out: usize,
    facts: Vec<(String, String)>,
    repeat: String,
}

#[derive(Serialize)]
struct ExampleView {
    seed: u64,
    operations: u64,
    guarantee: String,
    text: String,
    /// The report of its run.
    report: Option<String>,
}

/// The report of a proof, as it counts on a day. The same arguments give the same bytes.
///
/// # Errors
/// Never, unless a template of the prover is broken.
pub fn claims_page(subject: Subject<'_>) -> Result<String, SiteError> {
    let Subject { proof, today } = subject;
    let (decision, standing) = match decide(proof, today) {
        Decision::Passed => ("passed", "valid"),
        Decision::Failed => ("failed", "violated"),
        Decision::Broken => ("broken", "unknown"),
        Decision::Open | Decision::Nothing => ("not decided", "unknown"),
    };
    let name = proof.source.title.as_ref().unwrap_or(&proof.source.path);
    let mut all: Vec<(usize, &Tested)> = proof.cases.iter().enumerate().collect();
    // Whoever opens this asks first what is wrong.
    all.sort_by_key(|(place, tested)| (!Ruling::of(tested, proof, today).stops(), *place));
    let claims: Vec<ClaimView> = all
        .iter()
        .map(|(place, tested)| claim(*place, tested, subject))
        .collect();
    let view = View {
        title: name.clone(),
        standing,
        decision,
        says: says(subject),
        today: today.to_string(),
        is_shard: proof.shard != claims::Shard::WHOLE,
        facts: facts_of_proof(proof),
        claims,
        left_out: proof
            .left_out
            .iter()
            .map(|left| [left.claim.clone(), left.testbed.clone(), left.why.clone()])
            .collect(),
    };
    page(&format!("{name}: {decision}"), TEMPLATE, &view)
}

fn says(Subject { proof, today }: Subject<'_>) -> String {
    let rulings = proof
        .cases
        .iter()
        .map(|tested| Ruling::of(tested, proof, today));
    let stopping = rulings.filter(|ruling| ruling.stops()).count();
    let all = counted(proof.cases.len() as u64, "case");
    match stopping {
        0 => format!("{all}, each as claimed or accepted."),
        _ => format!("{stopping} of {all} keep the gate shut."),
    }
}

fn claim(place: usize, tested: &Tested, Subject { proof, today }: Subject<'_>) -> ClaimView {
    let ruling = Ruling::of(tested, proof, today);
    let claim = &tested.claim;
    let stored = tested.stored.iter().take(STORED_MAX);
    ClaimView {
        anchor: format!("case-{place}"),
        id: claim.id.clone(),
        says: claim.says.clone(),
        testbed: tested.testbed.clone(),
        expected: match claim.expected {
            Expected::Holds => "holds",
            Expected::Violated => "violated",
        },
        reason: claim.reason.clone(),
        link: claim.link.clone(),
        standing: tone(ruling),
        word: ruling.word(),
        why: ruling.told(&tested.why),
        runs: tested.summary.judged_runs(),
        exposures: show_times(&tested.measures.exposures),
        counterexample: tested
            .counterexample
            .as_ref()
            .map(|found| example(found, &tested.stored)),
        stored: stored
            .map(|run| [run.seed.to_string(), report_of(run)])
            .collect(),
        stored_left_out: tested.stored.len().saturating_sub(STORED_MAX),
        facts: facts_of_case(tested),
        repeat: tested.repeat.clone(),
    }
}

const fn tone(ruling: Ruling<'_>) -> &'static str {
    match ruling {
        Ruling::Passed => "valid",
        Ruling::Failed | Ruling::Expired(_) => "violated",
        _ => "unknown",
    }
}

fn example(found: &Counterexample, stored: &[Stored]) -> ExampleView {
    let run = stored.iter().find(|run| run.seed == found.seed);
    ExampleView {
        seed: found.seed,
        operations: found.operations,
        guarantee: found.guarantee.clone(),
        text: found.text.clone(),
        report: run.map(report_of),
    }
}

fn report_of(run: &Stored) -> String {
    href(&format!("{}/report.html", run.folder))
}

#[cfg(test)]
mod tests {
    use claims::Proof;
    use jiff::civil::date;

    use super::*;

    /// A proof whose one claim is contradicted; `hostile` stands wherever somebody else writes.
    fn proof(hostile: &str) -> Proof {
        let case = serde_json::json!({
            "claim": { "id": "excludes", "says": hostile, "expected": "holds", "reason": hostile, "link": hostile, "line": 3 },
            "testbed": hostile, "lock": hostile, "workload": "mutex", "nemesis": "cut",
            "standing": "contradicted", "why": hostile,
            "summary": suite_summary(),
            "stored": [{ "seed": 7, "folder": "runs/excludes/sim/x y" }],
            "counterexample": { "seed": 7, "operations": 12, "guarantee": "exclusion", "text": hostile },
            "repeat": hostile,
        });
        let fine = {
            let mut fine = case.clone();
            fine["standing"] = "confirmed".into();
            fine["claim"]["id"] = "first".into();
            fine
        };
        let proof = serde_json::json!({
            "prover": "0", "source": { "path": "claims.toml", "sha256": "00", "title": hostile },
            "profile": "full", "shard": { "index": 1, "count": 1 }, "began": "2026-02-03T04:05:06Z",
            "state": "finished", "cases": [fine, case],
        });
        serde_json::from_value(proof).expect("a proof")
    }

    fn suite_summary() -> serde_json::Value {
        serde_json::json!({
            "runs": 1, "verdicts": { "valid": 0, "violated": 1, "unknown": 0 }, "events": 1, "operations": 1, "holds": 1,
            "contended": 1, "must_take": false, "taken": 0, "guarantees": {}, "faults": {}, "failing": [7], "open": [], "broken": [],
        })
    }

    fn made(hostile: &str) -> String {
        let proof = proof(hostile);
        let today = date(2026, 2, 3);
        claims_page(Subject {
            proof: &proof,
            today,
        })
        .expect("a page")
    }

    #[test]
    fn what_keeps_the_gate_shut_comes_first_with_its_run() {
        let page = made("plain");
        let of = |text: &str| {
            page.find(text)
                .unwrap_or_else(|| panic!("{text} in {page}"))
        };
        assert!(of("excludes on plain") < of("first on plain"));
        assert!(page.contains("1 of 2 cases keep the gate shut"));
        assert!(page.contains("x%20y"), "{page}");
    }

    #[test]
    fn what_others_write_stays_text() {
        let page = made("<script>alert(1)</script>\u{202e}\u{1b}[31m");
        assert!(!page.contains("<script>alert"));
        assert!(!page.contains('\u{202e}') && !page.contains('\u{1b}'));
    }
}
