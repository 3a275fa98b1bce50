//! The forms in which other tools read a proof.

use claims::Proof;
use jiff::civil::Date;

use crate::annotations::Annotations;
use crate::ctrf::Ctrf;
use crate::json::Json;
use crate::junit::Junit;
use crate::markdown::Markdown;
use crate::sarif::Sarif;

/// What is told, and on which day.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// What came of the claims.
    pub proof: &'a Proof,
    /// The day that decides whether what was accepted still is.
    pub today: Date,
}

/// A form in which other tools read a proof.
pub trait Export: Sync + std::fmt::Debug {
    /// What it is called in `--report NAME=PATH`.
    fn name(&self) -> &'static str;
    /// What its file is usually called.
    fn file(&self) -> &'static str;
    /// Who reads it, for people.
    fn summary(&self) -> &'static str;
    /// The proof in this form.
    fn text(&self, subject: Subject<'_>) -> String;
}

/// Every form.
pub const ALL: &[&dyn Export] = &[&Json, &Junit, &Ctrf, &Sarif, &Markdown, &Annotations];

/// The form of a name.
#[must_use]
pub fn named(name: &str) -> Option<&'static dyn Export> {
    ALL.iter().copied().find(|export| export.name() == name)
}
