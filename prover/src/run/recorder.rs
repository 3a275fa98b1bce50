//! The one place that reads the clock for the history.

use std::fmt;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use history::Draft;
use history::jsonl::{Log, LogError};

use super::clock::Clock;

/// Where a record goes.
pub type Sink = Box<dyn Write + Send>;

/// Writes down what happens, as it happens, for all workers and the nemesis.
pub struct Recorder {
    clock: Clock,
    log: Mutex<Log<Sink>>,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clock, .. } = self;
        f.debug_struct("Recorder")
            .field("clock", clock)
            .finish_non_exhaustive()
    }
}

impl Recorder {
    /// Begins the record now. A file must be handed over without a buffer, so that a kill loses at most one torn line.
    #[must_use]
    pub fn begin(sink: Sink, clock: &Clock) -> Self {
        Self {
            clock: clock.restarted(),
            log: Mutex::new(Log::new(sink)),
        }
    }

    /// The clock that began with the record.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Records an event that happens now, and tells its time in nanoseconds since the record began.
    ///
    /// # Errors
    /// The log's: it could not be written, or the event is not one that may stand there.
    pub fn record(&self, draft: Draft) -> Result<u64, LogError> {
        let mut log = self.log();
        let time = self.now();
        log.append(time, draft)?;
        Ok(time)
    }

    /// Records two events that happen at one instant, with nothing in between.
    ///
    /// # Errors
    /// As for [`Recorder::record`].
    pub fn record_pair(&self, first: Draft, second: Draft) -> Result<(), LogError> {
        let mut log = self.log();
        let time = self.now();
        log.append(time, first)?;
        log.append(time, second)?;
        Ok(())
    }

    /// The clock is read while the log is held, so times never go back from line to line.
    fn now(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// A panic elsewhere does not tear the log: it is written in whole lines.
    fn log(&self) -> MutexGuard<'_, Log<Sink>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
