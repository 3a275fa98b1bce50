//! From a history to a verdict: which guarantees decide, which are only shown, and whether the run
//! proved anything.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use checker::certificate::Certificate;
use checker::model::NameError;
use checker::search::Limits;
use checker::{COVERAGE, Case, Guarantee, Judgement, Row, Scope, Verdict};
use history::History;
use history::fault::Effect;
use plan::manifest::{Manifest, State};
use plan::{Plan, bounded, progress_within};

/// What a history is judged by.
#[derive(Debug)]
pub struct Criteria {
    /// The guarantees; those that decide the verdict come first.
    guarantees: Vec<Box<dyn Guarantee>>,
    /// How many of them decide the verdict; the rest is shown.
    judged: usize,
    /// The models that it must be linearizable under.
    models: Vec<String>,
    /// What the history itself does not say.
    scope: Scope,
    /// Who made the promises that are judged.
    promised_by: Option<String>,
    /// How soon a bare `progress` asks for it; known of runs.
    progress: Option<Duration>,
}

/// What a bare history is judged by: what a user of a plain mutex expects.
const BARE_JUDGED: &[&str] = &["exclusion"];
const BARE_SHOWN: &[&str] = &["confirmed-exclusion"];

impl Criteria {
    /// By the plan of a run.
    #[must_use]
    pub fn of_plan(plan: &mut Plan) -> Self {
        let judged = std::mem::take(&mut plan.judged);
        let shown = std::mem::take(&mut plan.shown);
        Self {
            scope: scope(
                plan.workload.most_slots(plan.params.slots),
                plan.params.concurrency,
                plan.faults.iter().copied(),
                &plan.effects,
            ),
            promised_by: plan.by_promises.then(|| plan.lock.to_string()),
            ..Self::new(judged, shown)
        }
    }

    /// By the manifest of a stored run.
    ///
    /// # Errors
    /// The manifest names a guarantee that does not exist.
    pub fn of_manifest(manifest: &Manifest) -> Result<Self, checker::ParseError> {
        let plan = &manifest.plan;
        Ok(Self {
            scope: scope(
                plan.most_slots,
                plan.concurrency,
                plan.faults.iter().map(String::as_str),
                &plan.effects,
            ),
            promised_by: plan.by_promises.then(|| plan.lock.clone()),
            progress: Some(progress_within(plan.heartbeat())),
            ..Self::new(parse(&plan.judged)?, parse(&plan.shown)?)
        })
    }

    /// For a history of which nothing else is known.
    ///
    /// # Errors
    /// Never, unless the registry of guarantees has lost one.
    pub fn bare() -> Result<Self, checker::ParseError> {
        Ok(Self::new(parse(BARE_JUDGED)?, parse(BARE_SHOWN)?))
    }

    /// The same, but judged by these guarantees and models and nothing else. A bare `progress` is
    /// bounded as in the run.
    ///
    /// # Errors
    /// A name is not one of a guarantee, or lacks its bound.
    pub fn chosen(
        self,
        guarantees: &[String],
        models: &[String],
    ) -> Result<Self, checker::ParseError> {
        let bounded = |name: &String| match self.progress {
            Some(progress) => bounded(name, progress),
            None => name.clone(),
        };
        let guarantees: Vec<_> = guarantees.iter().map(bounded).collect();
        let guarantees = parse(&guarantees)?;
        let judged = guarantees.len();
        Ok(Self {
            guarantees,
            judged,
            models: models.to_vec(),
            promised_by: None,
            ..self
        })
    }

    /// The verdict always asks that the run proves something, too.
    fn new(mut judged: Vec<Box<dyn Guarantee>>, shown: Vec<Box<dyn Guarantee>>) -> Self {
        if judged.iter().all(|guarantee| guarantee.name() != COVERAGE) {
            judged.extend(parse(&[COVERAGE]).unwrap_or_default());
        }
        let count = judged.len();
        judged.extend(shown);
        Self {
            guarantees: judged,
            judged: count,
            models: Vec::new(),
            scope: Scope::default(),
            promised_by: None,
            progress: None,
        }
    }

    /// Judges a history; `state` is how its run ended, if it is known to be that of a run.
    ///
    /// # Errors
    /// A model's name is none.
    pub fn judge(
        &self,
        history: &History,
        state: Option<&State>,
        limits: Limits<'_>,
    ) -> Result<Judgement, NameError> {
        let linearized = self
            .models
            .iter()
            .map(|model| checker::linearize(history, model, limits));
        let linearized = linearized.collect::<Result<Vec<_>, _>>()?;
        let findings = checker::judge(history, &self.scope, limits, &self.guarantees);
        let of_guarantees = (0..).zip(findings).map(|(place, finding)| Row {
            judged: place < self.judged,
            finding,
        });
        let of_models = linearized.iter().map(|model| Row {
            judged: true,
            finding: model.finding.clone(),
        });
        let rows: Vec<_> = of_guarantees.chain(of_models).collect();
        let judged = rows.iter().filter(|row| row.judged).map(|row| &row.finding);
        let unfinished = state.and_then(State::unfinished);
        let at_least = if unfinished.is_some() {
            Verdict::Unknown
        } else {
            Verdict::Valid
        };
        let was_cut_off = matches!(
            state,
            Some(State::Running | State::Interrupted | State::Broken(_))
        );
        let missing_event = state.and_then(|_| history.first_gap());
        let verdict = match missing_event {
            Some(_) => Verdict::Unknown,
            None => checker::merge(judged).max(at_least),
        };
        Ok(Judgement {
            verdict,
            incomplete: history.is_incomplete() || was_cut_off || missing_event.is_some(),
            unfinished,
            missing_event,
            guarantees: rows,
            promised_by: self.promised_by.clone(),
            linearized,
        })
    }

    /// The evidence for a judgement that was made by these criteria.
    #[must_use]
    pub fn certificate(
        &self,
        history: &History,
        judgement: &Judgement,
        limits: Limits<'_>,
    ) -> Certificate {
        let findings: Vec<_> = judgement
            .guarantees
            .iter()
            .map(|row| row.finding.clone())
            .collect();
        let findings = &findings[..self.guarantees.len()];
        let case = Case::new(history, &self.scope, limits);
        Certificate::issue(&case, &self.guarantees, findings, &judgement.linearized)
    }
}

fn scope<'a>(
    slots: u32,
    workers: u32,
    faults: impl Iterator<Item = &'a str>,
    effects: &BTreeMap<String, Effect>,
) -> Scope {
    Scope {
        slots: NonZeroU32::new(slots).unwrap_or(NonZeroU32::MIN),
        workers: NonZeroU32::new(workers),
        faults: faults.map(str::to_owned).collect(),
        effects: effects.clone(),
    }
}

fn parse(names: &[impl AsRef<str>]) -> Result<Vec<Box<dyn Guarantee>>, checker::ParseError> {
    names
        .iter()
        .map(|name| checker::parse(name.as_ref()))
        .collect()
}

#[cfg(test)]
mod tests {
    use history::{Draft, Function, HistoryBuilder, Kind, Process, jsonl};

    use super::*;

    fn judge(history: &History, state: Option<&State>) -> Judgement {
        let criteria = Criteria::bare().expect("known");
        criteria
            .judge(history, state, Limits::none())
            .expect("no models")
    }

    #[test]
    fn an_empty_history_proves_nothing() {
        assert_eq!(judge(&History::default(), None).verdict, Verdict::Unknown);
    }

    #[test]
    fn a_killed_run_is_incomplete_even_between_two_operations() {
        assert!(judge(&History::default(), Some(&State::Running)).incomplete);
        assert!(!judge(&History::default(), Some(&State::Finished)).incomplete);
    }

    #[test]
    fn a_run_that_did_not_finish_is_never_valid() {
        let criteria = Criteria::bare()
            .expect("known")
            .chosen(&["exclusion".to_owned()], &[])
            .expect("known");
        let history = granted_twice(0..0);
        let verdict = |state: &State| {
            let judgement = criteria.judge(&history, Some(state), Limits::none());
            judgement.expect("no models").verdict
        };
        assert_eq!(verdict(&State::Finished), Verdict::Valid);
        for state in [
            State::Running,
            State::Stuck,
            State::Interrupted,
            State::Broken("gone".to_owned()),
        ] {
            assert_eq!(verdict(&state), Verdict::Unknown, "{state:?}");
        }
    }

    /// A mutex that changes hands and is wanted by a third, without some of the lines.
    fn granted_twice(without: std::ops::Range<u64>) -> History {
        let event = |process, kind, function| {
            Draft::new(Process::Client(process), kind, function).on("lock-0")
        };
        let drafts = [
            event(0, Kind::Invoke, Function::Acquire),
            event(0, Kind::Ok, Function::Acquire),
            event(2, Kind::Invoke, Function::Acquire),
            event(2, Kind::Fail, Function::Acquire).observed(),
            event(0, Kind::Invoke, Function::Release),
            event(0, Kind::Ok, Function::Release),
            event(1, Kind::Invoke, Function::Acquire),
            event(1, Kind::Ok, Function::Acquire),
        ];
        let mut builder = HistoryBuilder::default();
        for (time, draft) in (0..).zip(drafts) {
            builder.push(time, draft).expect("well-formed");
        }
        let mut log = Vec::new();
        jsonl::write(&builder.finish(), &mut log).expect("a vector takes all");
        let lines = (0..).zip(log.split_inclusive(|byte| *byte == b'\n'));
        let left = lines.filter(|(index, _)| !without.contains(index));
        let left: Vec<u8> = left.flat_map(|(_, line)| line.to_vec()).collect();
        jsonl::read(left.as_slice()).expect("well-formed")
    }

    #[test]
    fn where_a_line_of_a_run_is_missing_nothing_follows() {
        let criteria = Criteria::bare().expect("known");
        let criteria = criteria
            .chosen(&["exclusion".to_owned()], &[])
            .expect("known");
        let judge = |history: &History, state: Option<&State>| {
            let judgement = criteria.judge(history, state, Limits::none());
            judgement.expect("no models")
        };
        let finished = Some(&State::Finished);
        let whole = judge(&granted_twice(0..0), finished);
        assert_eq!((whole.verdict, whole.missing_event), (Verdict::Valid, None));
        // Without the release it looks like a double hold, without the refusal like no contention.
        for (gap, looks) in [(4..6, Verdict::Violated), (2..4, Verdict::Unknown)] {
            let (first, history) = (gap.start, granted_twice(gap));
            let judged = judge(&history, finished);
            assert_eq!(
                (judged.verdict, judged.missing_event),
                (Verdict::Unknown, Some(first))
            );
            assert!(judged.incomplete);
            let foreign = judge(&history, None);
            assert_eq!(foreign.verdict, looks);
            assert!(!foreign.incomplete && foreign.missing_event.is_none());
        }
    }

    #[test]
    fn a_bare_progress_is_bounded_where_a_run_bounds_it() {
        let criteria = || Criteria::bare().expect("known");
        let progress = ["progress".to_owned()];
        assert!(criteria().chosen(&progress, &[]).is_err());
        let of_a_run = Criteria {
            progress: Some(Duration::from_secs(10)),
            ..criteria()
        };
        let chosen = of_a_run.chosen(&progress, &[]).expect("bounded");
        assert_eq!(chosen.guarantees[0].name(), "progress<=10s");
    }

    #[test]
    fn what_was_chosen_is_all_that_decides() {
        let criteria = Criteria::bare().expect("known");
        let criteria = criteria
            .chosen(&["exclusion".to_owned()], &["owner-mutex".to_owned()])
            .expect("known");
        let judgement = criteria
            .judge(&granted_twice(0..0), None, Limits::none())
            .expect("known");
        let names: Vec<_> = judgement
            .guarantees
            .iter()
            .map(|row| row.finding.guarantee.as_str())
            .collect();
        assert_eq!(names, ["exclusion", "model owner-mutex"]);
        assert_eq!(judgement.verdict, Verdict::Valid);
    }
}
