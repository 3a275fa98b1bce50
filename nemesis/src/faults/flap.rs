//! `flap`: a link that comes and goes.

use async_trait::async_trait;
use history::fault::Class;

use crate::{Fault, Form, Landing, LinkHarm, Parameter, Part, Strike, SystemError, Way};

/// Each silence is shorter than anybody's patience, if nobody says otherwise: what waited arrives
/// late and all at once.
pub(crate) struct Flap;

impl Flap {
    async fn hold(&self, strike: &Strike<'_>) -> Result<(), SystemError> {
        for way in [Way::Upstream, Way::Downstream] {
            strike.harm_links(&LinkHarm::Hold(way)).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Fault for Flap {
    fn name(&self) -> &'static str {
        "flap"
    }

    fn summary(&self) -> &'static str {
        "nothing passes between a client and the broker for a moment, again and again"
    }

    fn class(&self) -> Class {
        Class::Slowing
    }

    fn settable(&self) -> &'static [Parameter] {
        &[
            Parameter {
                name: "down",
                summary: "for how long nothing passes",
                form: Form::Span,
                default: "700ms",
            },
            Parameter {
                name: "up",
                summary: "for how long everything passes then",
                form: Form::Span,
                default: "300ms",
            },
        ]
    }

    fn parts(&self) -> &'static [Part] {
        &[Part::Link]
    }

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        self.hold(strike).await?;
        Ok(Landing::unseen())
    }

    async fn sustain(&self, strike: &Strike<'_>) -> Result<(), SystemError> {
        let (down, up) = (strike.time("down")?, strike.time("up")?);
        while strike.timer.rest(down).await {
            strike.heal_links().await?;
            if !strike.timer.rest(up).await {
                break;
            }
            self.hold(strike).await?;
        }
        Ok(())
    }
}
