//! What the queues of a script are called on the broker, so that scripts that run side by side do
//! not meet.

use std::sync::{Arc, Mutex, PoisonError};

use crate::script::CHOSEN;

#[derive(Clone, Debug)]
pub(super) struct Names {
    prefix: String,
    chosen: Arc<Mutex<String>>,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            chosen: Arc::default(),
        }
    }

    /// The server has chosen a name.
    pub(super) fn choose(&self, name: &str) {
        name.clone_into(&mut self.chosen.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn on_broker(&self, queue: &str) -> String {
        match queue {
            CHOSEN => self
                .chosen
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            name if name.is_empty() || name.starts_with("amq.") => name.to_owned(),
            name => format!("{}-{name}", self.prefix),
        }
    }
}
