//! Who observes a run while it goes on.

use history::Event;

/// Sees every event of a run in the order of the record, once it is on its way to the file.
///
/// The recorder calls it while nobody else can record, so it returns at once and never waits.
/// Whoever has more to do hands a copy of the event to a task of its own.
pub trait Observer: Send + Sync {
    /// Takes notice of an event.
    fn see(&self, event: &Event);
}
