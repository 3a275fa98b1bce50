//! Where a test's history goes: into memory, or onto a disk that gets full.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use history::History;

/// An in-memory sink. Its clones are one and the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory(Arc<Mutex<Vec<u8>>>);

impl Memory {
    /// What was recorded so far.
    pub(crate) fn history(&self) -> History {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        history::jsonl::read(bytes.as_slice()).expect("a record is a history")
    }

    /// The same in words, an event each: `0 invoke acquire`, `nemesis info cut`; without the marks.
    pub(crate) fn events(&self) -> Vec<String> {
        let history = self.history();
        let events = history.events().iter();
        let word = |kind| match kind {
            history::Kind::Invoke => "invoke",
            history::Kind::Ok => "ok",
            history::Kind::Fail => "fail",
            history::Kind::Info => "info",
        };
        events
            .filter(|event| event.process != history::Process::Run)
            .map(|event| format!("{} {} {}", event.process, word(event.kind), event.function))
            .collect()
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A disk with room for so many events.
#[derive(Debug)]
pub(crate) struct FullDisk {
    pub(crate) memory: Memory,
    pub(crate) room: usize,
}

impl Write for FullDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.room == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.room -= 1;
        self.memory.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
