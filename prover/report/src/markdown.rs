//! The short form of a report for documents and pull requests.

use std::fmt::Write;

use checker::{Judgement, Row, show_ns};
use history::History;

use crate::claim::{bounds, says, sentence};
use crate::close_up::{CloseUp, close_ups};
use crate::html::meaning;
use crate::overlaps::incidents;
use crate::rarity::rarities;
use crate::scene::Scene;
use crate::spans::{self, Spans};
use crate::subject::Subject;
use crate::table::verdict_text;

/// How many violations are told.
const VIOLATIONS_MAX: usize = 3;

/// The report of a run as Markdown (GitHub's). `plots` are names of pictures and where they are.
#[must_use]
pub fn markdown(
    subject: &Subject,
    history: &History,
    judgement: &Judgement,
    plots: &[(&str, &str)],
) -> String {
    let scene = Scene::of(history, subject.workers);
    let listed = incidents(history, judgement);
    let near = close_ups(&scene, history, &listed, subject.slots.get());
    let mut text = format!(
        "## {}: {}\n\n{}\n\n",
        verdict_text(judgement.verdict),
        plain(&sentence(subject, judgement)),
        plain(&says(judgement))
    );
    for incident in near.iter().take(VIOLATIONS_MAX) {
        violation(&mut text, incident);
    }
    guarantees(&mut text, judgement);
    rare(&mut text, judgement, &scene);
    mistakes(&mut text, subject);
    lengths(
        &mut text,
        &spans::lags(history, subject.slots, &subject.losses),
    );
    text.push_str("### What this does not show\n\n");
    for bound in bounds(subject, history, judgement) {
        let _ = writeln!(text, "- {}", plain(&bound));
    }
    text.push_str("\n### How it was made\n\n");
    let facts = subject.setting.iter().chain(&subject.origin);
    for fact in facts {
        let _ = writeln!(text, "- {}: {}", fact.name(), plain(fact.text()));
    }
    let _ = write!(text, "\nTo repeat it:\n\n{}", code(&subject.repeat));
    if let Some(certify) = &subject.certify {
        let _ = write!(text, "\nTo check its evidence again:\n\n{}", code(certify));
    }
    if !plots.is_empty() {
        text.push('\n');
    }
    for (name, place) in plots {
        let _ = writeln!(text, "![{}]({})", plain(name), address(place));
    }
    text
}

fn violation(text: &mut String, incident: &CloseUp) {
    let beside = if incident.decides {
        ""
    } else {
        ", which is not part of the verdict"
    };
    let _ = write!(
        text,
        "### {}\n\nViolates {}{beside}.\n\n",
        plain(&incident.heading),
        plain(&incident.violates.join(", "))
    );
    for sentence in &incident.story {
        let _ = writeln!(text, "1. {}", plain(sentence));
    }
    text.push('\n');
}

fn guarantees(text: &mut String, judgement: &Judgement) {
    text.push_str(
        "### Guarantees\n\n| guarantee | verdict | evidence | when it holds |\n|---|---|---|---|\n",
    );
    for row in &judgement.guarantees {
        let _ = writeln!(text, "{}", guarantee(row));
    }
    text.push('\n');
}

fn guarantee(row: &Row) -> String {
    let finding = &row.finding;
    let verdict = verdict_text(finding.verdict);
    let verdict = if row.judged {
        format!("**{verdict}**")
    } else {
        format!("{verdict} (only shown)")
    };
    let evidence = match &finding.reason {
        Some(reason) => format!("{}: {reason}", finding.evidence),
        None => finding.evidence.clone(),
    };
    format!(
        "| {} | {verdict} | {} | {} |",
        plain(&finding.guarantee),
        plain(&evidence),
        plain(&meaning(&finding.guarantee))
    )
}

fn rare(text: &mut String, judgement: &Judgement, scene: &Scene) {
    let rarities = rarities(judgement, scene);
    if rarities.is_empty() {
        return;
    }
    text.push_str("### How rare a violation must be\n\nIf what the faults did was alike and independent each time:\n\n");
    for rarity in rarities {
        let _ = writeln!(text, "- {}", plain(&rarity.sentence));
    }
    text.push('\n');
}

fn mistakes(text: &mut String, subject: &Subject) {
    let Some(mistakes) = &subject.mistakes else {
        return;
    };
    text.push_str(
        "### Known mistakes under the same plan\n\n| mistake | breaks | outcome |\n|---|---|---|\n",
    );
    for mistake in mistakes {
        let cells = [&mistake.lock, &mistake.breaks, &mistake.outcome].map(|cell| plain(cell));
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text.push('\n');
}

fn lengths(text: &mut String, spans: &[Spans]) {
    if spans.iter().all(|spans| spans.lengths.is_empty()) {
        return;
    }
    text.push_str(
        "### After a fault struck a holder\n\n| | count | median | longest |\n|---|---|---|---|\n",
    );
    for spans in spans {
        let count = spans.lengths.len();
        let of = spans.of.map_or(String::new(), |of| format!(" of {of}"));
        let show = |part| spans.quantile(part).map_or("-".to_owned(), show_ns);
        let _ = writeln!(
            text,
            "| {} | {count}{of} | {} | {} |",
            spans.name,
            show(500),
            show(1_000)
        );
    }
    text.push('\n');
}

/// A text that is nothing but text to Markdown, in one line. GitHub makes nothing of entities, so
/// nobody is called by `@` and no issue is linked by `#` either.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => plain.push(' '),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '&' => plain.push_str("&amp;"),
            '@' => plain.push_str("&#64;"),
            '#' => plain.push_str("&#35;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '!' | '~' | '$' => {
                plain.push('\\');
                plain.push(c);
            }
            c if crate::template::is_illegible(c) => plain.push('\u{fffd}'),
            c => plain.push(c),
        }
    }
    // What begins a line with two colons is an order to GitHub's runners, and an address is a link.
    plain.replace("::", ":&#58;").replace("://", "&#58;//")
}

/// A block of code: the fence is longer than any in it.
fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let text: String = text
        .chars()
        .map(|c| {
            if crate::template::is_illegible(c) {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect();
    format!("{fence}sh\n{}\n{fence}\n", text.replace("\n::", "\n ::"))
}

/// A path as the address of a picture.
fn address(path: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    path.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_become_markup() {
        let hostile = "<script>\n::error::\u{1b}[31m | [a](http://b) @all #1 `x`";
        let text = plain(hostile);
        for part in ["<", "\n", "::", "\u{1b}", " | ", " [a]", "@", "http://"] {
            assert!(!text.contains(part), "{part:?} in {text}");
        }
        assert_eq!(
            plain("confirmed-exclusion (2 of 3)"),
            "confirmed-exclusion (2 of 3)"
        );
    }

    #[test]
    fn code_cannot_end_its_block() {
        assert_eq!(code("a ```` b"), "`````sh\na ```` b\n`````\n");
        assert_eq!(address("plots/a b(1).svg"), "plots/a%20b%281%29.svg");
    }
}
