//! `fencing`: tokens by which a resource can tell a late holder from the present one.
//!
//! Token 0 is none, or not known. Tokens of one lock must differ, and must grow from a grant that
//! returned to every grant that was asked for after that; grants that were under way at the same
//! time may be numbered either way.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::conclusion::conclude;
use super::{Guarantee, exclusion};
use crate::Case;
use crate::finding::{Finding, Rule, Violation, counted};
use crate::hold::Hold;
use crate::holds::Lock;

/// Fencing tokens are unique and grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fencing;

impl Guarantee for Fencing {
    fn name(&self) -> String {
        "fencing".to_owned()
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let mut violations: Vec<Violation> = case
            .locks
            .par_iter()
            .flat_map_iter(|lock| of_lock(case, lock))
            .collect();
        violations.sort_by(|one, other| one.events.cmp(&other.events));
        let counts = exclusion::counts(case, 0);
        let fenced = case
            .locks
            .iter()
            .flat_map(|lock| &lock.holds)
            .filter(|hold| hold.token != 0)
            .count() as u64;
        let evidence = match violations.len() as u64 {
            0 => format!(
                "{fenced} of {} carried a token",
                counted(counts.holds, "grant")
            ),
            count => format!("{} out of order", counted(count, "token")),
        };
        let doubt = (fenced == 0).then(|| "no grant carried a token".to_owned());
        conclude(self, counts, evidence, doubt, violations)
    }
}

/// One violation for each grant whose token was given out before, or is smaller than that of a
/// grant that had returned when it was asked for.
pub(crate) fn disordered(lock: &Lock) -> Vec<(&Hold, &Hold)> {
    let mut by_asked: Vec<&Hold> = lock.holds.iter().filter(|hold| hold.token != 0).collect();
    let by_granted = by_asked.clone();
    by_asked.sort_unstable_by_key(|hold| hold.asked);
    let mut returned = by_granted.iter().peekable();
    let mut greatest: Option<&Hold> = None;
    let mut seen: FxHashMap<u64, &Hold> = FxHashMap::default();
    let mut found = Vec::new();
    for hold in by_asked {
        while let Some(before) = returned.next_if(|before| before.granted < hold.asked) {
            greatest = greatest
                .filter(|greatest| greatest.token >= before.token)
                .or(Some(before));
        }
        let twin = seen.insert(hold.token, hold);
        let ahead = greatest.filter(|greatest| greatest.token > hold.token);
        found.extend(twin.or(ahead).map(|other| (other, hold)));
    }
    found
}

fn of_lock(case: &Case<'_>, lock: &Lock) -> Vec<Violation> {
    let violation = |(one, other): (&Hold, &Hold)| {
        Violation::new(
            Rule::TokenRegressed,
            lock.key.clone(),
            case.witness([one.granted, other.granted]),
        )
        .showing(case.indices([one.asked, one.granted, other.asked, other.granted]))
    };
    disordered(lock).into_iter().map(violation).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Limits;
    use crate::testing::history;
    use crate::{Scope, Verdict, judge};

    fn verdict(text: &str) -> Verdict {
        judge(
            &history(text),
            &Scope::default(),
            Limits::none(),
            &[Box::new(Fencing)],
        )[0]
        .verdict
    }

    #[test]
    fn tokens_grow_from_grant_to_grant() {
        assert_eq!(
            verdict("0:acquire 0:acquire!4 0:release 0:release! 1:acquire 1:acquire!7"),
            Verdict::Valid
        );
        assert_eq!(
            verdict("0:acquire 0:acquire!7 0:release 0:release! 1:acquire 1:acquire!4"),
            Verdict::Violated
        );
        assert_eq!(
            verdict("0:acquire 0:acquire!7 0:release 0:release! 1:acquire 1:acquire!7"),
            Verdict::Violated
        );
    }

    #[test]
    fn grants_under_way_together_may_be_numbered_either_way_but_not_the_same() {
        assert_eq!(
            verdict("0:acquire 1:acquire 0:acquire!7 1:acquire!4"),
            Verdict::Valid
        );
        assert_eq!(
            verdict("0:acquire 1:acquire 0:acquire!4 1:acquire!4"),
            Verdict::Violated
        );
    }

    #[test]
    fn every_token_behind_the_greatest_is_told() {
        let text = "0:acquire 0:acquire!5 1:acquire 1:acquire!3 2:acquire 2:acquire!4 3:acquire 3:acquire!6";
        let found = judge(
            &history(text),
            &Scope::default(),
            Limits::none(),
            &[Box::new(Fencing)],
        );
        let witnesses: Vec<_> = found[0]
            .violations
            .iter()
            .map(|found| &found.witness[..])
            .collect();
        assert_eq!(witnesses, [[1, 3], [1, 5]]);
    }

    #[test]
    fn without_tokens_nothing_is_known() {
        assert_eq!(verdict("0:acquire 0:acquire!"), Verdict::Unknown);
    }
}
