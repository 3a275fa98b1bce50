//! What the targets share: histories to issue certificates for, and edits of what was issued.

mod edit;
mod subject;

pub use edit::Edit;
pub use subject::{SUBJECTS, Subject};
