//! What is told unasked, gathered until somebody takes it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::transcript::{Notice, Source};

/// Who was told what, in each one's order.
pub(super) type Told = BTreeMap<Source, Vec<Notice>>;

/// A basket that many tasks fill.
#[derive(Clone, Debug, Default)]
pub(super) struct Notices(Arc<Mutex<Told>>);

impl Notices {
    pub(super) fn add(&self, source: Source, notice: Notice) {
        self.lock().entry(source).or_default().push(notice);
    }

    /// Whether this, and nothing else, has been told.
    pub(super) fn are(&self, expected: &Told) -> bool {
        *self.lock() == *expected
    }

    /// Whether a connection was told that it is dead.
    pub(super) fn tell_of_end(&self, connection: u8) -> bool {
        let told = self.lock();
        let notices = told.get(&Source::Connection(connection));
        notices.is_some_and(|notices| {
            notices
                .iter()
                .any(|notice| matches!(notice, Notice::Closed(..)))
        })
    }

    pub(super) fn take(&self) -> Told {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
