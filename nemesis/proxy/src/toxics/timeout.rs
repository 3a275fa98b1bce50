//! `timeout`: a black hole, closed in the end.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::toxic::{Effect, End, Front, Kind, Payload, State, Step, later};

/// Loses all bytes and closes the connection `timeout` after it was opened or the toxic was added;
/// 0 never does by itself. Removing the toxic closes the connection: bytes are missing from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timeout {
    /// Milliseconds; 0 is for ever.
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
        "loses all bytes and closes the connection after timeout ms; 0 when removed",
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
            Some(Payload::Data(_)) => Step::Discard,
            Some(Payload::End(_)) | None => due.map_or(Step::Hold, Step::Wait),
        }
    }

    fn removed(&self) -> Option<End> {
        Some(End::Close)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toxics::testing::{bytes, end, rng};

    #[test]
    fn loses_bytes_holds_the_end_and_closes_in_time() {
        let start = Instant::now();
        let due = start + Duration::from_millis(5);
        let step = |timeout, front: Front, now| {
            Effect::step(
                &Timeout { timeout },
                Some(&front),
                &mut State::new(start),
                now,
                &mut rng(),
            )
        };
        assert_eq!(step(5, bytes(1, start), start), Step::Discard);
        assert_eq!(step(5, end(End::Fin, start), start), Step::Wait(due));
        assert_eq!(step(0, end(End::Fin, start), due), Step::Hold);
        assert_eq!(step(5, bytes(1, start), due), Step::End(End::Close));
    }
}
