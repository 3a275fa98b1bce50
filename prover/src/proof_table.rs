//! What came of claims, as a table for people.

use checker::counted;
use claims::{Proof, Standing};
use report::wrapped_table;

/// What came of each claim. The same proof gives the same text.
pub(crate) fn proof_table(proof: &Proof, width: u16) -> String {
    let rows = proof.cases.iter().map(|tested| {
        [
            tested.claim.id.clone(),
            tested.testbed.clone(),
            tested.standing.to_string(),
            tested.why.clone(),
        ]
    });
    wrapped_table(["claim", "on", "", "why"], rows, width)
}

/// `7 claims confirmed, 1 contradicted`
pub(crate) fn totals(proof: &Proof) -> String {
    let all = [
        Standing::Confirmed,
        Standing::Contradicted,
        Standing::Unknown,
        Standing::Broken,
        Standing::NotRun,
    ];
    let count = |standing| {
        proof
            .cases
            .iter()
            .filter(|one| one.standing == standing)
            .count()
    };
    let counts = all.map(|standing| (standing, count(standing)));
    let told: Vec<String> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(standing, count)| format!("{count} {standing}"))
        .collect();
    let cases = counted(proof.cases.len() as u64, "claim");
    format!("{cases}: {}", told.join(", "))
}
