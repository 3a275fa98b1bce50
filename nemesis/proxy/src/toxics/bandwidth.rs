//! `bandwidth`: bytes arrive at a limited rate, or not at all.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::toxic::{Effect, Front, Kind, Payload, State, Step};

/// Lets at most `rate` through; with rate 0 bytes are held back until the toxic is changed or
/// removed. A close passes as soon as no bytes are in front of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bandwidth {
    /// Kilobytes (1000 bytes) a second.
    pub rate: u64,
}

impl Bandwidth {
    /// Bytes go on in pieces of this much time, so that a low rate is a trickle and not a pulse.
    const PIECE: Duration = Duration::from_millis(20);

    /// A link that was held up elsewhere may catch up this much, and no more.
    const CATCH_UP: Duration = Duration::from_millis(100);

    /// The size of a piece out of `waiting` bytes.
    fn piece(self, waiting: usize) -> usize {
        let bytes_per_piece = u128::from(self.rate) * Self::PIECE.as_millis();
        usize::try_from(bytes_per_piece).map_or(waiting, |most| most.clamp(1, waiting))
    }

    fn duration(self, bytes: usize) -> Duration {
        Duration::from_nanos((bytes as u64).saturating_mul(1_000_000) / self.rate)
    }
}

impl Effect for Bandwidth {
    const KIND: &'static Kind = &Kind::of::<Self>(
        "bandwidth",
        "limits the rate to rate KB/s; 0 holds bytes back",
    );

    fn step(
        &self,
        front: Option<&Front>,
        state: &mut State,
        now: Instant,
        _rng: &mut ChaCha8Rng,
    ) -> Step {
        let Some(front) = front else {
            return Step::Hold;
        };
        let Payload::Data(data) = &front.payload else {
            return Step::Pass;
        };
        if self.rate == 0 {
            return Step::Hold;
        }
        let piece = self.piece(data.len());
        let due = *state.due.get_or_insert_with(|| {
            let earliest = now.checked_sub(Self::CATCH_UP).unwrap_or(now);
            state.since.max(front.arrived).max(earliest) + self.duration(piece)
        });
        if now < due {
            return Step::Wait(due);
        }
        state.due = None;
        state.since = due;
        Step::PassBytes(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toxic::End;
    use crate::toxics::testing::{bytes, end, rng};

    #[test]
    fn rate_zero_holds_bytes_but_not_a_close() {
        let toxic = Bandwidth { rate: 0 };
        let now = Instant::now();
        let mut state = State::new(now);
        let mut step =
            |front: Front| Effect::step(&toxic, Some(&front), &mut state, now, &mut rng());
        assert_eq!(step(bytes(1, now)), Step::Hold);
        assert_eq!(step(end(End::Fin, now)), Step::Pass);
    }

    #[test]
    fn a_thousand_bytes_a_millisecond_take_as_long_as_the_rate_says() {
        let toxic = Bandwidth { rate: 10 };
        let start = Instant::now();
        let mut state = State::new(start);
        let (mut left, mut now) = (5000, start);
        while left > 0 {
            match Effect::step(
                &toxic,
                Some(&bytes(left, start)),
                &mut state,
                now,
                &mut rng(),
            ) {
                Step::Wait(until) => now = until,
                Step::PassBytes(passed) => left -= passed,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(now - start, Duration::from_millis(500));
    }

    #[test]
    fn idle_time_earns_no_credit() {
        let toxic = Bandwidth { rate: 1 };
        let start = Instant::now();
        let later = start + Duration::from_secs(60);
        let step = Effect::step(
            &toxic,
            Some(&bytes(10, later)),
            &mut State::new(start),
            later,
            &mut rng(),
        );
        assert_eq!(step, Step::Wait(later + Duration::from_millis(10)));
    }
}
