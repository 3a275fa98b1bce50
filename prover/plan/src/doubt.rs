//! What a plan cannot prove, known before it is carried out.

use std::time::Duration;

use history::fault::{Class, Effect};
use humantime::format_duration;

use crate::plan::Plan;

/// After so many heartbeats of silence one side takes the other for dead, and no earlier.
const HEARTBEATS_OF_SILENCE: u32 = 2;

impl Plan {
    /// Why the run that is planned will prove nothing, or nothing about some fault, whatever comes
    /// of it; each with what helps.
    #[must_use]
    pub fn doubts(&self) -> Vec<String> {
        let mut doubts: Vec<String> = self
            .faults
            .iter()
            .filter_map(|fault| self.doubt(fault))
            .collect();
        doubts.extend(self.harmless());
        doubts
    }

    /// What a selected fault will not show.
    fn doubt(&self, fault: &str) -> Option<String> {
        let due = self.due(fault)?;
        let limit = format_duration(self.time_limit);
        let own = self
            .schedule
            .faults
            .iter()
            .filter(|planned| planned.fault == fault);
        let fitting =
            own.filter(|planned| Duration::from_millis(planned.ends_ms()) <= self.time_limit);
        let longest = fitting
            .map(|planned| Duration::from_millis(planned.for_ms))
            .max();
        let silence = HEARTBEATS_OF_SILENCE * self.heartbeat;
        match longest {
            None if due > Effect::None => Some(format!(
                "no {fault} fits into {limit}, so this run will prove nothing about it: give --time-limit more, or \
                 --nemesis-interval and --nemesis-duration less"
            )),
            Some(longest) if due == Effect::Revoked && is_silence(fault) && longest < silence => {
                Some(format!(
                    "no {fault} of this plan lasts {HEARTBEATS_OF_SILENCE} heartbeats ({}), so no broker takes a lock away and \
                     this run will prove nothing about it: give --nemesis-duration more than three heartbeats, or ask for less \
                     with --coverage {fault}=delayed",
                    format_duration(silence)
                ))
            }
            _ => None,
        }
    }

    /// Why no fault will take a lock away, if none can.
    fn harmless(&self) -> Option<String> {
        let mut dues = self.faults.iter().filter_map(|fault| self.due(fault));
        if self.faults.is_empty()
            || !self.effects.is_empty()
            || dues.any(|due| due == Effect::Revoked)
        {
            return None;
        }
        let faults = self.faults.join(", ");
        Some(format!(
            "{faults} cannot take a lock away, so this run will prove nothing: select another fault with it, or ask for less with \
             --coverage delayed"
        ))
    }

    /// The effect that a fault must have at least once.
    fn due(&self, fault: &str) -> Option<Effect> {
        let asked = self.effects.get(fault).copied();
        let known = || nemesis::find(fault).map(|it| checker::due(it.class(), &it.parameters()));
        asked.or_else(known)
    }
}

/// Whether a fault shows only by the silence of its targets.
fn is_silence(fault: &str) -> bool {
    nemesis::find(fault)
        .is_some_and(|fault| matches!(fault.class(), Class::Isolating | Class::Halting))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::RunSpec;

    fn doubts(change: impl FnOnce(&mut RunSpec)) -> Vec<String> {
        let mut spec = RunSpec {
            nemesis: "partition".to_owned(),
            testbed: "sim".to_owned(),
            ..RunSpec::default()
        };
        change(&mut spec);
        Plan::new(&spec).expect("a plan").doubts()
    }

    fn only(doubts: Vec<String>) -> String {
        assert_eq!(doubts.len(), 1, "{doubts:?}");
        doubts.concat()
    }

    #[test]
    fn an_ordinary_plan_raises_none() {
        assert_eq!(doubts(|_| ()), Vec::<String>::new());
        assert_eq!(
            doubts(|spec| spec.nemesis = "none".to_owned()),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_fault_that_is_too_short_is_told() {
        let short = |spec: &mut RunSpec| spec.nemesis_duration = Some(Duration::from_secs(1));
        let said = only(doubts(short));
        assert!(
            said.starts_with("no partition of this plan lasts 2 heartbeats (4s)"),
            "{said}"
        );
        let asked = |spec: &mut RunSpec| {
            short(spec);
            spec.coverage = Some("delayed".to_owned());
        };
        assert_eq!(doubts(asked), Vec::<String>::new());
        // A connection that breaks is heard of at once.
        let cut = |spec: &mut RunSpec| {
            short(spec);
            spec.nemesis = "cut".to_owned();
        };
        assert_eq!(doubts(cut), Vec::<String>::new());
    }

    #[test]
    fn a_fault_that_does_not_fit_is_told() {
        let said = only(doubts(|spec| spec.time_limit = Duration::from_secs(5)));
        assert!(said.starts_with("no partition fits into 5s"), "{said}");
    }

    #[test]
    fn faults_that_take_nothing_away_are_told() {
        let said = only(doubts(|spec| spec.nemesis = "pause".to_owned()));
        assert!(said.starts_with("pause cannot take a lock away"), "{said}");
        let both = doubts(|spec| spec.nemesis = "pause,cut".to_owned());
        assert_eq!(both, Vec::<String>::new());
    }
}
