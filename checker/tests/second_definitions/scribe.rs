//! Writes down what the clients of a made-up world do.

use history::{Draft, Function, History, HistoryBuilder, Kind as Phase, Process};

/// The history so far, and what time it is.
#[derive(Default)]
pub(super) struct Scribe {
    builder: HistoryBuilder,
    time_ns: u64,
}

impl Scribe {
    /// Some milliseconds pass.
    pub(super) fn pass(&mut self, milliseconds: u32) {
        self.time_ns += u64::from(milliseconds) * 1_000_000;
    }

    pub(super) fn note(&mut self, draft: Draft) {
        self.builder
            .push(self.time_ns, draft)
            .expect("the world keeps to the rules");
    }

    /// An event of a client.
    pub(super) fn tell(
        &mut self,
        process: u32,
        phase: Phase,
        (function, key): (&Function, &str),
        change: impl FnOnce(Draft) -> Draft,
    ) {
        let draft = Draft::new(Process::Client(process), phase, function.clone()).on(key);
        self.note(change(draft));
    }

    pub(super) fn finish(self) -> History {
        self.builder.finish()
    }
}
