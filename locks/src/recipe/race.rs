//! Locks whose steps leave room for others in between.

use async_trait::async_trait;

use super::{Hold, Wire};
use crate::{Error, ErrorKind};

/// How often a lock that takes several steps begins again when another was faster between two of
/// them.
const RACES: u32 = 4;

/// A lock that takes several steps, between which another client may be faster.
#[async_trait]
pub(crate) trait Race: Send + Sync {
    /// Tries once; `None` where another was faster.
    async fn claim(&self, wire: &mut Wire, key: &str) -> Result<Option<Hold>, Error>;
}

/// Tries again where another was faster, a few times.
///
/// # Errors
/// [`ErrorKind::NoSlot`] where another was always faster, or the lock's own.
pub(crate) async fn race(lock: &impl Race, wire: &mut Wire, key: &str) -> Result<Hold, Error> {
    for _ in 0..RACES {
        if let Some(hold) = lock.claim(wire, key).await? {
            return Ok(hold);
        }
        wire.pause().await;
    }
    let text = format!("others were faster {RACES} times");
    Err(Error::new(ErrorKind::NoSlot, text))
}
