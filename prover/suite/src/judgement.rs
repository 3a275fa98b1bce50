//! From a history to a verdict: which guarantees decide, which are only shown, and whether the run
//! proved anything.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

use checker::certificate::Certificate;
use checker::model::NameError;
use checker::search::Limits;
use checker::{COVERAGE, Case, Guarantee, Judgement, Row, Scope, Verdict, parse_all};
use history::fault::{Effect, Struck};
use history::{History, Outline};
use plan::manifest::{Manifest, Recorded, State};
use plan::{Plan, Progress, bounded};

use crate::said::{Difference, Said};

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
    /// What of the scope nobody has said, so that it is taken for granted.
    unsaid: BTreeSet<Unsaid>,
    /// What the run recorded, where that is known.
    recorded: Option<Recorded>,
    /// Whether the record shows how many slots there are at the most, beyond those of the scope.
    may_grow: bool,
}

/// What a bare history does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unsaid {
    Slots,
    Workers,
    Faults,
}

/// What a bare history is judged by: what a user of a plain mutex expects.
const BARE_JUDGED: &[&str] = &["exclusion"];
const BARE_SHOWN: &[&str] = &["confirmed-exclusion"];

/// Why a record that begins as one of this program's own and does not end so proves nothing.
const CUT_SHORT: &str =
    "the record does not say that it is whole: it was torn, killed or cut short";

/// The bound of progress that a record says it was judged by.
fn stated_progress(outline: &Outline) -> Option<Duration> {
    let mut names = outline.guarantees.iter();
    let bound = names.find_map(|name| name.strip_prefix("progress<="))?;
    humantime::parse_duration(bound).ok()
}

impl Criteria {
    /// By the plan of a run.
    #[must_use]
    pub fn of_plan(plan: &mut Plan) -> Self {
        let judged = std::mem::take(&mut plan.judged);
        let shown = std::mem::take(&mut plan.shown);
        Self {
            scope: plan.scope(),
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
                (&plan.effects, &plan.struck),
            ),
            promised_by: plan.by_promises.then(|| plan.lock.clone()),
            progress: Some(plan.progress_within()),
            ..Self::new(parse_all(&plan.judged)?, parse_all(&plan.shown)?)
        })
    }

    /// For a history without a manifest beside it. A record of this program's own says how its run
    /// was planned; any other is judged as it stands, and its faults are those that its nemesis
    /// names.
    ///
    /// # Errors
    /// The record names a guarantee that does not exist.
    pub fn bare(history: &History) -> Result<Self, checker::ParseError> {
        history
            .outline()
            .map_or_else(|| Self::as_it_stands(history), Self::of_outline)
    }

    /// What the history itself does not say.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    fn of_outline(outline: &Outline) -> Result<Self, checker::ParseError> {
        let heartbeat = Duration::from_millis(outline.heartbeat_ms);
        let faults = outline.faults.iter().map(String::as_str);
        let planned = Progress::on_rabbitmq(heartbeat, faults.clone());
        Ok(Self {
            scope: scope(
                outline.slots,
                outline.workers,
                faults,
                (&outline.effects, &outline.struck),
            ),
            progress: stated_progress(outline).or_else(|| Some(planned.within())),
            ..Self::new(parse_all(&outline.guarantees)?, Vec::new())
        })
    }

    fn as_it_stands(history: &History) -> Result<Self, checker::ParseError> {
        let faults: BTreeSet<String> = history
            .faults()
            .map(|event| event.function.to_string())
            .collect();
        let scope = Scope {
            faults: faults.into_iter().collect(),
            ..Scope::default()
        };
        Ok(Self {
            scope,
            unsaid: [Unsaid::Slots, Unsaid::Workers, Unsaid::Faults].into(),
            may_grow: false,
            ..Self::new(parse_all(BARE_JUDGED)?, parse_all(BARE_SHOWN)?)
        })
    }

    /// The same, but with what is said of the history.
    #[must_use]
    pub fn said(mut self, said: Said) -> Self {
        if let Some(slots) = said.slots {
            self.scope.slots = slots;
            self.may_grow = false;
            self.unsaid.remove(&Unsaid::Slots);
        }
        if let Some(workers) = said.workers {
            self.scope.workers = Some(workers);
            self.unsaid.remove(&Unsaid::Workers);
        }
        if let Some(faults) = said.faults {
            let selected: BTreeSet<String> = faults.into_iter().collect();
            self.scope
                .effects
                .retain(|fault, _| selected.contains(fault));
            self.scope
                .struck
                .retain(|fault, _| selected.contains(fault));
            self.scope.faults = selected.into_iter().collect();
            self.unsaid.remove(&Unsaid::Faults);
        }
        self
    }

    /// The same, for the history of a run that recorded this.
    #[must_use]
    pub fn of_record(self, recorded: Option<Recorded>) -> Self {
        Self { recorded, ..self }
    }

    /// What is taken for granted because neither the history nor anybody else says it.
    #[must_use]
    pub fn taken_for_granted(&self) -> Option<String> {
        let faults = || match self.scope.faults.as_slice() {
            [] => "no fault was selected (--faults)".to_owned(),
            faults => format!("the faults are {} (--faults)", faults.join(", ")),
        };
        let words = self.unsaid.iter().map(|unsaid| match unsaid {
            Unsaid::Slots => "one client at a time may hold a lock (--slots)".to_owned(),
            Unsaid::Workers => "every process is a worker (--concurrency)".to_owned(),
            Unsaid::Faults => faults(),
        });
        let words: Vec<_> = words.collect();
        let is_needed = !self.guarantees.is_empty() && !words.is_empty();
        is_needed.then(|| words.join("; "))
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
        let guarantees = parse_all(guarantees.iter().map(bounded))?;
        let judged = guarantees.len();
        let mut once = Vec::new();
        for model in models {
            if !once.contains(model) {
                once.push(model.clone());
            }
        }
        Ok(Self {
            guarantees,
            judged,
            models: once,
            promised_by: None,
            ..self
        })
    }

    /// The verdict always asks that the run proves something, too. What is judged is not shown
    /// beside it once more.
    fn new(mut judged: Vec<Box<dyn Guarantee>>, mut shown: Vec<Box<dyn Guarantee>>) -> Self {
        if judged.iter().all(|guarantee| guarantee.name() != COVERAGE) {
            judged.extend(parse_all([COVERAGE]).unwrap_or_default());
        }
        let count = judged.len();
        shown.retain(|it| judged.iter().all(|other| other.name() != it.name()));
        judged.extend(shown);
        Self {
            guarantees: judged,
            judged: count,
            models: Vec::new(),
            scope: Scope::default(),
            promised_by: None,
            progress: None,
            unsaid: BTreeSet::new(),
            recorded: None,
            may_grow: true,
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
        let findings = checker::judge(history, &self.scope_of(history), limits, &self.guarantees);
        let findings = if self.unsaid.contains(&Unsaid::Slots) {
            checker::without_slots(history, findings)
        } else {
            findings
        };
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
        let difference = self.difference(history, state);
        let is_altered = matches!(difference, Some(Difference::Altered(_)));
        let is_different = difference.is_some();
        let different = difference.map(|(Difference::CutOff(why) | Difference::Altered(why))| why);
        let is_cut_short = history.is_unfinished();
        let cut_short = || is_cut_short.then(|| CUT_SHORT.to_owned());
        let unfinished = state.and_then(State::unfinished);
        let unfinished = unfinished.or(different).or_else(cut_short);
        let at_least = if unfinished.is_some() {
            Verdict::Unknown
        } else {
            Verdict::Valid
        };
        let was_cut_off = matches!(
            state,
            Some(State::Running | State::Interrupted | State::Broken(_))
        );
        let is_own = state.is_some() || history.outline().is_some();
        let missing_event = history.first_gap().filter(|_| is_own);
        let verdict = if missing_event.is_some() || is_altered {
            Verdict::Unknown
        } else {
            checker::merge(judged).max(at_least)
        };
        let is_not_whole = was_cut_off || is_different || missing_event.is_some();
        Ok(Judgement {
            verdict,
            incomplete: history.is_incomplete() || is_not_whole,
            unfinished,
            missing_event,
            guarantees: rows,
            promised_by: self.promised_by.clone(),
            linearized,
        })
    }

    /// What a history does not say itself. The record of a run shows how many slots its administrators
    /// asked for; how many there are that somebody says, there are.
    fn scope_of(&self, history: &History) -> Scope {
        match self.may_grow {
            true => self.scope.grown_by(history),
            false => self.scope.clone(),
        }
    }

    /// How the history differs from what its run recorded, if that is known. One that came to its
    /// end has recorded something.
    fn difference(&self, history: &History, state: Option<&State>) -> Option<Difference> {
        let is_gone = state == Some(&State::Finished) && history.events().is_empty();
        let gone = || Difference::CutOff("the record of the run is empty".to_owned());
        let recorded = self.recorded.as_ref();
        recorded
            .and_then(|recorded| Difference::of(history, recorded))
            .or_else(|| is_gone.then(gone))
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
        let scope = self.scope_of(history);
        let case = Case::new(history, &scope, limits);
        Certificate::issue(&case, &self.guarantees, findings, &judgement.linearized)
    }
}

fn scope<'a>(
    slots: u32,
    workers: u32,
    faults: impl Iterator<Item = &'a str>,
    (effects, struck): (&BTreeMap<String, Effect>, &Struck),
) -> Scope {
    Scope {
        slots: NonZeroU32::new(slots).unwrap_or(NonZeroU32::MIN),
        workers: NonZeroU32::new(workers),
        faults: faults.map(str::to_owned).collect(),
        effects: effects.clone(),
        struck: struck.clone(),
    }
}

#[cfg(test)]
mod tests {
    use history::{Draft, Function, HistoryBuilder, Kind, Mark, Process, Value, jsonl};

    use super::*;

    fn judge(history: &History, state: Option<&State>) -> Judgement {
        let criteria = Criteria::bare(history).expect("known");
        criteria
            .judge(history, state, Limits::none())
            .expect("no models")
    }

    #[test]
    fn an_empty_history_proves_nothing() {
        assert_eq!(judge(&History::default(), None).verdict, Verdict::Unknown);
    }

    /// A run on locks of two slots in which an administrator asks for this, and three believe to hold
    /// one at one time.
    fn three_hold(asked: Function, slots: &[u32]) -> History {
        let outline = Outline {
            workers: 4,
            slots: 2,
            guarantees: vec!["exclusion".to_owned()],
            ..Outline::default()
        };
        let event = |process, kind, function| {
            Draft::new(Process::Client(process), kind, function).on("lock-0")
        };
        let asking = event(3, Kind::Invoke, asked.clone());
        let refused = event(3, Kind::Fail, asked);
        let mut drafts = vec![
            Draft::begin(outline),
            asking.with(Value::Slots(slots.to_vec())),
            refused,
        ];
        for process in 0..3 {
            drafts.push(event(process, Kind::Invoke, Function::Acquire));
            drafts.push(event(process, Kind::Ok, Function::Acquire));
        }
        let mut builder = HistoryBuilder::default();
        for (time, draft) in (0..).zip(drafts) {
            builder.push(time, draft).expect("well-formed");
        }
        builder.finish()
    }

    #[test]
    fn a_lock_has_the_slots_that_administrators_asked_for_unless_somebody_says_how_many() {
        let verdict = |history: &History, said: Said| {
            let criteria = Criteria::bare(history).expect("known").said(said);
            let judgement = criteria.judge(history, None, Limits::none());
            judgement.expect("no models").guarantees[0].finding.verdict
        };
        let nobody = Said::default;
        for (asked, slots, expected) in [
            (Function::Grow, [3].as_slice(), Verdict::Unknown),
            (Function::Create, &[1, 2, 3], Verdict::Unknown),
            (Function::Grow, &[2], Verdict::Violated),
            // It makes none.
            (Function::Wait, &[3], Verdict::Violated),
        ] {
            let history = three_hold(asked.clone(), slots);
            assert_eq!(verdict(&history, nobody()), expected, "{asked} {slots:?}");
        }
        let two = Said {
            slots: NonZeroU32::new(2),
            ..nobody()
        };
        let history = three_hold(Function::Grow, &[3]);
        assert_eq!(verdict(&history, two), Verdict::Violated);
    }

    #[test]
    fn a_killed_run_is_incomplete_even_between_two_operations() {
        assert!(judge(&History::default(), Some(&State::Running)).incomplete);
        assert!(!judge(&granted_twice(0..0), Some(&State::Finished)).incomplete);
    }

    #[test]
    fn a_run_that_did_not_finish_is_never_valid() {
        let criteria = Criteria::bare(&History::default())
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
        let criteria = Criteria::bare(&History::default()).expect("known");
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
    fn a_history_that_differs_from_what_was_recorded_is_not_valid() {
        let whole = granted_twice(0..0);
        let recorded = Recorded {
            events: whole.events().len() as u64,
            history: checker::certificate::history_digest(&whole),
        };
        let judge = |history: &History, recorded: &Recorded| {
            let criteria = Criteria::bare(history).expect("known");
            let criteria = criteria.chosen(&["exclusion".to_owned()], &[]);
            let criteria = criteria.expect("known").of_record(Some(recorded.clone()));
            let finished = Some(&State::Finished);
            let judged = criteria.judge(history, finished, Limits::none());
            judged.expect("no models")
        };
        let same = judge(&whole, &recorded);
        assert_eq!((same.verdict, same.incomplete), (Verdict::Valid, false));
        let cut_off = judge(&granted_twice(6..8), &recorded);
        assert_eq!(
            (cut_off.verdict, cut_off.incomplete),
            (Verdict::Unknown, true)
        );
        let why = cut_off.unfinished.expect("it says why");
        assert!(why.contains("6 events, and its run recorded 8"), "{why}");
        // What a beginning shows is so whatever came later, but not what somebody else wrote.
        let double = granted_twice(4..6);
        let of_more = Recorded {
            events: 9,
            ..recorded.clone()
        };
        let altered = Recorded {
            events: 6,
            ..recorded
        };
        let renumbered = {
            let mut builder = HistoryBuilder::default();
            for (index, event) in (0..).zip(double.events()) {
                let event = history::Event {
                    index,
                    ..event.clone()
                };
                builder.push_event(event).expect("well-formed");
            }
            builder.finish()
        };
        assert_eq!(judge(&renumbered, &of_more).verdict, Verdict::Violated);
        assert_eq!(judge(&renumbered, &altered).verdict, Verdict::Unknown);
        let nothing = Criteria::bare(&whole).expect("known");
        let nothing = nothing.judge(&History::default(), Some(&State::Finished), Limits::none());
        assert!(nothing.expect("no models").incomplete);
    }

    #[test]
    fn a_bare_record_of_our_own_is_judged_as_its_run_is() {
        let record = |marks: &[Mark]| {
            let mut builder = HistoryBuilder::default();
            let outline = Outline {
                workers: 3,
                slots: 1,
                faults: vec!["cut".to_owned()],
                guarantees: vec!["exclusion".to_owned()],
                ..Outline::default()
            };
            builder.push(0, Draft::begin(outline)).expect("well-formed");
            for event in granted_twice(0..0).events() {
                let index = event.index + 1;
                let event = history::Event {
                    index,
                    ..event.clone()
                };
                builder.push_event(event).expect("well-formed");
            }
            for mark in marks {
                builder.push(9, Draft::mark(*mark)).expect("well-formed");
            }
            builder.finish()
        };
        let whole = record(&[Mark::Settle, Mark::End]);
        let criteria = Criteria::bare(&whole).expect("known");
        assert_eq!(criteria.taken_for_granted(), None);
        assert_eq!(criteria.scope.faults, ["cut"]);
        assert_eq!(criteria.scope.workers, NonZeroU32::new(3));
        let exclusion = |history: &History| {
            let criteria = Criteria::bare(history).expect("known");
            let criteria = criteria.chosen(&["exclusion".to_owned()], &[]);
            let judged = criteria
                .expect("known")
                .judge(history, None, Limits::none());
            judged.expect("no models")
        };
        assert_eq!(exclusion(&whole).verdict, Verdict::Valid);
        for marks in [&[][..], &[Mark::Settle]] {
            let cut = exclusion(&record(marks));
            assert_eq!(cut.verdict, Verdict::Unknown);
            assert_eq!(cut.unfinished.as_deref(), Some(CUT_SHORT));
        }
    }

    #[test]
    fn what_nobody_says_is_taken_for_granted_and_told() {
        let bare = || Criteria::bare(&History::default()).expect("known");
        assert_eq!(
            bare().taken_for_granted().as_deref(),
            Some(
                "one client at a time may hold a lock (--slots); every process is a worker (--concurrency); no fault was selected (--faults)"
            )
        );
        let said = bare().said(Said {
            slots: NonZeroU32::new(2),
            workers: NonZeroU32::new(3),
            faults: Some(vec!["cut".to_owned()]),
        });
        assert_eq!(said.taken_for_granted(), None);
        assert_eq!(said.scope.slots.get(), 2);
    }

    #[test]
    fn a_bare_progress_is_bounded_where_a_run_bounds_it() {
        let criteria = || Criteria::bare(&History::default()).expect("known");
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
        let criteria = Criteria::bare(&History::default()).expect("known");
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
