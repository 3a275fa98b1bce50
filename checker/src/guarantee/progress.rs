//! `progress<=D`: after the last fault the lock works again.
//!
//! A lock works again at the first instant after the last healing at which all its slots are held
//! at one time (for a mutex: at the first grant). If a count found the slots of an administered
//! lock and grants name theirs, each of those slots is a lock of its own: all must be granted, at
//! one time or one after the other. A holder from before does not count for a mutex or a slot with
//! a name; while it goes on, nobody starves. The clock starts when that is over and as many clients
//! as the lock has slots want it at one time. If the lock does not work again within the bound, and
//! one of them waited or was refused for longer than that although a slot was free for certain, the
//! guarantee is violated; if nobody did, or the record is too short, nothing is known.
//!
//! A lock has the slots that its last successful count lists; without counts, as many as are said.
//! Nobody can wait for slots that are still to be made or removed, so for an administered lock the
//! clock starts at the last change if that comes after the last healing.
//!
//! Where nobody was ever granted any lock, nor refused one because it is taken, nothing is known: the
//! service may not be there at all, and that is not the lock's doing.
//!
//! One grant does not settle it: a lock that is then stuck for good is violated too. Once the last
//! hold is over, whoever asks must be granted within the bound; if nobody is, although somebody
//! goes on asking beyond it, the lock is never granted again. If it may be held after all (by an
//! acquire or a release of unknown outcome, or a release that failed) or if nobody asked long
//! enough, nothing is known.

mod slots;
mod wait;

use std::time::Duration;

use history::{Function, Kind};

use self::slots::Slots;
use self::wait::Wait;
use super::{Guarantee, exclusion};
use crate::finding::{Counts, Finding, Rule, VIOLATIONS_MAX, Violation, anomaly, counted, show_ns};
use crate::holds::Lock;
use crate::position::{NEVER, Position, position_or_never};
use crate::search::Reason;
use crate::{Case, Verdict};

/// Every lock is granted again within a bound after the last fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgressWithin {
    /// How long it may take.
    pub bound: Duration,
}

impl Guarantee for ProgressWithin {
    fn name(&self) -> String {
        format!(
            "progress<={}",
            humantime::format_duration(self.bound)
                .to_string()
                .replace(' ', "")
        )
    }

    fn find(&self, case: &Case<'_>) -> Result<Finding, Reason> {
        let healed = healed(case);
        let returns = case.of_locks(|lock| {
            let is_asked = !case.asks.of(&lock.key).is_empty();
            Ok(is_asked.then(|| (lock, self.of_lock(case, lock, healed))))
        })?;
        let returns: Vec<(&Lock, Return)> = returns.into_iter().flatten().collect();
        let stuck: Vec<_> = returns
            .iter()
            .filter_map(|(lock, again)| again.violation(case, lock))
            .collect();
        let (verdict, reason) = match () {
            () if healed == NEVER => unknown("a fault was not healed before the record ended"),
            () if returns.is_empty() => unknown("nobody asked for a lock"),
            () if !shows_a_lock(case) => unknown(NO_LOCK),
            () if !stuck.is_empty() => (Verdict::Violated, None),
            () => {
                let undecided = returns.iter().find_map(|(_, again)| again.undecided());
                undecided.map_or((Verdict::Valid, None), unknown)
            }
        };
        let is_violated = verdict == Verdict::Violated;
        Ok(Finding {
            guarantee: self.name(),
            counts: Counts {
                judged: returns
                    .iter()
                    .filter(|(_, again)| again.is_decided())
                    .count() as u64,
                ..exclusion::counts(case, 0)
            },
            verdict,
            reason,
            evidence: evidence(&returns, is_violated),
            violations: stuck
                .into_iter()
                .filter(|_| is_violated)
                .take(VIOLATIONS_MAX)
                .collect(),
            ..Finding::default()
        })
    }
}

/// Whether somebody was ever granted a lock, or refused because it is taken. Where nobody was, it may be
/// that nothing is there that could grant one.
fn shows_a_lock(case: &Case<'_>) -> bool {
    let events = case.history.events().iter();
    let mut acquires = events.filter(|event| event.function == Function::Acquire);
    acquires.any(|event| match event.kind {
        Kind::Ok => true,
        Kind::Fail => {
            let error = event.error.as_ref();
            error.is_none_or(|error| ["busy", "no-slot"].contains(&&*error.kind))
        }
        Kind::Invoke | Kind::Info => false,
    })
}

fn unknown(reason: &str) -> (Verdict, Option<String>) {
    (Verdict::Unknown, Some(reason.to_owned()))
}

/// Where the last healing was over; 0 without faults, nowhere if one was not. Records from
/// elsewhere say only where healings began. What missed broke nothing, so that nothing has to
/// recover from it.
fn healed(case: &Case<'_>) -> Position {
    let mut windows = case.history.windows();
    windows.retain(|window| !window.missed);
    let says_when = windows.iter().any(|window| window.healed.is_some());
    let healed = windows.iter().map(|window| match says_when {
        true => window.healed,
        false => window.heal,
    });
    healed.map(position_or_never).max().unwrap_or(0)
}

/// `3 locks, granted again after 1.20 s at most`.
fn evidence(returns: &[(&Lock, Return)], is_violated: bool) -> String {
    if returns.is_empty() {
        return "no locks".to_owned();
    }
    let count = |is: fn(&Return) -> bool| {
        let found = returns.iter().filter(|(_, again)| is(again));
        counted(found.count() as u64, "lock")
    };
    let after = returns.iter().filter_map(|(_, again)| again.after_ns());
    let after = after.max();
    let slowest = after.map_or("-".to_owned(), show_ns);
    let is_late = |again: &Return| matches!(again, Return::Late { .. });
    let is_never = |again: &Return| matches!(again, Return::Never(_));
    let locks = counted(returns.len() as u64, "lock");
    let be = if returns.len() == 1 {
        "it was"
    } else {
        "they were"
    };
    if !is_violated && after.is_none() {
        format!("{locks}, and it is not known when {be} granted again")
    } else if !is_violated && after == Some(0) {
        format!("{locks}, granted again at once")
    } else if !is_violated {
        format!("{locks}, granted again after {slowest} at most")
    } else if returns.iter().any(|(_, again)| is_never(again)) {
        format!("{} not granted again", count(is_never))
    } else {
        format!(
            "{} granted again too late, after {slowest} at most",
            count(is_late)
        )
    }
}

/// When a lock worked again.
enum Return {
    After(u64),
    /// Too late: who asked for it here waited for longer than the bound.
    Late {
        asked: Position,
        after_ns: u64,
    },
    /// Never, or not for good; somebody asked for it here.
    Never(Position),
    /// Nothing is known, for this reason.
    Undecided(&'static str),
}

const NO_LOCK: &str = "nobody was ever granted a lock, nor told that it is taken: look at the errors, and whether the service is there at all";
const TOO_LITTLE: &str =
    "too few clients asked for a lock after the last fault, or the record ended too soon";
const DOUBTFUL: &str = "nobody was granted a lock any more, but it may have been held, or nobody asked for it long enough";

const CHANGING: &str = "an operation of unknown outcome may still make or remove slots of a lock";

impl Return {
    fn after_ns(&self) -> Option<u64> {
        match self {
            Self::After(after_ns) | Self::Late { after_ns, .. } => Some(*after_ns),
            Self::Never(_) | Self::Undecided(_) => None,
        }
    }

    fn undecided(&self) -> Option<&'static str> {
        if let Self::Undecided(reason) = self {
            Some(reason)
        } else {
            None
        }
    }

    fn is_decided(&self) -> bool {
        self.undecided().is_none()
    }

    fn is_violation(&self) -> bool {
        matches!(self, Self::Late { .. } | Self::Never(_))
    }

    /// What is known where slots may still be made or removed by an operation of unknown outcome.
    fn unless(self, doubtful: bool) -> Self {
        if doubtful && self.is_violation() {
            return Self::Undecided(CHANGING);
        }
        self
    }

    /// What is known together with the end of the record: the worse of both.
    fn then(self, tail: impl FnOnce() -> Vain) -> Self {
        if self.is_violation() {
            return self;
        }
        match (self, tail()) {
            (_, Vain::Surely(asked)) => Self::Never(asked),
            (Self::After(_), Vain::Perhaps) => Self::Undecided(DOUBTFUL),
            (first, _) => first,
        }
    }

    fn violation(&self, case: &Case<'_>, lock: &Lock) -> Option<Violation> {
        let violation = |asked: &Position| {
            Violation::new(Rule::NeverGranted, lock.key.clone(), case.witness([*asked]))
        };
        match self {
            Self::Never(asked) => Some(violation(asked)),
            Self::Late { asked, .. } => Some(violation(asked).called(anomaly::GRANTED_TOO_LATE)),
            Self::After(_) | Self::Undecided(_) => None,
        }
    }
}

/// Whether somebody starved until the record ended.
enum Vain {
    No,
    Perhaps,
    /// The first of them asked here.
    Surely(Position),
}

impl ProgressWithin {
    fn of_lock(&self, case: &Case<'_>, lock: &Lock, healed: Position) -> Return {
        let slots = match Slots::new(case, lock, healed) {
            Ok(slots) => slots,
            Err(why) => return Return::Undecided(why),
        };
        let wait = Wait::new(case, lock, &slots, self.bound);
        let again = wait.first().then(|| wait.tail());
        again.unless(slots.doubtful)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Limits;
    use crate::testing::history;
    use crate::{Scope, judge};

    fn verdict(text: &str) -> Verdict {
        let guarantee = ProgressWithin {
            bound: Duration::from_millis(4),
        };
        judge(
            &history(text),
            &Scope::default(),
            Limits::none(),
            &[Box::new(guarantee)],
        )[0]
        .verdict
    }

    #[test]
    fn a_grant_in_time_is_progress() {
        assert_eq!(
            verdict("+cut:0 0:acquire 0:acquire? -cut 1:acquire 1:acquire!"),
            Verdict::Valid
        );
        assert_eq!(verdict("0:acquire 0:acquire!"), Verdict::Valid);
    }

    fn finding(text: &str, slots: u32) -> Finding {
        let scope = Scope {
            slots: slots.try_into().expect("not 0"),
            ..Scope::default()
        };
        let bound = Duration::from_millis(4);
        let guarantees: [Box<dyn Guarantee>; 1] = [Box::new(ProgressWithin { bound })];
        judge(&history(text), &scope, Limits::none(), &guarantees).remove(0)
    }

    #[test]
    fn what_was_found_is_told() {
        let found = finding("+cut:0 -cut 1:acquire 1:acquire!", 1);
        assert_eq!(
            found.evidence,
            "1 lock, granted again after 1.00 ms at most"
        );
        let vain = "+cut:0 0:acquire 0:acquire? -cut 1:acquire 1:acquireX 1:acquire 1:acquireX 1:acquire 1:acquireX 1:acquire 1:acquireX";
        assert_eq!(finding(vain, 1).evidence, "1 lock not granted again");
        let found = finding("+cut:0 1:acquire 1:acquire!", 1);
        assert_eq!(
            found.reason.as_deref(),
            Some("a fault was not healed before the record ended")
        );
    }

    #[test]
    fn a_lock_that_was_lost_is_free() {
        let vain = "1:acquire 1:acquireX ".repeat(6);
        let lost = format!("0:acquire 0:acquire! 0:lost 0:lost! {vain}");
        assert_eq!(verdict(&lost), Verdict::Violated);
        let held = format!("0:acquire 0:acquire! {vain}");
        assert_ne!(verdict(&held), Verdict::Violated);
    }

    #[test]
    fn a_semaphore_must_be_wanted_by_as_many_at_one_time_as_it_has_slots() {
        let one_by_one = "+cut:0 -cut 1:acquire 1:acquire! 1:release 1:release! 2:acquire 2:acquire! 2:release 2:release! 1:acquire 1:acquire!";
        assert_eq!(finding(one_by_one, 2).verdict, Verdict::Unknown);
    }

    /// Each time the client says that it could not ask the service, in vain until the end.
    #[test]
    fn a_service_that_is_not_there_says_nothing_of_the_lock() {
        let down = "+cut:0 -cut ".to_owned() + &"1:acquire 1:acquirexdeclined ".repeat(6);
        let found = finding(&down, 1);
        assert_eq!(found.verdict, Verdict::Unknown, "{}", found.evidence);
        assert!(found.reason.expect("a reason").contains("is there"));
        for shows in [
            "1:acquire 1:acquirexbusy ",
            "2:acquire 2:acquire! 2:release 2:release! ",
        ] {
            assert_eq!(
                verdict(&(shows.to_owned() + &down)),
                Verdict::Violated,
                "{shows}"
            );
        }
    }

    #[test]
    fn asking_in_vain_is_a_violation() {
        let text = "+cut:0 0:acquire 0:acquire? -cut 1:acquire 1:acquireX 1:acquire 1:acquireX 1:acquire 1:acquireX";
        assert_eq!(verdict(text), Verdict::Violated);
    }

    #[test]
    fn without_time_or_demand_nothing_is_known() {
        assert_eq!(
            verdict("+cut:0 0:acquire 0:acquire? -cut 1:acquire 1:acquireX"),
            Verdict::Unknown
        );
        assert_eq!(
            verdict(
                "+cut:0 0:acquire 0:acquire? -cut a/1:acquire a/1:acquire! a/1:release a/1:release! a/1:acquire"
            ),
            Verdict::Unknown
        );
        assert_eq!(verdict("+cut:0 0:acquire 0:acquire!"), Verdict::Unknown);
        assert_eq!(verdict(""), Verdict::Unknown);
    }

    #[test]
    fn a_holder_from_before_keeps_others_waiting() {
        let text = "0:acquire 0:acquire! +cut:0 -cut 1:acquire 1:acquireX 1:acquire 1:acquireX 1:acquire 1:acquireX 0:release 0:release! 1:acquire 1:acquire!";
        assert_eq!(verdict(text), Verdict::Valid);
    }

    #[test]
    fn one_grant_does_not_settle_it() {
        let granted = "+cut:0 0:acquire 0:acquire? -cut 1:acquire 1:acquire! 1:release 1:release!";
        let refused = "3:acquire 3:acquireX 3:acquire 3:acquireX 3:acquire 3:acquireX";
        assert_eq!(verdict(&format!("{granted} {refused}")), Verdict::Violated);
        assert_eq!(
            verdict(&format!("{granted} {refused} 3:acquire 3:acquire!")),
            Verdict::Valid
        );
        let short = "3:acquire 3:acquireX";
        assert_eq!(
            verdict(&format!("{granted} {short}")),
            Verdict::Unknown,
            "it is free and refused, and the record ends too soon"
        );
        let kept = "+cut:0 -cut 1:acquire 1:acquire!";
        assert_eq!(verdict(&format!("{kept} {refused}")), Verdict::Valid);
    }

    #[test]
    fn the_clock_starts_with_the_first_demand() {
        let idle = "0:verify 0:verify!lost ".repeat(4);
        let quick = format!("+cut:0 -cut {idle} 1:acquire 1:acquire! 1:release 1:release!");
        let found = finding(&quick, 1);
        assert_eq!(found.verdict, Verdict::Valid);
        assert_eq!(
            found.evidence,
            "1 lock, granted again after 1.00 ms at most"
        );
        let straddling =
            "+cut:0 -cut 0:acquire 0:acquireX 0:verify 0:verify!lost 1:acquire 1:acquire!";
        assert_eq!(
            finding(straddling, 1).verdict,
            Verdict::Unknown,
            "nobody waited for so long"
        );
    }

    #[test]
    fn who_waits_too_long_is_granted_too_late() {
        let text = format!(
            "+cut:0 -cut 1:acquire {} 1:acquire!",
            "0:verify 0:verify!lost ".repeat(2)
        );
        let found = finding(&text, 1);
        assert_eq!(
            found.evidence,
            "1 lock granted again too late, after 5.00 ms at most"
        );
        assert_eq!(&*found.violations[0].anomaly, anomaly::GRANTED_TOO_LATE);
        assert_eq!(found.violations[0].witness, [2]);
    }

    #[test]
    fn what_was_never_sent_asks_for_nothing() {
        let asked = "1:acquire 1:acquirexnot-sent ".repeat(6);
        assert_eq!(verdict(&format!("+cut:0 -cut {asked}")), Verdict::Unknown);
        let sent = asked.replace("xnot-sent", "X");
        assert_eq!(verdict(&format!("+cut:0 -cut {sent}")), Verdict::Violated);
    }

    #[test]
    fn the_healing_is_over_when_the_record_says_so() {
        let waiting = "1:acquire 1:acquireX 1:acquire 1:acquireX";
        let text = format!("+cut:0 -cut {waiting} =cut 1:acquire 1:acquireX");
        assert_eq!(verdict(&text), Verdict::Unknown);
        let short = format!("+cut:0 -cut {waiting} 1:acquire 1:acquireX");
        assert_eq!(
            verdict(&short),
            Verdict::Violated,
            "a record from elsewhere"
        );
        let unhealed = format!("+cut:0 -cut =cut +cut:0 -cut {waiting} 1:acquire 1:acquireX");
        assert_eq!(verdict(&unhealed), Verdict::Unknown);
    }

    #[test]
    fn a_lock_that_may_be_held_is_not_surely_stuck() {
        let refused = "3:acquire 3:acquireX 3:acquire 3:acquireX 3:acquire 3:acquireX";
        let granted = "+cut:0 -cut 1:acquire 1:acquire!";
        for doubt in [
            "1:release 1:release! 5:acquire",
            "1:release 1:releasexbusy",
            "1:release",
        ] {
            let text = format!("{granted} {doubt} {refused}");
            assert_eq!(verdict(&text), Verdict::Unknown, "{text}");
        }
        let unknown = "3:acquire 3:acquire? 4:acquire 4:acquire? 5:acquire 5:acquire?";
        let text = format!("{granted} 1:release 1:release! {unknown}");
        assert_eq!(verdict(&text), Verdict::Unknown);
        let once = "3:acquire 3:acquireX 3:verify 3:verify!lost 3:verify 3:verify!lost";
        let text = format!("{granted} 1:release 1:release! {once}");
        assert_eq!(verdict(&text), Verdict::Unknown);
        let text = format!("{granted} 1:release 1:release? {refused} {refused}");
        assert_eq!(verdict(&text), Verdict::Violated);
    }

    #[test]
    fn a_key_that_was_never_granted_is_not_left_out() {
        let granted = "+cut:0 -cut 1:acquire 1:acquire!";
        let text = format!("{granted} a/3:acquire a/3:acquirexbusy");
        assert_eq!(verdict(&text), Verdict::Unknown);
        let text = format!("{text} a/3:acquire a/3:acquirexbusy a/3:acquire a/3:acquirexbusy");
        assert_eq!(verdict(&text), Verdict::Violated);
    }

    fn verdict_of(slots: u32, text: &str) -> Verdict {
        let scope = Scope {
            slots: slots.try_into().expect("not 0"),
            ..Scope::default()
        };
        let bound = Duration::from_millis(4);
        let guarantee = ProgressWithin { bound };
        judge(
            &history(text),
            &scope,
            Limits::none(),
            &[Box::new(guarantee)],
        )[0]
        .verdict
    }

    #[test]
    fn all_slots_are_held_at_one_time() {
        let both = "+cut:0 -cut 1:acquire 1:acquire! 2:acquire 2:acquire!";
        assert_eq!(verdict_of(2, both), Verdict::Valid);
        let in_turn = "+cut:0 -cut 1:acquire 1:acquire! 1:release 1:release! 2:acquire 2:acquire! 2:release 2:release!";
        assert_eq!(
            verdict_of(2, in_turn),
            Verdict::Unknown,
            "two never wanted it together"
        );
        let again = "2:acquire 2:acquireX 2:acquire 2:acquireX 2:acquire 2:acquireX";
        let one_works = format!("+cut:0 -cut 1:acquire 1:acquire! {again}");
        assert_eq!(verdict_of(2, &one_works), Verdict::Violated);
        assert_eq!(verdict_of(3, &one_works), Verdict::Unknown);
    }

    #[test]
    fn each_slot_that_was_counted_is_granted_again() {
        let made = "9:create 9:create![1,2] 9:count 9:count![1,2] +cut:0 -cut";
        let one = "1:acquire 1:acquire!s1 1:release 1:release!";
        let other = "1:acquire 1:acquire!s2";
        assert_eq!(
            verdict(&format!(
                "{made} 1:acquire 1:acquire!s1 2:acquire 2:acquire!s2"
            )),
            Verdict::Valid
        );
        let quick = format!(
            "{made} 1:acquire 1:acquire!s2 2:acquire 2:acquire!s1 2:release 2:release! 1:release 1:release!"
        );
        assert_eq!(verdict(&quick), Verdict::Valid);
        assert_eq!(
            verdict(&format!("{made} {one} {other}")),
            Verdict::Unknown,
            "too late, and nobody was kept waiting"
        );
        let again = "2:acquire 2:acquireX 2:acquire 2:acquireX 2:acquire 2:acquireX";
        let lost = format!("{made} 1:acquire 1:acquire!s1 {again}");
        assert_eq!(verdict(&lost), Verdict::Violated);
        assert_eq!(
            verdict_of(1, &lost),
            verdict_of(7, &lost),
            "the count says how many there are"
        );
        assert_eq!(verdict(&lost.replace("s1", "s3")), Verdict::Violated);
        let doubtful = format!("8:shrink 8:shrink? {lost}");
        assert_eq!(verdict(&doubtful), Verdict::Unknown);
    }

    #[test]
    fn slots_are_waited_for_from_the_last_change_on() {
        let late = "9:create 9:create![1] +cut:0 -cut 1:acquire 1:acquire!s1 1:release 1:release! 2:acquire 2:acquireX 9:grow 9:grow![2] 9:count 1:acquire 2:acquire";
        let granted = "9:count![1,2] 1:acquire!s1 2:acquire!s2";
        assert_eq!(
            verdict(&format!("{late} {granted}")),
            Verdict::Valid,
            "the clock starts when two want it"
        );
        let waiting = "3:verify 3:verify!lost 3:verify 3:verify!lost";
        assert_eq!(
            verdict(&format!("{late} {waiting} {granted}")),
            Verdict::Violated
        );
        let late = late.replace("9:count 1", "1").replace(
            "1:acquire 2:acquire",
            "1:acquire 1:acquire!s1 2:acquire 2:acquire!s2 9:count 9:count![1,2]",
        );
        assert_eq!(verdict(&late), Verdict::Valid);
        for (text, why) in [
            (
                "9:count 9:count![1] 1:acquire 1:acquire! 9:grow 9:grow![2]",
                "not counted again",
            ),
            ("1:acquire 1:acquire! 9:count 9:count![]", "no slots"),
        ] {
            assert_eq!(verdict(text), Verdict::Unknown, "{why}");
        }
    }

    #[test]
    fn the_holder_of_a_slot_keeps_only_that_one_waiting() {
        let made =
            "9:create 9:create![1,2] 9:count 9:count![1,2] 0:acquire 0:acquire!s1 +cut:0 -cut";
        assert_eq!(
            verdict(&format!("{made} 1:acquire 1:acquire!s2")),
            Verdict::Unknown,
            "it is held for good"
        );
        let passed_on =
            format!("{made} 1:acquire 1:acquire!s2 2:acquire 0:release 0:release! 2:acquire!s1");
        assert_eq!(verdict(&passed_on), Verdict::Valid);
        let removed = "9:create 9:create![1,2] 0:acquire 0:acquire!s2 9:shrink 9:shrink![2] 9:count 9:count![1] +cut:0 -cut 1:acquire 1:acquire!s1";
        assert_eq!(verdict(removed), Verdict::Valid);
    }
}
