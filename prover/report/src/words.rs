//! Events in words, for the rows and columns of a ladder and for stories.

use history::fault::{Targets, Window};
use history::{Answer, Event, Function, Kind, Value};

use crate::chart::clipped;
use crate::ladder::Row;
use crate::proof::{Evidence, client};

/// Longer values are cut off.
const VALUE_MAX: usize = 120;

/// The few words in the column of a process.
pub(crate) fn cell_text(row: &Row, event: Option<&Event>, process: u32) -> String {
    if row.lease_of == Some(process) {
        return "lease over".to_owned();
    }
    let Some(event) = event.filter(|event| client(event) == Some(process)) else {
        return String::new();
    };
    match (&event.function, event.kind, &event.value) {
        (Function::Acquire, Kind::Invoke, _) => "asks".to_owned(),
        (Function::Acquire, Kind::Ok, _) => "granted".to_owned(),
        (Function::Acquire, Kind::Fail, _) if event.observed => "refused".to_owned(),
        (Function::Release, Kind::Invoke, _) => "gives back".to_owned(),
        (Function::Release, Kind::Ok, _) => "given back".to_owned(),
        (Function::Verify, Kind::Invoke, _) => "still held?".to_owned(),
        (Function::Verify, Kind::Ok, Value::Answer(Answer::Lost)) => "told: lost".to_owned(),
        (Function::Verify, Kind::Ok, _) => "told: held".to_owned(),
        (Function::Lost, _, _) => "told: lost".to_owned(),
        (_, Kind::Info, _) => "no answer".to_owned(),
        (function, Kind::Invoke, value) => format!("{function}{}", shown(value)),
        (function, Kind::Ok, value) => format!("{function} ok{}", shown(value)),
        (function, Kind::Fail, _) => format!("{function} failed"),
    }
}

/// What happened, in a sentence without its end.
pub(crate) fn words(evidence: &Evidence<'_>, row: &Row, event: Option<&Event>) -> String {
    if let Some(process) = row.lease_of {
        return format!("the lease of {} is over", evidence.worker(process));
    }
    let Some(event) = event else {
        return String::new();
    };
    let Some(process) = client(event) else {
        return fault_words(evidence, row, event);
    };
    format!(
        "{} {}",
        evidence.worker(process),
        did(evidence.key(), event)
    )
}

/// What a client did or learned: `is granted lock-0`.
pub(crate) fn did(key: &str, event: &Event) -> String {
    let why = event
        .error
        .as_ref()
        .map_or(String::new(), |error| match error.text.as_str() {
            "" => format!(" ({})", error.kind),
            text => format!(" ({}: {text})", error.kind),
        });
    let value = shown(&event.value);
    match (&event.function, event.kind, &event.value) {
        (Function::Acquire, Kind::Invoke, _) => format!("asks for {key}"),
        (Function::Acquire, Kind::Ok, Value::Grant(grant)) if grant.token > 0 => {
            format!("is granted {key} with token {}", grant.token)
        }
        (Function::Acquire, Kind::Ok, _) => format!("is granted {key}"),
        (Function::Acquire, Kind::Fail, _) if event.observed => format!("is refused {key}{why}"),
        (Function::Release, Kind::Invoke, _) => format!("asks to give {key} back"),
        (Function::Release, Kind::Ok, _) => format!("has given {key} back"),
        (Function::Verify, Kind::Invoke, _) => format!("asks whether it still holds {key}"),
        (Function::Verify, Kind::Ok, Value::Answer(Answer::Lost)) => {
            format!("is told that {key} is lost")
        }
        (Function::Verify, Kind::Ok, _) => format!("is told that it still holds {key}"),
        (Function::Verify, Kind::Fail, _) => format!("learns that {key} is lost{why}"),
        (Function::Lost, Kind::Ok, _) => format!("learns without asking that {key} is lost{why}"),
        (Function::Read, Kind::Invoke, _) => format!("asks to read {key}"),
        (Function::Read, Kind::Ok, _) => format!("reads{value} from {key}"),
        (Function::Write, Kind::Invoke, _) => format!("asks to write{value} to {key}"),
        (Function::Write, Kind::Ok, _) => format!("has written to {key}: it is acknowledged"),
        (Function::Add, Kind::Invoke, _) => format!("asks to add{value} to {key}"),
        (Function::Add, Kind::Ok, _) => format!("has added to {key}: it is acknowledged"),
        (function, Kind::Invoke, _) => format!("asks to {function}{value} on {key}"),
        (function, Kind::Ok, _) => format!("{function} on {key} succeeds{value}"),
        (function, Kind::Fail, _) => format!("{function} on {key} fails{why}"),
        (function, Kind::Info, _) => {
            format!("gets no answer to its {function}{why}: nobody knows whether it took effect")
        }
    }
}

fn fault_words(evidence: &Evidence<'_>, row: &Row, event: &Event) -> String {
    let name = &event.function;
    let window = evidence
        .windows
        .iter()
        .find(|window| row.event == Some(window.inject) || row.event == window.heal);
    match window {
        Some(window) if row.event == Some(window.inject) => {
            format!("{name} begins{}", struck(evidence, window))
        }
        Some(_) => format!("{name} heals"),
        None => format!("{name}{}", shown(&event.value)),
    }
}

/// Whom a fault strikes: ` for worker 2`.
pub(crate) fn struck(evidence: &Evidence<'_>, window: &Window) -> String {
    let targets = window.targets.processes();
    let names: Vec<String> = targets
        .iter()
        .map(|process| evidence.worker(*process))
        .collect();
    match &window.targets {
        _ if !names.is_empty() => format!(" for {}", names.join(", ")),
        Targets::Nodes(nodes) => {
            let nodes: Vec<String> = nodes.iter().map(|node| format!("node {node}")).collect();
            format!(" for {}", nodes.join(", "))
        }
        _ => String::new(),
    }
}

/// A value after a space, if there is one.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::None => String::new(),
        value => {
            let text = serde_json::to_string(value).unwrap_or_default();
            format!(" {}", clipped(&text, VALUE_MAX))
        }
    }
}
