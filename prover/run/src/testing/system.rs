//! A system that notes what is done to it, and fails where it is told to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use history::fault::{Evidence, Note};
use history::{Event, Process, Value};
use nemesis::{BrokerHarm, Done, LinkHarm, System, SystemError, Way, Worker};

use crate::observer::Observer;

/// The system, which observes the record as well: its diary has both in their order. Its clones are
/// one and the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScriptedSystem {
    diary: Arc<Mutex<Vec<String>>>,
    failing: Option<&'static str>,
    springs: bool,
    heals_in: Duration,
}

impl ScriptedSystem {
    /// Fails at this, and at nothing else: `partition 0`.
    pub(crate) fn failing(at: &'static str) -> Self {
        Self {
            failing: Some(at),
            ..Self::default()
        }
    }

    /// Its traps spring at once; those of others never do.
    pub(crate) fn springing() -> Self {
        Self {
            springs: true,
            ..Self::default()
        }
    }

    /// Takes so long to be as it was before a link broke.
    pub(crate) fn healing_in(heals_in: Duration) -> Self {
        Self {
            heals_in,
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
    async fn harm_link(&self, worker: Worker, harm: &LinkHarm) -> Result<(), SystemError> {
        let what = match harm {
            LinkHarm::Hold(Way::Upstream) => "hold-upstream",
            LinkHarm::Hold(Way::Downstream) => "hold-downstream",
            LinkHarm::Cut => "cut",
            LinkHarm::Trap(_) => "trap",
            LinkHarm::Slow { .. } => "slow",
            LinkHarm::Trickle { .. } => "trickle",
            LinkHarm::Limit { .. } => "limit",
            LinkHarm::Silence => "silence",
        };
        self.suffer(what, worker)
    }

    async fn sprung(&self, worker: Worker) -> Done {
        match self.springs {
            true => Ok(Evidence::from([("sprung".to_owned(), worker.into())])),
            false => std::future::pending().await,
        }
    }

    async fn heal(&self, worker: Worker) -> Done {
        tokio::time::sleep(self.heals_in).await;
        self.suffer("heal", worker)?;
        Ok(Evidence::new())
    }

    async fn harm_broker(&self, harm: &BrokerHarm) -> Done {
        self.note(format!("{harm:?}"))?;
        Ok(Evidence::new())
    }

    async fn mend_broker(&self, harm: &BrokerHarm) -> Done {
        self.note(format!("mend {harm:?}"))?;
        Ok(Evidence::new())
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
            Note::Heal { missed: true, .. } => "missed".to_owned(),
            later => later.phase().to_string(),
        };
        self.lines().push(line);
    }
}
