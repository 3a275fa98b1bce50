//! `slow_close`: the end of a stream arrives later.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::toxic::{Effect, Front, Kind, Payload, State, Step, later};

/// Holds back the end of the stream, a close or a reset, for `delay`; bytes pass. Removing it
/// delivers a pending end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SlowClose {
    /// Milliseconds, counted from when the end arrives here or the toxic was changed.
    pub delay: u64,
}

impl Effect for SlowClose {
    const KIND: &'static Kind =
        &Kind::of::<Self>("slow_close", "delays closes and resets by delay ms");

    fn step(
        &self,
        front: Option<&Front>,
        state: &mut State,
        now: Instant,
        _rng: &mut ChaCha8Rng,
    ) -> Step {
        match front.map(|front| &front.payload) {
            None => Step::Hold,
            Some(Payload::Data(_)) => Step::Pass,
            Some(Payload::End(_)) => {
                let due = *state
                    .due
                    .get_or_insert_with(|| later(now, Duration::from_millis(self.delay)));
                if now < due {
                    Step::Wait(due)
                } else {
                    Step::Pass
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toxic::End;
    use crate::toxics::testing::{bytes, end, rng};

    #[test]
    fn holds_ends_and_nothing_else() {
        let toxic = SlowClose { delay: 10 };
        let now = Instant::now();
        let due = now + Duration::from_millis(10);
        for how in [End::Fin, End::Close, End::Reset] {
            let mut state = State::new(now);
            let mut step =
                |front: Front, at| Effect::step(&toxic, Some(&front), &mut state, at, &mut rng());
            assert_eq!(step(bytes(1, now), now), Step::Pass);
            assert_eq!(step(end(how, now), now), Step::Wait(due));
            assert_eq!(step(end(how, now), due), Step::Pass);
        }
    }
}
