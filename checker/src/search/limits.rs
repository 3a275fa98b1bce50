//! How far a search may go.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Reason;

/// The bounds of a search. This crate knows no clock: who calls decides when to stop.
#[derive(Clone, Copy)]
pub struct Limits<'a> {
    /// Asked every now and then (about a thousand steps apart); once it says yes the answer is
    /// unknown.
    pub stop: &'a (dyn Fn() -> bool + Sync),
    /// How many bytes the search may take, all keys together.
    pub memory_bytes: usize,
}

impl Limits<'static> {
    /// No bounds.
    #[must_use]
    pub fn none() -> Self {
        Self {
            stop: &|| false,
            memory_bytes: usize::MAX,
        }
    }
}

impl Limits<'_> {
    /// Asks whether to go on.
    ///
    /// # Errors
    /// The caller said to stop.
    pub(crate) fn go_on(&self) -> Result<(), Reason> {
        if (self.stop)() {
            Err(Reason::Stopped)
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for Limits<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Limits")
            .field("memory_bytes", &self.memory_bytes)
            .finish_non_exhaustive()
    }
}

/// What is left of the [`Limits`], shared by the searches of all keys.
#[derive(Debug)]
pub struct Budget<'a> {
    limits: Limits<'a>,
    used_bytes: AtomicUsize,
}

impl<'a> Budget<'a> {
    /// All of it.
    #[must_use]
    pub fn new(limits: Limits<'a>) -> Self {
        Self {
            limits,
            used_bytes: AtomicUsize::new(0),
        }
    }

    pub(super) fn check_stop(&self) -> Result<(), Reason> {
        self.limits.go_on()
    }
}

/// The part of the budget's memory that one search has taken; given back when it ends.
#[derive(Debug)]
pub(super) struct Share<'a> {
    budget: &'a Budget<'a>,
    bytes: usize,
}

impl<'a> Share<'a> {
    pub(super) fn of(budget: &'a Budget<'a>) -> Self {
        Self { budget, bytes: 0 }
    }

    /// Takes more memory; to be asked before it is allocated.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), Reason> {
        let before = self.budget.used_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        let memory_bytes = self.budget.limits.memory_bytes;
        if before.saturating_add(bytes) > memory_bytes {
            Err(Reason::Memory { memory_bytes })
        } else {
            Ok(())
        }
    }

    /// Gives memory back that has been freed.
    pub(super) fn give_back(&mut self, bytes: usize) {
        self.budget.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.bytes -= bytes;
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.give_back(self.bytes);
    }
}
