//! `shrink`: the locks have a slot less for a while.

use async_trait::async_trait;
use history::fault::{Class, Evidence};

use super::slots;
use crate::{Fault, Landing, Moment, Need, Part, SlotChange, Strike, SystemError};

/// The slot that is taken away may be held, and its holder learns it when it verifies. Not every lock has
/// slots, so `all` leaves this out.
pub(crate) struct Shrink;

#[async_trait]
impl Fault for Shrink {
    fn name(&self) -> &'static str {
        "shrink"
    }

    fn summary(&self) -> &'static str {
        "a client, as administrator, takes a slot away from each lock, held or not, and later gives it back"
    }

    fn class(&self) -> Class {
        Class::Changing
    }

    fn parts(&self) -> &'static [Part] {
        &[Part::Process]
    }

    fn needs(&self) -> Need {
        Need::Slots
    }

    fn is_in_all(&self) -> bool {
        false
    }

    async fn moment(&self, strike: &Strike<'_>) -> Result<Option<Moment>, SystemError> {
        Ok(slots::one_of(strike))
    }

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        slots::change(strike, SlotChange::Shrink).await
    }

    async fn heal(&self, strike: &Strike<'_>) -> Result<Evidence, SystemError> {
        slots::restore(strike).await
    }
}
