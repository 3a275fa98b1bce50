//! Why a report could not be made.

/// Why a report could not be made: a template of the prover is broken.
#[derive(Debug, thiserror::Error)]
#[error("cannot make the report (this is a bug of the prover): {0}")]
pub struct ReportError(#[from] minijinja::Error);
