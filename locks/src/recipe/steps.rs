//! What one lock does differently from another: three steps. Everything else is the same for all,
//! and lives in [`RecipeSession`](super::RecipeSession).

use async_trait::async_trait;

use super::{Hold, Wire};
use crate::{Action, Answer, Error};

/// The steps of a lock.
#[async_trait]
pub trait Recipe: Send + Sync {
    /// Asks once for the lock.
    ///
    /// # Errors
    /// [`Busy`](crate::ErrorKind::Busy) where another holds it. Where something was left behind on
    /// the server, the error must say that the outcome is unknown ([`Error::unsettled`]).
    async fn take(&self, wire: &mut Wire, key: &str) -> Result<Hold, Error>;

    /// Asks the server whether the lock is still held.
    ///
    /// # Errors
    /// Whatever kept the server from answering.
    async fn ask(&self, wire: &mut Wire, hold: &mut Hold) -> Result<Answer, Error>;

    /// Gives the lock back. After a success the hold's channel can be used for another.
    ///
    /// # Errors
    /// [`Lost`](crate::ErrorKind::Lost) where the server says that it was not held; after any other
    /// error the session ends, so that the server takes back what it may still have for it.
    async fn give_back(&self, wire: &mut Wire, hold: &mut Hold) -> Result<(), Error>;

    /// Administers the lock.
    ///
    /// # Errors
    /// Those of [`Session::administer`](crate::Session::administer).
    async fn administer(
        &self,
        wire: &mut Wire,
        key: &str,
        action: Action,
    ) -> Result<Vec<u32>, Error> {
        let _ = wire;
        Err(action.unknown_to(key))
    }
}
