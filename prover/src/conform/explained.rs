//! Differences that are known, and why they stay.

use super::comparison::Divergence;

/// A difference that is known.
#[derive(Clone, Copy, Debug)]
pub struct Explained {
    /// Its name in reports.
    pub name: &'static str,
    /// Why it is there, and why it stays.
    pub reason: &'static str,
    /// Whether a divergence is this one and nothing else.
    pub describes: fn(&Divergence) -> bool,
}

/// Every known difference.
pub const ALL: &[Explained] = &[];

/// The explanation of a divergence, where there is one.
#[must_use]
pub fn of(divergence: &Divergence) -> Option<&'static Explained> {
    ALL.iter().find(|known| (known.describes)(divergence))
}
