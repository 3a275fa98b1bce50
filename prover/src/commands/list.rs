//! `prover list`: what there is to choose from, made from the registries.

use serde_json::json;

use super::{Failure, output};
use crate::cli::{Format, ListArgs, ListKind};
use crate::exit::Exit;
use crate::experiment;
use crate::report::list_table;

/// Prints a registry.
pub(super) fn list(arguments: &ListArgs) -> Result<Exit, Failure> {
    let (header, rows) = match arguments.kind {
        ListKind::Locks => (["lock", "promises", "needs", "what it is"], locks()),
        ListKind::Workloads => (
            [
                "workload",
                "default lock",
                "questions",
                "what its clients do",
            ],
            workloads(),
        ),
        ListKind::Faults => (["fault", "", "", "what it does"], faults()),
        ListKind::Models => (["model", "", "", "what it is"], models()),
        ListKind::Experiments => (["experiment", "", "", "what it asks"], experiments()),
        ListKind::Guarantees => (["guarantee", "", "", "when it holds"], guarantees()),
    };
    match arguments.format {
        Format::Human => output::result(&human(header, rows))?,
        Format::Json => {
            for row in rows {
                output::result(&json_line(header, row))?;
            }
        }
    }
    Ok(Exit::Valid)
}

type Rows = Vec<[String; 4]>;

fn locks() -> Rows {
    let row = |lock: &&dyn locks::Lock| {
        [
            lock.name().to_owned(),
            lock.promises().join(", "),
            lock.needs().join(", "),
            lock.summary().to_owned(),
        ]
    };
    locks::ALL.iter().map(row).collect()
}

fn workloads() -> Rows {
    let row = |workload: &&dyn workloads::Workload| {
        [
            workload.name().to_owned(),
            workload.default_lock().to_owned(),
            workload.questions().join(", "),
            workload.summary().to_owned(),
        ]
    };
    workloads::ALL.iter().map(row).collect()
}

fn faults() -> Rows {
    let row = |fault: &&dyn nemesis::Fault| two(fault.name(), fault.summary());
    nemesis::ALL.iter().map(row).collect()
}

fn experiments() -> Rows {
    experiment::ALL
        .iter()
        .map(|known| two(known.name(), known.summary()))
        .collect()
}

fn guarantees() -> Rows {
    checker::guarantee::ALL
        .iter()
        .map(|entry| two(entry.pattern, entry.meaning))
        .collect()
}

fn models() -> Rows {
    checker::model::ALL
        .iter()
        .map(|entry| two(entry.pattern, entry.meaning))
        .collect()
}

fn two(name: &str, meaning: &str) -> [String; 4] {
    [
        name.to_owned(),
        String::new(),
        String::new(),
        meaning.to_owned(),
    ]
}

/// Kinds that have only a name and a meaning get two columns.
fn human(header: [&str; 4], rows: Rows) -> String {
    if header[1].is_empty() {
        return list_table(
            [header[0], header[3]],
            rows.into_iter()
                .map(|[name, _, _, meaning]| [name, meaning]),
        );
    }
    list_table(header, rows)
}

fn json_line(header: [&str; 4], row: [String; 4]) -> String {
    let pairs = header
        .into_iter()
        .zip(row)
        .filter(|(name, _)| !name.is_empty());
    json!(pairs.collect::<std::collections::BTreeMap<_, _>>()).to_string()
}
