//! The one place that reads the clock for the history, and the one stream of its events.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use history::Draft;
use history::jsonl::{Log, LogError};

use crate::clock::Clock;
use crate::observer::Observer;

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
pub(crate) struct Recorder {
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
    pub(crate) fn begin(recording: Recording, clock: &Clock) -> Self {
        Self {
            clock: clock.restarted(),
            log: Mutex::new(Log::new(recording.sink)),
            observers: recording.observers,
        }
    }

    /// The clock that began with the record.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Records an event that happens now, and tells its time in nanoseconds since the record began.
    ///
    /// # Errors
    /// The log's: it could not be written, or the event is not one that may stand there.
    pub(crate) fn record(&self, draft: Draft) -> Result<u64, LogError> {
        let mut log = self.log();
        let time = self.now();
        self.append(&mut log, time, draft)?;
        Ok(time)
    }

    /// Records two events that happen at one instant, with nothing in between.
    ///
    /// # Errors
    /// As for [`Recorder::record`].
    pub(crate) fn record_pair(&self, first: Draft, second: Draft) -> Result<(), LogError> {
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

#[cfg(test)]
mod tests {
    use history::{Function, Kind, Process};

    use super::*;
    use crate::testing::{FullDisk, Memory, Witness};

    fn draft(process: u32, kind: Kind) -> Draft {
        Draft::new(Process::Client(process), kind, Function::Acquire)
    }

    fn lost(process: u32) -> (Draft, Draft) {
        let draft = |kind| Draft::new(Process::Client(process), kind, Function::Lost);
        (draft(Kind::Invoke), draft(Kind::Ok))
    }

    fn observed(sink: impl Write + Send + 'static) -> (Recorder, [Arc<Witness>; 2]) {
        let witnesses = [Arc::new(Witness::default()), Arc::default()];
        let recording = Recording::new(sink)
            .observed_by(witnesses[0].clone())
            .observed_by(witnesses[1].clone());
        let recorder = Recorder::begin(recording, &Clock::of_runtime());
        (recorder, witnesses)
    }

    #[test]
    fn observers_see_the_order_of_the_record_whoever_records() {
        let memory = Memory::default();
        let (recorder, witnesses) = observed(memory.clone());
        std::thread::scope(|scope| {
            for process in 0..4 {
                let recorder = &recorder;
                scope.spawn(move || {
                    for _ in 0..200 {
                        let recorded = recorder.record(draft(process, Kind::Invoke));
                        recorded.expect("the memory is large enough");
                        let recorded = recorder.record(draft(process, Kind::Ok));
                        recorded.expect("the memory is large enough");
                        let (first, second) = lost(process);
                        let recorded = recorder.record_pair(first, second);
                        recorded.expect("the memory is large enough");
                    }
                });
            }
        });
        let history = memory.history();
        let events = history.events();
        assert_eq!(events.len(), 4 * 200 * 4);
        assert!((0..).zip(events).all(|(place, event)| event.index == place));
        assert!(events.is_sorted_by_key(|event| event.time));
        for witness in witnesses {
            assert_eq!(witness.events(), events);
        }
        for (place, event) in events.iter().enumerate() {
            let is_pair = (event.kind, &event.function) == (Kind::Invoke, &Function::Lost);
            if is_pair {
                let second = &events[place + 1];
                assert_eq!((second.process, second.time), (event.process, event.time));
            }
        }
    }

    #[test]
    fn what_is_not_on_its_way_to_the_file_is_not_observed_and_nothing_follows_it() {
        let memory = Memory::default();
        let (recorder, witnesses) = observed(FullDisk {
            memory: memory.clone(),
            room: 2,
        });
        recorder
            .record(draft(0, Kind::Invoke))
            .expect("there is room");
        let (first, second) = lost(1);
        let torn = recorder.record_pair(first, second);
        assert!(matches!(torn, Err(LogError::Io(_))), "{torn:?}");
        let later = recorder.record(draft(2, Kind::Invoke));
        assert!(matches!(later, Err(LogError::Io(_))), "{later:?}");
        assert_eq!(memory.events(), ["0 invoke acquire", "1 invoke lost"]);
        for witness in witnesses {
            assert_eq!(witness.events(), memory.history().events());
        }
    }

    #[test]
    fn an_event_that_may_not_stand_there_is_refused_and_not_observed() {
        let memory = Memory::default();
        let (recorder, witnesses) = observed(memory.clone());
        let refused = recorder.record(draft(0, Kind::Ok));
        assert!(matches!(refused, Err(LogError::Rule(_))), "{refused:?}");
        recorder
            .record(draft(0, Kind::Invoke))
            .expect("a new process may");
        assert_eq!(memory.events(), ["0 invoke acquire"]);
        assert_eq!(witnesses[0].events(), memory.history().events());
    }

    #[tokio::test(start_paused = true)]
    async fn the_record_begins_at_zero_and_tells_the_time_of_its_events() {
        let clock = Clock::of_runtime();
        clock.sleep(std::time::Duration::from_secs(1)).await;
        let memory = Memory::default();
        let recorder = Recorder::begin(Recording::new(memory.clone()), &clock);
        let time = recorder.record(draft(0, Kind::Invoke));
        assert_eq!(time.expect("the memory is large enough"), 0);
        recorder
            .clock()
            .sleep(std::time::Duration::from_secs(2))
            .await;
        let time = recorder.record(draft(0, Kind::Ok));
        assert_eq!(time.expect("the memory is large enough"), 2_000_000_000);
        assert_eq!(memory.history().events()[1].time, 2_000_000_000);
    }
}
