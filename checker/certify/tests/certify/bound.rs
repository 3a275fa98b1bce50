//! What is too much for the search is neither proved nor refused.

use certify::{Standing, certify};
use history::History;
use serde_json::json;

use crate::seal::{body, judgement, seal};
use crate::shorthand::history;

/// Thirty acquires at a time can take effect in more sequences than anybody can try.
fn beyond_the_bound() -> (History, Vec<u8>) {
    let asked: String = (0..30).map(|process| format!("{process}?a ")).collect();
    let granted: String = (0..30).map(|process| format!("{process}+a ")).collect();
    let history = history(&(asked + &granted + "30?v 30+v:lost 30?r 30!r"));
    let proof = json!({ "contradiction": { "rule": "no-order", "key": "k", "events": [63] } });
    let judged = judgement("model semaphore:30", "violated", proof);
    let certificate = seal(&body(&history, 1, &[judged]));
    (history, certificate)
}

#[test]
fn a_search_gives_up_at_its_bound() {
    let (history, certificate) = beyond_the_bound();
    let certified = certify(&history, &certificate).expect("it is not refuted");
    let standing = certified.claims[0].standing;
    assert!(matches!(standing, Standing::NotRechecked(_)));
    assert!(!certified.is_complete());
}
