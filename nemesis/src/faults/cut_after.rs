//! `cut-after`: a connection that breaks between a request and its answer.

use std::time::Duration;

use async_trait::async_trait;
use history::fault::Class;

use super::trap;
use crate::{Fault, Landing, LinkHarm, Moment, Need, Parameter, Part, Strike, SystemError};

/// The other side reads within this what lies before it.
const READ_WITHIN: Duration = Duration::from_millis(50);

/// The broker has done what was asked, and the client never learns it: what it was about to hold it
/// may hold without knowing. New connections are let through at once.
pub(crate) struct CutAfter;

#[async_trait]
impl Fault for CutAfter {
    fn name(&self) -> &'static str {
        "cut-after"
    }

    fn summary(&self) -> &'static str {
        "a client's connections are reset right after the n-th method of a name has passed, before its answer does"
    }

    fn class(&self) -> Class {
        Class::Breaking
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

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        // What has passed is read before the connection goes.
        strike.timer.rest(READ_WITHIN).await;
        strike.harm_links(&LinkHarm::Cut).await?;
        Ok(Landing::InForce(strike.heal_links().await?))
    }
}
