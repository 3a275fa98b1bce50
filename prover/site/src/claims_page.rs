//! The report of a proof: what came of each claim, those first that keep the gate shut.

use checker::counted;
use claims::{Counterexample, Expected, Proof, Stored, Tested};
use gate::{
    Decision, PASSED, Ruling, Subject, decide, facts_of_case, facts_of_proof, headline, show_times,
};
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::error::SiteError;
use crate::link::href;
use crate::page::page;
use crate::proven::{DOES_NOT_FOLLOW, Proven, unfounded};

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
    /// What happened, in sentences.
    told: Vec<String>,
    /// Its events and their picture, to scale.
    picture: String,
    /// The report of its run.
    report: Option<String>,
}

/// The report of a stored proof, as it counts on the day on which it began: the same on each day.
pub(crate) fn stored_claims_page(proof: &Proof) -> Result<String, SiteError> {
    let today = TimeZone::UTC.to_datetime(proof.began).date();
    claims_page(Subject { proof, today })
}

/// The report of a proof, as it counts on a day. Each claim stands as its counts say; where the proof
/// says otherwise, it is not believed. The same arguments give the same bytes.
///
/// # Errors
/// Never, unless a template of the prover is broken.
pub fn claims_page(subject: Subject<'_>) -> Result<String, SiteError> {
    let proven = Proven::of(subject.proof);
    let Subject { proof, today } = Subject {
        proof: &proven.again,
        ..subject
    };
    let (decision, standing) = match decide(proof, today) {
        _ if proven.unfounded() > 0 => (DOES_NOT_FOLLOW, "broken"),
        Decision::Passed => match headline(subject) {
            PASSED => (PASSED, "valid"),
            in_part => (in_part, "unknown"),
        },
        Decision::Failed => ("failed", "violated"),
        Decision::Broken => ("broken", "unknown"),
        Decision::Open | Decision::Nothing => ("not decided", "unknown"),
    };
    let name = proof.source.title.as_ref().unwrap_or(&proof.source.path);
    let mut all: Vec<(usize, Case<'_>)> = proof
        .cases
        .iter()
        .map(|tested| Case::of(tested, proof, today))
        .enumerate()
        .collect();
    for (place, case) in &mut all {
        case.unfounded = proven
            .said_instead(*place)
            .map(|said| unfounded(said, case.tested));
    }
    let says = says(&all);
    // Whoever opens this asks first what is wrong.
    all.sort_by_key(|(place, case)| (!case.stops(), *place));
    let view = View {
        title: name.clone(),
        standing,
        decision,
        says,
        today: today.to_string(),
        is_shard: proof.shard != claims::Shard::WHOLE,
        facts: facts_of_proof(proof),
        claims: all
            .into_iter()
            .map(|(place, case)| claim(place, case))
            .collect(),
        left_out: proof
            .left_out
            .iter()
            .map(|left| [left.claim.clone(), left.testbed.clone(), left.why.clone()])
            .collect(),
    };
    page(&format!("{name}: {decision}"), TEMPLATE, &view)
}

/// A claim as its counts decide it.
struct Case<'a> {
    tested: &'a Tested,
    ruling: Ruling<'a>,
    /// What the proof says instead, where it does.
    unfounded: Option<String>,
}

impl<'a> Case<'a> {
    fn of(tested: &'a Tested, proof: &Proof, today: jiff::civil::Date) -> Self {
        Self {
            tested,
            ruling: Ruling::of(tested, proof, today),
            unfounded: None,
        }
    }

    fn stops(&self) -> bool {
        self.unfounded.is_some() || self.ruling.stops()
    }
}

fn says(all: &[(usize, Case<'_>)]) -> String {
    let unfounded = all.iter().filter(|(_, case)| case.unfounded.is_some());
    let stopping = all.iter().filter(|(_, case)| case.stops());
    let count = counted(all.len() as u64, "case");
    match (unfounded.count(), stopping.count()) {
        (0, 0) => format!("{count}, each as claimed or accepted."),
        (0, stopping) => format!("{stopping} of {count} keep the gate shut."),
        (unfounded, _) => format!(
            "How {unfounded} of {count} stands {DOES_NOT_FOLLOW}: proof.json was changed, or another prover made it. It shows nothing."
        ),
    }
}

fn claim(place: usize, case: Case<'_>) -> ClaimView {
    let Case { tested, ruling, .. } = case;
    let (standing, word, why) = match case.unfounded {
        Some(why) => ("broken", DOES_NOT_FOLLOW, why),
        None => (tone(ruling), ruling.word(), ruling.told(&tested.why)),
    };
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
        standing,
        word,
        why,
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
    let (told, picture) = found.text.split_once("\n\n").unwrap_or((&found.text, ""));
    ExampleView {
        seed: found.seed,
        operations: found.operations,
        guarantee: found.guarantee.clone(),
        told: told.lines().map(str::to_owned).collect(),
        picture: picture.to_owned(),
        report: run.map(report_of),
    }
}

fn report_of(run: &Stored) -> String {
    href(&format!("{}/report.html", run.folder))
}

#[cfg(test)]
mod tests {
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
            fine["claim"]["id"] = "first".into();
            fine["claim"]["expected"] = "violated".into();
            fine["standing"] = "confirmed".into();
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
        of(&proof(hostile))
    }

    fn of(proof: &Proof) -> String {
        let today = date(2026, 2, 3);
        claims_page(Subject { proof, today }).expect("a page")
    }

    #[test]
    fn a_standing_that_was_forged_is_not_shown() {
        let mut forged = proof("plain");
        forged.cases[1].standing = claims::Standing::Confirmed;
        forged.cases[1].why = "not violated in 400 runs".to_owned();
        let page = of(&forged);
        let said = "excludes on plain: does not follow from its counts";
        assert!(page.contains(said), "{page}");
        assert!(
            page.contains("<strong>does not follow from its counts"),
            "{page}"
        );
        assert!(page.contains("by these it is contradicted"), "{page}");
        assert!(!page.contains("class=\"verdict valid\""), "{page}");
        assert!(!page.contains("not violated in 400 runs"), "{page}");
        assert!(
            page.find("excludes on plain") < page.find("first on plain"),
            "what is wrong comes first"
        );
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
    fn a_counterexample_is_told_and_then_drawn() {
        let page =
            made("never granted again\nThe last to hold it died.\n\n  index  time\n      1  2 s");
        assert!(page.contains("<p>The last to hold it died.</p>"), "{page}");
        assert!(
            page.contains("<pre class=\"drawn\"><code>  index  time\n      1  2 s</code></pre>"),
            "{page}"
        );
        assert!(!made("told").contains("class=\"drawn\""));
    }

    #[test]
    fn what_others_write_stays_text() {
        let page = made("<script>alert(1)</script>\u{202e}\u{1b}[31m");
        assert!(!page.contains("<script>alert"));
        assert!(!page.contains('\u{202e}') && !page.contains('\u{1b}'));
    }
}
