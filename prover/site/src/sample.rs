//! Proofs for tests.

use claims::{Proof, Shard, Tested};
use serde_json::{Value, json};

/// What one run of this seed shows.
fn summary(seed: u64, is_violated: bool) -> Value {
    let failing = if is_violated { vec![seed] } else { Vec::new() };
    let verdicts = json!({ "valid": u64::from(!is_violated), "violated": u64::from(is_violated), "unknown": 0 });
    json!({
        "runs": 1, "verdicts": verdicts, "events": 1, "operations": 1, "holds": 1, "contended": 1,
        "must_take": false, "taken": 0, "faults": {}, "failing": failing, "open": [], "broken": [],
        "guarantees": { "exclusion": { "judged": true, "verdicts": verdicts, "overlaps": 0, "exposure_ns_max": 0 } },
    })
}

fn nothing() -> Value {
    json!({
        "runs": 0, "verdicts": { "valid": 0, "violated": 0, "unknown": 0 }, "events": 0, "operations": 0,
        "holds": 0, "contended": 0, "must_take": false, "taken": 0, "guarantees": {}, "faults": {},
        "failing": [], "open": [], "broken": [],
    })
}

/// A claim of which these seeds were run, and whether they violate it.
pub(crate) fn case(id: &str, runs: &[(u64, bool)]) -> Tested {
    let case = json!({
        "claim": { "id": id, "says": "at most one client holds the lock", "expected": "holds", "line": 3 },
        "testbed": "docker", "lock": "no-lock", "workload": "mutex", "nemesis": "cut",
        "standing": "not-run", "why": "", "summary": nothing(), "repeat": "prover prove",
    });
    let mut case: Tested = serde_json::from_value(case).expect("a case");
    for (seed, is_violated) in runs {
        let run = serde_json::from_value(summary(*seed, *is_violated)).expect("a summary");
        case.summary.merge(run);
    }
    case
}

/// All of it, as its counts decide it.
pub(crate) fn proof(cases: Vec<Tested>) -> Proof {
    of(Shard::WHOLE, cases)
}

/// The part of one of two machines.
pub(crate) fn shard(cases: Vec<Tested>) -> Proof {
    of(Shard { index: 1, count: 2 }, cases)
}

fn of(shard: Shard, cases: Vec<Tested>) -> Proof {
    let proof = json!({
        "prover": "0", "source": { "path": "claims.toml", "sha256": "00", "title": "What it keeps" },
        "profile": "full", "shard": shard, "began": "2026-02-03T04:05:06Z", "state": "finished", "cases": cases,
        "git": { "commit": "0123456789abcdef0123456789abcdef01234567", "dirty": false },
    });
    let proof: Proof = serde_json::from_value(proof).expect("a proof");
    proof.again()
}
