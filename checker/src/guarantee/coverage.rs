//! `coverage`: whether the run proves anything.
//!
//! A history in which nobody competed, or in which no fault ever hurt a holder, is valid for every
//! lock. Coverage asks for grants, for contention, and for each selected fault that at least once
//! it took effect on a process that held the lock: while it believed in the hold it had at the
//! injection, or as that hold ended, an operation did not come back while the fault was on, or the
//! process learned that its lock or its connection is gone. A fault that lets a process stand still
//! shows by nothing at all: the process recorded nothing while it was on, and believed in the hold
//! all the while. That an operation is still under way at the healing shows something only of a
//! fault that lets nothing pass; of any other it must be known, before the healing, that the
//! operation was lost.

use std::collections::{BTreeMap, BTreeSet};

use history::fault::{Class, Window};
use history::{Answer, Event, Function, Kind, Process, Value};

use super::Guarantee;
use crate::contention::{contended, workers};
use crate::finding::{Counts, FaultCount, Finding};
use crate::guarantee::exclusion;
use crate::position::{NEVER, Position, position, position_or_never};
use crate::{Case, Verdict};

/// The run proves something. The verdict is `valid` or `unknown`, never `violated`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage;

/// A window by positions.
struct Span<'a> {
    class: Class,
    targets: &'a [u32],
    inject: Position,
    /// From here to the healing the fault is surely on.
    on: Position,
    heal: Position,
}

impl<'a> Span<'a> {
    fn of(window: &'a Window) -> Self {
        Self {
            class: window.class,
            targets: window.targets.processes(),
            inject: position(window.inject),
            on: position(window.on.unwrap_or(window.inject)),
            heal: position_or_never(window.heal),
        }
    }
}

impl Guarantee for Coverage {
    fn name(&self) -> String {
        "coverage".to_owned()
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let counts = Counts {
            contended_workers: contended(case).len() as u64,
            workers: case.scope.workers.map_or_else(
                || workers(case).len() as u64,
                |workers| workers.get().into(),
            ),
            faults: fault_counts(case),
            ..exclusion::counts(case, 0)
        };
        let gaps = gaps(&counts);
        let verdict = if gaps.is_empty() {
            Verdict::Valid
        } else {
            Verdict::Unknown
        };
        let reason = (!gaps.is_empty()).then(|| gaps.join("; "));
        Finding {
            guarantee: self.name(),
            verdict,
            evidence: evidence(&counts),
            reason,
            counts,
            ..Finding::default()
        }
    }
}

/// What is missing.
fn gaps(counts: &Counts) -> Vec<String> {
    let mut gaps = Vec::new();
    if counts.holds == 0 {
        gaps.push("no lock was ever granted".to_owned());
    }
    if counts.contended_workers == 0 {
        gaps.push("no two workers wanted the same lock at the same time".to_owned());
    }
    let missed: Vec<String> = counts
        .faults
        .iter()
        .filter(|fault| fault.landed == 0)
        .map(missed)
        .collect();
    if !missed.is_empty() {
        gaps.push(format!(
            "no fault landed on a holder: {}",
            missed.join(", ")
        ));
    }
    gaps
}

fn missed(fault: &FaultCount) -> String {
    let FaultCount {
        fault,
        windows,
        ineffective,
        ..
    } = fault;
    match ineffective {
        0 => format!("{fault} 0 of {windows} windows"),
        _ => format!(
            "{fault} 0 of {windows} windows ({ineffective} not in effect: a target went on undisturbed)"
        ),
    }
}

/// `contention 5 of 5 workers; partition landed on a holder 12 times`.
fn evidence(counts: &Counts) -> String {
    let contention = format!(
        "contention {} of {} workers",
        counts.contended_workers, counts.workers
    );
    let faults = counts.faults.iter().map(|fault| {
        let times = crate::finding::counted(fault.landed, "time");
        format!("; {} landed on a holder {times}", fault.fault)
    });
    contention + &faults.collect::<String>()
}

fn fault_counts(case: &Case<'_>) -> Vec<FaultCount> {
    if case.scope.faults.is_empty() {
        return Vec::new();
    }
    let sessions = sessions(case);
    let windows = case.history.windows();
    let count = |fault: &String| {
        let mut count = FaultCount {
            fault: fault.clone(),
            ..FaultCount::default()
        };
        for window in windows.iter().filter(|window| *window.name == **fault) {
            count.windows += 1;
            match effect(case, &sessions, &Span::of(window)) {
                Effect::Disproved => count.ineffective += 1,
                Effect::OnHolder => count.landed += 1,
                Effect::None => {}
            }
        }
        count
    };
    case.scope.faults.iter().map(count).collect()
}

enum Effect {
    /// A process that held the lock felt it.
    OnHolder,
    /// A target went on as if nothing were.
    Disproved,
    None,
}

fn effect(case: &Case<'_>, sessions: &BTreeMap<u32, Session<'_>>, window: &Span<'_>) -> Effect {
    let targets = || {
        window
            .targets
            .iter()
            .filter_map(|target| sessions.get(target))
    };
    let is_disproved = sessions_of(window, case, sessions).any(|session| match window.class {
        Class::Isolating => session.got_an_answer_in(window),
        Class::Halting => session.acted_in(window),
        Class::Breaking | Class::Slowing => false,
    });
    let is_felt = targets().any(|target| match window.class {
        Class::Halting => target.held_throughout(window),
        Class::Isolating | Class::Breaking | Class::Slowing => target.is_hurt_in(window),
    });
    match (is_disproved, is_felt) {
        (true, _) => Effect::Disproved,
        (false, true) => Effect::OnHolder,
        (false, false) => Effect::None,
    }
}

/// Every session of the workers that a fault was aimed at: a new one goes over the same link.
fn sessions_of<'a>(
    window: &Span<'_>,
    case: &Case<'_>,
    sessions: &'a BTreeMap<u32, Session<'a>>,
) -> impl Iterator<Item = &'a Session<'a>> {
    let worker = |process: u32| {
        case.scope
            .workers
            .map_or(process, |workers| process % workers)
    };
    let workers: BTreeSet<u32> = window
        .targets
        .iter()
        .map(|target| worker(*target))
        .collect();
    let of_target = sessions
        .iter()
        .filter(move |(process, _)| workers.contains(&worker(**process)));
    of_target.map(|(_, session)| session)
}

/// What one process did and believed.
#[derive(Default)]
struct Session<'a> {
    operations: Vec<Step<'a>>,
    believed: Vec<(Position, Position)>,
}

/// An operation by its positions.
struct Step<'a> {
    invoke: Position,
    end: Position,
    function: &'a Function,
    outcome: Option<&'a Event>,
}

fn sessions<'a>(case: &'a Case<'_>) -> BTreeMap<u32, Session<'a>> {
    let mut sessions: BTreeMap<u32, Session<'_>> = BTreeMap::new();
    for (place, event) in case.history.events().iter().enumerate() {
        if let (Process::Client(process), Kind::Invoke) = (event.process, event.kind) {
            let partner = case.history.partner(place);
            let end = partner.map_or(NEVER, position);
            let outcome = partner.map(|partner| &case.history.events()[partner]);
            let step = Step {
                invoke: position(place),
                end,
                function: &event.function,
                outcome,
            };
            sessions.entry(process).or_default().operations.push(step);
        }
    }
    for hold in case.locks.iter().flat_map(|lock| &lock.holds) {
        sessions
            .entry(hold.process)
            .or_default()
            .believed
            .push((hold.granted, hold.believed_until));
    }
    sessions
}

impl Session<'_> {
    /// Until when it believes in what it holds at an instant, if it holds anything.
    fn holds_until(&self, instant: Position) -> Option<Position> {
        let held = self
            .believed
            .iter()
            .filter(|(begin, end)| *begin < instant && instant < *end);
        held.map(|(_, end)| *end).max()
    }

    /// The operations that were under way or began while the fault was on.
    fn steps_in(&self, window: &Span<'_>) -> impl Iterator<Item = &Step<'_>> {
        let first = self
            .operations
            .partition_point(|step| step.end < window.inject);
        let heal = window.heal;
        self.operations[first..]
            .iter()
            .take_while(move |step| step.invoke < heal)
    }

    fn got_an_answer_in(&self, window: &Span<'_>) -> bool {
        self.steps_in(window)
            .any(|step| step.is_within(window) && step.is_an_answer())
    }

    /// Whether it recorded anything while the fault was surely on.
    fn acted_in(&self, window: &Span<'_>) -> bool {
        let is_in = |place: Position| window.on < place && place < window.heal;
        self.steps_in(window)
            .any(|step| is_in(step.invoke) || is_in(step.end))
    }

    /// Whether it believed in a hold from before the fault until after it.
    fn held_throughout(&self, window: &Span<'_>) -> bool {
        self.holds_until(window.inject)
            .is_some_and(|until| window.heal < until)
    }

    /// Whether the fault was felt by what it did while it believed in a hold from before the fault,
    /// or by what ended that hold.
    fn is_hurt_in(&self, window: &Span<'_>) -> bool {
        let Some(until) = self.holds_until(window.inject) else {
            return false;
        };
        self.steps_in(window)
            .take_while(|step| step.invoke <= until)
            .any(|step| step.is_hurt_by(window))
    }
}

impl Step<'_> {
    fn is_within(&self, window: &Span<'_>) -> bool {
        window.on < self.invoke && self.end < window.heal
    }

    /// Only the other side can have said so. That a lock is lost a client may also conclude by
    /// itself, and the resource that a lock guards is out of reach of faults.
    fn is_an_answer(&self) -> bool {
        let lost = Value::Answer(Answer::Lost);
        let is_ok = self
            .outcome
            .is_some_and(|event| event.kind == Kind::Ok && event.value != lost);
        let is_of_the_lock = !matches!(
            self.function,
            Function::Lost | Function::Read | Function::Write
        );
        is_ok && is_of_the_lock
    }

    fn is_hurt_by(&self, window: &Span<'_>) -> bool {
        if window.class == Class::Isolating {
            return self.is_stuck_in(window) || self.is_loss();
        }
        self.end < window.heal && (self.is_info() || self.is_loss())
    }

    fn is_info(&self) -> bool {
        self.outcome.is_some_and(|event| event.kind == Kind::Info)
    }

    /// It did not come to a known end while the fault was on. If the record ends before the fault
    /// does, an operation without an end shows nothing.
    fn is_stuck_in(&self, window: &Span<'_>) -> bool {
        self.end > window.heal || self.is_info()
    }

    /// Its process learned that the lock or the connection is gone.
    fn is_loss(&self) -> bool {
        let Some(event) = self.outcome else {
            return false;
        };
        let lost = *self.function == Function::Lost || event.value == Value::Answer(Answer::Lost);
        (event.kind == Kind::Ok && lost)
            || event
                .error
                .as_ref()
                .is_some_and(|error| is_connection(&error.kind))
    }
}

/// Failures whose kind says that the connection is gone: `connection-refused`, `connection-closed`
/// and the like, and these.
fn is_connection(kind: &str) -> bool {
    const OTHERS: &[&str] = &["io", "heartbeat-missed", "not-sent"];
    kind.starts_with("connection") || OTHERS.contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Limits;
    use crate::testing::history;
    use crate::{Scope, judge};

    fn finding(text: &str, faults: &[&str]) -> Finding {
        let faults = faults.iter().map(ToString::to_string).collect();
        let scope = Scope {
            workers: 2.try_into().ok(),
            faults,
            ..Scope::default()
        };
        judge(
            &history(text),
            &scope,
            Limits::none(),
            &[Box::new(Coverage)],
        )
        .remove(0)
    }

    fn reason(text: &str, fault: &str) -> String {
        finding(text, &[fault]).reason.unwrap_or_default()
    }

    const CONTENDED: &str = "0:acquire 0:acquire! 1:acquire 1:acquireX";

    #[test]
    fn without_faults_contention_is_enough() {
        let found = finding(CONTENDED, &[]);
        assert_eq!(
            (found.verdict, found.evidence.as_str()),
            (Verdict::Valid, "contention 1 of 2 workers")
        );
    }

    #[test]
    fn a_hold_that_was_over_before_the_fault_cannot_feel_it() {
        let text = format!("{CONTENDED} 0:release +cut:0 0:release? -cut");
        let found = finding(&text, &["cut"]);
        assert_eq!(found.counts.faults[0].landed, 0, "it was being given back");
        let text = "b/0:acquire b/0:acquire! a/0:acquire a/0:acquire! b/0:verify b/0:verify!lost +cut:0 -cut";
        let found = finding(text, &["cut"]);
        assert_eq!(
            found.counts.faults[0].landed, 0,
            "the other was lost before"
        );
    }

    #[test]
    fn the_sessions_of_one_worker_do_not_contend() {
        assert!(reason("0:acquire 0:acquire! 2:acquire 2:acquireX", "").contains("no two workers"));
    }

    #[test]
    fn an_empty_history_proves_nothing() {
        let found = finding("", &["cut"]);
        assert_eq!(found.verdict, Verdict::Unknown);
        assert_eq!(
            found.reason.as_deref(),
            Some(
                "no lock was ever granted; no two workers wanted the same lock at the same time; no fault landed on a holder: cut 0 of 0 windows"
            )
        );
    }

    #[test]
    fn a_fault_lands_when_an_operation_of_the_holder_hangs() {
        let found = finding(
            &format!("{CONTENDED} +partition:0 0:verify -partition 0:verify!held"),
            &["partition"],
        );
        assert_eq!(found.verdict, Verdict::Valid);
        assert_eq!(
            found.evidence,
            "contention 1 of 2 workers; partition landed on a holder 1 time"
        );
        for hurt in [
            "0:verify 0:verify?",
            "0:lost 0:lost!",
            "0:verify 0:verify!lost",
            "0:release 0:releasexconnection",
        ] {
            let text = format!("{CONTENDED} +partition:0 {hurt} -partition");
            assert_eq!(
                finding(&text, &["partition"]).verdict,
                Verdict::Valid,
                "{text}"
            );
        }
    }

    #[test]
    fn a_partition_through_which_answers_come_is_not_one() {
        let text = format!(
            "{CONTENDED} +partition:0 0:verify 0:verify!held 0:verify -partition 0:verify!held"
        );
        assert!(reason(&text, "partition").contains("partition 0 of 1 windows (1 not in effect"));
    }

    #[test]
    fn who_administers_a_lock_does_not_want_it() {
        let text =
            "0:create 0:create![1] 0:acquire 0:acquire!s1 1:request 1:request! 1:count 1:count![1]";
        assert!(reason(text, "").contains("no two workers"));
    }

    #[test]
    fn administration_feels_a_fault_and_disproves_it() {
        let held = "0:create 0:create![1] 0:acquire 0:acquire!s1 1:acquire 1:acquireX";
        let hangs = format!("{held} +partition:0 0:count -partition 0:count![1]");
        assert_eq!(finding(&hangs, &["partition"]).verdict, Verdict::Valid);
        let passes =
            format!("{held} +partition:0 0:count 0:count![1] 0:verify -partition 0:verify!held");
        assert!(reason(&passes, "partition").contains("1 not in effect"));
        let of_another = format!("{held} +partition:0 1:shrink -partition 1:shrink?");
        assert!(reason(&of_another, "partition").contains("0 of 1 windows"));
    }

    #[test]
    fn a_semaphore_is_contended_by_more_than_it_has_slots() {
        let scope = |slots: u32| Scope {
            slots: slots.try_into().expect("not 0"),
            ..Scope::default()
        };
        let text = "0:acquire 0:acquire!s1 1:acquire 1:acquire!s2 2:acquire 2:acquireX";
        for (slots, expected) in [
            (1, Verdict::Valid),
            (2, Verdict::Valid),
            (3, Verdict::Unknown),
        ] {
            let found = judge(
                &history(text),
                &scope(slots),
                Limits::none(),
                &[Box::new(Coverage)],
            );
            assert_eq!(found[0].verdict, expected, "{slots}");
        }
    }

    #[test]
    fn a_pause_lands_on_a_holder_that_does_nothing_and_goes_on_to_believe() {
        for fault in ["pause", "freeze"] {
            let text = |within: &str, after: &str| {
                format!("{CONTENDED} 0:verify +{fault}:0 {within} -{fault} {after}")
            };
            let landed = text("1:acquire 1:acquire!", "0:verify!held 0:release 0:release!");
            assert_eq!(finding(&landed, &[fault]).verdict, Verdict::Valid);
            let acted = reason(&text("0:verify!held", ""), fault);
            assert!(acted.contains("0 of 1 windows (1 not in effect"), "{acted}");
            let unheld = text("", "0:verify!held").replace("0:acquire!", "0:acquireX");
            assert!(reason(&unheld, fault).contains("0 of 1 windows"));
            let unhealed = format!("{CONTENDED} +{fault}:0");
            assert!(reason(&unhealed, fault).contains("0 of 1 windows"));
        }
    }

    #[test]
    fn a_crash_lands_where_the_holder_is_gone() {
        for end in ["0:lost 0:lost!", "0:verify 0:verify?"] {
            let text = format!("{CONTENDED} +crash:0 {end} -crash");
            assert_eq!(finding(&text, &["crash"]).verdict, Verdict::Valid, "{text}");
        }
    }

    #[test]
    fn what_the_guarded_resource_answers_says_nothing_of_a_partition() {
        let text = |within: &str| {
            format!("{CONTENDED} +partition:0 {within} 0:verify -partition 0:verify?")
        };
        let read = finding(&text("0:read 0:read!"), &["partition"]);
        assert_eq!(read.verdict, Verdict::Valid);
        let verified = reason(&text("0:verify 0:verify!held"), "partition");
        assert!(verified.contains("1 not in effect"));
    }

    #[test]
    fn an_answer_to_another_session_of_the_worker_disproves_a_partition_too() {
        let text =
            format!("{CONTENDED} +partition:0 0:verify 0:verify? 2:acquire 2:acquire! -partition");
        assert!(reason(&text, "partition").contains("1 not in effect"));
    }

    #[test]
    fn of_a_fault_that_lets_answers_pass_a_loss_must_be_known_before_it_heals() {
        for hurt in [
            "0:verify 0:verify? -cut",
            "0:lost 0:lost! -cut",
            "0:verify 0:verify!lost -cut",
            "0:release 0:releasexconnection -cut",
        ] {
            let text = format!("{CONTENDED} +cut:0 {hurt}");
            assert_eq!(finding(&text, &["cut"]).verdict, Verdict::Valid, "{text}");
        }
        for unhurt in [
            "0:verify -cut 0:verify!held",
            "0:verify -cut 0:verify!lost",
            "0:verify -cut 0:verify?",
        ] {
            let text = format!("{CONTENDED} +cut:0 {unhurt}");
            assert!(
                reason(&text, "cut").contains("cut 0 of 1 windows"),
                "{text}"
            );
        }
    }

    #[test]
    fn what_happens_after_the_release_hurts_no_holder() {
        for fault in ["cut", "partition"] {
            for after in ["0:acquire 0:acquire?", "0:acquire 0:acquirexconnection"] {
                let text = format!(
                    "{CONTENDED} 0:verify 0:verify!held 0:verify +{fault}:0 0:verify!held 0:release 0:releasexbusy {after} -{fault}"
                );
                assert!(reason(&text, fault).contains(" 0 of 1 windows"), "{text}");
            }
        }
    }

    #[test]
    fn a_fault_on_somebody_without_the_lock_does_not_count() {
        let text = format!("{CONTENDED} +partition:1 1:acquire -partition 1:acquire?");
        assert!(reason(&text, "partition").contains("partition 0 of 1 windows"));
    }

    #[test]
    fn the_end_of_the_record_is_no_effect() {
        assert!(
            reason(&format!("{CONTENDED} +partition:0 0:verify"), "partition")
                .contains("0 of 1 windows")
        );
        assert!(
            reason(&format!("{CONTENDED} +partition:0 -partition"), "partition")
                .contains("0 of 1 windows")
        );
    }
}
