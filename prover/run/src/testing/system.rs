//! A system that notes what is done to it, and fails where it is told to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use history::fault::Note;
use history::{Event, Process, Value};
use nemesis::{System, SystemError, Worker};

use crate::observer::Observer;

/// The system, which observes the record as well: its diary has both in their order. Its clones are
/// one and the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScriptedSystem {
    diary: Arc<Mutex<Vec<String>>>,
    failing: Option<&'static str>,
}

impl ScriptedSystem {
    /// Fails at this, and at nothing else: `partition 0`.
    pub(crate) fn failing(at: &'static str) -> Self {
        Self {
            failing: Some(at),
            ..Self::default()
        }
    }

    /// What was done to it and what the nemesis noted, in order: `inject`, `partition 0`, `on`.
    pub(crate) fn diary(&self) -> Vec<String> {
        self.lines().clone()
    }

    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.diary.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn suffer(&self, what: &str, worker: Worker) -> Result<(), SystemError> {
        self.note(format!("{what} {worker}"))
    }

    fn note(&self, line: String) -> Result<(), SystemError> {
        let fails = self.failing == Some(line.as_str());
        self.lines().push(line);
        if fails {
            return Err(SystemError("said so".into()));
        }
        Ok(())
    }
}

#[async_trait]
impl System for ScriptedSystem {
    async fn partition(&self, worker: Worker) -> Result<(), SystemError> {
        self.suffer("partition", worker)
    }

    async fn partition_upstream(&self, worker: Worker) -> Result<(), SystemError> {
        self.suffer("partition-upstream", worker)
    }

    async fn partition_downstream(&self, worker: Worker) -> Result<(), SystemError> {
        self.suffer("partition-downstream", worker)
    }

    async fn cut(&self, worker: Worker) -> Result<(), SystemError> {
        self.suffer("cut", worker)
    }

    async fn heal(&self, worker: Worker) -> Result<(), SystemError> {
        self.suffer("heal", worker)
    }

    async fn kill_broker(&self) -> Result<(), SystemError> {
        self.note("kill the broker".to_owned())
    }

    async fn start_broker(&self) -> Result<(), SystemError> {
        self.note("start the broker".to_owned())
    }
}

impl Observer for ScriptedSystem {
    fn see(&self, event: &Event) {
        if event.process != Process::Nemesis {
            return;
        }
        let Value::Note(note) = &event.value else {
            panic!("the nemesis records notes: {event:?}");
        };
        let line = match &**note {
            Note::Inject { targets, .. } => format!("inject {:?}", targets.processes()),
            later => later.phase().to_string(),
        };
        self.lines().push(line);
    }
}
