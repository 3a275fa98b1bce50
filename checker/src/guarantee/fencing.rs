//! `fencing`: tokens by which a resource can tell a late holder from the present one.
//!
//! Token 0 is none, or not known. Tokens of one lock must differ, and must grow from a grant that
//! returned to every grant that was asked for after that. Grants that were under way at the same
//! time may be numbered either way, unless it is certain who had a lock of one slot first: a hold
//! that was confirmed was there when its grant returned, so another that was confirmed later began
//! later. A client that is granted a mutex that it holds already goes on with the same hold, and
//! may be given the same token.

use rustc_hash::FxHashMap;

use super::conclusion::conclude;
use super::{Guarantee, exclusion};
use crate::Case;
use crate::cores::confirmed_core;
use crate::finding::{Counts, Finding, Rule, Violation, counted};
use crate::hold::Hold;
use crate::holds::Lock;
use crate::overlap::Capacity;
use crate::position::Position;
use crate::search::Reason;

/// Fencing tokens are unique and grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fencing;

impl Guarantee for Fencing {
    fn name(&self) -> String {
        "fencing".to_owned()
    }

    fn find(&self, case: &Case<'_>) -> Result<Finding, Reason> {
        let violations = case.of_locks(|lock| Ok(of_lock(case, lock)))?;
        let mut violations: Vec<Violation> = violations.into_iter().flatten().collect();
        violations.sort_by(|one, other| one.events.cmp(&other.events));
        let holds = case.locks.iter().flat_map(|lock| &lock.holds);
        let fenced = holds.filter(|hold| hold.token != 0).count();
        let capacity = case.scope.capacity();
        let compared = case.of_locks(|lock| Ok(compared(lock, capacity)))?;
        let compared: usize = compared.into_iter().sum();
        let counts = Counts {
            judged: compared as u64,
            ..exclusion::counts(case, 0)
        };
        let evidence = match violations.len() as u64 {
            0 => format!(
                "{fenced} of {} carried a token, {compared} of them compared with others",
                counted(counts.holds, "grant")
            ),
            count => format!("{} out of order", counted(count, "token")),
        };
        let doubt = match (fenced, compared) {
            (0, _) => Some("no grant carried a token"),
            (_, 0) => Some("no lock gave out tokens for two holds"),
            _ => None,
        };
        let doubt = doubt.map(str::to_owned);
        Ok(conclude(self, counts, evidence, doubt, violations))
    }
}

/// A grant with a token.
#[derive(Clone, Copy)]
struct Fenced<'a> {
    hold: &'a Hold,
    /// The first of the grants that are one hold of one client.
    first: usize,
}

/// The grants with tokens, in the order in which they returned.
fn fenced(lock: &Lock, capacity: Capacity) -> Vec<Fenced<'_>> {
    let holds = lock.holds.iter().enumerate();
    let fenced = holds.map(|(place, hold)| {
        let within = hold.within.filter(|_| capacity == Capacity::OneClient);
        let first = within.map_or(place, |first| first as usize);
        Fenced { hold, first }
    });
    fenced.filter(|grant| grant.hold.token != 0).collect()
}

/// How many tokens there are to compare: none where all are of one hold.
fn compared(lock: &Lock, capacity: Capacity) -> usize {
    let fenced = fenced(lock, capacity);
    let mut others = fenced.iter().skip(1);
    let is_comparable = others.any(|grant| grant.first != fenced[0].first);
    if is_comparable { fenced.len() } else { 0 }
}

/// One violation for each grant whose token was given out before, or is smaller than that of a
/// grant that had returned when it was asked for, or of a hold that was certainly over when its own
/// was certain.
pub(crate) fn disordered(lock: &Lock, capacity: Capacity) -> Vec<(&Hold, &Hold)> {
    let by_granted = fenced(lock, capacity);
    let after = match capacity {
        Capacity::OneClient => held_before(&by_granted),
        Capacity::Grants(_) => FxHashMap::default(),
    };
    let mut by_asked = by_granted.clone();
    by_asked.sort_unstable_by_key(|grant| grant.hold.asked);
    let mut returned = by_granted.iter().map(|grant| grant.hold).peekable();
    let mut greatest: Option<&Hold> = None;
    let mut seen: FxHashMap<u64, Fenced<'_>> = FxHashMap::default();
    let mut found = Vec::new();
    for Fenced { hold, first } in by_asked {
        while let Some(before) = returned.next_if(|before| before.granted < hold.asked) {
            greatest = greater(greatest, before);
        }
        let twin = seen.insert(hold.token, Fenced { hold, first });
        let twin = twin.filter(|twin| twin.first != first);
        let ahead = greatest.filter(|greatest| greatest.token > hold.token);
        let over = after.get(&hold.asked).copied();
        let other = twin.map(|twin| twin.hold).or(ahead).or(over);
        found.extend(other.map(|other| (other, hold)));
    }
    found
}

fn greater<'a>(greatest: Option<&'a Hold>, other: &'a Hold) -> Option<&'a Hold> {
    greatest
        .filter(|greatest| greatest.token >= other.token)
        .or(Some(other))
}

/// For each grant with a core, by its invocation: a hold with a greater token whose core ended
/// before its own began. Two readers may hold at one time, and so may have begun either way.
fn held_before<'a>(grants: &[Fenced<'a>]) -> FxHashMap<Position, &'a Hold> {
    let certain = grants.iter().map(|grant| grant.hold);
    let certain: Vec<&Hold> = certain
        .filter(|hold| !confirmed_core(hold).is_empty())
        .collect();
    let mut by_end = certain.clone();
    by_end.sort_unstable_by_key(|hold| hold.core_end());
    let mut over = by_end.into_iter().peekable();
    let (mut alone, mut any) = (None, None);
    let mut found = FxHashMap::default();
    for hold in certain {
        while let Some(before) = over.next_if(|before| before.core_end() < hold.granted) {
            any = greater(any, before);
            if !before.shared {
                alone = greater(alone, before);
            }
        }
        let greatest: Option<&Hold> = if hold.shared { alone } else { any };
        if let Some(before) = greatest.filter(|before| before.token > hold.token) {
            found.insert(hold.asked, before);
        }
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
        .showing(case.indices(shown(one, other)))
    };
    let disordered = disordered(lock, case.scope.capacity());
    disordered.into_iter().map(violation).collect()
}

/// The events of both grants, and what shows that they are two holds, or that one was over before
/// the other, if the grants do not.
fn shown(one: &Hold, other: &Hold) -> Vec<Position> {
    let mut shown = vec![one.asked, one.granted, other.asked, other.granted];
    if one.token != other.token && other.asked < one.granted {
        shown.extend([one.core_end(), other.core_end()]);
    }
    if one.token == other.token && one.process == other.process {
        shown.push(one.believed_until);
    }
    shown
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
    fn who_certainly_had_it_first_has_the_smaller_token() {
        let first = "0:acquire 1:acquire 0:acquire!3 0:release 0:release! 1:acquire!2";
        assert_eq!(
            verdict(first),
            Verdict::Valid,
            "the second may have been revoked before"
        );
        for confirmed in ["1:release 1:release!", "1:verify 1:verify!held"] {
            let text = format!("{first} {confirmed}");
            assert_eq!(verdict(&text), Verdict::Violated, "{text}");
            let unsure = text.replace("0:release!", "0:releasex");
            assert_eq!(verdict(&unsure), Verdict::Valid, "{unsure}");
        }
    }

    #[test]
    fn one_hold_may_have_one_token_however_often_it_is_granted() {
        let again = "0:acquire 0:acquire!3 0:acquire 0:acquire!3";
        assert_eq!(
            verdict(again),
            Verdict::Unknown,
            "there is nothing to compare"
        );
        let other = "1:acquire 1:acquire!4";
        assert_eq!(verdict(&format!("{again} {other}")), Verdict::Valid);
        let back = again.replace("3 0:acquire 0:acquire!3", "3 0:acquire 0:acquire!2");
        assert_eq!(verdict(&format!("{back} {other}")), Verdict::Violated);
        for between in ["0:release 0:release!", "0:verify 0:verify!lost"] {
            let twice = format!("0:acquire 0:acquire!3 {between} 0:acquire 0:acquire!3");
            assert_eq!(verdict(&twice), Verdict::Violated, "{twice}");
        }
        let scope = Scope {
            slots: std::num::NonZeroU32::new(2).expect("not 0"),
            ..Scope::default()
        };
        let history = history(again);
        let found = judge(&history, &scope, Limits::none(), &[Box::new(Fencing)]);
        assert_eq!(
            found[0].verdict,
            Verdict::Violated,
            "a semaphore counts grants"
        );
    }

    #[test]
    fn without_tokens_nothing_is_known() {
        assert_eq!(verdict("0:acquire 0:acquire!"), Verdict::Unknown);
    }
}
