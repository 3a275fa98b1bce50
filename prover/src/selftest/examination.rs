//! Runs a lock again and again, and looks whether what is found is what must be found.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use certify::{Standing, certify};
use checker::Verdict;
use locks::Lock;

use super::examined::{Examined, Shortcoming, Shown};
use super::trials::{RUNS_OF_BROKEN, RUNS_OF_CORRECT, options_of};
use crate::campaign::{Trial, TrialError, attempt};
use crate::plan::{Plan, PlanError, bounded, progress_within};
use crate::seed::Seed;

/// Examines a lock by the runs that begin with a seed, as long as `go_on` says true; `None` where it did not.
///
/// # Errors
/// The options of a run make no plan.
pub fn examine(
    lock: &'static dyn Lock,
    first: Seed,
    go_on: impl Fn() -> bool,
) -> Result<Option<Examined>, PlanError> {
    let count = match lock.breaks() {
        Some(_) => RUNS_OF_BROKEN,
        None => RUNS_OF_CORRECT,
    };
    let mut examination = Examination::of(lock);
    for seed in (first.0..first.0.saturating_add(count)).map(Seed) {
        if !go_on() {
            return Ok(None);
        }
        let plan = Plan::new(&options_of(lock, seed))?;
        if let ControlFlow::Break(shown) = examination.run(seed, plan) {
            return Ok(Some(examination.over(shown)));
        }
    }
    let shown = examination.conclusion();
    Ok(Some(examination.over(shown)))
}

/// How an examination ends.
type Outcome = Result<Shown, Shortcoming>;

/// What the runs of a lock have shown so far.
struct Examination {
    lock: &'static dyn Lock,
    runs: u64,
    /// Runs that prove all promises of a correct lock.
    valid: u64,
    /// Certificates that hold.
    certificates: u64,
    /// What a broken lock was found to violate besides the promise that it breaks.
    others: BTreeMap<String, Seed>,
}

impl Examination {
    fn of(lock: &'static dyn Lock) -> Self {
        Self {
            lock,
            runs: 0,
            valid: 0,
            certificates: 0,
            others: BTreeMap::new(),
        }
    }

    /// Carries out one more run; breaks where no other can change what is shown.
    fn run(&mut self, seed: Seed, plan: Plan) -> ControlFlow<Outcome> {
        self.runs += 1;
        let progress = progress_within(plan.heartbeat);
        let trial = match attempt(plan) {
            Ok(trial) => trial,
            Err(error) => return ControlFlow::Break(Err(broke_down(seed, &error))),
        };
        let checked = match self.lock.breaks() {
            Some(promise) => self.look_for(&bounded(promise, progress), seed, &trial),
            None => self.look_at(seed, &trial),
        };
        match checked {
            Ok(None) => ControlFlow::Continue(()),
            Ok(Some(shown)) => ControlFlow::Break(Ok(shown)),
            Err(shortcoming) => ControlFlow::Break(Err(shortcoming)),
        }
    }

    /// Looks for the violation that a broken lock must show.
    fn look_for(
        &mut self,
        promise: &str,
        seed: Seed,
        trial: &Trial,
    ) -> Result<Option<Shown>, Shortcoming> {
        let violated = violated(trial);
        if violated.iter().any(|guarantee| guarantee == promise) {
            self.recheck(seed, trial, Some(promise))?;
            return Ok(Some(Shown::Caught(seed)));
        }
        for guarantee in violated {
            self.others.entry(guarantee).or_insert(seed);
        }
        Ok(None)
    }

    /// Looks at a run of a correct lock, in which no promise may be broken.
    fn look_at(&mut self, seed: Seed, trial: &Trial) -> Result<Option<Shown>, Shortcoming> {
        if let Some(guarantee) = violated(trial).into_iter().next() {
            return Err(Shortcoming::Violated { guarantee, seed });
        }
        self.recheck(seed, trial, None)?;
        if trial.judgement.verdict == Verdict::Valid {
            self.valid += 1;
        }
        Ok(None)
    }

    /// Checks the certificate of a run again. Every claim in it must hold, and one that a guarantee is violated be among them where there is to be one.
    fn recheck(
        &mut self,
        seed: Seed,
        trial: &Trial,
        violated: Option<&str>,
    ) -> Result<(), Shortcoming> {
        let refused = |reason: String| Shortcoming::Refused { seed, reason };
        let certificate = trial.certificate().to_bytes();
        let certified =
            certify(&trial.history, &certificate).map_err(|error| refused(error.to_string()))?;
        if !certified.is_complete() {
            return Err(refused(
                "not all of its claims could be re-checked".to_owned(),
            ));
        }
        let proves = |guarantee: &str| {
            certified.claims.iter().any(|claim| {
                claim.of == guarantee
                    && claim.verdict == certify::Verdict::Invalid
                    && claim.standing == Standing::Proved
            })
        };
        if let Some(guarantee) = violated.filter(|guarantee| !proves(guarantee)) {
            return Err(refused(format!(
                "it does not prove that {guarantee} is violated"
            )));
        }
        self.certificates += 1;
        Ok(())
    }

    /// What is shown when there are no more runs.
    fn conclusion(&mut self) -> Outcome {
        match self.lock.breaks() {
            Some(promise) => Err(Shortcoming::NotCaught {
                promise,
                others: std::mem::take(&mut self.others),
            }),
            None if self.valid == 0 => Err(Shortcoming::NeverValid),
            None => Ok(Shown::Kept { valid: self.valid }),
        }
    }

    fn over(&self, shown: Outcome) -> Examined {
        Examined {
            lock: self.lock,
            runs: self.runs,
            certificates: self.certificates,
            shown,
        }
    }
}

/// The promises that a run shows to be broken.
fn violated(trial: &Trial) -> Vec<String> {
    let judged = trial.judgement.guarantees.iter().filter(|row| row.judged);
    judged
        .filter(|row| row.finding.verdict == Verdict::Invalid)
        .map(|row| row.finding.guarantee.clone())
        .collect()
}

fn broke_down(seed: Seed, error: &TrialError) -> Shortcoming {
    Shortcoming::BrokeDown {
        seed,
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(name: &str) -> &'static dyn Lock {
        crate::catalogue::find(name).expect("known")
    }

    fn trial(lock: &'static dyn Lock, seed: Seed) -> Trial {
        let plan = Plan::new(&options_of(lock, seed)).expect("a plan");
        attempt(plan).expect("the harness works")
    }

    #[test]
    fn a_broken_lock_that_breaks_something_else_is_not_caught() {
        let lock = lock("no-lock");
        let trial = trial(lock, Seed(0));
        let mut examination = Examination::of(lock);
        let shown = examination.look_for("progress<=1h", Seed(0), &trial);
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
        let trial = trial(lock("no-lock"), Seed(0));
        let mut examination = Examination::of(lock("exclusive-queue"));
        let shown = examination.look_at(Seed(0), &trial);
        assert!(
            matches!(shown, Err(Shortcoming::Violated { .. })),
            "{shown:?}"
        );
    }

    #[test]
    fn a_lock_that_nothing_was_ever_proved_of_is_no_correct_one() {
        let mut examination = Examination::of(lock("exclusive-queue"));
        assert!(matches!(
            examination.conclusion(),
            Err(Shortcoming::NeverValid)
        ));
    }

    #[test]
    fn a_certificate_that_proves_something_else_is_refused() {
        let lock = lock("exclusive-queue");
        let trial = trial(lock, Seed(0));
        let mut examination = Examination::of(lock);
        let kept = examination.recheck(Seed(0), &trial, None);
        assert!(kept.is_ok(), "{kept:?}");
        let refused = examination.recheck(Seed(0), &trial, Some("confirmed-exclusion"));
        assert!(
            matches!(refused, Err(Shortcoming::Refused { .. })),
            "{refused:?}"
        );
        assert_eq!(examination.certificates, 1);
    }
}
