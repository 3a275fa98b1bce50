//! What a fault met: the situations that runs were in, and how many of them were new at the end.
//!
//! A situation is a fault, what the target was about when it was injected, what the fault did, and
//! which guarantees the run then kept. Many more could be told apart; these can be counted, and
//! where the last runs still bring new ones, more runs are worth their time.

use std::collections::BTreeMap;
use std::fmt;

use checker::search::Limits;
use checker::{Case, Row, Scope, Verdict, impacts, stem};
use history::fault::Effect;
use history::{Answer, Event, Function, History, Kind, Process, Value};
use serde::{Deserialize, Serialize};

/// What the target of a fault was about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It held nothing and wanted nothing.
    #[default]
    Idle,
    /// It asked for a lock.
    Acquiring,
    /// It believed that it held a lock, and did nothing.
    Holding,
    /// It asked whether it still held it.
    Verifying,
    /// It gave it back.
    Releasing,
    /// It used what the lock guards, or administered the lock.
    Working,
}

/// One situation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Situation {
    /// The fault's name; nothing where a run had none.
    pub fault: Option<String>,
    /// What it did.
    pub effect: Effect,
    /// What its target was about; of several the one that had gone furthest.
    pub phase: Phase,
    /// The guarantees that the run did not keep, and what is known of them.
    pub missed: BTreeMap<String, Verdict>,
}

/// How many situations the last runs added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saturation {
    /// Different situations in all runs.
    pub situations: u64,
    /// The last tenth of the runs, rounded up.
    pub last_runs: u64,
    /// Situations that no run before these had seen.
    pub new_in_last_runs: u64,
}

/// The situations of a run, each once, in their order.
pub(crate) fn situations(history: &History, guarantees: &[Row]) -> Vec<Situation> {
    let missed = missed(guarantees);
    let mut met: Vec<_> = met(history);
    if met.is_empty() {
        met.push((None, Effect::None, Phase::Idle));
    }
    let situation = |(fault, effect, phase)| Situation {
        fault,
        effect,
        phase,
        missed: missed.clone(),
    };
    let mut situations: Vec<_> = met.into_iter().map(situation).collect();
    situations.sort();
    situations.dedup();
    situations
}

/// What is not about the lock is left out, and so are bounds that differ from run to run.
fn missed(guarantees: &[Row]) -> BTreeMap<String, Verdict> {
    let rows = guarantees.iter().filter(|row| !row.is_about_the_run());
    let missed = rows.filter(|row| row.finding.verdict != Verdict::Valid);
    let named = missed.map(|row| {
        let name = stem(&row.finding.guarantee).to_owned();
        (name, row.finding.verdict)
    });
    named.collect()
}

fn met(history: &History) -> Vec<(Option<String>, Effect, Phase)> {
    let windows = history.windows();
    if windows.is_empty() {
        return Vec::new();
    }
    let outline = history.outline();
    let slots = outline.and_then(|outline| outline.slots.try_into().ok());
    let workers = outline.and_then(|outline| outline.workers.try_into().ok());
    let default = Scope::default();
    let scope = Scope {
        slots: slots.unwrap_or(default.slots),
        workers,
        ..default
    };
    let case = Case::new(history, &scope, Limits::none());
    let effects = impacts(&case).unwrap_or_default();
    let effect = |id| {
        let impact = effects.iter().find(|impact| impact.id == id);
        impact.map_or(Effect::None, |impact| impact.effect)
    };
    let phases = phases(history);
    let met = windows.iter().map(|window| {
        let at = phases.get(&window.inject);
        let targets = window.targets.processes().iter();
        let phase = targets.filter_map(|process| at?.get(process)).max();
        let phase = phase.copied().unwrap_or_default();
        (Some(window.name.to_string()), effect(window.id), phase)
    });
    met.collect()
}

/// What every process is about where a fault is injected, by the place of the injection.
fn phases(history: &History) -> BTreeMap<usize, BTreeMap<u32, Phase>> {
    let mut now: BTreeMap<u32, Phase> = BTreeMap::new();
    let mut seen = BTreeMap::new();
    for (place, event) in history.events().iter().enumerate() {
        match event.process {
            Process::Client(process) => {
                let phase = now.entry(process).or_default();
                *phase = after(*phase, event);
            }
            _ if matches!(event.function, Function::Fault(_)) => {
                seen.insert(place, now.clone());
            }
            _ => {}
        }
    }
    seen
}

fn after(before: Phase, event: &Event) -> Phase {
    match (event.kind, &event.function) {
        (Kind::Invoke, Function::Acquire) => Phase::Acquiring,
        (Kind::Invoke, Function::Verify) => Phase::Verifying,
        (Kind::Invoke, Function::Release) => Phase::Releasing,
        (Kind::Invoke, Function::Lost) => before,
        (Kind::Invoke, _) => Phase::Working,
        (Kind::Ok, Function::Acquire) => Phase::Holding,
        (Kind::Fail, Function::Acquire) | (_, Function::Release | Function::Lost) => Phase::Idle,
        (Kind::Info, _) => Phase::Idle,
        (Kind::Ok, Function::Verify) if event.value == Value::Answer(Answer::Lost) => Phase::Idle,
        (_, Function::Verify) => Phase::Holding,
        // Who works without a lock is told from who works with one by nothing here.
        (Kind::Ok | Kind::Fail, _) => Phase::Holding,
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Idle => "idle",
            Self::Acquiring => "acquiring",
            Self::Holding => "holding",
            Self::Verifying => "verifying",
            Self::Releasing => "releasing",
            Self::Working => "working",
        })
    }
}

#[cfg(test)]
mod tests {
    use history::fault::{Class, Note, Parameters, Targets};
    use history::{Draft, HistoryBuilder};

    use super::*;

    /// What the first client was about when a cut struck it, after it had done this.
    fn phase(done: &[(Kind, Function, Value)]) -> Phase {
        let client = |(kind, function, value): &(Kind, Function, Value)| {
            Draft::new(Process::Client(0), *kind, function.clone()).with(value.clone())
        };
        let inject = Note::Inject {
            id: 1,
            class: Class::Breaking,
            targets: Targets::Processes(vec![0]),
            parameters: Parameters::new(),
        };
        let mut builder = HistoryBuilder::default();
        let drafts = done.iter().map(client).chain([Draft::fault("cut", inject)]);
        for (time, draft) in (0..).zip(drafts) {
            builder.push(time, draft).expect("it is well-formed");
        }
        let found = situations(&builder.finish(), &[]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].fault.as_deref(), Some("cut"));
        found[0].phase
    }

    #[test]
    fn a_target_is_about_what_it_did_last() {
        use Function::{Acquire, Release, Verify};
        let step = |kind, function: Function| (kind, function, Value::None);
        let held = [step(Kind::Invoke, Acquire), step(Kind::Ok, Acquire)];
        let and = |more: Function| [&held[..], &[step(Kind::Invoke, more)]].concat();
        assert_eq!(phase(&[]), Phase::Idle);
        assert_eq!(phase(&held[..1]), Phase::Acquiring);
        assert_eq!(phase(&held), Phase::Holding);
        assert_eq!(phase(&and(Verify)), Phase::Verifying);
        assert_eq!(phase(&and(Release)), Phase::Releasing);
        let released = [&and(Release)[..], &[step(Kind::Ok, Release)]].concat();
        assert_eq!(phase(&released), Phase::Idle);
        let lost = (Kind::Ok, Verify, Value::Answer(Answer::Lost));
        assert_eq!(phase(&[&and(Verify)[..], &[lost]].concat()), Phase::Idle);
    }

    #[test]
    fn a_run_without_faults_is_in_one_situation() {
        let found = situations(&HistoryBuilder::default().finish(), &[]);
        assert_eq!(found.len(), 1);
        assert_eq!((&found[0].fault, found[0].effect), (&None, Effect::None));
    }
}
