//! `progress<=D`: after the last fault the lock works again.
//!
//! A lock works again at the first instant after the last healing at which all its slots are held
//! at one time (for a mutex: at the first grant). If a count found the slots of an administered
//! lock and grants name theirs, each of those slots is a lock of its own: all must be granted, at
//! one time or one after the other. A holder from before does not count for a mutex or a slot with
//! a name; while it goes on, nobody starves, so the clock starts when it ends. If the lock does not
//! work again in time although as many clients as it has slots wanted it at one time, and one of
//! them starved, the guarantee is violated; if too few did, or the record is too short, nothing is
//! known.
//!
//! A lock has the slots that its last successful count lists; without counts, as many as are said.
//! Nobody can wait for slots that are still to be made or removed, so for an administered lock the
//! clock starts at the last change if that comes after the last healing.
//!
//! One grant does not settle it: a lock that is then stuck for good is violated too. Once the last
//! hold is over, whoever asks must be granted within the bound; if nobody is, although somebody
//! goes on asking beyond it, the lock is never granted again. If it may be held after all (by an
//! acquire or a release of unknown outcome, or a release that failed) or if nobody asked long
//! enough, nothing is known.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use history::Kind;

use super::{Guarantee, exclusion};
use crate::administration::{AdminOp, last_count};
use crate::asks::{Ask, Asks};
use crate::finding::{Finding, Rule, VIOLATIONS_MAX, Violation, counted, show_ns};
use crate::hold::{End, Hold};
use crate::holds::Lock;
use crate::position::{NEVER, Position, position_or_never};
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

    fn judge(&self, case: &Case<'_>) -> Finding {
        let counts = exclusion::counts(case, 0);
        let asks = Asks::new(case);
        let locks: Vec<&Lock> = case
            .locks
            .iter()
            .filter(|lock| !asks.of(lock.key.as_deref()).is_empty())
            .collect();
        let finding = Finding {
            guarantee: self.name(),
            counts,
            ..Finding::default()
        };
        let unknown = |reason: &str| (Verdict::Unknown, Some(reason.to_owned()));
        let windows = case.history.windows();
        let heals = windows.iter().map(|window| position_or_never(window.heal));
        let last = heals.max();
        let healed = last.unwrap_or(0);
        let returns: Vec<(&Lock, Return)> = locks
            .into_iter()
            .map(|lock| {
                let asks = asks.of(lock.key.as_deref());
                (lock, self.of_lock(case, lock, asks, healed))
            })
            .collect();
        let undecided = returns.iter().find_map(|(_, again)| again.undecided());
        let stuck = || {
            returns
                .iter()
                .filter(|(_, again)| matches!(again, Return::Never(_)))
        };
        let slowest = returns
            .iter()
            .filter_map(|(_, again)| again.after_ns())
            .max()
            .unwrap_or_default();
        let (verdict, reason) = match () {
            () if last == Some(NEVER) => unknown("a fault was not healed before the record ended"),
            () if returns.is_empty() => unknown("nobody asked for a lock"),
            () if stuck().next().is_some() => (Verdict::Violated, None),
            () => undecided.map_or((Verdict::Valid, None), unknown),
        };
        let evidence = match verdict {
            Verdict::Violated => format!(
                "{} not granted again",
                counted(stuck().count() as u64, "lock")
            ),
            _ => format!(
                "{}, granted again after {} at most",
                counted(returns.len() as u64, "lock"),
                show_ns(slowest)
            ),
        };
        let violations = if verdict == Verdict::Violated {
            stuck()
                .map(|(lock, again)| again.violation(case, lock))
                .take(VIOLATIONS_MAX)
                .collect()
        } else {
            Vec::new()
        };
        Finding {
            verdict,
            reason,
            evidence,
            violations,
            ..finding
        }
    }
}

/// When a lock worked again.
enum Return {
    After(u64),
    /// Not in time, or not for good; somebody asked for it here.
    Never(Position),
    /// Nothing is known, for this reason.
    Undecided(&'static str),
}

const TOO_LITTLE: &str =
    "too few clients asked for a lock after the last fault, or the record ended too soon";
const DOUBTFUL: &str = "nobody was granted a lock any more, but it may have been held, or nobody asked for it long enough";

const CHANGING: &str = "an operation of unknown outcome may still make or remove slots of a lock";

/// The slots that must be granted again.
struct Slots {
    number: usize,
    /// Their numbers, where a count found them and grants name theirs.
    named: Option<BTreeSet<u32>>,
    /// Since when they are the same and nothing is broken.
    since: Position,
    /// Whether they may change all the same.
    doubtful: bool,
}

impl Slots {
    /// Those of a lock after the last healing; or why they are not known.
    fn new(case: &Case<'_>, lock: &Lock, healed: Position) -> Result<Self, &'static str> {
        let ops = case.administration.of(&lock.key);
        let Some((count, slots)) = last_count(ops) else {
            if ops.iter().any(AdminOp::may_change) {
                return Err("the slots of a lock that is administered were never counted");
            }
            return Ok(Self {
                number: case.scope.slots(),
                named: None,
                since: healed,
                doubtful: false,
            });
        };
        let changes = || ops.iter().filter(|op| op.may_change());
        let last = changes().map(|op| op.end).max().unwrap_or(0);
        if last > count.invoke {
            return Err("the slots of a lock were not counted after the last change");
        }
        if slots.is_empty() {
            return Err("a lock has no slots any more");
        }
        let is_named = lock.holds.iter().any(|hold| hold.slot.is_some());
        Ok(Self {
            number: slots.len(),
            named: is_named.then(|| slots.clone()),
            since: healed.max(last),
            doubtful: changes().any(|op| op.settled() == NEVER),
        })
    }

    /// When waiting begins: with these slots, or when the holders from before are done.
    fn start(&self, lock: &Lock) -> Option<Position> {
        let spans = |hold: &&Hold| hold.granted < self.since && self.since < hold.believed_until;
        let spanning = lock.holds.iter().filter(spans);
        let kept: Option<Position> = match &self.named {
            Some(named) => spanning
                .filter(|hold| hold.slot.is_some_and(|slot| named.contains(&slot)))
                .map(|hold| hold.believed_until)
                .max(),
            None if self.number == 1 => spanning.map(|hold| hold.believed_until).max(),
            None => None,
        };
        let start = kept.unwrap_or(self.since);
        (start != NEVER).then_some(start)
    }

    /// The first instant at which all of them were granted.
    fn full_at(&self, lock: &Lock) -> Option<Position> {
        match &self.named {
            Some(named) => self.each_granted_at(lock, named),
            None => self.all_held_at(lock),
        }
    }

    fn each_granted_at(&self, lock: &Lock, named: &BTreeSet<u32>) -> Option<Position> {
        let mut missing = named.clone();
        let mut again = lock.holds.iter().filter(|hold| hold.granted > self.since);
        let last = again.find(|hold| {
            let is_missing = hold.slot.is_some_and(|slot| missing.remove(&slot));
            is_missing && missing.is_empty()
        });
        last.map(|hold| hold.granted)
    }

    fn all_held_at(&self, lock: &Lock) -> Option<Position> {
        let mut ends: BTreeSet<(Position, usize)> = BTreeSet::new();
        for (place, hold) in lock.holds.iter().enumerate() {
            while ends.first().is_some_and(|(end, _)| *end < hold.granted) {
                ends.pop_first();
            }
            ends.insert((hold.believed_until, place));
            if hold.granted > self.since && ends.len() >= self.number {
                return Some(hold.granted);
            }
        }
        None
    }
}

impl Return {
    fn after_ns(&self) -> Option<u64> {
        if let Self::After(ns) = self {
            Some(*ns)
        } else {
            None
        }
    }

    fn undecided(&self) -> Option<&'static str> {
        if let Self::Undecided(reason) = self {
            Some(reason)
        } else {
            None
        }
    }

    /// What is known where slots may still be made or removed by an operation of unknown outcome.
    fn unless(self, doubtful: bool) -> Self {
        match self {
            Self::Never(_) if doubtful => Self::Undecided(CHANGING),
            known => known,
        }
    }

    /// What is known together with the end of the record: the worse of both.
    fn then(self, tail: impl FnOnce() -> Vain) -> Self {
        if let Self::Never(_) = self {
            return self;
        }
        match (self, tail()) {
            (_, Vain::Surely(asked)) => Self::Never(asked),
            (Self::After(_), Vain::Perhaps) => Self::Undecided(DOUBTFUL),
            (first, _) => first,
        }
    }

    fn violation(&self, case: &Case<'_>, lock: &Lock) -> Violation {
        let asked = if let Self::Never(asked) = self {
            Some(*asked)
        } else {
            None
        };
        Violation::new(Rule::NeverGranted, lock.key.clone(), case.witness(asked))
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
    fn bound_ns(&self) -> u64 {
        u64::try_from(self.bound.as_nanos()).unwrap_or(u64::MAX)
    }

    fn of_lock(&self, case: &Case<'_>, lock: &Lock, asks: &[Ask], healed: Position) -> Return {
        let slots = match Slots::new(case, lock, healed) {
            Ok(slots) => slots,
            Err(why) => return Return::Undecided(why),
        };
        let first = self.first(case, lock, asks, &slots);
        let again = first.then(|| self.tail(case, lock, asks, &slots));
        again.unless(slots.doubtful)
    }

    fn first(&self, case: &Case<'_>, lock: &Lock, asks: &[Ask], slots: &Slots) -> Return {
        let Some(start) = slots.start(lock) else {
            return Return::Undecided(TOO_LITTLE);
        };
        let start_ns = case.time(start);
        let full = slots.full_at(lock);
        let after_ns = full.map(|full| case.time(full).saturating_sub(start_ns));
        if let Some(after_ns) = after_ns.filter(|after_ns| *after_ns <= self.bound_ns()) {
            return Return::After(after_ns);
        }
        let deadline_ns = start_ns.saturating_add(self.bound_ns());
        let starved = |ask: &&Ask| {
            let is_asked = ask.invoke >= start && case.time(ask.invoke) <= deadline_ns;
            is_asked && !(ask.kind == Some(Kind::Ok) && case.time(ask.end) <= deadline_ns)
        };
        let wants = Wants::new(case, lock, asks);
        let mut starved = asks.iter().filter(starved);
        match starved.find(|ask| wants.workers_at(ask.invoke) >= slots.number) {
            Some(first) if case.time(NEVER) > deadline_ns => Return::Never(first.invoke),
            _ => Return::Undecided(TOO_LITTLE),
        }
    }

    /// What the end of the record shows, when nobody was granted the lock any more.
    fn tail(&self, case: &Case<'_>, lock: &Lock, asks: &[Ask], slots: &Slots) -> Vain {
        match self.vain(case, asks, surely_free(case, lock, asks, slots)) {
            Vain::No => match self.vain(case, asks, believed_free(lock, slots)) {
                Vain::No => Vain::No,
                Vain::Perhaps | Vain::Surely(_) => Vain::Perhaps,
            },
            found => found,
        }
    }

    /// Whether somebody starved for a lock that is free from `free` on. Only who was refused later
    /// than the bound after both surely starved.
    fn vain(&self, case: &Case<'_>, asks: &[Ask], free: Position) -> Vain {
        let late_ns = |from| case.time(from).saturating_add(self.bound_ns());
        let deadline_ns = late_ns(free);
        let waited = |ask: &&Ask| ask.invoke > free || case.time(ask.end) > deadline_ns;
        let first = asks.iter().find(waited);
        let Some(first) = first.filter(|_| case.time(NEVER) > deadline_ns) else {
            return Vain::No;
        };
        let deadline_ns = late_ns(first.invoke.max(free));
        let refused = |ask: &Ask| ask.kind == Some(Kind::Fail) && case.time(ask.end) > deadline_ns;
        if asks.iter().any(refused) {
            Vain::Surely(first.invoke)
        } else {
            Vain::Perhaps
        }
    }
}

/// From when on a slot is free by all that clients believe, after the last grant.
fn believed_free(lock: &Lock, slots: &Slots) -> Position {
    let mut ends: Vec<Position> = lock.holds.iter().map(|hold| hold.believed_until).collect();
    ends.sort_unstable_by(|one, other| other.cmp(one));
    let left = ends.get(slots.number - 1).copied();
    let granted = lock.holds.last().map(|hold| hold.granted);
    left.max(granted).unwrap_or(0).max(slots.since)
}

/// From when on nobody can hold it: neither a client that had it nor one that may have got it.
fn surely_free(case: &Case<'_>, lock: &Lock, asks: &[Ask], slots: &Slots) -> Position {
    let holds = lock.holds.iter().map(|hold| may_last_until(case, hold));
    let unknown = asks.iter().filter(|ask| ask.is_unknown());
    holds
        .chain(unknown.map(|ask| ask.end))
        .max()
        .unwrap_or(0)
        .max(slots.since)
}

/// Where a hold may end at the latest: not before its release is through, and never if the release
/// failed.
fn may_last_until(case: &Case<'_>, hold: &Hold) -> Position {
    let retired = |release: Position| {
        case.history
            .partner(release as usize)
            .map_or(NEVER, crate::position::position)
    };
    match hold.released {
        Some((invoke, NEVER)) => retired(invoke),
        Some((_, end)) => end,
        None if hold.end == End::Release && hold.lost.is_none() => NEVER,
        None => hold.believed_until,
    }
}

/// Who has or wants a lock, and when.
struct Wants(Vec<(Position, Position, u32)>);

impl Wants {
    /// Who holds, who waits for an answer, and who failed to get it and asks again.
    fn new(case: &Case<'_>, lock: &Lock, asks: &[Ask]) -> Self {
        let holds = lock.holds.iter();
        let mut wants: Vec<_> = holds
            .map(|hold| (hold.granted, hold.believed_until, hold.process))
            .collect();
        let mut next = BTreeMap::new();
        for ask in asks.iter().rev() {
            let again = next.insert(ask.process, ask.invoke);
            let until = again
                .filter(|_| ask.kind == Some(Kind::Fail))
                .unwrap_or(ask.end);
            wants.push((ask.invoke, until, ask.process));
        }
        for (.., process) in &mut wants {
            *process = case.scope.worker(*process);
        }
        Self(wants)
    }

    /// How many workers have or want it at one moment.
    fn workers_at(&self, now: Position) -> usize {
        let wants = self.0.iter();
        let at_once = wants.filter(|(from, until, _)| *from <= now && now < *until);
        at_once
            .map(|(.., worker)| worker)
            .collect::<BTreeSet<_>>()
            .len()
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
            "1 lock, granted again after 2.00 ms at most"
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
        assert_eq!(verdict(&format!("{granted} {short}")), Verdict::Valid);
        let kept = "+cut:0 -cut 1:acquire 1:acquire!";
        assert_eq!(verdict(&format!("{kept} {refused}")), Verdict::Valid);
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
        assert_eq!(
            verdict(&format!("{late} 9:count![1,2] 1:acquire!s1 2:acquire!s2")),
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
