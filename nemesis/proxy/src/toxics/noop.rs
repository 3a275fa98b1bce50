//! `noop`: nothing happens.

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::toxic::{Effect, Front, Kind, State, Step};

/// Lets everything pass. Clients of Toxiproxy know it, and it shows what a toxic costs by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Noop {}

impl Effect for Noop {
    const KIND: &'static Kind = &Kind::of::<Self>("noop", "lets everything pass");

    fn step(
        &self,
        front: Option<&Front>,
        _state: &mut State,
        _now: Instant,
        _rng: &mut ChaCha8Rng,
    ) -> Step {
        front.map_or(Step::Hold, |_| Step::Pass)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toxic::End;
    use crate::toxics::testing::{bytes, end, rng};

    #[test]
    fn everything_passes() {
        let now = Instant::now();
        let step = |front: Option<&Front>| {
            Effect::step(&Noop {}, front, &mut State::new(now), now, &mut rng())
        };
        assert_eq!(step(Some(&bytes(1, now))), Step::Pass);
        assert_eq!(step(Some(&end(End::Fin, now))), Step::Pass);
        assert_eq!(step(None), Step::Hold);
    }
}
