//! A page in GitHub's Markdown, such as the summary of a step. GitHub takes no more than 1 MiB, and
//! shows nothing of what is longer.

use checker::counted;
use claims::Tested;

use crate::export::{Export, Subject};
use crate::facts::expected;
use crate::headline::{PASSED, besides, headline};
use crate::ruling::{Ruling, name};
use crate::text::{clipped, fenced, markdown};

/// Markdown.
#[derive(Debug)]
pub(crate) struct Markdown;

/// What GitHub takes is 1 MiB for all that a step writes: some of it is left to others.
const MOST_BYTES: usize = 900 << 10;

/// The longest text in a cell, and of a counterexample.
const CELL_BYTES: usize = 400;
const SHOWN_BYTES: usize = 16 << 10;

impl Export for Markdown {
    fn name(&self) -> &'static str {
        "markdown"
    }

    fn file(&self) -> &'static str {
        "summary.md"
    }

    fn summary(&self) -> &'static str {
        "a page in Markdown under 1 MiB, for step summaries and comments"
    }

    fn text(&self, subject: Subject<'_>) -> String {
        page(subject, MOST_BYTES)
    }
}

fn page(subject: Subject<'_>, most: usize) -> String {
    let Subject { proof, today } = subject;
    let mut page = Page::begin(head(subject), most);
    let mut rulings: Vec<_> = proof
        .cases
        .iter()
        .map(|tested| (tested, Ruling::of(tested, proof, today)))
        .collect();
    // Where not all fits, what stops a release is there.
    rulings.sort_by_key(|(_, ruling)| !ruling.stops());
    let rows = rulings.iter().map(|(tested, ruling)| row(tested, *ruling));
    page.table(
        "| claim | expected | came out | runs | why |\n|---|---|---|---|---|\n",
        rows.collect(),
        "claim",
    );
    let shown = rulings
        .iter()
        .filter(|(_, ruling)| *ruling != Ruling::Passed);
    page.blocks(
        shown.filter_map(|(tested, _)| shown_of(tested)).collect(),
        "counterexample",
    );
    if !proof.left_out.is_empty() {
        let rows = proof.left_out.iter().map(|it| {
            let cells = [&it.claim, &it.testbed, &it.why];
            let [claim, testbed, why] = cells.map(|text| cell(text));
            format!("| {claim} | {testbed} | {why} |\n")
        });
        page.table(
            "\n| left out | testbed | why |\n|---|---|---|\n",
            rows.collect(),
            "claim that was left out",
        );
    }
    page.text
}

/// What all of it means, and what that does not speak of.
fn words(subject: Subject<'_>) -> String {
    let headline = match headline(subject) {
        PASSED => "every claim is as expected",
        words => words,
    };
    let all = std::iter::once(headline.to_owned()).chain(besides(subject));
    all.collect::<Vec<_>>().join(", ")
}

fn head(subject: Subject<'_>) -> String {
    let (proof, words) = (subject.proof, words(subject));
    let title = proof.source.title.as_deref().unwrap_or(&proof.source.path);
    let commit = proof
        .git
        .as_ref()
        .map(|git| format!(", commit {}", cell(&git.commit)));
    format!(
        "## Proof of {}: {words}\n\n{} of {}, profile {}, shard {}, prover {}{}\n\n",
        cell(title),
        counted(proof.cases.len() as u64, "case"),
        cell(&proof.source.path),
        proof.profile,
        proof.shard,
        cell(&proof.prover),
        commit.unwrap_or_default(),
    )
}

fn cell(text: &str) -> String {
    markdown(&clipped(text, CELL_BYTES))
}

fn row(tested: &Tested, ruling: Ruling<'_>) -> String {
    let (name, why) = (cell(&name(tested)), cell(&ruling.told(&tested.why)));
    let (expected, word, runs) = (expected(tested), ruling.word(), tested.summary.runs);
    let word = if ruling.stops() {
        format!("**{word}**")
    } else {
        word.to_owned()
    };
    format!("| {name} | {expected} | {word} | {runs} | {why} |\n")
}

/// What shows a violation, folded away.
fn shown_of(tested: &Tested) -> Option<String> {
    let it = tested.counterexample.as_ref()?;
    Some(format!(
        "\n<details><summary>{}: {} violated with seed {}</summary>\n\n{}\n\nrepeat:\n\n{}\n\n</details>\n",
        cell(&name(tested)),
        cell(&it.guarantee),
        it.seed,
        fenced(&clipped(&it.text, SHOWN_BYTES)),
        fenced(&clipped(&tested.repeat, SHOWN_BYTES)),
    ))
}

/// A text that grows no longer than it may.
struct Page {
    text: String,
    most: usize,
}

/// What is kept free for each sentence about what was left out.
const RESERVE: usize = 1_000;

impl Page {
    fn begin(text: String, most: usize) -> Self {
        Self { text, most }
    }

    fn table(&mut self, head: &str, rows: Vec<String>, noun: &str) {
        self.text += head;
        self.blocks(rows, noun);
    }

    /// Adds as many as there is room for, and says how many there are besides.
    fn blocks(&mut self, blocks: Vec<String>, noun: &str) {
        let mut left = blocks.len() as u64;
        for block in blocks {
            if self.text.len() + block.len() + RESERVE > self.most {
                break;
            }
            self.text += &block;
            left -= 1;
        }
        if left > 0 {
            let what = counted(left, &format!("more {noun}"));
            self.text += &format!("\n{what}: there is no room here, see proof.json.\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use claims::{Proof, Shard, Standing};
    use proptest::prelude::*;

    use super::*;
    use crate::sample::{
        TODAY, contradicted, every_kind, has_unseen, hostile, hostile_text, proof, tested,
    };

    fn text(proof: &Proof) -> String {
        Markdown.text(Subject {
            proof,
            today: TODAY,
        })
    }

    /// The cells of each row, as GitHub divides them.
    fn cells(text: &str) -> Vec<usize> {
        let rows = text.lines().filter(|line| line.starts_with('|'));
        rows.map(|row| row.replace("\\|", "").matches('|').count() - 1)
            .collect()
    }

    #[test]
    fn every_kind_is_told_as_what_it_is() {
        let text = text(&every_kind());
        for part in [
            "## Proof of claims.toml: not as claimed, 1 accepted, 1 not in the profile full\n",
            "| confirmed on docker | holds | confirmed | 1 | said why |",
            "| broken on docker | holds | **broken** | 1 | said why |",
            "| accepted on docker | holds | accepted | 1 | accepted until 2027-01-31 (the broker's next version mends it)&#58; exclusion",
            "| left-out | docker | not in the profile quick |",
            "worker 1 was, too",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }

    /// What stands at the top is all that many will read.
    #[test]
    fn the_headline_says_no_more_than_is_so() {
        let head = |proof: &Proof| text(proof).lines().next().expect("a line").to_owned();
        let mut proof = proof([
            tested("one", Standing::Confirmed),
            tested("two", Standing::NotRun),
        ]);
        proof.shard = Shard { index: 1, count: 2 };
        assert_eq!(
            head(&proof),
            "## Proof of claims.toml: nothing of this shard is otherwise than claimed, 1 left to the whole (`prover merge` decides)"
        );
        proof.shard = Shard::WHOLE;
        proof.cases.pop();
        assert_eq!(
            head(&proof),
            "## Proof of claims.toml: every claim is as expected"
        );
        proof.left_out = every_kind().left_out;
        "not selected".clone_into(&mut proof.left_out[0].why);
        assert_eq!(
            head(&proof),
            "## Proof of claims.toml: what was put to the test is as claimed, 1 not selected"
        );
    }

    #[test]
    fn a_page_that_would_be_too_long_says_what_is_missing() {
        let mut all: Vec<_> = (0..20_000)
            .map(|it| tested(&format!("claim-{it}"), Standing::Confirmed))
            .collect();
        let mut last = contradicted("last");
        last.counterexample.as_mut().expect("one").text = "x\n".repeat(2_000_000);
        all.push(last);
        let text = text(&proof(all));
        assert!(text.len() < 1 << 20, "{}", text.len());
        assert!(text.contains("| last on docker |"));
        let rows = cells(&text).len() - 2;
        assert!(text.contains(&format!(
            "{} more claims: there is no room here",
            20_001 - rows
        )));
        assert!(text.contains("1 more counterexample: there is no room here"));
    }

    proptest! {
        #[test]
        fn hostile_texts_make_no_cells_and_no_markup(hostile_text in hostile_text()) {
            let proof = hostile(&hostile_text);
            let text = text(&proof);
            let outside = outside_of_code(&text);
            let expected = [vec![5; proof.cases.len() + 2], vec![3; proof.left_out.len() + 2]].concat();
            prop_assert_eq!(cells(&outside), expected);
            let tags: Vec<&str> = outside.split('<').skip(1).filter_map(|it| it.split('>').next()).collect();
            let ours = ["details", "summary", "/summary", "/details"];
            prop_assert!(tags.iter().all(|tag| ours.contains(tag)), "{:?}", tags);
            prop_assert!(!outside.contains("](") && !outside.contains("://") && !outside.contains("::"));
            prop_assert!(!has_unseen(&text));
        }
    }

    /// Without the blocks of code: fence by fence, as CommonMark reads it.
    fn outside_of_code(text: &str) -> String {
        let mut outside = String::new();
        let mut fence: Option<String> = None;
        for line in text.lines() {
            let ticks: String = line.chars().take_while(|it| *it == '`').collect();
            match &fence {
                Some(open) => {
                    if ticks.len() >= open.len() && line.trim_end() == ticks {
                        fence = None;
                    }
                }
                None if ticks.len() >= 3 => fence = Some(ticks),
                None => outside += &format!("{line}\n"),
            }
        }
        assert!(fence.is_none(), "a block of code has no end\n{text}");
        outside
    }
}
