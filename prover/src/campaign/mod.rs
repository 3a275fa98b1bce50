//! Many simulated runs.

mod trial;

pub use trial::{Trial, TrialError, attempt};
