//! An observer that keeps what it sees.

use std::sync::{Mutex, PoisonError};

use history::Event;

use crate::observer::Observer;

/// The events so far.
#[derive(Debug, Default)]
pub(crate) struct Witness(Mutex<Vec<Event>>);

impl Witness {
    /// What it has seen.
    pub(crate) fn events(&self) -> Vec<Event> {
        let events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.clone()
    }
}

impl Observer for Witness {
    fn see(&self, event: &Event) {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.push(event.clone());
    }
}
