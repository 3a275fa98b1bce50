//! The proof as it grows: whatever is found is on disk before the next thing begins.

use std::collections::BTreeMap;
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
    /// What is being put to the test, by its place.
    under_way: Mutex<BTreeMap<usize, String>>,
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
            under_way: Mutex::default(),
        })
    }

    /// What a case has come to so far.
    pub(super) fn case(&self, place: usize) -> Tested {
        self.lock().cases[place].clone()
    }

    /// Says what begins.
    pub(super) fn announce(&self, place: usize, tested: &Tested) {
        let of = of(tested);
        self.steps.step(&format!("{of}: {}", tested.claim.says));
        self.under_way().insert(place, of);
    }

    /// Says what is left under way where something has ended.
    fn go_on(&self, ended: usize) {
        let mut under_way = self.under_way();
        under_way.remove(&ended);
        let names: Vec<&str> = under_way.values().map(String::as_str).collect();
        if !names.is_empty() {
            self.steps.again(&names.join(", "));
        }
    }

    /// Takes in what came of a case.
    pub(super) fn take(&self, place: usize, tested: Tested) -> Result<(), Failure> {
        let mut proof = self.lock();
        let of = of(&tested);
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
        self.go_on(place);
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

    fn under_way(&self) -> MutexGuard<'_, BTreeMap<usize, String>> {
        let under_way = self.under_way.lock();
        under_way.unwrap_or_else(PoisonError::into_inner)
    }

    /// Cases are replaced as a whole.
    fn lock(&self) -> MutexGuard<'_, Proof> {
        self.proof.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of(tested: &Tested) -> String {
    format!("{} on {}", tested.claim.id, tested.testbed)
}
