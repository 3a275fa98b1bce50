//! How long a grant lasts by itself.

use std::num::NonZeroU64;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The lease of a grant, or of the answer that renewed one: whole milliseconds, above 0, counted
/// from when the operation was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lease(NonZeroU64);

impl Lease {
    /// A lease of so many milliseconds; none of 0.
    #[must_use]
    pub fn from_ms(milliseconds: u64) -> Option<Self> {
        NonZeroU64::new(milliseconds).map(Self)
    }

    /// The whole milliseconds of a time: never longer than it is, and none of less than one.
    #[must_use]
    pub fn within(time: Duration) -> Option<Self> {
        Self::from_ms(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    /// Its length in milliseconds.
    #[must_use]
    pub fn ms(self) -> u64 {
        self.0.get()
    }

    /// Its length in nanoseconds; the greatest number there is where that is too small.
    #[must_use]
    pub fn ns(self) -> u64 {
        self.ms().saturating_mul(1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_never_longer_than_what_was_said() {
        let ms = |nanoseconds| Lease::within(Duration::from_nanos(nanoseconds)).map(Lease::ms);
        assert_eq!(ms(0), None);
        assert_eq!(ms(999_999), None);
        assert_eq!(ms(1_000_000), Some(1));
        assert_eq!(ms(1_999_999), Some(1));
        assert_eq!(Lease::within(Duration::MAX).map(Lease::ns), Some(u64::MAX));
    }
}
