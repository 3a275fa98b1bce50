//! Proofs for tests.

use claims::{
    Accepted, Claim, Counterexample, Expected, LeftOut, Measures, Needs, Profile, Proof, Shard,
    Source, Standing, State, Tested,
};
use jiff::civil::{Date, date};
use run::seed::Seed;
use suite::Summary;

/// The day of all tests.
pub(crate) const TODAY: Date = date(2026, 11, 30);

/// A whole proof of these cases.
pub(crate) fn proof(cases: impl IntoIterator<Item = Tested>) -> Proof {
    Proof {
        prover: "0.1.0".to_owned(),
        git: None,
        source: Source {
            path: "claims.toml".to_owned(),
            sha256: "0".repeat(64),
            title: None,
        },
        programs: std::collections::BTreeMap::new(),
        rabbitmq: None,
        profile: Profile::Full,
        shard: Shard::WHOLE,
        began: "2026-11-30T08:00:00Z".parse().expect("a time"),
        state: State::Finished,
        cases: cases.into_iter().collect(),
        left_out: Vec::new(),
    }
}

/// A claim that stands so after one run of a second.
pub(crate) fn tested(id: &str, standing: Standing) -> Tested {
    Tested {
        claim: Claim {
            id: id.to_owned(),
            says: "at most one client holds the lock".to_owned(),
            expected: Expected::Holds,
            reason: None,
            link: None,
            accepted: None,
            line: 7,
        },
        testbed: "docker".to_owned(),
        place: Some("rabbitmq 4.0.5".to_owned()),
        lock: "exclusive-queue".to_owned(),
        workload: "mutex".to_owned(),
        nemesis: "partition".to_owned(),
        standing,
        why: "said why".to_owned(),
        needs: Needs::default(),
        seeds: None,
        summary: Summary {
            runs: 1,
            ..Summary::default()
        },
        measures: Measures::default(),
        power: None,
        measured: None,
        stored: Vec::new(),
        counterexample: None,
        repeat: "prover prove --only it".to_owned(),
        spent_ms: 1_000,
    }
}

/// The same with a violation that was seen.
pub(crate) fn contradicted(id: &str) -> Tested {
    let mut tested = tested(id, Standing::Contradicted);
    tested.why = "exclusion violated in 1 of 1 run, first with seed 7".to_owned();
    tested.summary.failing = vec![Seed(7)];
    tested.counterexample = Some(Counterexample {
        seed: 7,
        operations: 4,
        guarantee: "exclusion".to_owned(),
        text: "worker 0 was granted the lock at 1.0 s\nworker 1 was, too, at 1.2 s".to_owned(),
    });
    tested.measures.exposures.add(200_000_000);
    tested
}

/// It is known not to be so until a day.
pub(crate) fn accepted(until: &str) -> Accepted {
    Accepted {
        reason: "the broker's next version mends it".to_owned(),
        until: until.parse().expect("a day"),
    }
}

/// A claim of each kind, and one that was left out.
pub(crate) fn every_kind() -> Proof {
    let with = |mut case: Tested, until: &str| {
        case.claim.accepted = Some(accepted(until));
        case
    };
    let mut proof = proof([
        tested("confirmed", Standing::Confirmed),
        contradicted("contradicted"),
        with(contradicted("accepted"), "2027-01-31"),
        with(contradicted("expired"), "2026-01-31"),
        tested("unknown", Standing::Unknown),
        tested("not-run", Standing::NotRun),
        tested("broken", Standing::Broken),
    ]);
    proof.left_out = vec![LeftOut {
        claim: "left-out".to_owned(),
        testbed: "docker".to_owned(),
        why: "not in the profile quick".to_owned(),
    }];
    proof
}

/// A proof whose every text is this one.
pub(crate) fn hostile(text: &str) -> Proof {
    let mut proof = every_kind();
    let text = || text.to_owned();
    proof.source.path = text();
    proof.source.title = Some(text());
    proof.prover = text();
    for case in &mut proof.cases {
        case.claim.id = text();
        case.claim.says = text();
        case.claim.reason = Some(text());
        case.claim.link = Some(text());
        if let Some(accepted) = &mut case.claim.accepted {
            accepted.reason = text();
        }
        case.testbed = text();
        case.place = Some(text());
        case.lock = text();
        case.workload = text();
        case.nemesis = text();
        case.why = text();
        case.repeat = text();
        case.summary.broken = vec![(Seed(1), text())];
        case.summary
            .faults
            .insert(text(), suite::Landings::default());
        if let Some(counterexample) = &mut case.counterexample {
            counterexample.guarantee = text();
            counterexample.text = text();
        }
    }
    for left_out in &mut proof.left_out {
        left_out.claim = text();
        left_out.testbed = text();
        left_out.why = text();
    }
    proof
}

/// Whether something is left that nobody sees or that turns text around.
pub(crate) fn has_unseen(text: &str) -> bool {
    text.contains([
        '\u{1b}', '\0', '\u{202e}', '\u{2066}', '\u{9b}', '\u{ffff}', '\r',
    ])
}

/// Texts that mean something to somebody, alone and among others.
pub(crate) fn hostile_text() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let known = proptest::sample::select(vec![
        "<script>alert(1)</script>",
        "]]>",
        "<![CDATA[",
        "&amp;",
        "\n",
        "\r\n",
        "::error::no",
        "::",
        "##[error]",
        "\u{1b}[31m",
        "\u{9b}",
        "|",
        "`",
        "```",
        "~~~",
        "[a](javascript:b)",
        "\u{202e}",
        "\u{2066}",
        "\0",
        "\u{ffff}",
        "%0A",
        "%",
        ",",
        "</details>",
        "<!--",
        "https://a.b",
        "@all",
        "\\",
        "\"",
        "'",
        "\u{2028}",
        " ",
        "a",
        "ä",
    ]);
    let piece =
        prop_oneof![3 => known.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}
