//! What the file of many runs tells of them, as far as lists show it.

use std::collections::BTreeSet;

use checker::Verdict;
use claims::Proof;
use jiff::Timestamp;
use plan::manifest::Git;
use serde::Deserialize;
use serde_json::Value;

/// What a file says; what it does not say is not shown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Told {
    pub(crate) verdict: Option<Verdict>,
    pub(crate) lock: Option<String>,
    pub(crate) workload: Option<String>,
    pub(crate) faults: Option<Value>,
    pub(crate) seeds: Option<String>,
    pub(crate) runs: Option<Value>,
    pub(crate) began: Option<Timestamp>,
    pub(crate) git: Option<Git>,
    /// What the claims file is about, or else where it is.
    #[serde(skip)]
    pub(crate) title: Option<String>,
}

impl Told {
    /// What a proof tells.
    pub(crate) fn of_proof(proof: &Proof) -> Self {
        let source = &proof.source;
        let faults: BTreeSet<&str> = proof
            .cases
            .iter()
            .flat_map(|case| case.nemesis.split(','))
            .filter(|name| *name != "none")
            .collect();
        let runs: u64 = proof.cases.iter().map(|case| case.summary.runs).sum();
        Self {
            faults: Some(faults.into_iter().collect()),
            runs: Some(runs.into()),
            began: Some(proof.began),
            git: proof.git.clone(),
            title: Some(source.title.as_ref().unwrap_or(&source.path).clone()),
            ..Self::default()
        }
    }
}
