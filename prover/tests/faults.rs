//! docs/faults.md has every fault, as the registry has it.

use nemesis::{Fault, Parameter};

/// By how much D of `progress<=D` grows.
fn recovery(fault: &dyn Fault) -> String {
    match fault.recovery().within().as_secs() {
        0 => String::new(),
        seconds => format!("{seconds} s"),
    }
}

fn row(fault: &dyn Fault) -> String {
    let parameters = fault.settable().iter();
    let parameters: Vec<String> = parameters
        .map(|Parameter { name, default, .. }| format!("`{name}={default}`"))
        .collect();
    let in_all = if fault.is_in_all() { "yes" } else { "" };
    let cells = [
        format!("`{}`", fault.name()),
        fault.class().to_string(),
        in_all.to_owned(),
        fault.needs().to_string(),
        parameters.join(", "),
        recovery(fault),
    ];
    format!("| {} |", cells.join(" | "))
}

#[test]
fn the_table_of_faults_is_that_of_the_registry() {
    let rows: Vec<String> = nemesis::ALL.iter().map(|fault| row(*fault)).collect();
    let document = include_str!("../../docs/faults.md");
    let written: Vec<&str> = document
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    assert_eq!(written, rows, "the table should be\n{}", rows.join("\n"));
}
