//! `latency`: bytes arrive later.

use std::time::Duration;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::toxic::{Effect, Front, Kind, Payload, State, Step, later};

/// Delays bytes by `latency` plus or minus up to `jitter`; their order stays. Several add up. A
/// close is not delayed for its own sake, but stays behind the bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Latency {
    /// Milliseconds.
    pub latency: u64,
    /// Milliseconds.
    pub jitter: u64,
}

impl Latency {
    fn delay(self, rng: &mut ChaCha8Rng) -> Duration {
        // Wide enough for any parameters that a client may send.
        let jitter = u128::from(self.jitter);
        let shift = rng.random_range(0..=2 * jitter);
        let delay = (u128::from(self.latency) + shift).saturating_sub(jitter);
        Duration::from_millis(u64::try_from(delay).unwrap_or(u64::MAX))
    }
}

impl Effect for Latency {
    const KIND: &'static Kind = &Kind::of::<Self>("latency", "delays bytes by latency ± jitter ms");

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
        if matches!(front.payload, Payload::End(_)) {
            return Step::Pass;
        }
        let due = *state
            .due
            .get_or_insert_with(|| later(front.arrived, self.delay(rng)));
        if now < due {
            return Step::Wait(due);
        }
        state.due = None;
        Step::PassSince(due)
    }

    fn delay_max(&self) -> Duration {
        Duration::from_millis(self.latency.saturating_add(self.jitter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toxics::testing::{bytes, rng};

    #[test]
    fn bytes_pass_when_the_delay_since_their_arrival_is_over() {
        let toxic = Latency {
            latency: 100,
            jitter: 0,
        };
        let start = Instant::now();
        let due = start + Duration::from_millis(100);
        let mut state = State::new(start);
        let front = bytes(10, start);
        let mut step = |now| Effect::step(&toxic, Some(&front), &mut state, now, &mut rng());
        assert_eq!(step(start), Step::Wait(due));
        assert_eq!(step(due + Duration::from_millis(3)), Step::PassSince(due));
    }

    #[test]
    fn jitter_stays_within_its_bounds_and_reaches_both_sides() {
        let toxic = Latency {
            latency: 100,
            jitter: 20,
        };
        let mut rng = rng();
        let delays: Vec<_> = (0..1000)
            .map(|_| toxic.delay(&mut rng).as_millis())
            .collect();
        assert_eq!(delays.iter().min(), Some(&80));
        assert_eq!(delays.iter().max(), Some(&120));
    }

    #[test]
    fn absurd_parameters_do_not_overflow() {
        let toxic = Latency {
            latency: u64::MAX,
            jitter: u64::MAX,
        };
        let now = Instant::now();
        let step = Effect::step(
            &toxic,
            Some(&bytes(1, now)),
            &mut State::new(now),
            now,
            &mut rng(),
        );
        assert!(matches!(step, Step::Wait(_)));
    }
}
