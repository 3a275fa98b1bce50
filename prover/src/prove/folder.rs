//! The folder of a proof: `results/prove/<time>/` with `proof.json` and the runs that are kept.

use std::path::{Path, PathBuf};

use claims::{Claim, Proof, Stored};
use jiff::Timestamp;

use crate::failure::Failure;
use crate::proofs;
use crate::schema::Schema;
use crate::store::{StoreError, write_whole};

/// The folders of the runs that are kept are below this one.
const RUNS: &str = "runs";

/// The folder of a proof.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A new one.
    pub(crate) fn new(results: &Path, now: Timestamp) -> Result<Self, StoreError> {
        proofs::new_folder(results, now).map(Self)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes `proof.json` whole.
    pub(crate) fn write(&self, proof: &Proof) -> Result<(), Failure> {
        let mut text = format!("{:#}", Schema::PROOF.mark(proof));
        text.push('\n');
        Ok(write_whole(&self.0.join(proofs::FILE), text.as_bytes())?)
    }

    /// Where the runs of a claim on a testbed are stored. That of a broker by its URL is called after
    /// what it is: its address is no name of a folder.
    pub(crate) fn of_runs(&self, claim: &Claim, testbed: &str) -> PathBuf {
        let testbed = if testbed.contains("://") {
            "broker"
        } else {
            testbed
        };
        self.0.join(RUNS).join(&claim.id).join(testbed)
    }

    /// A run that is kept, as the proof names it.
    pub(crate) fn stored(&self, seed: u64, run: &Path) -> Stored {
        Stored {
            seed,
            folder: self.below(run),
        }
    }

    /// A folder below this one, as the proof names it.
    pub(crate) fn below(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.0).unwrap_or(path);
        below.to_string_lossy().into_owned()
    }
}
