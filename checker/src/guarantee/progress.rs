//! `progress<=D`: after the last fault the lock works again.
//!
//! A lock works again at the first instant after the last healing at which all its slots are held (for a mutex: at the first grant). A holder from before does
//! not count for a mutex; while it goes on, nobody waits in vain, so the clock starts when it ends. If the lock does not work again in time
//! although enough clients asked, the guarantee is violated; if too few asked, or the record is too short, nothing is known.
//!
//! One grant does not settle it: a lock that is then stuck for good is violated too. Once the last hold is over, whoever asks must be granted within
//! the bound; if nobody is, although somebody goes on asking beyond it, the lock is never granted again. If it may be held after all (by an acquire or
//! a release of unknown outcome, or a release that failed) or if nobody asked long enough, nothing is known.

use std::collections::BTreeSet;
use std::time::Duration;

use history::Kind;

use super::{Guarantee, exclusion};
use crate::asks::{Ask, Asks};
use crate::finding::{Finding, Rule, VIOLATIONS_MAX, Violation, counted, show_ns};
use crate::holds::{End, Hold, Lock, NEVER, Position};
use crate::windows::windows;
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
        let last = windows(case.history).iter().map(|window| window.heal).max();
        let healed = last.unwrap_or(0);
        let returns: Vec<(&Lock, Return)> = locks
            .into_iter()
            .map(|lock| {
                let asks = asks.of(lock.key.as_deref());
                let first = self.first(case, lock, asks, healed);
                (lock, first.then(|| self.tail(case, lock, asks, healed)))
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
            () if stuck().next().is_some() => (Verdict::Invalid, None),
            () => undecided.map_or((Verdict::Valid, None), unknown),
        };
        let evidence = match verdict {
            Verdict::Invalid => format!(
                "{} not granted again",
                counted(stuck().count() as u64, "lock")
            ),
            _ => format!(
                "{}, granted again after {} at most",
                counted(returns.len() as u64, "lock"),
                show_ns(slowest)
            ),
        };
        let violations = if verdict == Verdict::Invalid {
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

/// Whether somebody asked in vain until the record ended.
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

    fn first(&self, case: &Case<'_>, lock: &Lock, asks: &[Ask], healed: Position) -> Return {
        let Some(start) = start(case, lock, healed) else {
            return Return::Undecided(TOO_LITTLE);
        };
        let start_ns = case.time(start);
        let full = full_at(lock, case.scope.slots(), healed);
        let after_ns = full.map(|full| case.time(full).saturating_sub(start_ns));
        if let Some(after_ns) = after_ns.filter(|after_ns| *after_ns <= self.bound_ns()) {
            return Return::After(after_ns);
        }
        let deadline_ns = start_ns.saturating_add(self.bound_ns());
        let asked = asked_between(case, asks, start, deadline_ns);
        let is_over = case.time(NEVER) > deadline_ns;
        match asked.first {
            Some(first) if is_over && asked.workers.len() >= case.scope.slots() => {
                Return::Never(first)
            }
            _ => Return::Undecided(TOO_LITTLE),
        }
    }

    /// What the end of the record shows, when nobody was granted the lock any more.
    fn tail(&self, case: &Case<'_>, lock: &Lock, asks: &[Ask], healed: Position) -> Vain {
        match self.vain(case, asks, surely_free(case, lock, asks, healed)) {
            Vain::No => match self.vain(case, asks, believed_free(case, lock, healed)) {
                Vain::No => Vain::No,
                Vain::Perhaps | Vain::Surely(_) => Vain::Perhaps,
            },
            found => found,
        }
    }

    /// Whether somebody asked in vain for a lock that is free from `free` on. Only who was refused later than the bound after both is surely in vain.
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
fn believed_free(case: &Case<'_>, lock: &Lock, healed: Position) -> Position {
    let mut ends: Vec<Position> = lock.holds.iter().map(|hold| hold.believed_until).collect();
    ends.sort_unstable_by(|one, other| other.cmp(one));
    let left = ends.get(case.scope.slots() - 1).copied();
    let granted = lock.holds.last().map(|hold| hold.granted);
    left.max(granted).unwrap_or(0).max(healed)
}

/// From when on nobody can hold it: neither a client that had it nor one that may have got it.
fn surely_free(case: &Case<'_>, lock: &Lock, asks: &[Ask], healed: Position) -> Position {
    let holds = lock.holds.iter().map(|hold| may_last_until(case, hold));
    let unknown = asks.iter().filter(|ask| ask.is_unknown());
    holds
        .chain(unknown.map(|ask| ask.end))
        .max()
        .unwrap_or(0)
        .max(healed)
}

/// Where a hold may end at the latest: not before its release is through, and never if the release failed.
fn may_last_until(case: &Case<'_>, hold: &Hold) -> Position {
    let retired = |release: Position| {
        case.history
            .partner(release as usize)
            .map_or(NEVER, crate::holds::position)
    };
    match hold.released {
        Some((invoke, NEVER)) => retired(invoke),
        Some((_, end)) => end,
        None if hold.end == End::Release && hold.lost.is_none() => NEVER,
        None => hold.believed_until,
    }
}

/// When waiting begins: at the last healing, or when the holder from before is done, or (without faults) when somebody asks first.
fn start(case: &Case<'_>, lock: &Lock, healed: Position) -> Option<Position> {
    let spans = |hold: &&Hold| hold.granted < healed && healed < hold.believed_until;
    let spanning = lock
        .holds
        .iter()
        .filter(spans)
        .map(|hold| hold.believed_until)
        .max();
    let start = match spanning {
        Some(until) if case.scope.slots() == 1 => until,
        _ => healed,
    };
    (start != NEVER).then_some(start)
}

/// The first instant after the healing at which all slots are held.
fn full_at(lock: &Lock, slots: usize, healed: Position) -> Option<Position> {
    let mut ends: BTreeSet<(Position, usize)> = BTreeSet::new();
    for (place, hold) in lock.holds.iter().enumerate() {
        while ends.first().is_some_and(|(end, _)| *end < hold.granted) {
            ends.pop_first();
        }
        ends.insert((hold.believed_until, place));
        if hold.granted > healed && ends.len() >= slots {
            return Some(hold.granted);
        }
    }
    None
}

struct Asked {
    first: Option<Position>,
    workers: BTreeSet<u32>,
}

/// Who asked for the lock in time.
fn asked_between(case: &Case<'_>, asks: &[Ask], start: Position, until_ns: u64) -> Asked {
    let asked = || {
        asks.iter()
            .filter(|ask| ask.invoke >= start && case.time(ask.invoke) <= until_ns)
    };
    Asked {
        first: asked().next().map(|ask| ask.invoke),
        workers: asked().map(|ask| case.scope.worker(ask.process)).collect(),
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

    #[test]
    fn asking_in_vain_is_a_violation() {
        let text = "+cut:0 0:acquire 0:acquire? -cut 1:acquire 1:acquireX 1:acquire 1:acquireX 1:acquire 1:acquireX";
        assert_eq!(verdict(text), Verdict::Invalid);
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
        assert_eq!(verdict(&format!("{granted} {refused}")), Verdict::Invalid);
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
        assert_eq!(verdict(&text), Verdict::Invalid);
    }

    #[test]
    fn a_key_that_was_never_granted_is_not_left_out() {
        let granted = "+cut:0 -cut 1:acquire 1:acquire!";
        let text = format!("{granted} a/3:acquire a/3:acquirexbusy");
        assert_eq!(verdict(&text), Verdict::Unknown);
        let text = format!("{text} a/3:acquire a/3:acquirexbusy a/3:acquire a/3:acquirexbusy");
        assert_eq!(verdict(&text), Verdict::Invalid);
    }
}
