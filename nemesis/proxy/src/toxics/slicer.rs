//! `slicer`: bytes arrive in small pieces.

use std::time::Duration;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::toxic::{Effect, Front, Kind, Payload, State, Step, later};

/// Cuts bytes into pieces of `average_size` plus or minus up to `size_variation`, with a pause of
/// `delay` after each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Slicer {
    /// Bytes.
    pub average_size: u64,
    /// Bytes; less than the average size.
    pub size_variation: u64,
    /// Microseconds. The timer counts in milliseconds: shorter pauses are right on average.
    pub delay: u64,
}

impl Slicer {
    /// The size of the next piece out of `waiting` bytes.
    fn piece(self, waiting: usize, rng: &mut ChaCha8Rng) -> usize {
        let least = self.average_size.saturating_sub(self.size_variation).max(1);
        let most = self.average_size.saturating_add(self.size_variation).max(1);
        let size = rng.random_range(least..=most);
        usize::try_from(size).map_or(waiting, |size| size.min(waiting))
    }
}

impl Effect for Slicer {
    const KIND: &'static Kind = &Kind::of::<Self>(
        "slicer",
        "cuts bytes into pieces of average_size ± size_variation bytes, delay µs apart",
    );

    fn step(
        &self,
        front: Option<&Front>,
        state: &mut State,
        now: Instant,
        rng: &mut ChaCha8Rng,
    ) -> Step {
        let Some(front) = front else {
            return Step::Hold;
        };
        let Payload::Data(data) = &front.payload else {
            return Step::Pass;
        };
        if now < state.since {
            return Step::Wait(state.since);
        }
        state.since = later(
            state.since.max(front.arrived),
            Duration::from_micros(self.delay),
        );
        Step::PassBytes(self.piece(data.len(), rng))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toxics::testing::{bytes, rng};

    #[test]
    fn pieces_stay_within_their_bounds() {
        let toxic = Slicer {
            average_size: 10,
            size_variation: 4,
            delay: 0,
        };
        let mut rng = rng();
        let sizes: Vec<_> = (0..1000).map(|_| toxic.piece(100, &mut rng)).collect();
        assert_eq!(
            (sizes.iter().min(), sizes.iter().max()),
            (Some(&6), Some(&14))
        );
        assert_eq!(toxic.piece(3, &mut rng), 3);
    }

    #[test]
    fn a_pause_follows_each_piece() {
        let toxic = Slicer {
            average_size: 1,
            size_variation: 0,
            delay: 2000,
        };
        let start = Instant::now();
        let next = start + Duration::from_millis(2);
        let mut state = State::new(start);
        let mut step =
            |now| Effect::step(&toxic, Some(&bytes(9, start)), &mut state, now, &mut rng());
        assert_eq!(step(start), Step::PassBytes(1));
        assert_eq!(step(start), Step::Wait(next));
        assert_eq!(step(next), Step::PassBytes(1));
    }

    #[test]
    fn zero_sizes_still_pass_bytes() {
        assert_eq!(Slicer::default().piece(5, &mut rng()), 1);
    }
}
