//! When a history is well-formed.
//!
//! - Indices grow, times never go back.
//! - A process does one thing at a time: an invocation, then its end with the same function and
//!   key.
//! - A process whose operation ended in `info` never acts again.
//! - The nemesis has events of type `info` only, named by a fault; a client's are named by an
//!   operation.
//! - An error stands on `fail` and `info` only; `observed` on `fail` only.
//! - The run has events of type `info` without a key, named by a [mark](crate::Mark): each at most
//!   once, in their order, the first as the first event, and nothing after the last. The first has
//!   an [outline](crate::Outline) as its value, the others have none.
//! - The [notes](crate::fault::Note) of a fault stand on events of the nemesis. The first is that
//!   of its injection, with an id of its own; each that follows belongs to a later phase.
//! - A verify that is `ok` was answered: it says `held` or `lost`.
//! - Who asks for several permits of a semaphore at once is given all of them or none; neither a
//!   slot nor a token nor a lease is named then.
//! - A loss notification is an `invoke` and an `ok`: nobody asked, so nothing can fail.
//!
//! An invocation at the end of the record may lack its end.

use std::num::NonZeroU32;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde_json::Value as Json;

use crate::fault::{Note, Phase};
use crate::{Event, Function, Grant, Kind, Mark, Process, Value, value};

/// The rule that an event breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it means")]
pub enum RuleError {
    #[error("index {index} does not follow {last}: indices must grow from line to line")]
    IndexNotGrowing { index: u64, last: u64 },
    #[error("time {time} lies before {last}: time must not go back")]
    TimeGoesBack { time: u64, last: u64 },
    #[error("process {process} invokes {function} while its {pending} has no end yet")]
    StillPending {
        process: Process,
        function: Function,
        pending: Function,
    },
    #[error("process {process} ends {function} but has invoked nothing")]
    NothingPending {
        process: Process,
        function: Function,
    },
    #[error("process {process} ends {function} but has invoked {pending}")]
    WrongFunction {
        process: Process,
        function: Function,
        pending: Function,
    },
    #[error("process {process} ends {function} on another key than it was invoked on")]
    WrongKey {
        process: Process,
        function: Function,
    },
    #[error(
        "process {process} acts again after an operation that ended in info: a new session needs a new process number"
    )]
    Retired { process: Process },
    #[error("a nemesis event must be of type info and have no key")]
    NemesisForm,
    #[error(
        "the note of a fault stands on nemesis events only, and every value with its fields is one"
    )]
    NoteMisplaced,
    #[error("{fault} is noted as \"{phase}\", but no fault with the id {id} was injected")]
    NotInjected {
        fault: Arc<str>,
        id: u64,
        phase: Phase,
    },
    #[error("the id {id} of {fault} is that of another fault, {other}")]
    OtherFault {
        fault: Arc<str>,
        id: u64,
        other: Arc<str>,
    },
    #[error("{fault} with the id {id} is noted as \"{phase}\" after \"{last}\"")]
    PhaseNotLater {
        fault: Arc<str>,
        id: u64,
        phase: Phase,
        last: Phase,
    },
    #[error("\"{name}\" is no mark of a run: begin, settle and end are")]
    UnknownMark { name: String },
    #[error(
        "an event of the run is of type info, is named by a mark, has no key, and its value is the outline of the run on \"begin\" and null elsewhere"
    )]
    RunForm,
    #[error(
        "the mark {mark} may not stand here: \"begin\" is the first event, \"settle\" comes once after it, \"end\" last"
    )]
    MarkMisplaced { mark: Mark },
    #[error("the record has ended: nothing may follow its mark \"end\"")]
    AfterTheEnd,
    #[error("\"{name}\" is not an operation of a client")]
    UnknownOperation { name: String },
    #[error("\"error\" stands on fail and info only")]
    ErrorMisplaced,
    #[error("\"observed\" stands on fail only")]
    ObservedMisplaced,
    #[error(
        "{function} of {amount} permits: a number is that of the permits, a whole one from 1 to {}",
        u32::MAX
    )]
    NoPermits { function: Function, amount: Json },
    #[error("a number beside {function} means nothing: permits stand on acquire and release only")]
    PermitsMisplaced { function: Function },
    #[error("{function} of {asked} permits may not end with {answered}: nobody is given a part")]
    OtherPermits {
        function: Function,
        asked: NonZeroU32,
        answered: NonZeroU32,
    },
    #[error(
        "an acquire of several permits names a slot, a token or a lease: only those of one permit do, so record an operation for each"
    )]
    NamedPermits,
    #[error("\"lost\" can only be invoked and end with ok")]
    LostForm,
    #[error(
        "a verify that is ok needs the answer \"held\" or \"lost\" as its value, or {{\"answer\":\"held\",\"lease_ms\":5000}}"
    )]
    NoAnswer,
    #[error("a history can have at most {} events", u32::MAX)]
    TooManyEvents,
}

/// What the rules remember of the events so far.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    last: Option<(u64, u64)>,
    count: u32,
    clients: FxHashMap<u32, ProcessState>,
    /// By its id: each fault's name and its last phase.
    faults: FxHashMap<u64, (Arc<str>, Phase)>,
    /// The last mark.
    mark: Option<Mark>,
}

#[derive(Debug)]
enum ProcessState {
    Idle,
    Pending {
        position: u32,
        function: Function,
        key: Option<Arc<str>>,
        permits: Option<NonZeroU32>,
    },
    Retired,
}

impl Rules {
    /// Admits the next event, and tells the position of the invocation that it ends.
    pub(crate) fn admit(&mut self, event: &Event) -> Result<Option<u32>, RuleError> {
        self.check_order(event)?;
        check_form(event)?;
        if self.mark == Some(Mark::End) {
            return Err(RuleError::AfterTheEnd);
        }
        let partner = match event.process {
            Process::Nemesis => self.admit_nemesis(event)?,
            Process::Run => self.admit_run(event)?,
            Process::Client(number) => self.admit_client(number, event)?,
        };
        self.count = self.count.checked_add(1).ok_or(RuleError::TooManyEvents)?;
        self.last = Some((event.index, event.time));
        Ok(partner)
    }

    fn check_order(&self, event: &Event) -> Result<(), RuleError> {
        let Some((last_index, last_time)) = self.last else {
            return Ok(());
        };
        if event.index <= last_index {
            return Err(RuleError::IndexNotGrowing {
                index: event.index,
                last: last_index,
            });
        }
        if event.time < last_time {
            return Err(RuleError::TimeGoesBack {
                time: event.time,
                last: last_time,
            });
        }
        Ok(())
    }

    fn admit_nemesis(&mut self, event: &Event) -> Result<Option<u32>, RuleError> {
        if let (Function::Fault(fault), Value::Note(note)) = (&event.function, &event.value) {
            let (fault, phase) = (fault.clone(), note.phase());
            self.check_phase(&fault, note)?;
            self.faults.insert(note.id(), (fault, phase));
        }
        Ok(None)
    }

    fn admit_run(&mut self, event: &Event) -> Result<Option<u32>, RuleError> {
        let Function::Mark(mark) = event.function else {
            return Err(RuleError::RunForm);
        };
        let is_in_place = match (mark, self.mark) {
            (Mark::Begin, _) => self.count == 0,
            (_, last) => last.is_some_and(|last| last < mark),
        };
        if !is_in_place {
            return Err(RuleError::MarkMisplaced { mark });
        }
        self.mark = Some(mark);
        Ok(None)
    }

    fn check_phase(&self, fault: &Arc<str>, note: &Note) -> Result<(), RuleError> {
        let (fault, id, phase) = (fault.clone(), note.id(), note.phase());
        match self.faults.get(&id) {
            None if phase == Phase::Inject => Ok(()),
            None => Err(RuleError::NotInjected { fault, id, phase }),
            Some((other, _)) if *other != fault => Err(RuleError::OtherFault {
                fault,
                id,
                other: other.clone(),
            }),
            Some((_, last)) if phase <= *last => Err(RuleError::PhaseNotLater {
                fault,
                id,
                phase,
                last: *last,
            }),
            Some(_) => Ok(()),
        }
    }

    fn admit_client(&mut self, number: u32, event: &Event) -> Result<Option<u32>, RuleError> {
        let client = self.clients.entry(number).or_insert(ProcessState::Idle);
        if event.kind == Kind::Invoke {
            *client = invoked(client, self.count, event)?;
            return Ok(None);
        }
        let position = ended(client, event)?;
        *client = if event.kind == Kind::Info {
            ProcessState::Retired
        } else {
            ProcessState::Idle
        };
        Ok(Some(position))
    }
}

fn invoked(client: &ProcessState, position: u32, event: &Event) -> Result<ProcessState, RuleError> {
    let process = event.process;
    let function = event.function.clone();
    match client {
        ProcessState::Idle => Ok(ProcessState::Pending {
            position,
            function,
            key: event.key.clone(),
            permits: permits(&event.value),
        }),
        ProcessState::Pending {
            function: pending, ..
        } => Err(RuleError::StillPending {
            process,
            function,
            pending: pending.clone(),
        }),
        ProcessState::Retired => Err(RuleError::Retired { process }),
    }
}

fn ended(client: &ProcessState, event: &Event) -> Result<u32, RuleError> {
    let process = event.process;
    let function = event.function.clone();
    match client {
        ProcessState::Idle => Err(RuleError::NothingPending { process, function }),
        ProcessState::Retired => Err(RuleError::Retired { process }),
        ProcessState::Pending {
            function: pending, ..
        } if *pending != function => Err(RuleError::WrongFunction {
            process,
            function,
            pending: pending.clone(),
        }),
        ProcessState::Pending { key, .. } if *key != event.key => {
            Err(RuleError::WrongKey { process, function })
        }
        ProcessState::Pending {
            position, permits, ..
        } => {
            check_permits(*permits, event)?;
            Ok(*position)
        }
    }
}

fn permits(value: &Value) -> Option<NonZeroU32> {
    match value {
        Value::Permits(permits) => Some(*permits),
        _ => None,
    }
}

/// Whether an operation that was asked for with so many permits may end like this.
fn check_permits(asked: Option<NonZeroU32>, end: &Event) -> Result<(), RuleError> {
    let is_several = asked.is_some_and(|asked| asked.get() > 1);
    match (asked, &end.value) {
        (Some(asked), Value::Permits(answered)) if asked != *answered => {
            Err(RuleError::OtherPermits {
                function: end.function.clone(),
                asked,
                answered: *answered,
            })
        }
        (_, Value::Grant(grant)) if is_several && *grant != Grant::default() => {
            Err(RuleError::NamedPermits)
        }
        _ => Ok(()),
    }
}

fn check_form(event: &Event) -> Result<(), RuleError> {
    if event.error.is_some() && !matches!(event.kind, Kind::Fail | Kind::Info) {
        return Err(RuleError::ErrorMisplaced);
    }
    if event.observed && event.kind != Kind::Fail {
        return Err(RuleError::ObservedMisplaced);
    }
    let is_misplaced = match (event.process, &event.value) {
        (Process::Client(_), Value::Note(_)) => true,
        (Process::Nemesis | Process::Client(_), Value::Outline(_)) => {
            return Err(RuleError::RunForm);
        }
        (Process::Nemesis, Value::Data(json)) => Note::is_claimed_by(json),
        _ => false,
    };
    if is_misplaced {
        return Err(RuleError::NoteMisplaced);
    }
    check_number(event)?;
    match (event.process, &event.function) {
        (Process::Nemesis, Function::Fault(_))
            if event.kind == Kind::Info && event.key.is_none() =>
        {
            Ok(())
        }
        (Process::Nemesis, _) => Err(RuleError::NemesisForm),
        (Process::Run, _) => check_run(event),
        (Process::Client(_), function @ (Function::Fault(_) | Function::Mark(_))) => {
            Err(RuleError::UnknownOperation {
                name: function.to_string(),
            })
        }
        (Process::Client(_), Function::Lost) if !matches!(event.kind, Kind::Invoke | Kind::Ok) => {
            Err(RuleError::LostForm)
        }
        (Process::Client(_), Function::Verify)
            if event.kind == Kind::Ok && !matches!(event.value, Value::Answer(_)) =>
        {
            Err(RuleError::NoAnswer)
        }
        (Process::Client(_), _) => Ok(()),
    }
}

/// What could be meant as a number of permits is one, and stands where it means something.
fn check_number(event: &Event) -> Result<(), RuleError> {
    let Process::Client(_) = event.process else {
        return match permits(&event.value) {
            Some(_) => Err(misplaced(event)),
            None => Ok(()),
        };
    };
    match (&event.function, &event.value) {
        (Function::Acquire | Function::Release, Value::Data(said)) => {
            value::permits(said, &event.function).map(|_| ())
        }
        (Function::Acquire | Function::Release, _) => Ok(()),
        (Function::Verify | Function::Lost, Value::Data(said)) if said.is_number() => {
            Err(misplaced(event))
        }
        (_, Value::Permits(_)) => Err(misplaced(event)),
        _ => Ok(()),
    }
}

fn misplaced(event: &Event) -> RuleError {
    RuleError::PermitsMisplaced {
        function: event.function.clone(),
    }
}

fn check_run(event: &Event) -> Result<(), RuleError> {
    let is_begin = event.function == Function::Mark(Mark::Begin);
    let has_its_value = match event.value {
        Value::Outline(_) => is_begin,
        Value::None => !is_begin,
        _ => false,
    };
    let is_mark = matches!(event.function, Function::Mark(_));
    let is_form = is_mark && event.kind == Kind::Info && event.key.is_none() && has_its_value;
    is_form.then_some(()).ok_or(RuleError::RunForm)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Class, Effect, Parameters, Targets};
    use crate::jsonl::{LineError, ReadError};
    use crate::{Draft, HistoryBuilder, Outline};

    fn inject(id: u64) -> Note {
        Note::Inject {
            id,
            class: Class::Halting,
            targets: Targets::Nodes(vec![0]),
            parameters: Parameters::new(),
        }
    }

    /// What is said of the last of these notes; the others are admitted.
    fn said(notes: &[(&str, Note)]) -> Option<RuleError> {
        let mut builder = HistoryBuilder::default();
        let (last, before) = notes.split_last().expect("there is a note");
        for (fault, note) in before {
            builder
                .push(0, Draft::fault(fault, note.clone()))
                .expect("well-formed");
        }
        builder.push(0, Draft::fault(last.0, last.1.clone())).err()
    }

    #[test]
    fn faults_go_from_phase_to_phase() {
        let whole = [
            ("cut", inject(0)),
            ("cut", inject(1)),
            ("cut", Note::on(0)),
            ("cut", Note::heal(1)),
            ("cut", Note::heal(0)),
            ("cut", Note::healed(0)),
        ];
        assert_eq!(said(&whole), None);
        let twice = said(&[("cut", inject(0)), ("cut", inject(0))]);
        assert!(matches!(twice, Some(RuleError::PhaseNotLater { .. })));
        let heal = ("cut", Note::heal(0));
        let back = said(&[("cut", inject(0)), heal.clone(), ("cut", Note::on(0))]);
        assert!(matches!(back, Some(RuleError::PhaseNotLater { .. })));
        let other = said(&[("cut", inject(0)), ("pause", Note::on(0))]);
        assert!(matches!(other, Some(RuleError::OtherFault { .. })));
        assert!(matches!(said(&[heal]), Some(RuleError::NotInjected { .. })));
    }

    #[test]
    fn marks_stand_once_in_their_order_around_everything_else() {
        let begin = || Draft::begin(outline());
        let client = || Draft::new(Process::Client(0), Kind::Invoke, Function::Acquire);
        let (settle, end) = (|| Draft::mark(Mark::Settle), || Draft::mark(Mark::End));
        let last = |drafts: Vec<Draft>| {
            let mut builder = HistoryBuilder::default();
            let pushed: Vec<_> = drafts
                .into_iter()
                .map(|draft| builder.push(0, draft))
                .collect();
            let (last, before) = pushed.split_last().expect("there is a draft").to_owned();
            assert!(before.iter().all(Result::is_ok), "{before:?}");
            last.clone()
        };
        assert_eq!(last(vec![begin(), client(), settle(), end()]), Ok(()));
        assert_eq!(last(vec![begin(), end()]), Ok(()));
        let misplaced = |mark| Err(RuleError::MarkMisplaced { mark });
        assert_eq!(last(vec![client(), begin()]), misplaced(Mark::Begin));
        assert_eq!(last(vec![begin(), begin()]), misplaced(Mark::Begin));
        assert_eq!(last(vec![client(), end()]), misplaced(Mark::End));
        assert_eq!(
            last(vec![begin(), settle(), settle()]),
            misplaced(Mark::Settle)
        );
        assert_eq!(
            last(vec![begin(), end(), client()]),
            Err(RuleError::AfterTheEnd)
        );
        let outlined = Value::Outline(Box::new(outline()));
        for draft in [
            Draft::mark(Mark::Begin),
            begin().on("lock-0"),
            Draft::new(Process::Run, Kind::Ok, Function::Mark(Mark::Begin)).with(outlined.clone()),
            Draft::new(Process::Run, Kind::Info, Function::Acquire),
            Draft::mark(Mark::Settle).with(outlined.clone()),
            client().with(outlined),
        ] {
            assert_eq!(last(vec![draft]), Err(RuleError::RunForm));
        }
        let named = Draft::new(Process::Client(0), Kind::Invoke, Function::Mark(Mark::End));
        assert!(matches!(
            last(vec![named]),
            Err(RuleError::UnknownOperation { .. })
        ));
    }

    fn outline() -> Outline {
        Outline {
            workload: "mutex".to_owned(),
            lock: "exclusive-queue".to_owned(),
            workers: 5,
            slots: 1,
            heartbeat_ms: 2_000,
            faults: vec!["cut".to_owned()],
            effects: [("cut".to_owned(), Effect::None)].into(),
            struck: Default::default(),
            guarantees: vec!["exclusion".to_owned()],
        }
    }

    #[test]
    fn notes_stand_on_events_of_the_nemesis_only() {
        let note = Value::Note(Box::new(Note::on(0)));
        let client = Draft::new(Process::Client(0), Kind::Invoke, Function::Write).with(note);
        let data = Value::data(serde_json::json!({"id": 0, "phase": "on"}));
        let nemesis = Draft::new(Process::Nemesis, Kind::Info, Function::fault("cut")).with(data);
        for draft in [client, nemesis] {
            let error = HistoryBuilder::default().push(0, draft);
            assert_eq!(error, Err(RuleError::NoteMisplaced));
        }
    }

    /// What is said of an operation that is asked for and ends with these values.
    fn of_permits(function: &str, asked: &str, kind: &str, ended: &str) -> Option<RuleError> {
        let line = |index: u64, kind: &str, value: &str| {
            format!(
                r#"{{"index":{index},"time":0,"process":0,"type":"{kind}","f":"{function}","key":"a","value":{value}}}"#
            )
        };
        let text = format!("{}\n{}\n", line(0, "invoke", asked), line(1, kind, ended));
        match crate::jsonl::read(text.as_bytes()) {
            Ok(_) => None,
            Err(ReadError::Line {
                problem: LineError::Rule(rule),
                ..
            }) => Some(rule),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn permits_are_given_all_or_none() {
        assert_eq!(of_permits("acquire", "2", "ok", "2"), None);
        assert_eq!(of_permits("acquire", "2", "ok", "null"), None);
        assert_eq!(of_permits("acquire", "null", "ok", "2"), None);
        assert_eq!(of_permits("acquire", "1", "ok", r#"{"slot":1}"#), None);
        assert_eq!(of_permits("release", "2", "fail", "2"), None);
        assert_eq!(
            of_permits("acquire", "2", "ok", "1"),
            Some(RuleError::OtherPermits {
                function: Function::Acquire,
                asked: NonZeroU32::new(2).expect("not 0"),
                answered: NonZeroU32::MIN,
            })
        );
        assert_eq!(
            of_permits("acquire", "2", "ok", r#"{"slot":1}"#),
            Some(RuleError::NamedPermits)
        );
        assert_eq!(of_permits("release", "\"a-client\"", "ok", "null"), None);
        for amount in [
            "0",
            "-1",
            "1.5",
            "4294967296",
            "\"2\"",
            "\" 2 \"",
            "[2]",
            "[\"k\",2]",
            "true",
            "{\"permits\":2}",
            "{\"slot\":1}",
        ] {
            let said = of_permits("release", amount, "ok", "null");
            assert!(
                matches!(said, Some(RuleError::NoPermits { .. })),
                "{amount}"
            );
        }
        for function in ["verify", "lost"] {
            let said = of_permits(function, "2", "ok", "null");
            assert!(
                matches!(said, Some(RuleError::PermitsMisplaced { .. })),
                "{function}"
            );
        }
    }
}
