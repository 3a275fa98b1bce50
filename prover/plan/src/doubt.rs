//! What a plan cannot prove, known before it is carried out.

use history::fault::Effect;
use humantime::format_duration;
use nemesis::Fault;

use crate::needed::{HEARTBEATS_OF_SILENCE, ends, is_aimed_at_a_holder, lasting};
use crate::plan::Plan;
use crate::spec::time::written;

impl Plan {
    /// Why the run that is planned will prove nothing, or nothing about some fault, whatever comes
    /// of it; each with what helps.
    #[must_use]
    pub fn doubts(&self) -> Vec<String> {
        let own = [self.missing(), self.astray()];
        let own = own.into_iter().flatten();
        own.chain(self.doubts_of_any_seed()).collect()
    }

    /// Why no run with these options will prove anything, or nothing about some fault, whatever its
    /// seed.
    #[must_use]
    pub fn doubts_of_any_seed(&self) -> Vec<String> {
        let too_short = self.faults.iter().filter_map(|fault| self.too_short(fault));
        let heard = self.faults.iter().filter_map(|fault| self.heard(fault));
        too_short.chain(heard).chain(self.harmless()).collect()
    }

    /// The windows of a fault that fit into the run.
    fn windows<'a>(&'a self, fault: &'a str) -> impl Iterator<Item = &'a nemesis::Planned> {
        let own = self.schedule.faults.iter();
        own.filter(move |planned| planned.fault == fault && ends(planned) <= self.time_limit)
    }

    /// The faults that are to show something and do not happen.
    fn missing(&self) -> Option<String> {
        let is_missing = |fault: &str| {
            self.due(fault) > Some(Effect::None) && self.windows(fault).next().is_none()
        };
        let (missing, them) = self.named("no ", is_missing)?;
        let fit = if them == "it" { "fits" } else { "fit" };
        Some(format!(
            "{missing} {fit} into {}, so this run will prove nothing about {them}: give {}, or --nemesis-interval and \
             --nemesis-duration less",
            format_duration(self.time_limit),
            self.longer()
        ))
    }

    /// The faults that are to take a slot away and strike none but administrators.
    fn astray(&self) -> Option<String> {
        let is_astray = |fault: &str| {
            let mut windows = self.windows(fault).peekable();
            self.due(fault) == Some(Effect::Revoked)
                && windows.peek().is_some()
                && !windows.any(is_aimed_at_a_holder)
        };
        let (astray, them) = self.named("every ", is_astray)?;
        let strike = if them == "it" { "strikes" } else { "strike" };
        Some(format!(
            "{astray} of this plan {strike} an administrator, who holds no slot, so this run will prove nothing about {them}: \
             give {}",
            self.longer()
        ))
    }

    /// Faults in one sentence, and what stands for them after it.
    fn named(&self, each: &str, is_meant: impl Fn(&str) -> bool) -> Option<(String, &'static str)> {
        let meant = self.faults.iter().filter(|fault| is_meant(fault));
        let meant: Vec<String> = meant.map(|fault| format!("{each}{fault}")).collect();
        match meant.split_last()? {
            (last, []) => Some((last.clone(), "it")),
            (last, others) => Some((format!("{} and {last}", others.join(", ")), "them")),
        }
    }

    /// What a silence that is too short will not show.
    fn too_short(&self, fault: &str) -> Option<String> {
        let longest = self.windows(fault).map(lasting).max()?;
        let silence = self.silence()?;
        if !self.is_due_by_silence(fault) || longest >= silence {
            return None;
        }
        Some(format!(
            "no {fault} of this plan lasts {HEARTBEATS_OF_SILENCE} heartbeats ({}), so no broker takes a lock away and this run \
             will prove nothing about it: give --nemesis-duration more than three heartbeats, or ask for less with --coverage \
             {fault}=delayed",
            format_duration(silence)
        ))
    }

    /// What a fault that spares the busy will not show, if every holder surely is: whatever it sends
    /// counts as a heartbeat, and nobody is dropped who sends one in each. What a program sends is not
    /// known.
    fn heard(&self, fault: &str) -> Option<String> {
        let spares = nemesis::find(fault).is_some_and(Fault::spares_the_busy);
        let silence = self.workload.longest_silence(&self.params);
        let is_due = self.due(fault) == Some(Effect::Revoked);
        let may_be_idle = silence > self.heartbeat || self.lock.lock.has_processes();
        if !spares || !is_due || may_be_idle {
            return None;
        }
        Some(format!(
            "every holder of this plan says something at least every {}, which counts as a heartbeat ({}), so {fault} takes no \
             lock away and this run will prove nothing about it: give --hold and --verify-interval more than three heartbeats, or \
             ask for less with --coverage {fault}=none",
            format_duration(silence),
            format_duration(self.heartbeat),
        ))
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

    /// The options of a run that is long enough.
    fn longer(&self) -> String {
        match (self.until_covered, self.needed()) {
            (true, Some(needed)) => format!("--at-most {}", written(needed.time)),
            (true, None) => "--at-most more".to_owned(),
            (false, Some(needed)) => format!("{needed}, or --until-covered"),
            (false, None) => "--time-limit more".to_owned(),
        }
    }

    /// What helps a run that has ended where these faults have not had their effect.
    #[must_use]
    pub fn remedy_for_effects(&self, missed: &[&str]) -> Option<String> {
        let own = |fault: &str| nemesis::find(fault).and_then(Fault::helps);
        let helped = missed.iter().filter_map(|fault| Some((fault, own(fault)?)));
        let helped = helped.map(|(fault, helps)| format!("for {fault} {helps}"));
        let by_time = missed.iter().any(|fault| own(fault).is_none());
        let by_time = by_time.then(|| self.remedy_by_time()).flatten();
        let remedies: Vec<String> = helped.chain(by_time).collect();
        (!remedies.is_empty()).then(|| remedies.join("; "))
    }

    /// What helps faults that need no more than time.
    fn remedy_by_time(&self) -> Option<String> {
        let needed = self.needed()?;
        if self.until_covered {
            return Some("--at-most more, or another --seed".to_owned());
        }
        let goes_on = "--until-covered goes on until each fault has had its effect";
        Some(if self.time_limit < needed.time {
            format!("{needed} gives each fault a window that is long enough; {goes_on}")
        } else {
            goes_on.to_owned()
        })
    }

    /// What helps a run that has ended where it is not known what became of decrements, if faults
    /// are to blame for it.
    #[must_use]
    pub fn remedy_for_decrements(&self) -> Option<String> {
        let mut faults = self.schedule.faults.iter();
        faults.any(|planned| !is_aimed_at_a_holder(planned)).then(|| {
            "a fault that strikes an administrator leaves an action of unknown outcome, and then it may stay open what became of \
             decrements: --target any strikes fewer of them, and so does a run that is shorter (--until-covered)"
                .to_owned()
        })
    }

    /// The effect that a fault must have at least once.
    pub(crate) fn due(&self, fault: &str) -> Option<Effect> {
        let asked = self.effects.get(fault).copied();
        let clients = self.clients();
        let known = || nemesis::find(fault).map(|it| checker::due(it.class(), &it.traits(clients)));
        asked.or_else(known)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use run::seed::Seed;

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
    fn a_fault_that_does_not_fit_is_told_with_the_time_that_is_needed() {
        let said = only(doubts(|spec| {
            spec.time_limit = Duration::from_secs(5);
            spec.seed = Some(Seed(1));
        }));
        let begins = "no partition fits into 5s, so this run will prove nothing about it: give --time-limit ";
        assert!(said.starts_with(begins), "{said}");
        assert!(said.contains("s --seed 1, or --until-covered"), "{said}");
    }

    /// A minute has four windows at the least and six at the most.
    #[test]
    fn faults_that_do_not_fit_are_told_together() {
        for seed in 0..100 {
            let said = only(doubts(|spec| {
                spec.nemesis = "all".to_owned();
                spec.seed = Some(Seed(seed));
            }));
            let listed = said.split(" fit into 1m, so").next().expect("a part");
            assert!((2..=14).contains(&listed.matches("no ").count()), "{said}");
            let remedy = "prove nothing about them: give --time-limit ";
            assert!(said.contains(remedy), "{said}");
        }
    }

    #[test]
    fn faults_that_strike_administrators_alone_are_told() {
        let of_seed = |seed| {
            doubts(|spec| {
                spec.workload = "resize".to_owned();
                spec.nemesis = "cut,crash".to_owned();
                spec.seed = Some(Seed(seed));
            })
        };
        let all: Vec<String> = (0..100).flat_map(of_seed).collect();
        let is_astray = |said: &String| said.contains("an administrator, who holds no slot");
        assert!(
            (5..40).contains(&all.iter().filter(|said| is_astray(said)).count()),
            "{all:?}"
        );
    }

    #[test]
    fn the_remedy_names_the_time_that_is_needed_where_the_run_was_shorter() {
        let remedy = |limit| {
            let spec = RunSpec {
                nemesis: "all".to_owned(),
                testbed: "sim".to_owned(),
                time_limit: Duration::from_secs(limit),
                seed: Some(Seed(1)),
                ..RunSpec::default()
            };
            Plan::new(&spec)
                .expect("a plan")
                .remedy_for_effects(&["partition"])
                .expect("faults")
        };
        let said = remedy(60);
        assert!(
            said.starts_with("--time-limit ") && said.contains("--seed 1 gives"),
            "{said}"
        );
        assert!(remedy(3_600).starts_with("--until-covered goes on"));
    }

    #[test]
    fn faults_that_take_nothing_away_are_told() {
        let said = only(doubts(|spec| spec.nemesis = "pause".to_owned()));
        assert!(said.starts_with("pause cannot take a lock away"), "{said}");
        let both = doubts(|spec| spec.nemesis = "pause,cut".to_owned());
        assert_eq!(both, Vec::<String>::new());
    }

    #[test]
    fn heartbeats_that_are_lost_take_nothing_from_who_is_heard() {
        let silence = |change: fn(&mut RunSpec)| {
            doubts(|spec| {
                spec.nemesis = "silence".to_owned();
                change(spec);
            })
        };
        let said = only(silence(|_| ()));
        assert!(
            said.starts_with("every holder of this plan says something at least every 100ms"),
            "{said}"
        );
        assert!(said.contains("--coverage silence=none"), "{said}");
        // The one keeps them busy as well as the other.
        assert!(only(silence(|spec| spec.hold = Some(Duration::from_secs(20)))).contains("100ms"));
        let rarely = |spec: &mut RunSpec| spec.verify_interval = Duration::from_secs(20);
        assert!(only(silence(rarely)).contains("every 1s"));
        let idle = |spec: &mut RunSpec| {
            spec.hold = Some(Duration::from_secs(20));
            spec.verify_interval = Duration::from_secs(20);
        };
        assert_eq!(silence(idle), Vec::<String>::new());
        // It verifies once a hold, whatever the interval.
        let guarded = |spec: &mut RunSpec| {
            spec.workload = "guarded".to_owned();
            spec.hold = Some(Duration::from_secs(20));
        };
        assert_eq!(silence(guarded), Vec::<String>::new());
        let nothing = |spec: &mut RunSpec| spec.coverage = Some("silence=none".to_owned());
        assert_eq!(silence(nothing), Vec::<String>::new());
        let short = |spec: &mut RunSpec| {
            spec.hold = Some(Duration::from_secs(20));
            spec.verify_interval = Duration::from_secs(20);
            spec.nemesis_duration = Some(Duration::from_secs(1));
        };
        assert!(only(silence(short)).starts_with("no silence of this plan lasts 2 heartbeats"));
    }

    #[test]
    fn a_fault_that_time_does_not_help_has_a_remedy_of_its_own() {
        let spec = RunSpec {
            nemesis: "cut-after,limit,cut".to_owned(),
            testbed: "sim".to_owned(),
            ..RunSpec::default()
        };
        let plan = Plan::new(&spec).expect("a plan");
        let said = |missed: &[&str]| plan.remedy_for_effects(missed).expect("something helps");
        assert!(said(&["cut-after"]).starts_with("for cut-after name a method"));
        assert!(!said(&["cut-after"]).contains("--until-covered"));
        let both = said(&["cut", "limit"]);
        assert!(both.starts_with("for limit give it fewer"), "{both}");
        assert!(both.contains("--until-covered goes on"), "{both}");
    }
}
