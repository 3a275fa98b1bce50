//! Pages over many runs: lists, comparisons, campaigns and badges.
//!
//! Pure functions of what stands in the folders of the results: the same folders give the same
//! bytes, and nothing here knows a clock, a file or a network. Links are relative, so a page is the
//! same behind `prover serve` and in the folder that `prover site` writes.

mod badge;
mod campaign;
mod claims_page;
mod comparison;
mod error;
mod filter;
mod folder;
mod group;
mod index;
mod link;
mod page;
mod proof;
mod proven;
mod run;
#[cfg(test)]
mod sample;
mod standing;
mod told;

pub use badge::{Badge, badge};
pub use campaign::{Campaign, Failing, FaultTally, GuaranteeTally, Share, campaign_page};
pub use claims_page::claims_page;
pub use comparison::{Hits, comparison};
pub use error::SiteError;
pub use filter::Filter;
pub use folder::{FileEntry, Folder, Record};
pub use group::{Group, GroupKind};
pub use index::index;
pub use link::{href, slug};
pub use page::{Place, notice};
pub use proof::{Asked, Commit, Proof, proofs};
pub use run::{Run, run_page};
pub use standing::Standing;
