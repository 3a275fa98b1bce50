//! Shards into one proof.

use std::collections::BTreeSet;

use crate::proof::{Proof, State};
use crate::shard::Shard;
use crate::tested::Tested;

/// Proofs that are not the shards of one.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// There are none.
    #[error("nothing to merge: give the folders of shards")]
    Nothing,
    /// They differ in what they were made of.
    #[error("{first} and {other} are not shards of the same: their {what} differ")]
    Differ {
        /// One of them.
        first: Shard,
        /// The other.
        other: Shard,
        /// In what.
        what: &'static str,
    },
    /// One is there twice.
    #[error("the shard {0} is there twice: give each once")]
    Twice(Shard),
}

/// So many missing shards are named.
const NAMED: usize = 8;

/// What the shards showed together: the same as if one machine had done it all. What a shard that is
/// missing should have run counts as not run.
///
/// # Errors
/// They are not the shards of one.
pub fn merge(shards: Vec<Proof>) -> Result<Proof, MergeError> {
    let mut shards = shards;
    shards.sort_by_key(|proof| proof.shard);
    let mut seen = BTreeSet::new();
    for proof in &shards {
        check(&shards[0], proof)?;
        if !seen.insert(proof.shard) {
            return Err(MergeError::Twice(proof.shard));
        }
    }
    let mut all = shards.into_iter();
    let mut whole = all.next().ok_or(MergeError::Nothing)?;
    let missing = missing(whole.shard.count, &seen);
    for proof in all {
        whole.began = whole.began.min(proof.began);
        whole.state = whole.state.max(proof.state);
        for (tested, other) in whole.cases.iter_mut().zip(proof.cases) {
            tested.merge(other);
        }
    }
    whole.shard = Shard::WHOLE;
    for tested in &mut whole.cases {
        tested.decide(Shard::WHOLE);
    }
    if !missing.is_empty() {
        whole.state = whole.state.max(State::Interrupted);
        for tested in &mut whole.cases {
            tested.miss(&missing);
        }
    }
    Ok(whole)
}

/// The shards that are not there: `2/4, 3/4`.
fn missing(count: u64, seen: &BTreeSet<Shard>) -> String {
    let all = (1..=count).map(|index| Shard { index, count });
    let missing = all.filter(|shard| !seen.contains(shard));
    let named: Vec<String> = missing.take(NAMED).map(|shard| shard.to_string()).collect();
    named.join(", ")
}

fn check(first: &Proof, other: &Proof) -> Result<(), MergeError> {
    let names = |proof: &Proof| -> Vec<(String, String)> {
        let cases = proof.cases.iter();
        let name = |tested: &Tested| (tested.claim.id.clone(), tested.testbed.clone());
        cases.map(name).collect()
    };
    let differences = [
        ("claims files", first.source.sha256 != other.source.sha256),
        ("programs under test", first.programs != other.programs),
        ("versions of RabbitMQ", first.rabbitmq != other.rabbitmq),
        ("profiles", first.profile != other.profile),
        ("numbers of shards", first.shard.count != other.shard.count),
        ("commits", first.git != other.git),
        ("provers", first.prover != other.prover),
        ("selected claims", names(first) != names(other)),
    ];
    match differences.iter().find(|(_, differ)| *differ) {
        Some((what, _)) => Err(MergeError::Differ {
            first: first.shard,
            other: other.shard,
            what,
        }),
        None => Ok(()),
    }
}
