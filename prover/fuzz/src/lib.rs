//! What the targets share: the re-check of certificates, and histories to issue certificates for.

#[path = "../../src/certify/mod.rs"]
pub mod certify;
mod edit;
mod subject;

pub use edit::Edit;
pub use subject::{SUBJECTS, Subject};
