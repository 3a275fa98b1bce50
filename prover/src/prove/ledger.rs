//! The proof as it grows: whatever is found is on disk before the next thing begins.

use std::sync::{Mutex, MutexGuard, PoisonError};

use checker::counted;
use claims::{Proof, Standing, State, Tested};
use testbed::Progress;

use super::folder::Folder;
use crate::failure::Failure;
use crate::output::Steps;

/// The proof as it grows.
pub(super) struct Ledger<'a> {
    folder: &'a Folder,
    steps: &'a Steps,
    proof: Mutex<Proof>,
}

impl<'a> Ledger<'a> {
    /// Stores what is known before anything runs.
    pub(super) fn begin(
        folder: &'a Folder,
        proof: Proof,
        steps: &'a Steps,
    ) -> Result<Self, Failure> {
        folder.write(&proof)?;
        Ok(Self {
            folder,
            steps,
            proof: Mutex::new(proof),
        })
    }

    /// What a case has come to so far.
    pub(super) fn case(&self, place: usize) -> Tested {
        self.lock().cases[place].clone()
    }

    /// Says what begins.
    pub(super) fn announce(&self, tested: &Tested) {
        self.steps.step(&format!(
            "{} on {}: {}",
            tested.claim.id, tested.testbed, tested.claim.says
        ));
    }

    /// Takes in what came of a case.
    pub(super) fn take(&self, place: usize, tested: Tested) -> Result<(), Failure> {
        let mut proof = self.lock();
        let of = format!("{} on {}", tested.claim.id, tested.testbed);
        let (standing, why) = (tested.standing, tested.why.clone());
        proof.cases[place] = tested;
        self.folder.write(&proof)?;
        let left = proof
            .cases
            .iter()
            .filter(|one| one.standing == Standing::NotRun);
        let left = counted(left.count() as u64, "claim");
        drop(proof);
        self.steps
            .say(&format!("{of}: {standing}: {why} ({left} left)"));
        Ok(())
    }

    /// Stores how it ended.
    pub(super) fn end(self, state: State) -> Result<Proof, Failure> {
        let mut proof = self
            .proof
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        proof.state = state;
        self.folder.write(&proof)?;
        Ok(proof)
    }

    /// Cases are replaced as a whole.
    fn lock(&self) -> MutexGuard<'_, Proof> {
        self.proof.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
