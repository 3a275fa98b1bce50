//! Tables for people.

use checker::{Finding, Judgement, Row, Rule, Verdict, Violation};
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use history::History;

use crate::proof::Evidence;
use crate::scene::Scene;
use crate::story::story;

/// The closing table of a run: a row a guarantee, within a width if there is one.
#[must_use]
pub fn guarantees_table(judgement: &Judgement, width: Option<u16>) -> String {
    let rows = judgement.guarantees.iter().map(|row| {
        let finding = &row.finding;
        [
            finding.guarantee.clone(),
            verdict_text(finding.verdict).to_owned(),
            evidence(row, judgement),
        ]
    });
    let header = ["guarantee", "verdict", "evidence"];
    match width {
        Some(width) => wrapped_table(header, rows, width),
        None => list_table(header, rows),
    }
}

/// A table without lines, its columns two spaces apart.
pub fn list_table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    table(header, rows).trim_fmt()
}

/// The same, its last column in lines that end before so many columns of the terminal, broken
/// between words. The others are as wide as they are.
pub fn wrapped_table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    width: u16,
) -> String {
    let mut table = table(header, rows);
    table
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width);
    for (place, column) in table.column_iter_mut().enumerate() {
        if place + 1 < N {
            column.set_constraint(ColumnConstraint::ContentWidth);
        } else {
            column.set_padding((0, 0));
        }
    }
    table.trim_fmt()
}

fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
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
    let explained = match story_beside(violation, history) {
        Some(story) => explained.replacen("\n\n", &format!("\n{story}\n\n"), 1),
        None => explained,
    };
    format!(
        "\n{} is violated{more}: {}",
        finding.guarantee,
        explained.trim_end()
    )
}

/// The story of a lock that nobody gets any more: the few events that prove it do not name who stands
/// in the way.
fn story_beside(violation: &Violation, history: &History) -> Option<String> {
    if violation.rule != Rule::NeverGranted {
        return None;
    }
    // Where nobody says how many workers there were, each process is one.
    let (workers, slots) = history
        .outline()
        .map_or((u32::MAX, 1), |outline| (outline.workers, outline.slots));
    let scene = Scene::of(history, workers);
    let locks = checker::locks(history);
    let evidence = Evidence::new(history, &scene, &locks, violation, slots);
    Some(story(&evidence).join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_column_is_broken_and_only_between_words() {
        let summary = "an exclusive-queue that is verified by a confirmed publish";
        let rows = || [["a-name-of-a-lock".to_owned(), summary.to_owned()]];
        for width in 40..90 {
            let text = wrapped_table(["lock", "what it is"], rows(), width);
            let lines: Vec<&str> = text.lines().collect();
            assert!(
                lines.iter().all(|line| line.len() <= width.into()),
                "{text}"
            );
            let words = lines[1..].iter().flat_map(|line| line.split_whitespace());
            let expected: Vec<_> = "a-name-of-a-lock"
                .split(' ')
                .chain(summary.split(' '))
                .collect();
            assert_eq!(words.collect::<Vec<_>>(), expected, "{text}");
        }
        let whole = list_table(["lock", "what it is"], rows());
        assert_eq!(wrapped_table(["lock", "what it is"], rows(), 200), whole);
    }
}
