//! `grow`: the locks have a slot more for a while.

use async_trait::async_trait;
use history::fault::{Class, Evidence};

use super::slots;
use crate::{Fault, Landing, Moment, Need, Part, SlotChange, Strike, SystemError};

/// Who administers locks while others hold them. Not every lock has slots, so `all` leaves this out.
pub(crate) struct Grow;

#[async_trait]
impl Fault for Grow {
    fn name(&self) -> &'static str {
        "grow"
    }

    fn summary(&self) -> &'static str {
        "a client, as administrator, gives each lock one slot more, and later takes it away again"
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

    fn adds_slots(&self) -> bool {
        true
    }

    fn is_in_all(&self) -> bool {
        false
    }

    async fn moment(&self, strike: &Strike<'_>) -> Result<Option<Moment>, SystemError> {
        Ok(slots::one_of(strike))
    }

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        slots::change(strike, SlotChange::Grow).await
    }

    async fn heal(&self, strike: &Strike<'_>) -> Result<Evidence, SystemError> {
        slots::restore(strike).await
    }
}
