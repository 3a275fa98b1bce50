//! The one place that reads the clock for the history.

use std::fs::File;
use std::sync::{Mutex, MutexGuard, PoisonError};

use history::Draft;
use history::jsonl::{Log, LogError};
use tokio::time::Instant;

/// Writes down what happens, as it happens, for all workers and the nemesis.
#[derive(Debug)]
pub struct Recorder {
    began: Instant,
    log: Mutex<Log<File>>,
}

impl Recorder {
    /// Begins the record now. The file is written without a buffer, so that a kill loses at most one torn line.
    #[must_use]
    pub fn begin(file: File) -> Self {
        Self {
            began: Instant::now(),
            log: Mutex::new(Log::new(file)),
        }
    }

    /// When the record began.
    #[must_use]
    pub fn began(&self) -> Instant {
        self.began
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
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// A panic elsewhere does not tear the log: it is written in whole lines.
    fn log(&self) -> MutexGuard<'_, Log<File>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
