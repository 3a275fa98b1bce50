//! The smallest violations that `docs/guarantees.md` shows are violations, and as small as can be.

use std::fs;
use std::path::Path;

use history::{History, HistoryBuilder};

use super::{ALL, parse};
use crate::search::Limits;
use crate::testing::history;
use crate::{Scope, Verdict, judge};

/// The guarantees of the document, each with its history.
fn documented() -> Vec<(String, String)> {
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guarantees.md");
    let book = fs::read_to_string(book).expect("the document is there");
    let sections = book.split("\n### `").skip(1);
    let histories = sections.map(|section| {
        let (name, rest) = section.split_once('`').expect("a name ends");
        let (_, rest) = rest
            .split_once("- The smallest violation: `")
            .unwrap_or_else(|| panic!("{name} has no smallest violation"));
        let (history, _) = rest.split_once('`').expect("a history ends");
        (name.to_owned(), history.to_owned())
    });
    histories.collect()
}

fn is_violated(guarantee: &str, history: &History) -> bool {
    let guarantees = [parse(guarantee).expect("the document names guarantees")];
    let found = judge(history, &Scope::default(), Limits::none(), &guarantees);
    found[0].verdict == Verdict::Violated
}

/// The history without the operation that is invoked at a position.
fn without(history: &History, invoke: usize) -> History {
    let mut builder = HistoryBuilder::default();
    for (place, event) in history.events().iter().enumerate() {
        if place != invoke && history.partner(place) != Some(invoke) {
            builder
                .push_event(event.clone())
                .expect("whole operations were left out");
        }
    }
    builder.finish()
}

#[test]
fn each_violates_and_none_is_too_long() {
    for (guarantee, text) in documented() {
        let history = history(&text);
        assert!(is_violated(&guarantee, &history), "{guarantee}: {text}");
        for (place, event) in history.events().iter().enumerate() {
            let is_needed = event.kind != history::Kind::Invoke
                || !is_violated(&guarantee, &without(&history, place));
            assert!(
                is_needed,
                "{guarantee}: {text}: not the operation at {place}"
            );
        }
    }
}

#[test]
fn every_guarantee_is_documented() {
    let stem = |name: &str| name.split("<=").next().unwrap_or_default().to_owned();
    let documented: Vec<String> = documented().iter().map(|(name, _)| stem(name)).collect();
    let known = ALL.iter().map(|entry| stem(entry.pattern));
    let violable: Vec<String> = known.filter(|name| name != "coverage").collect();
    assert_eq!(documented, violable);
}
