//! `prover list`: what there is to choose from, made from the registries.

use std::collections::BTreeMap;

use plan::catalogue;
use report::list_table;
use serde_json::json;

use crate::cli::{ListArgs, ListKind};
use crate::exit::Exit;
use crate::experiment;
use crate::failure::Failure;
use crate::output::{self, Format};

/// Prints a registry.
pub(super) fn list(arguments: &ListArgs) -> Result<Exit, Failure> {
    let format = arguments.format;
    match arguments.kind {
        ListKind::Locks => print(
            format,
            LOCK_HEADER,
            catalogue::LOCKS.iter().map(|lock| row(&**lock)),
        ),
        ListKind::Workloads => print(format, WORKLOAD_HEADER, workloads()),
        ListKind::Faults => print(format, ["fault", "what it does"], faults()),
        ListKind::Guarantees => print(format, ["guarantee", "when it holds"], guarantees()),
        ListKind::Models => print(format, ["model", "what it is"], models()),
        ListKind::Experiments => print(format, ["experiment", "what it asks"], experiments()),
    }
}

fn print<const N: usize>(
    format: Format,
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Result<Exit, Failure> {
    match format {
        Format::Human => output::result(&list_table(header, rows))?,
        Format::Json => {
            for row in rows {
                let pairs: BTreeMap<_, _> = header.into_iter().zip(row).collect();
                output::result(&json!(pairs).to_string())?;
            }
        }
    }
    Ok(Exit::Valid)
}

const LOCK_HEADER: [&str; 6] = ["lock", "kind", "promises", "needs", "options", "what it is"];

fn row(lock: &dyn locks::Lock) -> [String; 6] {
    let options: Vec<_> = lock.options().iter().map(|choice| choice.name).collect();
    [
        lock.name().to_owned(),
        lock.kind().to_string(),
        lock.promises().join(", "),
        lock.needs().join(", "),
        options.join(", "),
        lock.summary().to_owned(),
    ]
}

const WORKLOAD_HEADER: [&str; 4] = [
    "workload",
    "default lock",
    "questions",
    "what its clients do",
];

fn workloads() -> impl Iterator<Item = [String; 4]> {
    workloads::ALL.iter().map(|workload| {
        [
            workload.name().to_owned(),
            workload.default_lock().to_owned(),
            workload.questions().join(", "),
            workload.summary().to_owned(),
        ]
    })
}

fn faults() -> impl Iterator<Item = [String; 2]> {
    let all = nemesis::ALL.iter();
    all.map(|fault| [fault.name().to_owned(), fault.summary().to_owned()])
}

fn experiments() -> impl Iterator<Item = [String; 2]> {
    let all = experiment::ALL.iter();
    all.map(|known| [known.name().to_owned(), known.summary().to_owned()])
}

fn guarantees() -> impl Iterator<Item = [String; 2]> {
    let all = checker::guarantee::ALL.iter();
    all.map(|entry| [entry.pattern.to_owned(), entry.meaning.to_owned()])
}

fn models() -> impl Iterator<Item = [String; 2]> {
    let all = checker::model::ALL.iter();
    all.map(|entry| [entry.pattern.to_owned(), entry.meaning.to_owned()])
}
