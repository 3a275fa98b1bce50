//! The form of a certificate is strict.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certify::{Certified, CertifyError, certify};
use serde_json::{Value as Json, json};

use crate::seal::{body, deflate, judgement, order, packed, seal, seal_text};
use crate::shorthand::history;

const TWO_TURNS: &str = "0?a 0+a 0?r 0+r 1?a 1+a 1?v 1+v:held 1?r 1+r";

fn legal() -> Json {
    json!({ "orders": [order("k", "0 2 4 6 8")] })
}

fn figures() -> Json {
    json!({ "scan": { "holds": 2, "revoked": 0, "overlaps": 0, "refusals": 0 } })
}

/// Changes a sealed certificate of a legal history, and seals it again.
fn changed(change: impl FnOnce(&mut Json)) -> Result<Certified, CertifyError> {
    let history = history(TWO_TURNS);
    let judged = judgement("model mutex", "valid", legal());
    let mut body = body(&history, 1, &[judged]);
    change(&mut body);
    certify(&history, &seal(&body))
}

type Change = fn(&mut Json);

#[test]
fn the_form_is_strict() {
    changed(|_| {}).expect("unchanged it is accepted");
    let unreadable: [(&str, Change); 16] = [
        ("unknown field", |body| body["more"] = json!(1)),
        ("unknown field in scope", |body| {
            body["scope"]["more"] = json!(1);
        }),
        ("unknown field in judgement", |body| {
            body["judgements"][0]["more"] = json!(1);
        }),
        ("unknown field in order", |body| {
            body["judgements"][0]["proof"]["orders"][0]["more"] = json!(1);
        }),
        ("two kinds of proof", |body| {
            body["judgements"][0]["proof"]["scan"] = figures()["scan"].clone();
        }),
        ("no kind of proof", |body| {
            body["judgements"][0]["proof"] = json!({});
        }),
        ("another kind of proof", |body| {
            body["judgements"][0]["proof"] = json!({ "belief": [] });
        }),
        ("no proof", |body| {
            drop(
                body["judgements"][0]
                    .as_object_mut()
                    .map(|judgement| judgement.remove("proof")),
            );
        }),
        ("no workers", |body| {
            drop(
                body["scope"]
                    .as_object_mut()
                    .map(|scope| scope.remove("workers")),
            );
        }),
        ("scope as an array", |body| {
            body["scope"] = json!([1, 5, []]);
        }),
        ("no slots", |body| body["scope"]["slots"] = json!(0)),
        ("too many slots", |body| {
            body["scope"]["slots"] = json!(1_u64 << 32);
        }),
        ("another format", |body| body["format"] = json!(1)),
        ("another verdict", |body| {
            body["judgements"][0]["verdict"] = json!("Valid");
        }),
        ("negative number", |body| {
            body["judgements"][0]["proof"]["orders"][0]["raw"] = json!(-1);
        }),
        ("fraction", |body| {
            body["judgements"][0]["proof"]["orders"][0]["raw"] = json!(5.0);
        }),
    ];
    for (what, change) in unreadable {
        let refused = changed(change).expect_err(what);
        assert!(
            matches!(refused, CertifyError::Unreadable(_)),
            "{what}: {refused}"
        );
    }
    assert_eq!(
        changed(|body| body["judgements"] = json!([])),
        Err(CertifyError::Empty)
    );
    assert_eq!(
        changed(|body| body["events"] = json!(9)),
        Err(CertifyError::OtherHistory("events"))
    );
    let other = changed(|body| body["history"] = json!("0".repeat(64)));
    assert_eq!(other, Err(CertifyError::OtherHistory("history")));
    let upper = changed(|body| {
        body["history"] = json!(body["history"].as_str().expect("text").to_uppercase());
    });
    assert_eq!(upper, Err(CertifyError::OtherHistory("history")));
    let twice =
        changed(|body| body["judgements"] = json!([body["judgements"][0], body["judgements"][0]]));
    assert!(
        twice
            .expect_err("it is judged twice")
            .to_string()
            .contains("judged twice")
    );
}

#[test]
fn the_text_is_strict() {
    let history = history(TWO_TURNS);
    let judged = judgement("ownership", "valid", figures());
    let text = body(&history, 1, &[judged]).to_string()[1..].to_owned();
    certify(&history, &seal_text(&text)).expect("unchanged it is accepted");
    let twice = text.replacen("\"format\":2", "\"format\":2,\"format\":2", 1);
    for changed in [
        twice,
        text.replace(',', ",\n"),
        text.clone() + "\n",
        text.clone() + "{}",
        text.clone() + "\r",
        String::new(),
        "[".repeat(100_000),
    ] {
        let refused = certify(&history, &seal_text(&changed)).expect_err(&changed);
        assert!(matches!(refused, CertifyError::Unreadable(_)), "{refused}");
    }
    let mut upper = seal_text(&text);
    upper[11..75].make_ascii_uppercase();
    assert_eq!(certify(&history, &upper), Err(CertifyError::Changed));
    for bytes in [&b""[..], b"{}\n", b"{\"digest\":\"", b"\xff\xfe"] {
        assert!(matches!(
            certify(&history, bytes),
            Err(CertifyError::Unreadable(_))
        ));
    }
}

#[test]
fn packed_orders_are_strict() {
    let raw = [0, 8, 8, 8, 8];
    let good = packed("k", 5, &raw);
    let with = |field: &str, value: Json| {
        let mut order = good.clone();
        order[field] = value;
        order
    };
    let recode = |bytes: Vec<u8>| with("deflate", json!(STANDARD.encode(bytes)));
    let text = good["deflate"].as_str().expect("text").to_owned();
    let cases = [
        (with("entries", json!(4)), "number of entries"),
        (with("entries", json!(6)), "than there can be"),
        (with("entries", json!(u64::MAX)), "than there can be"),
        (with("raw", json!(4)), "than there can be"),
        (with("raw", json!(6)), "does not inflate"),
        (with("raw", json!(26)), "than there can be"),
        (with("raw", json!(u64::MAX)), "than there can be"),
        (
            with(
                "deflate",
                json!(text.trim_end_matches('=').to_owned() + "==="),
            ),
            "not base64",
        ),
        (with("deflate", json!("")), "does not inflate"),
        (with("deflate", json!("%%%%")), "not base64"),
        (recode(vec![0xff; 8]), "DEFLATE"),
        (
            recode([deflate(&raw), vec![0]].concat()),
            "does not inflate",
        ),
        (recode(deflate(&raw)[..4].to_vec()), "does not inflate"),
        // A bomb: ten million zeros.
        (recode(deflate(&vec![0; 10_000_000])), "does not inflate"),
        (packed("k", 5, &[0, 8, 8, 8, 0x88, 0]), "padded"),
        (packed("k", 5, &[0, 8, 8, 8, 0x88]), "cut off"),
        (
            packed("k", 5, &[0, 8, 8, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0]),
            "too long",
        ),
        (
            packed("k", 5, &[0, 8, 8, 8, 0xfc, 0xff, 0xff, 0xff, 0x7f]),
            "no invocation",
        ),
        (
            packed("k", 5, &[0, 8, 8, 8, 0xfe, 0xff, 0xff, 0xff, 0x7f]),
            "before the first",
        ),
    ];
    let certify =
        |order: &Json| changed(|body| body["judgements"][0]["proof"]["orders"][0] = order.clone());
    certify(&good).expect("it is legal");
    for (order, why) in cases {
        let refused = certify(&order).expect_err(why).to_string();
        assert!(
            refused.contains(why),
            "expected {why:?}, but it said {refused:?}"
        );
    }
}
