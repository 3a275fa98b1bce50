//! What a proof stands for: each claim is decided again from its counts, so that nothing is `valid`
//! because a word in `proof.json` says so.

use checker::counted;
use claims::{Proof, Shard, Standing as Stand, State, Tested};

use crate::standing::{Standing, Stands};

/// What is said of a standing that its own counts do not bear.
pub(crate) const DOES_NOT_FOLLOW: &str = "does not follow from its counts";

/// A proof beside what its counts say.
pub(crate) struct Proven<'a> {
    stored: &'a Proof,
    pub(crate) again: Proof,
}

impl<'a> Proven<'a> {
    pub(crate) fn of(stored: &'a Proof) -> Self {
        Self {
            stored,
            again: stored.again(),
        }
    }

    /// How a case is said to stand, where its counts say otherwise.
    pub(crate) fn said_instead(&self, place: usize) -> Option<Stand> {
        let (said, again) = (&self.stored.cases[place], &self.again.cases[place]);
        (said.standing != again.standing).then_some(said.standing)
    }

    /// How many cases stand otherwise than their counts say.
    pub(crate) fn unfounded(&self) -> usize {
        let places = 0..self.stored.cases.len();
        places.filter(|it| self.said_instead(*it).is_some()).count()
    }

    /// What was claimed is `valid` where all of it is confirmed, a violation that is expected too.
    pub(crate) fn stands(&self) -> Stands {
        let proof = &self.again;
        let cases = proof.cases.len();
        let of_all = |count: usize, what: &str| {
            let all = counted(cases as u64, "claim");
            Some(format!("{count} of {all} {what}"))
        };
        let confirmed = count(&proof.cases, Stand::Confirmed);
        let contradicted = count(&proof.cases, Stand::Contradicted);
        match (self.unfounded(), proof.state) {
            (1.., _) => (Standing::Broken, Some(self.doubt())),
            _ if contradicted > 0 => (Standing::Violated, of_all(contradicted, "contradicted")),
            (_, State::Interrupted | State::Running) => (
                Standing::Unfinished,
                Some("not all claims were put to the test".to_owned()),
            ),
            (_, State::Finished) if confirmed < cases || cases == 0 => {
                (Standing::Unknown, of_all(confirmed, "confirmed"))
            }
            (_, State::Finished) if !proof.left_out.is_empty() => {
                let left_out = counted(proof.left_out.len() as u64, "claim");
                (Standing::Unknown, Some(format!("{left_out} left out")))
            }
            (_, State::Finished) if proof.shard != Shard::WHOLE => (
                Standing::Unknown,
                Some("the part of one machine: prover merge decides".to_owned()),
            ),
            (_, State::Finished) => (Standing::Valid, None),
        }
    }

    /// The first case that stands otherwise than its counts say, and how many there are.
    fn doubt(&self) -> String {
        let mut places = 0..self.stored.cases.len();
        let first = places.find_map(|place| {
            let said = self.said_instead(place)?;
            Some(told(
                said,
                &self.stored.cases[place],
                &self.again.cases[place],
            ))
        });
        match (first, self.unfounded()) {
            (None, _) => String::new(),
            (Some(first), 1) => first,
            (Some(first), all) => format!("{first}, and {} more", all - 1),
        }
    }
}

fn told(said: Stand, stored: &Tested, again: &Tested) -> String {
    format!(
        "{} on {}: {}",
        stored.claim.id,
        stored.testbed,
        unfounded(said, again)
    )
}

/// A standing that its counts do not bear, beside what they say.
pub(crate) fn unfounded(said: Stand, again: &Tested) -> String {
    format!(
        "it is said to be {said}, which {DOES_NOT_FOLLOW}: by these it is {} ({})",
        again.standing, again.why
    )
}

fn count(cases: &[Tested], standing: Stand) -> usize {
    cases
        .iter()
        .filter(|case| case.standing == standing)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{case, proof, shard};

    fn standing(proof: &Proof) -> Standing {
        Proven::of(proof).stands().0
    }

    #[test]
    fn claims_are_valid_where_all_are_confirmed() {
        let (fine, open) = (case("fine", &[(0, false)]), case("open", &[]));
        assert_eq!(standing(&proof(vec![fine.clone()])), Standing::Valid);
        assert_eq!(standing(&proof(vec![])), Standing::Unknown);
        assert_eq!(
            standing(&proof(vec![fine.clone(), open])),
            Standing::Unknown
        );
        let mut left_out = proof(vec![fine.clone()]);
        left_out.left_out = serde_json::from_value(serde_json::json!([
            { "claim": "other", "testbed": "sim", "why": "not selected" }
        ]))
        .expect("one");
        assert_eq!(standing(&left_out), Standing::Unknown);
        let mut running = proof(vec![fine.clone()]);
        running.state = State::Running;
        assert_eq!(standing(&running), Standing::Unfinished);
        let mut interrupted = proof(vec![fine, case("bad", &[(0, true)])]);
        interrupted.state = State::Interrupted;
        assert_eq!(standing(&interrupted), Standing::Violated);
    }

    #[test]
    fn the_part_of_one_machine_is_never_valid() {
        let mut divided = case("fine", &[(0, false)]);
        divided.seeds = Some("0..2".parse().expect("seeds"));
        let of_shard = shard(vec![divided]);
        assert_eq!(standing(&of_shard), Standing::Unknown);
        // What was not divided one machine decides; the rest is still for the others to say.
        let whole = shard(vec![case("fine", &[(0, false)])]);
        assert_eq!(whole.cases[0].standing, Stand::Confirmed);
        assert_eq!(standing(&whole), Standing::Unknown);
    }

    #[test]
    fn a_standing_that_was_forged_holds_nothing_together() {
        for (runs, said) in [
            (&[(7, true)][..], Stand::Confirmed),
            (&[], Stand::Confirmed),
            (&[(7, false)], Stand::Contradicted),
        ] {
            let mut forged = proof(vec![case("fine", &[(0, false)]), case("bad", runs)]);
            forged.cases[1].standing = said;
            let (standing, why) = Proven::of(&forged).stands();
            assert_eq!(standing, Standing::Broken);
            let why = why.expect("it says why");
            assert!(why.starts_with("bad on docker: "), "{why}");
            assert!(why.contains(DOES_NOT_FOLLOW), "{why}");
        }
    }

    #[test]
    fn why_it_stands_so_is_said_by_the_counts() {
        let mut forged = proof(vec![case("bad", &[(7, true)])]);
        forged.cases[0].why = "all is well".to_owned();
        let again = Proven::of(&forged).again;
        assert!(
            again.cases[0].why.contains("first with seed 7"),
            "{}",
            again.cases[0].why
        );
    }
}
