//! What `certify` says of every case in `tests/cases`, and of what comes near to one.

use certify::{CertifyError, Standing, certify};
use history::jsonl;
use serde_json::{Value as Json, json};

use crate::case::{Answer, Case, all, read};
use crate::seal::{body, judgement, seal};
use crate::shorthand::history;

/// The cases that are proved.
fn proved() -> impl Iterator<Item = Case> {
    all()
        .into_iter()
        .filter(|case| matches!(case.answer, Answer::Proved))
}

#[test]
fn every_case_is_answered_as_its_file_says() {
    let wrong: Vec<String> = all().iter().filter_map(objection).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with the answer to a case.
fn objection(case: &Case) -> Option<String> {
    let is_right = match (&case.answer, &case.certify()) {
        (Answer::Refused(why), Err(error)) => error.to_string().contains(why),
        (Answer::Proved, Ok(certified)) => {
            let claim = &certified.claims[0];
            claim.standing == Standing::Proved
                && claim.of == case.of
                && case.is_stated(claim.verdict)
                && certified.scope.slots.get() == case.slots
                && certified.claims.len() == 1
                && certified.is_complete()
        }
        (Answer::NothingClaimed, Ok(certified)) => {
            certified.claims[0].standing == Standing::NothingClaimed
        }
        _ => false,
    };
    (!is_right).then(|| format!("{}: {:?}", case.place, case.certify()))
}

#[test]
fn what_is_no_case_is_refused() {
    let good = "history: 0?a 0+a\njudgement: {\"of\":\"x\",\"verdict\":\"valid\",\"proof\":null}\nanswer: proved\n";
    assert_eq!(read("good", good).map(|cases| cases.len()), Ok(1));
    let others = [
        String::new(),
        "# nothing\n".to_owned(),
        good.replace("answer: proved\n", ""),
        good.replace("proved", "prove"),
        good.replace("proved", "refused: "),
        good.replace("history: ", "histories: "),
        good.replace("null}", "null,\"more\":1}"),
        good.replace("null}", "{\"orders\":[{\"key\":\"k\"}]}}"),
        good.replace("answer", "history: 0?a\nanswer"),
        good.replace("answer", "slots: one\nanswer"),
        good.to_owned() + "\nslots: 1\n",
    ];
    for text in others {
        assert!(read("bad", &text).is_err(), "{text}");
    }
}

#[test]
fn every_flipped_bit_of_a_certificate_is_noticed() {
    for case in proved() {
        let history = case.history();
        let mut bytes = case.sealed();
        let is_refused = |bytes: &[u8]| certify(&history, bytes).is_err();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(is_refused(&bytes), "{}: bit {bit}", case.place);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        for length in 0..bytes.len() {
            assert!(
                is_refused(&bytes[..length]),
                "{}: cut to {length}",
                case.place
            );
        }
        bytes.push(b'\n');
        assert!(is_refused(&bytes), "{}", case.place);
    }
}

#[test]
fn every_flipped_bit_of_a_history_is_noticed() {
    for text in [
        "0?a 0+a 0?r 0+r 1?a 1+a 1?v 1+v:held 1?r 1+r",
        "0?a 0+a 1?a 1!a 0?r 0+r",
        "0?a 0+a:3 0?r 0+r 1?a 1+a:4",
        "0?a:read 0+a 1?a 1+a:read 2?a:write 2!a 0?r 0+r 1?r 1+r",
        "0?a@a 1?a@b 0+a@a 1+a@b 0?r@a 0+r@a 1?r@b 1~r@b",
    ] {
        let history = history(text);
        let judged = judgement("exclusion", "unknown", Json::Null);
        let certificate = seal(&body(&history, 1, &[judged]));
        certify(&history, &certificate).expect("it is the same history");
        let mut bytes = Vec::new();
        jsonl::write(&history, &mut bytes).expect("a vector takes all");
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(changed) = jsonl::read(bytes.as_slice()) {
                let refused = certify(&changed, &certificate).expect_err("it is another history");
                assert!(
                    matches!(refused, CertifyError::OtherHistory(_)),
                    "bit {bit}: {refused}"
                );
            }
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

/// A verdict turned round never goes with the same proof.
#[test]
fn a_proof_proves_nothing_else() {
    for case in proved() {
        for verdict in ["valid", "violated", "unknown"] {
            if verdict != case.verdict {
                let mut other = case.clone();
                verdict.clone_into(&mut other.verdict);
                other.certify().expect_err(&case.place);
            }
        }
    }
}

#[test]
fn a_contradiction_is_of_its_events_and_its_key_alone() {
    for case in proved().filter(|case| case.verdict == "violated") {
        let with = |field: &str, value: Json| {
            let mut other = case.clone();
            other.proof["contradiction"][field] = value;
            other.certify().expect_err(&case.place).to_string()
        };
        if case.history.contains("+a") {
            for events in [
                json!([]),
                json!([0]),
                json!([1, 1]),
                json!([3, 3, 1]),
                json!([900]),
                json!([u64::MAX]),
            ] {
                with("events", events);
            }
        }
        for key in [json!("j"), Json::Null] {
            let refused = with("key", key);
            assert!(
                refused.contains("no client did anything to this key, key "),
                "{refused}"
            );
        }
    }
}
