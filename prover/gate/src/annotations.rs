//! Annotations: the lines by which a program tells GitHub's runner what to show beside a file.

use claims::{LeftOut, Proof, Tested};

use crate::export::{Export, Subject};
use crate::ruling::{Ruling, name};
use crate::text::{clipped, line, lines};

/// Workflow commands.
#[derive(Debug)]
pub(crate) struct Annotations;

/// The longest message: GitHub cuts what is longer than 4 KiB.
const MESSAGE_BYTES: usize = 3 << 10;

impl Export for Annotations {
    fn name(&self) -> &'static str {
        "annotations"
    }

    fn file(&self) -> &'static str {
        "annotations.txt"
    }

    fn summary(&self) -> &'static str {
        "workflow commands: GitHub shows them at the lines of the claims file"
    }

    /// The errors come first: GitHub shows ten of each level for a step.
    fn text(&self, Subject { proof, today }: Subject<'_>) -> String {
        let mut rulings: Vec<_> = proof
            .cases
            .iter()
            .map(|tested| (tested, Ruling::of(tested, proof, today)))
            .collect();
        rulings.sort_by_key(|(_, ruling)| !ruling.stops());
        let cases = rulings
            .iter()
            .filter_map(|(tested, ruling)| of_case(tested, *ruling, proof));
        let left_out = proof.left_out.iter().map(|it| of_left_out(it, proof));
        cases.chain(left_out).collect()
    }
}

fn of_case(tested: &Tested, ruling: Ruling<'_>, proof: &Proof) -> Option<String> {
    let title = format!("{}: {}", name(tested), ruling.word());
    let why = ruling.told(&tested.why);
    let level = match ruling {
        Ruling::Passed if tested.claim.accepted.is_some() => {
            let why = format!("{why}; it need not be accepted any more: take `accepted` out");
            return Some(command("notice", proof, tested.claim.line, &title, &why));
        }
        Ruling::Passed => return None,
        Ruling::Accepted(_) => "warning",
        Ruling::LeftToTheWhole => "notice",
        _ => "error",
    };
    let shown = tested.counterexample.as_ref();
    let shown = shown.map_or(String::new(), |it| format!("\n{}", lines(&it.text)));
    let text = format!("{}\n{}{shown}", line(&tested.claim.says), line(&why));
    Some(command(level, proof, tested.claim.line, &title, &text))
}

fn of_left_out(left_out: &LeftOut, proof: &Proof) -> String {
    let title = format!("{} on {}: left out", left_out.claim, left_out.testbed);
    command("notice", proof, 1, &title, &left_out.why)
}

fn command(level: &str, proof: &Proof, at: usize, title: &str, text: &str) -> String {
    let (file, title) = (property(&proof.source.path), property(title));
    let text = data(&clipped(text, MESSAGE_BYTES));
    format!(
        "::{level} file={file},line={},title={title}::{text}\n",
        at.max(1)
    )
}

/// The message of a command; GitHub turns these three back.
fn data(text: &str) -> String {
    lines(text)
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A value before the message, which ends at `,` or `::`.
fn property(text: &str) -> String {
    data(&line(text)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::sample::{TODAY, every_kind, has_unseen, hostile, hostile_text};

    fn text(proof: &Proof) -> String {
        Annotations.text(Subject {
            proof,
            today: TODAY,
        })
    }

    /// Reads a line as the runner does: level, properties, message.
    fn read(line: &str) -> (String, BTreeMap<String, String>, String) {
        let rest = line.strip_prefix("::").expect("a command");
        let (head, message) = rest.split_once("::").expect("a message");
        let (level, properties) = head.split_once(' ').expect("properties");
        let back = |text: &str| {
            text.replace("%3A", ":")
                .replace("%2C", ",")
                .replace("%0D", "\r")
                .replace("%0A", "\n")
                .replace("%25", "%")
        };
        let properties = properties.split(',').map(|it| {
            let (name, value) = it.split_once('=').expect("a value");
            (name.to_owned(), back(value))
        });
        (level.to_owned(), properties.collect(), back(message))
    }

    #[test]
    fn what_stops_comes_first_and_what_was_left_out_is_named() {
        let text = text(&every_kind());
        let levels: Vec<_> = text.lines().map(|line| read(line).0).collect();
        assert_eq!(
            levels,
            [
                "error", "error", "error", "error", "error", "warning", "notice"
            ]
        );
        let (_, properties, message) = read(text.lines().next().expect("one"));
        assert_eq!(properties["file"], "claims.toml");
        assert_eq!(properties["line"], "7");
        assert_eq!(properties["title"], "contradicted on docker: contradicted");
        assert!(
            message.contains("\nworker 1 was, too, at 1.2 s"),
            "{message}"
        );
        assert!(text.contains("title=left-out on docker%3A left out::not in the profile quick"));
    }

    proptest! {
        #[test]
        fn hostile_texts_are_no_commands(hostile_text in hostile_text()) {
            let text = text(&hostile(&hostile_text));
            prop_assert!(text.lines().count() == 7);
            for line in text.lines() {
                let (level, properties, _) = read(line);
                prop_assert!(["error", "warning", "notice"].contains(&&*level));
                let names: Vec<_> = properties.keys().map(String::as_str).collect();
                prop_assert_eq!(names, ["file", "line", "title"]);
            }
            prop_assert!(!has_unseen(&text));
        }
    }
}
