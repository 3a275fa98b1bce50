//! `--until-covered`: a run that goes on until it has put its lock to the test.

use std::num::NonZeroU32;
use std::time::Duration;

use checker::search::Limits;
use checker::{COVERAGE, Scope, Verdict};
use history::History;
use history::fault::Effect;
use run::Goal;

use crate::plan::Plan;
use crate::spec::{RunSpec, TIME_LIMIT};

/// The longest that such a run lasts where nobody says.
pub(crate) const AT_MOST: Duration = Duration::from_secs(600);

/// Why a run cannot go on until it is covered.
#[derive(Debug, thiserror::Error)]
pub enum CoveredError {
    /// A bound for nothing.
    #[error("--at-most bounds a run that goes on --until-covered: give that too, or --time-limit")]
    AtMostAlone,
    /// Two ends.
    #[error(
        "--until-covered takes the place of --time-limit: leave one of them out (--at-most bounds it)"
    )]
    TimeLimit,
    /// Nothing breaks.
    #[error("--until-covered waits for the effects of faults: select some with --nemesis")]
    NoFaults,
    /// What breaks is there already, and has an end.
    #[error(
        "--until-covered goes on drawing faults, which --schedule does not: leave one of them out"
    )]
    Schedule,
    /// Nothing is waited for.
    #[error(
        "--until-covered waits for effects, and --coverage asks for none: leave one of them out"
    )]
    NoEffects,
    /// The goal is out of reach.
    #[error("--until-covered would not come to its end: {0}")]
    Never(String),
}

/// How long the workload of a run lasts at the longest.
///
/// # Errors
/// The options contradict each other.
pub(crate) fn time_limit(spec: &RunSpec) -> Result<Duration, CoveredError> {
    match (spec.until_covered, spec.at_most) {
        (false, Some(_)) => Err(CoveredError::AtMostAlone),
        (false, None) => Ok(spec.time_limit),
        (true, _) if spec.time_limit != TIME_LIMIT => Err(CoveredError::TimeLimit),
        (true, _) if spec.schedule.is_some() => Err(CoveredError::Schedule),
        (true, at_most) => Ok(at_most.unwrap_or(AT_MOST)),
    }
}

impl Plan {
    /// Whether the run can come to be covered, if it is to go on until then. What a swarm draws may
    /// be out of reach: another of its runs covers for it.
    ///
    /// # Errors
    /// It cannot.
    pub(crate) fn check_goal(&self) -> Result<(), CoveredError> {
        if !self.until_covered {
            return Ok(());
        }
        if self.faults.is_empty() {
            return Err(CoveredError::NoFaults);
        }
        let mut dues = self.faults.iter().map(|fault| self.due(fault));
        if self.struck.is_empty() && dues.all(|due| due == Some(Effect::None)) {
            return Err(CoveredError::NoEffects);
        }
        match self.doubts().into_iter().next() {
            Some(doubt) if !self.spec.swarm => Err(CoveredError::Never(doubt)),
            _ => Ok(()),
        }
    }

    /// What a history of the run does not say itself.
    #[must_use]
    pub fn scope(&self) -> Scope {
        let slots = self.workload.most_slots(self.params.slots);
        Scope {
            slots: NonZeroU32::new(slots).unwrap_or(NonZeroU32::MIN),
            workers: NonZeroU32::new(self.params.concurrency),
            faults: self.faults.iter().map(ToString::to_string).collect(),
            effects: self.effects.clone(),
            struck: self.struck.clone(),
        }
    }
}

/// A run has come to it when its record shows what coverage asks for.
pub(crate) struct Covered(pub Scope);

impl Goal for Covered {
    fn is_reached(&self, history: &History) -> bool {
        let coverage = checker::parse_all([COVERAGE]).unwrap_or_default();
        let findings = checker::judge(
            history,
            &self.0.grown_by(history),
            Limits::none(),
            &coverage,
        );
        checker::merge(&findings) == Verdict::Valid && !findings.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::PlanError;

    fn plan(change: impl FnOnce(&mut RunSpec)) -> Result<Plan, PlanError> {
        let mut spec = RunSpec {
            nemesis: "partition".to_owned(),
            testbed: "sim".to_owned(),
            until_covered: true,
            ..RunSpec::default()
        };
        change(&mut spec);
        Plan::new(&spec)
    }

    fn refused(change: impl FnOnce(&mut RunSpec)) -> String {
        let refused = plan(change).err().expect("it makes no sense");
        refused.to_string()
    }

    #[test]
    fn it_lasts_for_as_long_as_it_may() {
        let limit = |at_most| {
            let plan = plan(|spec| spec.at_most = at_most).map_err(|error| error.to_string());
            let plan = plan.expect("a plan");
            assert!(plan.schedule.faults.len() > 5);
            plan.time_limit
        };
        assert_eq!(limit(None), AT_MOST);
        let minutes = Duration::from_secs(120);
        assert_eq!(limit(Some(minutes)), minutes);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_reason() {
        let minute = Duration::from_secs(60);
        assert!(refused(|spec| spec.nemesis = "none".to_owned()).contains("select some"));
        assert!(refused(|spec| spec.schedule = Some("s.json".into())).contains("--schedule"));
        assert!(refused(|spec| spec.time_limit = 2 * minute).contains("--time-limit"));
        let none = |spec: &mut RunSpec| spec.coverage = Some("none".to_owned());
        assert!(refused(none).contains("--coverage asks for none"));
        let alone = |spec: &mut RunSpec| {
            spec.until_covered = false;
            spec.at_most = Some(minute);
        };
        assert!(refused(alone).starts_with("--at-most bounds a run"));
    }

    #[test]
    fn what_would_never_be_covered_is_refused() {
        let second = Duration::from_secs(1);
        let short = |spec: &mut RunSpec| spec.nemesis_duration = Some(second);
        assert!(refused(short).contains("would not come to its end: no partition of this plan"));
        assert!(refused(|spec| spec.nemesis = "pause".to_owned()).contains("cannot take a lock"));
        let said = refused(|spec| spec.at_most = Some(6 * second));
        assert!(
            said.contains("fits into 6s") && said.contains("give --at-most "),
            "{said}"
        );
        let busy = |spec: &mut RunSpec| spec.nemesis = "silence".to_owned();
        assert!(refused(busy).contains("which counts as a heartbeat"));
        // Whom it strikes is waited for, too.
        let struck = |spec: &mut RunSpec| {
            busy(spec);
            spec.coverage = Some("silence=none,silence.holder=3".to_owned());
        };
        assert!(plan(struck).is_ok());
        // Another run of the swarm may be covered.
        let swarm = |spec: &mut RunSpec| {
            spec.swarm = true;
            short(spec);
        };
        assert!(plan(swarm).is_ok());
    }
}
