//! Why a page could not be made.

/// A page could not be made.
#[derive(Debug, thiserror::Error)]
#[error("a template is broken: {0}")]
pub struct SiteError(#[from] minijinja::Error);
