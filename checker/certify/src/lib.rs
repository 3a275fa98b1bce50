//! Re-checks a certificate against its history, from the description in `docs/certificates.md`
//! alone.
//!
//! Nothing here comes from the checker: whoever mistrusts a verdict reads this crate and
//! `docs/certificates.md`. The data's way: `file` (bytes -> typed, digests compared) and `record`
//! (history -> operations and holds) -> `subject` (what is claimed) -> `scan` (with `tokens`,
//! `updates`, `progress`, `coverage` and, of administered locks, `existence`, `removal`, `sequence`
//! and `decrements`), `order` or `contradiction`, the three kinds of proof -> [`Certified`]. Orders
//! and the bounded `search` step through an `object`: a `law` of locks, `slots`, or `data`.
//!
//! Where the description leaves room, the strict reading is taken: a claim is refused sooner than
//! believed.

mod administration;
mod changes;
mod claim;
mod contention;
mod contradiction;
mod coverage;
mod data;
mod decrements;
mod error;
mod existence;
mod fault;
mod file;
mod law;
mod ledger;
mod object;
mod order;
mod progress;
mod record;
mod refusals;
mod removal;
mod scan;
mod search;
mod sequence;
mod slots;
mod spell;
mod stretch;
mod subject;
mod sums;
mod tokens;
mod updates;

pub use claim::{Certified, Claim, Standing, certify};
pub use error::{CertifyError, Flaw};
pub use file::{Scope, Verdict};
