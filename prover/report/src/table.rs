//! Tables for people.

use checker::{Finding, Judgement, Row, Verdict, Violation};
use comfy_table::{ContentArrangement, Table, presets};
use history::History;

/// The closing table of a run: a row a guarantee.
#[must_use]
pub fn guarantees_table(judgement: &Judgement) -> String {
    let rows = judgement.guarantees.iter().map(|row| {
        let finding = &row.finding;
        [
            finding.guarantee.clone(),
            verdict_text(finding.verdict).to_owned(),
            evidence(row, judgement),
        ]
    });
    list_table(["guarantee", "verdict", "evidence"], rows)
}

/// A table without lines, its columns two spaces apart.
pub fn list_table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// What a verdict is called where a guarantee is meant.
#[must_use]
pub fn verdict_text(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "valid",
        Verdict::Violated => "violated",
        Verdict::Unknown => "unknown",
    }
}

fn evidence(row: &Row, judgement: &Judgement) -> String {
    let finding = &row.finding;
    let mut text = finding.evidence.clone();
    if let Some(reason) = &finding.reason {
        text = format!("{text}: {reason}");
    }
    match (&judgement.promised_by, row.judged, finding.verdict) {
        (Some(lock), false, Verdict::Violated) => format!("{text} (not promised by {lock})"),
        _ => text,
    }
}

/// A violation, explained by its events and a picture of the time around them.
#[must_use]
pub fn violation_text(finding: &Finding, violation: &Violation, history: &History) -> String {
    let others = finding.violations.len() - 1;
    let more = if others == 0 {
        String::new()
    } else {
        format!(" (and {others} more)")
    };
    let explained = checker::explain(history, violation);
    format!(
        "\n{} is violated{more}: {}",
        finding.guarantee,
        explained.trim_end()
    )
}
