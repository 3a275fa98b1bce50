//! A session with a lock: what can be asked, and what comes back.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Action, Error, OwnProcess};

/// One client's session with a lock: one operation at a time, and it never reconnects by itself.
///
/// A future that is dropped before it ends leaves no grant that the session later believes in; what
/// the server made of the request is unknown, and only dropping the session settles it. The kind of
/// an error says how much is known ([`ErrorKind::certainty`](crate::ErrorKind::certainty)).
#[async_trait]
pub trait Session: Send {
    /// Asks once for the lock of this key. It does not wait for the lock: a lock that is held
    /// elsewhere is an error of kind [`Busy`](crate::ErrorKind::Busy).
    async fn acquire(&mut self, key: &str) -> Result<Grant, Error>;

    /// Asks the server whether the lock is still held.
    ///
    /// # Errors
    /// Among others [`NotHeld`](crate::ErrorKind::NotHeld) where the session itself knows that it
    /// is not, and [`LostMeanwhile`](crate::ErrorKind::LostMeanwhile) where it learns so while it
    /// asks: then a loss notification is there at once.
    async fn verify(&mut self, key: &str) -> Result<Answer, Error>;

    /// Gives the lock back. After an error it is not held either, as far as this session is
    /// concerned.
    ///
    /// # Errors
    /// [`Lost`](crate::ErrorKind::Lost) where the server says that it was not held any more.
    async fn release(&mut self, key: &str) -> Result<(), Error>;

    /// Administers the lock of this key: makes it, changes or finds its slots. Returns the slots
    /// that were made, removed or found.
    ///
    /// # Errors
    /// Among others [`NotFound`](crate::ErrorKind::NotFound) where there is no such lock,
    /// [`Busy`](crate::ErrorKind::Busy) where another administers it,
    /// [`PreconditionFailed`](crate::ErrorKind::PreconditionFailed) where it is not as the action
    /// needs it.
    async fn administer(&mut self, key: &str, action: Action) -> Result<Vec<u32>, Error> {
        Err(action.unknown_to(key))
    }

    /// Resolves when the session learns, unasked, that it lost what it held. Safe to drop and to
    /// ask again: no notification is lost. After [`Loss::All`] it resolves at once, with the same
    /// answer.
    async fn loss_notification(&mut self) -> Loss;

    /// The process that it lives in, where that is its own.
    fn process(&self) -> Option<Arc<dyn OwnProcess>> {
        None
    }

    /// Ends the session politely, giving back what it holds. Bound it with a time-out of your own;
    /// dropping the session instead never blocks.
    async fn close(self: Box<Self>);
}

/// What a successful acquire returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Grant {
    /// The slot of a semaphore, counted from 1.
    pub slot: Option<u32>,
    /// The fencing token, which grows from grant to grant of one key.
    pub token: Option<u64>,
    /// How long the client may believe in it, counted from when it asked, where the lock is a
    /// lease.
    pub lease: Option<Duration>,
}

/// What the server said when asked whether the lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is held by this session.
    Held,
    /// It is held, and the lease was renewed: it lasts so long from when this was asked.
    Leased(Duration),
    /// It is not, says the server itself. The session does not believe in it any more.
    Lost,
}

/// What a session learned unasked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// The lock of one key is lost; the session goes on.
    Key(String, Error),
    /// The session is over, and with it whatever it held.
    All(Error),
}
