//! `confirmed-exclusion`: exclusion when the service may take a hold away at any moment.
//!
//! A hold is certain from the return of the grant to the invocation of the last `held` answer or of
//! the successful release: its core. A grant that was never confirmed needs only an instant between
//! the acquire's two events at which the cores leave room. Both conditions together are exact: the
//! cores and those instants are themselves a legal explanation of the history. What was reported
//! lost cannot be confirmed later.

use rayon::prelude::*;

use super::Guarantee;
use super::conclusion::conclude;
use super::exclusion::{contended, counts, evidence};
use crate::Case;
use crate::beginning;
use crate::cores::{cores, points};
use crate::finding::{Counts, Finding, Rule, Violation, anomaly};
use crate::hold::Hold;
use crate::holds::Lock;
use crate::order::Order;
use crate::overlap::{Capacity, Interval, Room, for_overlaps, rooms};
use crate::position::Position;
use crate::search::Reason;
use crate::sweep::revocable::revocable_order;

/// Never more clients than the lock has slots hold it for certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfirmedExclusion;

impl Guarantee for ConfirmedExclusion {
    fn name(&self) -> String {
        "confirmed-exclusion".to_owned()
    }

    fn find(&self, case: &Case<'_>) -> Result<Finding, Reason> {
        let capacity = case.scope.capacity();
        let violations = case.of_locks(|lock| violations(case, lock, capacity))?;
        let violations = violations.into_iter().flatten().collect();
        let judged = contended(case, |hold, is_so| is_so(hold.granted, hold.core_end()))?;
        Ok(finding(self, case, violations, (judged, None)))
    }

    fn orders(&self, case: &Case<'_>) -> Option<Vec<Order>> {
        let capacity = case.scope.capacity();
        Some(
            case.locks
                .par_iter()
                .map(|lock| revocable_order(lock, capacity))
                .collect(),
        )
    }
}

/// What is concluded from the double holds, the grants inside cores and the revived holds of all
/// locks, with the number of cores that were contended, and a reason for doubt.
pub(super) fn finding(
    guarantee: &dyn Guarantee,
    case: &Case<'_>,
    mut violations: Vec<Violation>,
    (judged, doubt): (u64, Option<String>),
) -> Finding {
    violations.sort_by(|one, other| one.events.cmp(&other.events));
    let exposures_ns: Vec<u64> = violations
        .iter()
        .filter_map(|violation| violation.exposure_ns)
        .collect();
    let counts = Counts {
        judged,
        ..counts(case, exposures_ns.len())
    };
    let doubt = doubt.or_else(|| super::exclusion::doubt(&counts));
    let evidence = if !violations.is_empty() && exposures_ns.is_empty() {
        "a hold was confirmed after it had been reported lost".to_owned()
    } else {
        evidence(&counts, &exposures_ns)
    };
    Finding {
        exposures_ns,
        ..conclude(guarantee, counts, evidence, doubt, violations)
    }
}

/// What contradicts exclusion of the holds of one lock with so much room; an overlap hides grants
/// inside cores, so those are looked for only without one.
///
/// # Errors
/// The caller said to stop.
pub(crate) fn violations(
    case: &Case<'_>,
    lock: &Lock,
    capacity: Capacity,
) -> Result<Vec<Violation>, Reason> {
    let mut found = revived(case, lock);
    let doubles = double_holds(case, lock, capacity)?;
    if doubles.is_empty() {
        found.extend(grants_inside(case, lock, capacity)?);
    }
    found.extend(doubles);
    Ok(found)
}

pub(crate) fn revived(case: &Case<'_>, lock: &Lock) -> Vec<Violation> {
    let revived = lock
        .holds
        .iter()
        .filter(|hold| hold.core_end() > hold.over_by());
    let violation = |hold: &Hold| {
        Violation::new(
            Rule::Revived,
            lock.key.clone(),
            case.witness([hold.granted]),
        )
        .showing(case.indices([hold.granted, hold.over_by(), hold.core_end()]))
    };
    revived.map(violation).collect()
}

fn double_holds(
    case: &Case<'_>,
    lock: &Lock,
    capacity: Capacity,
) -> Result<Vec<Violation>, Reason> {
    let cores = cores(lock);
    let violation = |begin: Position, end: Position, members: &[usize]| {
        let last = &lock.holds[members[0]];
        let others = || members[1..].iter().map(|place| cores[*place]);
        // Where the last was asked for after the others were granted, its grant alone contradicts
        // them, confirmed or not. If it went to one of the others' processes, then how it ended
        // belongs to the picture: only after that do answers speak of the earlier hold.
        let is_own = members[1..]
            .iter()
            .any(|place| lock.holds[*place].process == last.process);
        let is_inside = !is_own && others().all(|core| core.begin < last.asked);
        let rule = if is_inside {
            Rule::GrantedInside
        } else {
            Rule::TooManyConfirmed
        };
        let shown_end = if is_inside {
            last.granted
        } else {
            last.core_end()
        };
        let witness =
            case.witness(std::iter::once(last.granted).chain(others().map(|core| core.begin)));
        let shown = case.indices(
            others()
                .flat_map(|core| [core.begin, core.end])
                .chain([last.granted, shown_end]),
        );
        let exposure_ns = case.span_ns(begin, end);
        Violation::new(rule, lock.key.clone(), witness)
            .showing(shown)
            .lasting(exposure_ns)
    };
    let mut steps = case.steps();
    let mut found = Vec::new();
    for_overlaps(&cores, capacity, |begin, end, members| {
        let members = members();
        steps.take(1 + members.len())?;
        found.push(violation(begin, end, &members));
        Ok::<(), Reason>(())
    })?;
    Ok(found)
}

/// Grants without a core that came wholly inside the cores of others.
fn grants_inside(
    case: &Case<'_>,
    lock: &Lock,
    capacity: Capacity,
) -> Result<Vec<Violation>, Reason> {
    let cores = cores(lock);
    let windows = windows(lock);
    let mut steps = case.steps();
    let mut chain: Option<Violation> = None;
    let mut violation = |(window, room): (&Interval, Room)| {
        let Room::Nowhere(others) = room else {
            return None;
        };
        if let Err(reason) = steps.take(1 + others.len()) {
            return Some(Err(reason));
        }
        let others = || others.iter().map(|other| cores[*other]);
        let events = others()
            .flat_map(|core| [core.begin, core.end])
            .chain([window.begin, window.end]);
        let grants = std::iter::once(window.end).chain(others().map(|core| core.begin));
        let violation = if others().next().is_some() {
            Violation::new(Rule::GrantedInside, lock.key.clone(), case.witness(grants))
        } else {
            // What a chain fills is shown by the whole lock, once for all.
            let chain = chain.get_or_insert_with(|| filled_by_a_chain(case, lock, capacity));
            chain.clone()
        };
        let violation = violation.called(anomaly::DOUBLE_HOLD);
        let exposure_ns = case.span_ns(window.begin, window.end);
        let violation = violation.showing(case.indices(events));
        Some(Ok(violation.lasting(exposure_ns)))
    };
    windows
        .iter()
        .zip(rooms(&cores, &windows, capacity))
        .filter_map(&mut violation)
        .collect()
}

/// No hold spans the whole window, but readers that overlap fill it: there is no order up to where
/// that is known.
fn filled_by_a_chain(case: &Case<'_>, lock: &Lock, capacity: Capacity) -> Violation {
    let last = case.witness([lock.last_event()]);
    let found = Violation::new(Rule::NoOrder, lock.key.clone(), last);
    beginning::shortest(case.history, &lock.key, found, |history| {
        let case = Case::new(history, case.scope, case.limits);
        let lock = case.locks.first()?;
        let last = case.witness([lock.last_event()]);
        let is_broken = rooms(&cores(lock), &windows(lock), capacity)
            .iter()
            .any(|room| matches!(room, Room::Nowhere(_)));
        is_broken.then(|| Violation::new(Rule::NoOrder, lock.key.clone(), last))
    })
}

fn windows(lock: &Lock) -> Vec<Interval> {
    points(lock).into_iter().map(|(_, window)| window).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Limits;
    use crate::testing::history;
    use crate::{Scope, judge};

    fn finding(text: &str) -> Finding {
        judge(
            &history(text),
            &Scope::default(),
            Limits::none(),
            &[Box::new(ConfirmedExclusion)],
        )
        .remove(0)
    }

    fn anomaly(text: &str) -> Option<String> {
        finding(text)
            .violations
            .first()
            .map(|violation| violation.anomaly.to_string())
    }

    #[test]
    fn an_unconfirmed_hold_may_have_been_taken_away() {
        assert_eq!(
            anomaly(
                "0:acquire 0:acquire! 1:acquire 1:acquire! 1:release 1:release! 0:release 0:release?"
            ),
            None
        );
    }

    #[test]
    fn a_confirmed_hold_excludes_others() {
        for confirmation in ["0:verify 0:verify!held", "0:release 0:release!"] {
            let text = format!("0:acquire 0:acquire! 1:acquire 1:acquire! {confirmation}");
            assert_eq!(
                anomaly(&text).as_deref(),
                Some(anomaly::DOUBLE_HOLD),
                "{text}"
            );
        }
        let both = "1:acquire 0:acquire 0:acquire! 1:acquire! 1:verify 0:verify 0:verify!held 1:verify!held";
        assert_eq!(finding(both).violations[0].events, [2, 3, 4, 5]);
        assert_eq!(finding(both).exposures_ns, [1_000_000]);
    }

    #[test]
    fn a_grant_needs_an_instant_outside_the_cores() {
        let before = "1:acquire 0:acquire 0:acquire! 1:acquire! 0:verify 0:verify!held";
        let after = "0:acquire 0:acquire! 1:acquire 0:verify 1:acquire! 0:verify!held";
        assert_eq!((anomaly(before), anomaly(after)), (None, None));
    }

    #[test]
    fn what_was_lost_cannot_be_confirmed() {
        let text = "0:acquire 0:acquire! 0:verify 0:verify!lost 0:verify 0:verify!held";
        assert_eq!(anomaly(text).as_deref(), Some(anomaly::REVIVED_HOLD));
        assert_eq!(finding(text).violations[0].events, [1, 3, 4]);
    }
}
