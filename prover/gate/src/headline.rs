//! What a proof means, in a few words: no more than its part of the claims can say.

use claims::{Proof, Shard};
use jiff::civil::Date;

use crate::decision::{Decision, decide};
use crate::export::Subject;
use crate::ruling::Ruling;

/// What a selection leaves out is told so, as [`claims::LeftOut`] says it.
const NOT_SELECTED: &str = "not selected";

/// What is said of a proof of which nothing is missing and nothing is otherwise than claimed.
pub const PASSED: &str = "passed";

/// What all of it means. Only the proof of all claims of a file has passed: that of a shard, and that of
/// some of the claims, says of the others nothing.
#[must_use]
pub fn headline(Subject { proof, today }: Subject<'_>) -> &'static str {
    match decide(proof, today) {
        Decision::Passed if proof.shard != Shard::WHOLE => {
            "nothing of this shard is otherwise than claimed"
        }
        Decision::Passed if left_out(proof, |_| true) > 0 => {
            "what was put to the test is as claimed"
        }
        Decision::Passed => PASSED,
        Decision::Nothing => "nothing was selected",
        Decision::Open => "not decided",
        Decision::Broken => "the harness broke down",
        Decision::Failed => "not as claimed",
    }
}

/// What the headline does not speak of: how many are accepted, and how many others must say.
#[must_use]
pub(crate) fn besides(Subject { proof, today }: Subject<'_>) -> Vec<String> {
    let are = |is: fn(Ruling<'_>) -> bool| rulings(proof, today).filter(|it| is(*it)).count();
    let counts = [
        (
            are(|it| matches!(it, Ruling::Accepted(_))),
            "accepted".to_owned(),
        ),
        (
            are(|it| it == Ruling::LeftToTheWhole),
            "left to the whole (`prover merge` decides)".to_owned(),
        ),
    ];
    told(counts.into_iter().chain(unselected(proof)))
}

/// How many claims were not selected, and how many the profile leaves out.
#[must_use]
pub fn not_tried(proof: &Proof) -> Vec<String> {
    told(unselected(proof))
}

fn unselected(proof: &Proof) -> [(usize, String); 2] {
    [
        (
            left_out(proof, |why| why == NOT_SELECTED),
            NOT_SELECTED.to_owned(),
        ),
        (
            left_out(proof, |why| why != NOT_SELECTED),
            format!("not in the profile {}", proof.profile),
        ),
    ]
}

fn told(counts: impl IntoIterator<Item = (usize, String)>) -> Vec<String> {
    let some = counts.into_iter().filter(|(count, _)| *count > 0);
    some.map(|(count, what)| format!("{count} {what}"))
        .collect()
}

fn rulings(proof: &Proof, today: Date) -> impl Iterator<Item = Ruling<'_>> {
    let cases = proof.cases.iter();
    cases.map(move |it| Ruling::of(it, proof, today))
}

fn left_out(proof: &Proof, is: impl Fn(&str) -> bool) -> usize {
    proof.left_out.iter().filter(|it| is(&it.why)).count()
}

#[cfg(test)]
mod tests {
    use claims::{LeftOut, Standing};

    use super::*;
    use crate::sample::{TODAY, accepted, contradicted, proof, tested};

    fn said(proof: &Proof) -> (&'static str, String) {
        let subject = Subject {
            proof,
            today: TODAY,
        };
        (headline(subject), besides(subject).join(", "))
    }

    fn without(claim: &str, why: &str) -> LeftOut {
        LeftOut {
            claim: claim.to_owned(),
            testbed: "docker".to_owned(),
            why: why.to_owned(),
        }
    }

    #[test]
    fn only_all_of_the_claims_have_passed() {
        let mut whole = proof([tested("one", Standing::Confirmed)]);
        assert_eq!(said(&whole), ("passed", String::new()));
        whole.left_out = vec![
            without("two", "not selected"),
            without("three", "not in the profile quick"),
        ];
        let (words, besides) = said(&whole);
        assert_eq!(words, "what was put to the test is as claimed");
        assert_eq!(besides, "1 not selected, 1 not in the profile full");
        assert_eq!(not_tried(&whole).join(", "), besides);
    }

    #[test]
    fn a_shard_speaks_of_itself() {
        let mut known = contradicted("known");
        known.claim.accepted = Some(accepted("2027-01-31"));
        let mut shard = proof([
            tested("one", Standing::Confirmed),
            tested("two", Standing::NotRun),
            tested("three", Standing::Unknown),
            known,
        ]);
        shard.shard = Shard { index: 1, count: 2 };
        shard.left_out = vec![without("four", "not selected")];
        let (words, besides) = said(&shard);
        assert_eq!(words, "nothing of this shard is otherwise than claimed");
        assert_eq!(
            besides,
            "1 accepted, 2 left to the whole (`prover merge` decides), 1 not selected"
        );
        shard.cases.push(contradicted("five"));
        assert_eq!(said(&shard).0, "not as claimed");
    }
}
