//! What is said beside each claim: names and values, the same in every form.

use checker::show_ns;
use claims::{Distribution, Proof, Tested};

use crate::text::line;

/// A name and its value, in one line each.
pub type Fact = (String, String);

/// What all claims have in common.
#[must_use]
pub fn of_proof(proof: &Proof) -> Vec<Fact> {
    let git = proof.git.as_ref().map(|git| git.commit.clone());
    let always = [
        ("prover", proof.prover.clone()),
        ("claims file", proof.source.path.clone()),
        ("claims file sha256", proof.source.sha256.clone()),
        ("profile", proof.profile.to_string()),
        ("shard", proof.shard.to_string()),
        ("began", proof.began.to_string()),
    ];
    let all = always.into_iter().map(|(name, value)| (name, Some(value)));
    cleaned(all.chain([("commit", git)]))
}

/// What is known of one claim: where it was tried, how often, and what was seen.
#[must_use]
pub fn of_case(tested: &Tested) -> Vec<Fact> {
    let summary = &tested.summary;
    let measures = &tested.measures;
    let power = tested.power.as_ref();
    let first = summary.failing.first().map(|seed| seed.0.to_string());
    let mut facts = cleaned([
        ("lock", Some(tested.lock.clone())),
        ("workload", Some(tested.workload.clone())),
        ("faults", Some(tested.nemesis.clone())),
        ("testbed", Some(tested.testbed.clone())),
        ("versions", tested.place.clone()),
        ("expected", Some(expected(tested).to_owned())),
        ("runs", Some(summary.runs.to_string())),
        (
            "seeds",
            tested
                .seeds
                .as_ref()
                .map(|seeds| format!("{}..{}", seeds.0.start, seeds.0.end)),
        ),
        ("seed of first violation", first),
        (
            "runs with violations",
            Some(summary.failing.len().to_string()),
        ),
        ("runs left open", Some(summary.open.len().to_string())),
        ("runs broken down", Some(summary.broken.len().to_string())),
        ("operations", Some(summary.operations.to_string())),
        ("holds", Some(summary.holds.to_string())),
        ("holds revoked", Some(summary.revoked().to_string())),
        ("power", power.map(ToString::to_string)),
        ("exposures", times(&measures.exposures)),
        ("time to first violation", times(&measures.first_violation)),
        ("holder noticed after", times(&measures.noticed)),
        ("granted again after", times(&measures.granted)),
        ("repeat", Some(tested.repeat.clone())),
    ]);
    facts.extend(summary.faults.iter().map(|(fault, seen)| {
        let counts = format!(
            "{} windows, {} with due effect, {} revoked a hold, {} only delayed",
            seen.windows, seen.landed, seen.revoked, seen.delayed
        );
        (format!("coverage of {}", line(fault)), counts)
    }));
    facts
}

/// What was claimed, in one word.
pub(crate) const fn expected(tested: &Tested) -> &'static str {
    match tested.claim.expected {
        claims::Expected::Holds => "holds",
        claims::Expected::Violated => "violated",
    }
}

fn cleaned(all: impl IntoIterator<Item = (&'static str, Option<String>)>) -> Vec<Fact> {
    let known = all.into_iter();
    let known = known.filter_map(|(name, value)| Some((name.to_owned(), line(&value?))));
    known.collect()
}

/// `12, median 1.20 s, p99 2.00 s, longest 2.10 s`; nothing where nothing was measured.
#[must_use]
pub fn times(all: &Distribution) -> Option<String> {
    let (median, p99) = (all.quantile_ns(0.5)?, all.quantile_ns(0.99)?);
    Some(format!(
        "{}, median {}, p99 {}, longest {}",
        all.count,
        show_ns(median),
        show_ns(p99),
        show_ns(all.max_ns)
    ))
}
