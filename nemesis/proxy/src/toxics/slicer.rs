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
    /// Microseconds. The timer counts in milliseconds: a shorter pause, but not 0, takes about one.
    pub delay: u64,
}

impl Slicer {
    /// A piece that leaves late has a shorter pause behind it, by so much at most: pieces that make
    /// up for more would leave together, and be no pieces for whoever reads them.
    const CATCH_UP: Duration = Duration::from_millis(1);

    /// When the piece may leave that follows one which was due then and leaves `now`. Three
    /// quarters of a pause are always kept.
    fn next(self, due: Instant, now: Instant) -> Instant {
        let delay = Duration::from_micros(self.delay);
        let earliest = now.checked_sub(Self::CATCH_UP.min(delay / 4));
        later(due.max(earliest.unwrap_or(now)), delay)
    }

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
        state.since = self.next(state.since.max(front.arrived), now);
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
    fn a_late_piece_shortens_the_pause_by_a_millisecond_at_most() {
        let toxic = Slicer {
            average_size: 1,
            size_variation: 0,
            delay: 5000,
        };
        let start = Instant::now();
        let mut state = State::new(start);
        let mut step = |micros| {
            let now = start + Duration::from_micros(micros);
            Effect::step(&toxic, Some(&bytes(9, start)), &mut state, now, &mut rng())
        };
        let at = |micros| Step::Wait(start + Duration::from_micros(micros));
        assert_eq!(step(700), Step::PassBytes(1));
        assert_eq!(step(700), at(5000));
        assert_eq!(step(40_000), Step::PassBytes(1));
        assert_eq!(step(40_000), at(44_000));
    }

    #[test]
    fn pieces_never_leave_together_however_short_the_pause() {
        let start = Instant::now();
        let now = start + Duration::from_secs(1);
        for delay in [1, 10, 1000, 1500] {
            let toxic = Slicer {
                average_size: 1,
                size_variation: 0,
                delay,
            };
            let mut state = State::new(start);
            let mut step =
                || Effect::step(&toxic, Some(&bytes(9, start)), &mut state, now, &mut rng());
            assert_eq!(step(), Step::PassBytes(1));
            assert!(matches!(step(), Step::Wait(_)), "{delay} µs");
        }
    }

    #[test]
    fn zero_sizes_still_pass_bytes() {
        assert_eq!(Slicer::default().piece(5, &mut rng()), 1);
    }
}
