//! The steps of a long loop, which goes on only as long as its caller lets it.

use crate::search::{Limits, Reason};

/// How many steps are taken without asking.
const UNASKED: usize = 1_000;

/// Counts the steps of loops. Whoever judges asks before the first of them, and about every
/// thousandth: what was not looked at to its end shows nothing.
#[derive(Debug)]
pub(crate) struct Steps<'a> {
    limits: Limits<'a>,
    left: usize,
}

impl<'a> Steps<'a> {
    pub(crate) fn new(limits: Limits<'a>) -> Self {
        Self { limits, left: 0 }
    }

    /// One step.
    ///
    /// # Errors
    /// The caller said to stop.
    pub(crate) fn step(&mut self) -> Result<(), Reason> {
        self.take(1)
    }

    /// So many steps at once.
    ///
    /// # Errors
    /// The caller said to stop.
    pub(crate) fn take(&mut self, number: usize) -> Result<(), Reason> {
        if self.left < number {
            self.limits.go_on()?;
            self.left = UNASKED;
        }
        self.left = self.left.saturating_sub(number);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn who_stops_is_asked_before_the_first_step_and_about_every_thousandth() {
        let asked = AtomicUsize::new(0);
        let stop = || asked.fetch_add(1, Ordering::Relaxed) == 3;
        let mut steps = Steps::new(Limits {
            stop: &stop,
            ..Limits::none()
        });
        let taken = (0..10_000).take_while(|_| steps.step().is_ok()).count();
        assert_eq!(taken, 3 * UNASKED);
        let stop = || true;
        let limits = Limits {
            stop: &stop,
            ..Limits::none()
        };
        assert_eq!(Steps::new(limits).step(), Err(Reason::Stopped));
    }
}
