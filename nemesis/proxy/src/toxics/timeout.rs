//! `timeout`: a black hole, closed in the end.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::toxic::{Effect, End, Front, Kind, Payload, State, Step, later};

/// Loses all bytes and closes the connection when none came for `timeout`; 0 never does by itself.
/// What the sender ends ends at once. Removing the toxic closes the connection: bytes are missing
/// from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timeout {
    /// Milliseconds without bytes, counted from when the connection was opened or the toxic was
    /// changed; 0 is for ever.
    pub timeout: u64,
}

impl Timeout {
    fn due(self, state: &State) -> Option<Instant> {
        (self.timeout > 0).then(|| later(state.since, Duration::from_millis(self.timeout)))
    }
}

impl Effect for Timeout {
    const KIND: &'static Kind = &Kind::of::<Self>(
        "timeout",
        "loses all bytes and closes the connection after timeout ms without any; 0 when removed",
    );

    fn step(
        &self,
        front: Option<&Front>,
        state: &mut State,
        now: Instant,
        _rng: &mut ChaCha8Rng,
    ) -> Step {
        let due = self.due(state);
        if due.is_some_and(|due| now >= due) {
            return Step::End(End::Close);
        }
        match front.map(|front| &front.payload) {
            Some(Payload::Data(_)) => {
                state.since = now;
                Step::Discard
            }
            Some(Payload::End(_)) => Step::Pass,
            None => due.map_or(Step::Hold, Step::Wait),
        }
    }

    fn removed(&self, _front: Option<&Front>) -> Option<End> {
        Some(End::Close)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toxics::testing::{bytes, end, rng};

    #[test]
    fn loses_bytes_lets_the_end_pass_and_closes_in_time() {
        let start = Instant::now();
        let due = start + Duration::from_millis(5);
        let step = |timeout, front: Option<&Front>, now| {
            let mut state = State::new(start);
            Effect::step(&Timeout { timeout }, front, &mut state, now, &mut rng())
        };
        assert_eq!(step(5, Some(&bytes(1, start)), start), Step::Discard);
        assert_eq!(step(5, None, start), Step::Wait(due));
        assert_eq!(step(0, None, due), Step::Hold);
        assert_eq!(step(5, None, due), Step::End(End::Close));
        for how in [End::Fin, End::Close, End::Reset] {
            assert_eq!(step(5, Some(&end(how, start)), start), Step::Pass);
        }
    }

    #[test]
    fn traffic_starts_it_again() {
        let toxic = Timeout { timeout: 5 };
        let start = Instant::now();
        let after = |millis| start + Duration::from_millis(millis);
        let mut state = State::new(start);
        let mut step =
            |front: Option<&Front>, now| Effect::step(&toxic, front, &mut state, now, &mut rng());
        assert_eq!(step(Some(&bytes(1, after(4))), after(4)), Step::Discard);
        assert_eq!(step(None, after(5)), Step::Wait(after(9)));
        assert_eq!(step(None, after(9)), Step::End(End::Close));
    }
}
