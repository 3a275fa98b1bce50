//! Histories written as scripts, for tests: `0 acquire; 0 ok {"token":1}; 1 acquire; 1 refused`.
//!
//! Each step is a process, then the function it invokes or the type of the end of what it invoked,
//! then a JSON value; `refused` is a `fail` that the server itself said, of a `shrink` because
//! nothing was requested.

use std::collections::BTreeMap;

use history::{History, Operation};

use super::{Reference, named};
use crate::search::{Decision, Limits, search};

pub(crate) fn history(script: &str) -> History {
    let mut pending = BTreeMap::new();
    let lines: String = (0..)
        .zip(script.split(';'))
        .map(|(index, step)| line(index, step, &mut pending))
        .collect();
    history::jsonl::read(lines.as_bytes()).expect("a well-formed script")
}

fn line<'a>(index: usize, step: &'a str, pending: &mut BTreeMap<&'a str, &'a str>) -> String {
    let mut words = step.trim().splitn(3, ' ');
    let process = words.next().expect("a process");
    let word = words.next().expect("a function or a type");
    let value = words.next().unwrap_or("null");
    let (kind, observed) = match word {
        "ok" | "fail" | "info" => (word, false),
        "refused" => ("fail", true),
        _ => ("invoke", false),
    };
    if kind == "invoke" {
        pending.insert(process, word);
    }
    let function = pending.get(process).expect("something was invoked");
    let observed = match (observed, *function) {
        (false, _) => "",
        (true, "shrink") => r#","observed":true,"error":{"kind":"nothing-requested","text":""}"#,
        (true, _) => r#","observed":true"#,
    };
    format!(
        r#"{{"index":{index},"time":{index},"process":{process},"type":"{kind}","f":"{function}","key":"k","value":{value}{observed}}}"#
    ) + "\n"
}

/// The states that the operations lead through one after the other, up to the first that cannot be.
pub(crate) fn steps<R: Reference>(object: &R, script: &str) -> Vec<Option<R::State>> {
    let history = history(script);
    let mut state = Some(object.initial());
    let mut states = Vec::new();
    for operation in history.operations() {
        let call = object
            .call(&operation)
            .expect("it fits")
            .expect("it means something");
        state = state.and_then(|state| object.step(&state, &call));
        states.push(state.clone());
    }
    states
}

pub(crate) fn decision(model: &str, script: &str) -> Decision {
    let history = history(script);
    let operations: Vec<Operation<'_>> = history.operations().collect();
    search(
        &*named(model).expect("a model"),
        &operations,
        &Limits::none(),
    )
}

#[track_caller]
pub(crate) fn accepts(model: &str, script: &str) {
    let decision = decision(model, script);
    assert!(
        matches!(decision, Decision::Valid { .. }),
        "{model} must accept \"{script}\", but: {decision:?}"
    );
}

#[track_caller]
pub(crate) fn rejects(model: &str, script: &str) {
    let decision = decision(model, script);
    assert!(
        matches!(decision, Decision::Violated { .. }),
        "{model} must reject \"{script}\", but: {decision:?}"
    );
}
