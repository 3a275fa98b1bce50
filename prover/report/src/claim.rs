//! What was tested, what was found out, and what that does not mean, in sentences.

use checker::{COVERAGE, Judgement, Row, Verdict, counted, show_ns};
use history::History;

use crate::html::seconds;
use crate::subject::Subject;

/// How the testbed of a program is called that needs no service.
const WITHOUT_SERVICE: &str = "none";

/// The sentence that was tested.
pub(crate) fn sentence(subject: &Subject, judgement: &Judgement) -> String {
    let judged = judgement.guarantees.iter();
    let names: Vec<&str> = judged
        .filter(|row| row.judged && !row.is_about_the_run())
        .map(|row| row.finding.guarantee.as_str())
        .collect();
    let kept = match names.as_slice() {
        [] => "what was asked for".to_owned(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    };
    let faults = match subject.faults.as_slice() {
        [] => "while nothing is broken".to_owned(),
        faults => format!("while {} strikes", faults.join(", ")),
    };
    let faults = match subject.faults.len() {
        0 | 1 => faults,
        _ => faults.replace(" strikes", " strike"),
    };
    let testbed = subject.setting.iter().find(|fact| fact.name() == "testbed");
    let testbed = testbed.map_or(String::new(), |fact| match fact.text() {
        WITHOUT_SERVICE => ", without a service".to_owned(),
        on => format!(", on {on}"),
    });
    format!(
        "{} keeps {kept} under {}, {faults}{testbed}.",
        subject.lock, subject.workload
    )
}

/// What the verdict means, in a sentence or two.
pub(crate) fn says(judgement: &Judgement) -> String {
    let whose = match &judgement.promised_by {
        Some(lock) => format!("what {lock} promises"),
        None => "what was asked for".to_owned(),
    };
    let names = judged_as(judgement, judgement.verdict);
    match judgement.verdict {
        Verdict::Valid => format!(
            "The recorded history contains no violation of {whose}: {names}. {}",
            test(judgement)
        ),
        Verdict::Violated => format!("The recorded history contradicts {whose}: {names}."),
        Verdict::Unknown => format!("The recorded history does not decide {whose}: {names}."),
    }
}

/// What was judged and came out like this. What is about the run is no promise, so it is named only
/// if it decides nothing.
fn judged_as(judgement: &Judgement, verdict: Verdict) -> String {
    let judged = judgement
        .guarantees
        .iter()
        .filter(|row| row.judged && row.finding.verdict == verdict);
    let named = judged.filter(|row| verdict != Verdict::Valid || !row.is_about_the_run());
    let name = |row: &Row| match &row.finding.reason {
        Some(reason) => format!("{} ({reason})", row.finding.guarantee),
        None => row.finding.guarantee.clone(),
    };
    named.map(name).collect::<Vec<_>>().join(", ")
}

/// How a valid run was put to the test.
fn test(judgement: &Judgement) -> String {
    let rows = judgement.guarantees.iter();
    let about = rows.filter(|row| row.judged && row.is_about_the_run());
    let evidence: Vec<_> = about.map(|row| row.finding.evidence.as_str()).collect();
    if evidence.is_empty() {
        return String::new();
    }
    format!("It was put to the test: {}.", evidence.join("; "))
}

/// What the verdict does not mean.
pub(crate) fn bounds(subject: &Subject, history: &History, judgement: &Judgement) -> Vec<String> {
    let mut bounds = vec![format!(
        "It speaks of this one run, as recorded in {} over {}; of runs that did not happen it says nothing.",
        counted(history.events().len() as u64, "event"),
        show_ns(history.events().last().map_or(0, |last| last.time)),
    )];
    bounds.extend(subject.bounds.iter().cloned());
    bounds.extend(about_record(history, judgement));
    bounds.extend(about_criteria(judgement));
    bounds
}

fn about_record(history: &History, judgement: &Judgement) -> Option<String> {
    let upto = history
        .events()
        .last()
        .map_or("nothing".to_owned(), |last| {
            format!("event {} at {} s", last.index, seconds(last.time))
        });
    let text = "The record is incomplete: the verdict speaks of what was recorded, up to";
    judgement.incomplete.then(|| format!("{text} {upto}."))
}

fn about_criteria(judgement: &Judgement) -> Vec<String> {
    let mut texts = Vec::new();
    let coverage = judgement
        .guarantees
        .iter()
        .find(|row| row.finding.guarantee == COVERAGE);
    if coverage.is_none_or(|row| !row.judged) {
        texts.push(
            "Whether the run proves anything (coverage) was not part of the verdict.".to_owned(),
        );
    }
    let mut beside: Vec<&str> = Vec::new();
    let rows = judgement.guarantees.iter().filter(|row| !row.judged);
    for name in rows.filter_map(violated) {
        if !beside.contains(&name) {
            beside.push(name);
        }
    }
    if !beside.is_empty() {
        texts.push(format!(
            "Violated, but not part of the verdict: {}.",
            beside.join(", ")
        ));
    }
    texts
}

fn violated(row: &Row) -> Option<&str> {
    (row.finding.verdict == Verdict::Violated).then_some(row.finding.guarantee.as_str())
}
