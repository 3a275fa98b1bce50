//! Whether a release may go on.

use claims::{Proof, State};
use jiff::civil::Date;

use crate::ruling::Ruling;

/// What a proof means for a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// All is as claimed, or accepted: it may go on.
    Passed,
    /// Nothing was selected.
    Nothing,
    /// Something was not decided, or not run.
    Open,
    /// The harness broke down.
    Broken,
    /// Something is not as claimed.
    Failed,
}

/// The worst that any claim of a proof means today. In a shard, what it has not seen is left to the
/// whole; what did not come to its end leaves something open.
#[must_use]
pub fn decide(proof: &Proof, today: Date) -> Decision {
    let least = match (proof.cases.is_empty(), proof.state) {
        (true, _) => Decision::Nothing,
        (_, State::Finished) => Decision::Passed,
        _ => Decision::Open,
    };
    let rulings = proof.cases.iter().map(|it| Ruling::of(it, proof, today));
    rulings.map(Decision::from).fold(least, Decision::max)
}

impl From<Ruling<'_>> for Decision {
    fn from(ruling: Ruling<'_>) -> Self {
        match ruling {
            Ruling::Passed | Ruling::Accepted(_) | Ruling::LeftToTheWhole => Self::Passed,
            Ruling::Unknown | Ruling::NotRun => Self::Open,
            Ruling::Broken => Self::Broken,
            Ruling::Failed | Ruling::Expired(_) => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use claims::{Shard, Standing};

    use super::*;
    use crate::sample::{TODAY, accepted, proof, tested};

    fn of(standings: &[Standing]) -> Decision {
        let cases = standings.iter().enumerate();
        let cases = cases.map(|(number, it)| tested(&format!("claim-{number}"), *it));
        decide(&proof(cases), TODAY)
    }

    #[test]
    fn the_worst_decides() {
        use Standing::{Broken, Confirmed, Contradicted, NotRun, Unknown};
        assert_eq!(of(&[Confirmed, Confirmed]), Decision::Passed);
        assert_eq!(of(&[Confirmed, Unknown]), Decision::Open);
        assert_eq!(of(&[NotRun, Confirmed]), Decision::Open);
        assert_eq!(of(&[Broken, Unknown, Confirmed]), Decision::Broken);
        assert_eq!(of(&[Broken, Contradicted, Unknown]), Decision::Failed);
        assert_eq!(of(&[]), Decision::Nothing);
    }

    #[test]
    fn what_is_accepted_passes_until_its_day_is_over() {
        let on = |until: &str| {
            let mut case = tested("claim", Standing::Contradicted);
            case.claim.accepted = Some(accepted(until));
            decide(&proof([case]), TODAY)
        };
        assert_eq!(on("2027-01-31"), Decision::Passed);
        assert_eq!(on(&TODAY.to_string()), Decision::Passed);
        assert_eq!(on("2026-11-29"), Decision::Failed);
    }

    #[test]
    fn to_accept_a_contradiction_accepts_no_doubt() {
        let mut case = tested("claim", Standing::Unknown);
        case.claim.accepted = Some(accepted("2027-01-31"));
        assert_eq!(decide(&proof([case]), TODAY), Decision::Open);
    }

    #[test]
    fn in_a_shard_only_what_was_seen_counts() {
        let shard = |standing| {
            let mut proof = proof([tested("claim", standing)]);
            proof.shard = Shard { index: 2, count: 4 };
            decide(&proof, TODAY)
        };
        assert_eq!(shard(Standing::NotRun), Decision::Passed);
        assert_eq!(shard(Standing::Unknown), Decision::Passed);
        assert_eq!(shard(Standing::Broken), Decision::Broken);
        assert_eq!(shard(Standing::Contradicted), Decision::Failed);
    }

    #[test]
    fn what_did_not_come_to_its_end_is_open() {
        let mut proof = proof([tested("claim", Standing::Confirmed)]);
        proof.state = State::Interrupted;
        assert_eq!(decide(&proof, TODAY), Decision::Open);
    }
}
