//! Runs a lock again and again, and looks whether what is found is what must be found.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use checker::{Verdict, stem};
use locks::Lock;
use plan::PlanError;
use run::seed::Seed;

use super::examined::{Examined, Shortcoming, Shown};
use super::trials::{RUNS_OF_BROKEN, RUNS_OF_CORRECT, spec_of};
use crate::{Came, Engine, Evidence, Judged, Outcome, Recheck};

/// So many runs of a lock are under way at one time: the lock that is caught last is examined
/// alone.
const BATCH: usize = 4;

/// Examines a lock by the runs that begin with a seed, as long as `go_on` says true; `None` where
/// it did not.
///
/// # Errors
/// The spec of a run makes no plan.
pub fn examine(
    lock: &Arc<dyn Lock>,
    first: Seed,
    go_on: &(dyn Fn() -> bool + Sync),
) -> Result<Option<Examined>, PlanError> {
    let (count, evidence) = match lock.breaks() {
        Some(_) => (RUNS_OF_BROKEN, Evidence::OfViolations),
        None => (RUNS_OF_CORRECT, Evidence::Whole),
    };
    let engine = Engine {
        batch: BATCH,
        evidence,
        schedule: None,
        go_on,
    };
    let seeds = (0..count).map(|later| Seed(first.0.wrapping_add(later)));
    let specs = seeds.map(|seed| spec_of(&**lock, seed));
    let mut examination = Examination::of(lock);
    let mut shown = None;
    let ended = engine.run(specs, |outcome, _| {
        // What comes after it in the batch changes nothing.
        if shown.is_none() {
            shown = examination.take(&outcome);
        }
        if shown.is_some() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    if ended.is_break() {
        return Ok(None);
    }
    let shown = shown.unwrap_or_else(|| examination.conclusion());
    Ok(Some(examination.over(shown)))
}

/// What an examination shows.
type Conclusion = Result<Shown, Shortcoming>;

/// What the runs of a lock have shown so far.
struct Examination {
    lock: Arc<dyn Lock>,
    runs: u64,
    /// Runs that prove all promises of a correct lock.
    valid: u64,
    /// Certificates that hold.
    certificates: u64,
    /// What a broken lock was found to violate besides the promise that it breaks.
    others: BTreeMap<String, Seed>,
}

impl Examination {
    fn of(lock: &Arc<dyn Lock>) -> Self {
        Self {
            lock: Arc::clone(lock),
            runs: 0,
            valid: 0,
            certificates: 0,
            others: BTreeMap::new(),
        }
    }

    /// Takes in one more run; says what is shown where no other run can change that.
    fn take(&mut self, outcome: &Outcome) -> Option<Conclusion> {
        self.runs += 1;
        let seed = outcome.seed;
        let judged = match &outcome.came {
            Came::Judged(judged) => judged,
            Came::Broken(reason) => {
                let reason = reason.clone();
                return Some(Err(Shortcoming::BrokeDown { seed, reason }));
            }
        };
        let lock = Arc::clone(&self.lock);
        match lock.breaks() {
            Some(promise) => self.look_for(promise, seed, judged),
            None => self.look_at(seed, judged),
        }
        .transpose()
    }

    /// Looks for the violation that a broken lock must show.
    fn look_for(
        &mut self,
        promise: &str,
        seed: Seed,
        judged: &Judged,
    ) -> Result<Option<Shown>, Shortcoming> {
        // Promises have no bound, guarantees may: how soon `progress` is asked for depends on the run.
        if let Some(guarantee) = judged.violated().find(|name| stem(name) == promise) {
            self.recheck(seed, judged, Some(guarantee))?;
            return Ok(Some(Shown::Caught(seed)));
        }
        for guarantee in judged.violated() {
            self.others.entry(guarantee.to_owned()).or_insert(seed);
        }
        Ok(None)
    }

    /// Looks at a run of a correct lock, in which no promise may be broken.
    fn look_at(&mut self, seed: Seed, judged: &Judged) -> Result<Option<Shown>, Shortcoming> {
        if let Some(guarantee) = judged.violated().next() {
            let guarantee = guarantee.to_owned();
            return Err(Shortcoming::Violated { guarantee, seed });
        }
        self.recheck(seed, judged, None)?;
        if judged.verdict == Verdict::Valid {
            self.valid += 1;
        }
        Ok(None)
    }

    /// Every claim in the certificate must hold, and one that a guarantee is violated be among them
    /// where there is to be one.
    fn recheck(
        &mut self,
        seed: Seed,
        judged: &Judged,
        violated: Option<&str>,
    ) -> Result<(), Shortcoming> {
        let refused = |reason: String| Err(Shortcoming::Refused { seed, reason });
        let proved = match &judged.recheck {
            Some(Recheck::Holds(proved)) => proved,
            Some(Recheck::Refused(reason)) => return refused(reason.clone()),
            None => return refused("it was not checked again".to_owned()),
        };
        let is_proved = |guarantee: &&str| proved.iter().any(|one| one == guarantee);
        if let Some(guarantee) = violated.filter(|guarantee| !is_proved(guarantee)) {
            return refused(format!("it does not prove that {guarantee} is violated"));
        }
        self.certificates += 1;
        Ok(())
    }

    /// What is shown when there are no more runs.
    fn conclusion(&mut self) -> Conclusion {
        match self.lock.breaks() {
            Some(promise) => Err(Shortcoming::NotCaught {
                promise: promise.to_owned(),
                others: std::mem::take(&mut self.others),
            }),
            None if self.valid == 0 => Err(Shortcoming::NeverValid),
            None => Ok(Shown::Kept { valid: self.valid }),
        }
    }

    fn over(&self, shown: Conclusion) -> Examined {
        Examined {
            lock: Arc::clone(&self.lock),
            runs: self.runs,
            certificates: self.certificates,
            shown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt;
    use plan::Plan;

    fn lock(name: &str) -> Arc<dyn Lock> {
        plan::catalogue::find(name).expect("known")
    }

    fn judged(lock: &dyn Lock) -> Judged {
        let plan = Plan::new(&spec_of(lock, Seed(0))).expect("a plan");
        match Outcome::of(Seed(0), attempt(plan), |_| true).came {
            Came::Judged(judged) => *judged,
            Came::Broken(why) => panic!("the harness works: {why}"),
        }
    }

    #[test]
    fn a_broken_lock_that_breaks_something_else_is_not_caught() {
        let lock = lock("no-lock");
        let judged = judged(&*lock);
        let mut examination = Examination::of(&lock);
        let shown = examination.look_for("fencing", Seed(0), &judged);
        assert_eq!(shown.expect("no shortcoming yet"), None);
        let Err(Shortcoming::NotCaught { promise, others }) = examination.conclusion() else {
            panic!("it was caught");
        };
        assert_eq!(promise, "exclusion");
        let others: Vec<_> = others.into_keys().collect();
        assert_eq!(others, ["confirmed-exclusion", "exclusion"]);
    }

    #[test]
    fn a_lock_that_is_held_for_correct_and_is_not_is_found_out() {
        let judged = judged(&*lock("no-lock"));
        let mut examination = Examination::of(&lock("exclusive-queue"));
        let shown = examination.look_at(Seed(0), &judged);
        assert!(
            matches!(shown, Err(Shortcoming::Violated { .. })),
            "{shown:?}"
        );
    }

    #[test]
    fn a_lock_that_nothing_was_ever_proved_of_is_no_correct_one() {
        let mut examination = Examination::of(&lock("exclusive-queue"));
        assert!(matches!(
            examination.conclusion(),
            Err(Shortcoming::NeverValid)
        ));
    }

    #[test]
    fn a_run_that_breaks_down_is_no_finding_about_the_lock() {
        let mut examination = Examination::of(&lock("no-lock"));
        let broken = Outcome {
            seed: Seed(3),
            came: Came::Broken("no disk".to_owned()),
        };
        let shown = examination.take(&broken);
        assert!(
            matches!(shown, Some(Err(Shortcoming::BrokeDown { .. }))),
            "{shown:?}"
        );
    }

    #[test]
    fn a_certificate_that_proves_something_else_or_does_not_hold_is_refused() {
        let lock = lock("exclusive-queue");
        let mut judged = judged(&*lock);
        let mut examination = Examination::of(&lock);
        let kept = examination.recheck(Seed(0), &judged, None);
        assert!(kept.is_ok(), "{kept:?}");
        let mut is_refused = |judged: &Judged, violated: Option<&str>| {
            let checked = examination.recheck(Seed(0), judged, violated);
            matches!(checked, Err(Shortcoming::Refused { .. }))
        };
        assert!(is_refused(&judged, Some("confirmed-exclusion")));
        judged.recheck = Some(Recheck::Refused("a claim is wrong".to_owned()));
        assert!(is_refused(&judged, None));
        judged.recheck = None;
        assert!(is_refused(&judged, None));
        assert_eq!(examination.certificates, 1);
    }
}
