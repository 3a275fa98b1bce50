//! Two runs side by side.

use std::collections::BTreeSet;

use checker::{COVERAGE, Finding, show_ns};
use serde::Serialize;

use crate::error::SiteError;
use crate::link::href;
use crate::page::page;
use crate::run::{Run, evidence};
use crate::standing::Standing;

const TEMPLATE: &str = include_str!("comparison.html.j2");

/// What the same faults did in both runs: the table of `prover compare`, or why there is none.
#[derive(Clone, Debug)]
pub struct Hits {
    /// What the columns are called.
    pub header: Vec<String>,
    /// A row for each fault that struck a holder.
    pub rows: Vec<Vec<String>>,
    /// What could not be read.
    pub error: Option<String>,
}

#[derive(Serialize)]
struct View {
    runs: [RunView; 2],
    facts: Vec<Pair>,
    guarantees: Vec<GuaranteeView>,
    coverage: Vec<Pair>,
    header: Vec<String>,
    hits: Vec<Vec<String>>,
    error: Option<String>,
}

#[derive(Serialize)]
struct RunView {
    href: String,
    path: String,
    standing: &'static str,
    reason: Option<String>,
}

/// Something that is known of both.
#[derive(Serialize)]
struct Pair {
    name: String,
    texts: [String; 2],
    differs: bool,
}

#[derive(Serialize)]
struct GuaranteeView {
    name: String,
    sides: [Side; 2],
    differs: bool,
}

#[derive(Serialize)]
struct Side {
    verdict: &'static str,
    evidence: String,
    exposure: String,
}

/// The page that compares two runs.
///
/// # Errors
/// Never, unless a template of the prover is broken.
pub fn comparison(runs: [&Run; 2], hits: &Hits) -> Result<String, SiteError> {
    let view = View {
        runs: runs.map(RunView::of),
        facts: facts(runs),
        guarantees: guarantees(runs),
        coverage: coverage(runs),
        header: hits.header.clone(),
        hits: hits.rows.clone(),
        error: hits.error.clone(),
    };
    page("Two runs compared", TEMPLATE, &view)
}

impl RunView {
    fn of(run: &Run) -> Self {
        Self {
            href: format!("runs/{}/index.html", href(&run.path)),
            path: run.path.clone(),
            standing: run.standing.word(),
            reason: run.reason.clone(),
        }
    }
}

impl Pair {
    fn of(name: impl Into<String>, texts: [String; 2]) -> Self {
        Self {
            name: name.into(),
            differs: texts[0] != texts[1],
            texts,
        }
    }
}

fn facts(runs: [&Run; 2]) -> Vec<Pair> {
    let manifest = |text: fn(&plan::manifest::Manifest) -> String| {
        runs.map(|run| run.manifest.as_ref().map(text).unwrap_or_default())
    };
    vec![
        Pair::of("lock", runs.map(|run| run.subject().0)),
        Pair::of("workload", runs.map(|run| run.subject().1)),
        Pair::of("faults", runs.map(Run::faults)),
        Pair::of("testbed", runs.map(Run::testbed)),
        Pair::of("workers", manifest(|it| it.plan.concurrency.to_string())),
        Pair::of("seed", manifest(|it| it.plan.seed.to_string())),
        Pair::of("began", runs.map(Run::when)),
        Pair::of("lasted", runs.map(Run::lasted)),
        Pair::of("commit", runs.map(Run::commit)),
        Pair::of("prover", manifest(|it| it.prover.clone())),
    ]
}

/// Every guarantee of one of them, in the order of the first.
fn guarantees(runs: [&Run; 2]) -> Vec<GuaranteeView> {
    let rows = runs.map(|run| run.said().map_or(&[][..], |it| &it.guarantees));
    let mut seen = BTreeSet::new();
    let names = rows.iter().flat_map(|rows| rows.iter());
    let names = names
        .map(|row| &row.finding.guarantee)
        .filter(|name| seen.insert(*name));
    let names: Vec<_> = names.collect();
    let view = |name: &String| {
        let sides = rows.map(|rows| {
            let row = rows.iter().find(|row| row.finding.guarantee == *name);
            row.map_or_else(Side::none, |row| Side {
                verdict: Standing::from(row.finding.verdict).word(),
                evidence: evidence(row),
                exposure: exposure(&row.finding),
            })
        });
        GuaranteeView {
            name: name.clone(),
            differs: sides[0].verdict != sides[1].verdict,
            sides,
        }
    };
    names.into_iter().map(view).collect()
}

impl Side {
    fn none() -> Self {
        Self {
            verdict: "",
            evidence: "not judged".to_owned(),
            exposure: String::new(),
        }
    }
}

/// What the evidence does not say of overlaps.
fn exposure(finding: &Finding) -> String {
    let lengths = finding.exposures_ns.iter();
    let total = lengths.fold(0_u64, |sum, length| sum.saturating_add(*length));
    match finding.exposures_ns.len() {
        0 => String::new(),
        count => format!(
            "the lengths of {} add up to {}",
            checker::counted(count as u64, "overlap"),
            show_ns(total)
        ),
    }
}

/// What both put to the test.
fn coverage(runs: [&Run; 2]) -> Vec<Pair> {
    let counts = runs.map(|run| {
        let rows = run.said().into_iter().flat_map(|it| &it.guarantees);
        let mut rows = rows.filter(|row| row.finding.guarantee == COVERAGE);
        rows.next().map(|row| &row.finding.counts)
    });
    let count =
        |of: fn(&checker::Counts) -> String| counts.map(|it| it.map(of).unwrap_or_default());
    let mut pairs = vec![
        Pair::of("holds", count(|it| it.holds.to_string())),
        Pair::of(
            "holds that ended by loss",
            count(|it| it.revoked.to_string()),
        ),
        Pair::of(
            "workers that contended",
            count(|it| format!("{} of {}", it.contended_workers, it.workers)),
        ),
    ];
    let faults: BTreeSet<&String> = counts
        .iter()
        .flatten()
        .flat_map(|it| &it.faults)
        .map(|it| &it.fault)
        .collect();
    for fault in faults {
        let texts = counts.map(|it| {
            let count = it.and_then(|it| it.faults.iter().find(|one| one.fault == *fault));
            count.map_or_else(String::new, |it| {
                format!(
                    "{}: {} revoked a hold, {} delayed a holder",
                    checker::counted(it.windows, "window"),
                    it.revoked,
                    it.delayed
                )
            })
        });
        pairs.push(Pair::of(fault.clone(), texts));
    }
    pairs
}
