//! `hold-after`: silence between a request and its answer.

use async_trait::async_trait;
use history::fault::Class;

use super::trap;
use crate::{Fault, Landing, Moment, Need, Parameter, Part, Strike, SystemError};

/// As [`CutAfter`](super::CutAfter), and nobody is told.
pub(crate) struct HoldAfter;

#[async_trait]
impl Fault for HoldAfter {
    fn name(&self) -> &'static str {
        "hold-after"
    }

    fn summary(&self) -> &'static str {
        "nothing passes on a client's link right after the n-th method of a name has passed, before its answer does"
    }

    fn class(&self) -> Class {
        Class::Isolating
    }

    fn settable(&self) -> &'static [Parameter] {
        trap::SETTABLE
    }

    fn parts(&self) -> &'static [Part] {
        &[Part::Link]
    }

    fn needs(&self) -> Need {
        Need::Frames
    }

    fn helps(&self) -> Option<String> {
        Some(trap::helps(self.name()))
    }

    fn is_in_all(&self) -> bool {
        false
    }

    async fn moment(&self, strike: &Strike<'_>) -> Result<Option<Moment>, SystemError> {
        trap::moment(strike).await
    }

    async fn inject(&self, _: &Strike<'_>) -> Result<Landing, SystemError> {
        // It is since the trap has sprung.
        Ok(Landing::unseen())
    }
}
