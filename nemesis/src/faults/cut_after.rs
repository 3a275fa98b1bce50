//! `cut-after`: a connection that breaks between a request and its answer.

use async_trait::async_trait;
use history::fault::Class;

use super::trap;
use crate::{Fault, Landing, Need, Parameter, Part, Strike, SystemError, Then};

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

    fn is_in_all(&self) -> bool {
        false
    }

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        trap::set(strike, Then::Cut).await
    }
}
