//! `limit_data`: the connection closes after so many bytes.

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::toxic::{Effect, End, Front, Kind, Payload, State, Step};

/// Closes the connection when `bytes` have passed; what comes after them is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitData {
    /// Bytes that pass on each connection.
    pub bytes: u64,
}

impl Effect for LimitData {
    const KIND: &'static Kind =
        &Kind::of::<Self>("limit_data", "closes the connection after bytes bytes");

    fn step(
        &self,
        front: Option<&Front>,
        state: &mut State,
        _now: Instant,
        _rng: &mut ChaCha8Rng,
    ) -> Step {
        let left = self.bytes.saturating_sub(state.passed);
        if left == 0 && (state.passed > 0 || front.is_some()) {
            return Step::End(End::Close);
        }
        match front.map(|front| &front.payload) {
            None => Step::Hold,
            Some(Payload::End(_)) => Step::Pass,
            Some(Payload::Data(data)) => Step::PassBytes(
                usize::try_from(left).map_or(data.len(), |left| left.min(data.len())),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toxics::testing::{bytes, rng};

    #[test]
    fn closes_when_the_limit_is_reached() {
        let toxic = LimitData { bytes: 10 };
        let now = Instant::now();
        let mut state = State::new(now);
        let mut step = |front: Option<&Front>, passed| {
            state.passed = passed;
            Effect::step(&toxic, front, &mut state, now, &mut rng())
        };
        assert_eq!(step(None, 0), Step::Hold);
        assert_eq!(step(Some(&bytes(25, now)), 0), Step::PassBytes(10));
        assert_eq!(step(Some(&bytes(15, now)), 4), Step::PassBytes(6));
        assert_eq!(step(None, 10), Step::End(End::Close));
    }
}
