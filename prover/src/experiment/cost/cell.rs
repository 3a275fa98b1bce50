//! A cell of the cost table: one operation of one subject, measured by itself.

use std::fmt;

use async_trait::async_trait;
pub(super) use claims::Operation;
use serde::Serialize;

use super::super::counting::Counter;

/// One thing to measure. Only [`act`](Self::act) is measured; what stands around it brings
/// everything into the same state each time.
#[async_trait]
pub(super) trait Cell: Send {
    /// What it is called.
    fn label(&self) -> &Label;

    /// What counts its broker operations.
    fn counter(&self) -> &Counter;

    /// Brings everything into the state that the operation is measured in.
    async fn prepare(&mut self) -> Result<(), FigureError>;

    /// The operation.
    async fn act(&mut self) -> Result<(), FigureError>;

    /// Brings everything back.
    async fn restore(&mut self) -> Result<(), FigureError>;
}

/// What a cell is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Label {
    /// What does it: a lock, or a way to verify.
    pub(crate) subject: String,
    /// What is done.
    pub(crate) operation: Operation,
    /// How many slots the lock was made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) slots: Option<u32>,
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.operation.name(), self.subject)?;
        match self.slots {
            Some(slots) if slots > 1 => write!(f, " with {slots} slots"),
            _ => Ok(()),
        }
    }
}

/// Why a cell has no figure.
#[derive(Debug)]
pub(super) enum FigureError {
    /// The subject answered what it must not.
    Unexpected(String),
    /// Something else went wrong.
    Broken(locks::Error),
}

impl From<locks::Error> for FigureError {
    fn from(error: locks::Error) -> Self {
        Self::Broken(error)
    }
}
