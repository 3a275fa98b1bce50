//! `exclusion`: what a user of a plain mutex expects.
//!
//! A client believes from the return of the grant until it asks for the release (whatever comes of
//! it), is told that the lock is lost, or is retired by an operation of unknown outcome. A hold
//! without an end is believed until the end of the record, and one with a lease only until that is
//! over, counted from the request that was answered by it. Only what is certain is used: the ends
//! are events of the client itself or times that it knows, so every two intervals that overlap are
//! a true double hold.

use std::convert::Infallible;

use rayon::prelude::*;

use super::Guarantee;
use super::conclusion::conclude;
use crate::Case;
use crate::belief::{Belief, Moment};
use crate::finding::{
    ByAnswers, Counts, Finding, Rule, VIOLATIONS_MAX, Violation, counted, show_ns,
};
use crate::hold::Hold;
use crate::holds::{Lock, in_order};
use crate::overlap::{Capacity, Interval, for_overlaps};
use crate::position::Position;
use crate::search::Reason;
use crate::stretch::{Stretch, each};

/// Never more clients than the lock has slots believe that they hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exclusion;

impl Guarantee for Exclusion {
    fn name(&self) -> String {
        "exclusion".to_owned()
    }

    fn find(&self, case: &Case<'_>) -> Result<Finding, Reason> {
        let found = believed(case, each, |_| true)?;
        let counts = Counts {
            judged: contended(case, is_believed_while)?,
            by_answers: by_answers(case, each)?,
            ..counts(case, found.len())
        };
        let exposures_ns: Vec<u64> = found.iter().map(|overlap| overlap.exposure_ns).collect();
        let evidence = evidence(&counts, &exposures_ns);
        let doubt = case.doubt_of_leases().or_else(|| doubt(&counts));
        let violations = found
            .iter()
            .take(VIOLATIONS_MAX)
            .map(|overlap| overlap.violation(case))
            .collect();
        Ok(Finding {
            exposures_ns,
            ..conclude(self, counts, evidence, doubt, violations)
        })
    }
}

/// A time at which too many believed.
pub(crate) struct BelievedOverlap<'a> {
    lock: &'a Lock,
    /// Who believed, by their places, and since when until when: the one that came last, then those
    /// it found there. Nobody where that is not asked for.
    members: Vec<Stretch>,
    begin: Position,
    pub(crate) end: Moment,
    pub(crate) exposure_ns: u64,
}

impl BelievedOverlap<'_> {
    pub(crate) fn violation(&self, case: &Case<'_>) -> Violation {
        let holds = || {
            let members = self.members.iter();
            members.map(|stretch| (&self.lock.holds[stretch.place], stretch.belief))
        };
        let witness = case.witness(holds().map(|(hold, _)| hold.granted));
        let shown = holds().flat_map(|(hold, belief)| {
            let end = (!belief.runs_out).then_some(belief.end.position);
            let renewal = case
                .clock()
                .and_then(|clock| hold.renewal_for(clock, self.begin));
            [Some(hold.granted), end, renewal].into_iter().flatten()
        });
        let shown = case.indices(shown);
        Violation::new(Rule::TooManyBelieve, self.lock.key.clone(), witness)
            .showing(shown)
            .lasting(self.exposure_ns)
    }
}

/// What counts as one belief.
type Stretches = fn(&Case<'_>, &Lock, &[(usize, Belief)]) -> Vec<Stretch>;

/// All times at which too many believed, in the order of the history; with who did of those that
/// are shown, by their lengths.
///
/// # Errors
/// The caller said to stop.
pub(crate) fn believed<'a>(
    case: &'a Case<'_>,
    stretches: Stretches,
    is_shown: impl Fn(u64) -> bool + Sync,
) -> Result<Vec<BelievedOverlap<'a>>, Reason> {
    let found = case.of_locks(|lock| of_lock(case, lock, stretches, &is_shown))?;
    let mut found: Vec<BelievedOverlap<'a>> = found.into_iter().flatten().collect();
    found.sort_unstable_by_key(|overlap| overlap.begin);
    Ok(found)
}

/// How often too many believed, however long it takes to count.
pub(crate) fn overlap_count(case: &Case<'_>) -> usize {
    let of_lock = |lock: &Lock| {
        let mut count = 0;
        let intervals = intervals(lock, &each(case, lock, &lock.beliefs()));
        let all = for_overlaps(&intervals, case.scope.capacity(), |_, _, _| {
            count += 1;
            Ok::<(), Infallible>(())
        });
        match all {
            Ok(()) => count,
        }
    };
    case.locks.par_iter().map(of_lock).sum()
}

fn of_lock<'a>(
    case: &Case<'_>,
    lock: &'a Lock,
    stretches: Stretches,
    is_shown: impl Fn(u64) -> bool,
) -> Result<Vec<BelievedOverlap<'a>>, Reason> {
    let mut steps = case.steps();
    let (mut found, mut shown) = (Vec::new(), 0);
    let believed = stretches(case, lock, &lock.beliefs());
    for_overlaps(
        &intervals(lock, &believed),
        case.scope.capacity(),
        |begin, end, members| {
            let exposure_ns = case.until_ns(begin, end);
            let mut believing = Vec::new();
            // No lock can show more than all together may.
            if shown < VIOLATIONS_MAX && is_shown(exposure_ns) {
                shown += 1;
                believing = members()
                    .into_iter()
                    .map(|member| believed[member])
                    .collect();
            }
            steps.take(1 + believing.len())?;
            found.push(BelievedOverlap {
                lock,
                members: believing,
                begin,
                end,
                exposure_ns,
            });
            Ok::<(), Reason>(())
        },
    )?;
    Ok(found)
}

fn intervals(lock: &Lock, believed: &[Stretch]) -> Vec<Interval<Moment>> {
    let believed = believed.iter();
    believed.map(|stretch| stretch.interval(lock)).collect()
}

/// What overlaps if leases are counted from the answers, as most programs count. Nothing where the
/// record has no leases, or no clock by which they run.
///
/// # Errors
/// The caller said to stop.
pub(crate) fn by_answers(
    case: &Case<'_>,
    stretches: Stretches,
) -> Result<Option<ByAnswers>, Reason> {
    if !case.has_leases() || case.clock().is_none() {
        return Ok(None);
    }
    let found = case.of_locks(|lock| {
        let holds = lock.holds.iter().enumerate();
        let beliefs = in_order(holds.flat_map(|(place, hold)| {
            let beliefs = hold.beliefs_by_answers(case.clock());
            beliefs.into_iter().map(move |belief| (place, belief))
        }));
        let (mut steps, mut found) = (case.steps(), ByAnswers::default());
        let intervals = intervals(lock, &stretches(case, lock, &beliefs));
        for_overlaps(&intervals, case.scope.capacity(), |begin, end, _| {
            found.overlaps += 1;
            found.longest_ns = found.longest_ns.max(case.until_ns(begin, end));
            steps.step()
        })?;
        Ok(found)
    })?;
    Ok(found.into_iter().reduce(|one, other| ByAnswers {
        overlaps: one.overlaps + other.overlaps,
        longest_ns: one.longest_ns.max(other.longest_ns),
    }))
}

pub(crate) fn counts(case: &Case<'_>, overlaps: usize) -> Counts {
    let holds = || case.locks.iter().flat_map(|lock| &lock.holds);
    let is_mutex = case.scope.capacity() == Capacity::OneClient;
    let again = |hold: &Hold| is_mutex && hold.within.is_some();
    Counts {
        holds: holds().count() as u64,
        revoked: holds().filter(|hold| hold.is_revoked()).count() as u64,
        refusals: case
            .locks
            .iter()
            .map(|lock| lock.refusals.len() as u64)
            .sum(),
        overlaps: overlaps as u64,
        granted_again: holds().filter(|hold| again(hold)).count() as u64,
        ..Counts::default()
    }
}

/// The holds that lasted until a later event, and not everybody who wanted the lock meanwhile could
/// have it: only these could have been broken into. The last phase does not count. `is_while` tells
/// whether a hold lasted through some of the moments from one position to another of which it is
/// told whether that was so.
pub(crate) fn contended(
    case: &Case<'_>,
    is_while: impl Fn(&Hold, &dyn Fn(Position, Position) -> bool) -> bool + Sync,
) -> Result<u64, Reason> {
    let of_lock = |lock: &Lock| {
        let crowds = case.crowds(lock);
        let holds = lock.holds.iter();
        let meet = |begin, end: Position| crowds.meet(begin, end.min(case.settle));
        let contended = holds.filter(|hold| is_while(hold, &meet));
        Ok(contended.count() as u64)
    };
    Ok(case.of_locks(of_lock)?.into_iter().sum())
}

/// Whether a hold was believed while something was so.
pub(crate) fn is_believed_while(hold: &Hold, is_so: &dyn Fn(Position, Position) -> bool) -> bool {
    let mut beliefs = hold.beliefs();
    beliefs.any(|belief| is_so(belief.begin, belief.end.position))
}

/// Why nothing is known where no hold was put to the test.
pub(crate) fn doubt(counts: &Counts) -> Option<String> {
    let why =
        "no hold was contended: never did more clients want a lock at one time than it is for";
    (counts.judged == 0).then(|| why.to_owned())
}

/// `402 holds, 12 of them revoked, 96 contended`, or `2 overlaps, longest 4.93 s`.
pub(crate) fn evidence(counts: &Counts, exposures_ns: &[u64]) -> String {
    let again = match counts.granted_again {
        0 => String::new(),
        again => format!(", {again} granted again to their holder"),
    };
    let leased = counts
        .by_answers
        .as_ref()
        .map_or_else(String::new, |found| format!("; {}", if_by_answers(found)));
    match exposures_ns.iter().max() {
        Some(longest) => format!(
            "{}, longest {}{again}{leased}",
            counted(counts.overlaps, "overlap"),
            show_ns(*longest)
        ),
        None if counts.holds == 0 => "no holds".to_owned(),
        None => format!(
            "{}, {} of them revoked, {} contended{again}{leased}",
            counted(counts.holds, "hold"),
            counts.revoked,
            counts.judged
        ),
    }
}

/// `3 overlaps, longest 4.93 s, if leases are counted from the answers`.
fn if_by_answers(found: &ByAnswers) -> String {
    let longest = match found.overlaps {
        0 => String::new(),
        _ => format!(", longest {}", show_ns(found.longest_ns)),
    };
    let overlaps = counted(found.overlaps, "overlap");
    format!("{overlaps}{longest} if leases are counted from the answers")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomaly;
    use crate::search::Limits;
    use crate::testing::history;
    use crate::{Scope, Verdict, judge};

    fn finding(text: &str, slots: u32) -> Finding {
        let scope = Scope {
            slots: slots.try_into().expect("not 0"),
            ..Scope::default()
        };
        judge(
            &history(text),
            &scope,
            Limits::none(),
            &[Box::new(Exclusion)],
        )
        .remove(0)
    }

    fn is_violated(text: &str) -> bool {
        finding(text, 1).verdict == Verdict::Violated
    }

    #[test]
    fn what_nobody_else_wanted_proves_nothing() {
        let found = finding(
            "0:acquire 0:acquire! 0:release 1:acquire 1:acquire! 0:release!",
            1,
        );
        assert_eq!(
            (found.verdict, found.evidence.as_str()),
            (Verdict::Unknown, "2 holds, 0 of them revoked, 0 contended")
        );
    }

    #[test]
    fn what_others_want_in_the_last_phase_proves_nothing_but_breaks_it_all_the_same() {
        let wanted = "1:acquire 1:acquireX 0:release 0:release!";
        let judged = |before: &str, after: &str| {
            finding(
                &format!("begin 0:acquire 0:acquire! {before} settle {after} end"),
                1,
            )
            .verdict
        };
        assert_eq!(judged(wanted, ""), Verdict::Valid);
        assert_eq!(judged("", wanted), Verdict::Unknown);
        assert_eq!(judged("", "1:acquire 1:acquire!"), Verdict::Violated);
    }

    #[test]
    fn two_at_once_are_a_double_hold() {
        let found = finding(
            "0:acquire 0:acquire! 1:acquire 1:acquire! 0:release 0:release! 1:release 1:release!",
            1,
        );
        assert_eq!(found.evidence, "1 overlap, longest 1.00 ms");
        assert_eq!(found.violations[0].events, [1, 3, 4, 6]);
        assert_eq!(&*found.violations[0].anomaly, anomaly::DOUBLE_HOLD);
        assert_eq!(found.exposures_ns, [1_000_000]);
    }

    #[test]
    fn belief_ends_with_the_request_for_release_whatever_comes_of_it() {
        for end in ["!", "x", "X", "?"] {
            let text =
                format!("0:acquire 0:acquire! 0:release 1:acquire 1:acquire! 0:release{end}");
            assert!(!is_violated(&text));
        }
    }

    #[test]
    fn belief_ends_with_notifications_answers_and_the_process() {
        let others = "1:acquire 1:acquire!";
        assert!(!is_violated(&format!(
            "0:acquire 0:acquire! 0:lost 0:lost! {others}"
        )));
        assert!(!is_violated(&format!(
            "0:acquire 0:acquire! 0:verify 0:verify!lost {others}"
        )));
        assert!(!is_violated(&format!(
            "0:acquire 0:acquire! 0:verify 0:verify? {others}"
        )));
        assert!(!is_violated(&format!(
            "0:acquire 0:acquire! b/0:acquire b/0:acquire? {others}"
        )));
        assert!(is_violated(&format!(
            "0:acquire 0:acquire! 0:verify {others} 0:verify?"
        )));
        assert!(is_violated(&format!(
            "0:acquire 0:acquire! 0:verify 0:verify!held {others}"
        )));
        assert!(is_violated(&format!(
            "0:acquire 0:acquire! 0:verify 0:verifyx {others}"
        )));
        assert!(is_violated(&format!(
            "0:acquire 0:acquire! b/0:lost b/0:lost! {others}"
        )));
    }

    #[test]
    fn an_open_hold_is_believed_to_the_end_of_the_record() {
        let found = finding("0:acquire 0:acquire! 1:acquire 1:acquire! 2:acquire", 1);
        assert_eq!(
            (found.verdict, found.exposures_ns),
            (Verdict::Violated, vec![1_000_000])
        );
    }

    #[test]
    fn who_is_granted_again_what_it_holds_is_no_second_client() {
        let again = "0:acquire 0:acquire! 0:acquire 0:acquire! 1:acquire 1:acquireX";
        let found = finding(again, 1);
        assert_eq!(
            (found.verdict, found.evidence.as_str()),
            (
                Verdict::Valid,
                "2 holds, 0 of them revoked, 2 contended, 1 granted again to their holder"
            )
        );
        assert!(is_violated(&again.replace('X', "!")));
        let both = format!("{again} 2:acquire 2:acquire!");
        assert_eq!(
            finding(&both, 2).verdict,
            Verdict::Violated,
            "a semaphore counts grants"
        );
        let [other, own] = ["1", "0"].map(|reader| {
            let text = format!("0:acquire 0:acquire! {reader}:acquire {reader}:acquire!read");
            is_violated(&text)
        });
        assert!(other && !own, "a writer may read");
    }

    #[test]
    fn a_hold_is_put_to_the_test_by_who_wants_the_lock_meanwhile() {
        for (text, verdict) in [
            ("", Verdict::Unknown),
            ("0:acquire 0:acquire! 1:acquire 1:acquireX", Verdict::Valid),
            (
                "0:acquire 0:acquire! 1:acquire 1:acquirexnot-sent",
                Verdict::Unknown,
            ),
            (
                "1:acquire 0:acquire 1:acquireX 0:acquire! 0:release 0:release!",
                Verdict::Unknown,
            ),
            (
                "1:acquire 0:acquire 0:acquire! 1:acquireX 0:release 0:release!",
                Verdict::Valid,
            ),
        ] {
            assert_eq!(finding(text, 1).verdict, verdict, "{text}");
        }
    }

    #[test]
    fn a_lease_keeps_others_out_until_it_is_over() {
        let text = "0:acquire 0:acquire!l3 1:acquire 1:acquire!l9 2:acquire 2:acquireX";
        let found = finding(text, 1);
        assert_eq!(
            (found.verdict, found.evidence.as_str()),
            (
                Verdict::Valid,
                "2 holds, 0 of them revoked, 2 contended; 1 overlap, longest 1.00 ms if leases are counted from the answers"
            )
        );
        let expected = ByAnswers {
            overlaps: 1,
            longest_ns: 1_000_000,
        };
        assert_eq!(found.counts.by_answers, Some(expected));
        let found = finding(&text.replace("l3", "l4"), 1);
        assert_eq!(found.exposures_ns, [1_000_000]);
        assert_eq!(found.violations[0].events, [1, 3]);
        let renewed = text.replace("l3", "l3 0:verify 0:verify!heldl9");
        let found = finding(&renewed, 1);
        assert_eq!(
            found.violations[0].events,
            [1, 3, 5],
            "with what renewed it"
        );
        assert_eq!(
            finding(&text.replace(['l', '3'], ""), 1).counts.by_answers,
            None
        );
    }

    #[test]
    fn leases_need_a_clock() {
        let found = finding("0:acquire ~0:acquire!l3 ~1:acquire ~1:acquire!l3", 1);
        assert_eq!(found.verdict, Verdict::Unknown);
        assert!(found.reason.is_some_and(|why| why.contains("no clock")));
    }

    #[test]
    fn keys_are_independent() {
        assert!(!is_violated(
            "a/0:acquire a/0:acquire! b/1:acquire b/1:acquire!"
        ));
    }

    #[test]
    fn a_semaphore_takes_as_many_as_it_has_slots() {
        let three =
            "0:acquire 0:acquire! 1:acquire 1:acquire! 2:acquire 2:acquire! 0:release 0:release!";
        assert_eq!(finding(three, 3).verdict, Verdict::Unknown);
        let refused = three.replace(" 0:release ", " 3:acquire 3:acquireX 0:release ");
        assert_eq!(finding(&refused, 3).verdict, Verdict::Valid);
        let found = finding(three, 2);
        assert_eq!(
            (found.verdict, found.exposures_ns.as_slice()),
            (Verdict::Violated, &[1_000_000][..])
        );
        assert_eq!(found.violations[0].events, [1, 3, 5, 6]);
        assert_eq!(finding(three, 1).exposures_ns, [3_000_000, 2_000_000]);
    }
}
