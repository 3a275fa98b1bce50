//! The one place that reads the clock for the history, and the one stream of its events.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use history::Draft;
use history::jsonl::{Log, LogError};

use super::clock::Clock;
use super::observer::Observer;

type Sink = Box<dyn Write + Send>;

/// Where the events of a run go: into the history, then past its observers.
pub struct Recording {
    sink: Sink,
    observers: Vec<Arc<dyn Observer>>,
}

impl Recording {
    /// Into this history, and nobody observes it. A file must be handed over without a buffer, so
    /// that a kill loses at most one torn line.
    #[must_use]
    pub fn new(history: impl Write + Send + 'static) -> Self {
        Self {
            sink: Box::new(history),
            observers: Vec::new(),
        }
    }

    /// The same with one more observer: each event passes them in the order in which they came.
    #[must_use]
    pub fn observed_by(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers.push(observer);
        self
    }
}

/// Writes down what happens, as it happens, for all workers and the nemesis.
pub(super) struct Recorder {
    clock: Clock,
    log: Mutex<Log<Sink>>,
    observers: Vec<Arc<dyn Observer>>,
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
    /// Begins the record now.
    pub(super) fn begin(recording: Recording, clock: &Clock) -> Self {
        Self {
            clock: clock.restarted(),
            log: Mutex::new(Log::new(recording.sink)),
            observers: recording.observers,
        }
    }

    /// The clock that began with the record.
    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Records an event that happens now, and tells its time in nanoseconds since the record began.
    ///
    /// # Errors
    /// The log's: it could not be written, or the event is not one that may stand there.
    pub(super) fn record(&self, draft: Draft) -> Result<u64, LogError> {
        let mut log = self.log();
        let time = self.now();
        self.append(&mut log, time, draft)?;
        Ok(time)
    }

    /// Records two events that happen at one instant, with nothing in between.
    ///
    /// # Errors
    /// As for [`Recorder::record`].
    pub(super) fn record_pair(&self, first: Draft, second: Draft) -> Result<(), LogError> {
        let mut log = self.log();
        let time = self.now();
        self.append(&mut log, time, first)?;
        self.append(&mut log, time, second)
    }

    /// The log is held meanwhile, so that observers see the order of the record.
    fn append(&self, log: &mut Log<Sink>, time: u64, draft: Draft) -> Result<(), LogError> {
        let event = log.append(time, draft)?;
        for observer in &self.observers {
            observer.see(&event);
        }
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
