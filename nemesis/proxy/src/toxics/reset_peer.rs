//! `reset_peer`: the connection is torn down with RST.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::toxic::{Effect, End, Front, Kind, Payload, State, Step, later};

/// Resets the connection, at both ends, `timeout` after it was opened or the toxic was added; until
/// then nothing passes. Removing it earlier loses what it held, and so resets the connection at once
/// where it held bytes.
///
/// Toxiproxy itself waits for the first bytes before it counts, and resets only connections opened
/// after the toxic was added: on others it closes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResetPeer {
    /// Milliseconds; 0 resets at once.
    pub timeout: u64,
}

impl Effect for ResetPeer {
    const KIND: &'static Kind =
        &Kind::of::<Self>("reset_peer", "resets the connection (RST) after timeout ms");

    fn step(
        &self,
        _front: Option<&Front>,
        state: &mut State,
        now: Instant,
        _rng: &mut ChaCha8Rng,
    ) -> Step {
        let due = later(state.since, Duration::from_millis(self.timeout));
        if now < due {
            Step::Wait(due)
        } else {
            Step::End(End::Reset)
        }
    }

    fn removed(&self, front: Option<&Front>) -> Option<End> {
        // What resets at once has done so, also where a connection had no turn to notice it yet.
        if self.timeout == 0 {
            return Some(End::Reset);
        }
        matches!(front?.payload, Payload::Data(_)).then_some(End::Reset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toxics::testing::{bytes, end, rng};

    #[test]
    fn resets_without_waiting_for_bytes() {
        let now = Instant::now();
        let step = |timeout, now| {
            Effect::step(
                &ResetPeer { timeout },
                None,
                &mut State::new(now),
                now,
                &mut rng(),
            )
        };
        assert_eq!(step(0, now), Step::End(End::Reset));
        assert_eq!(step(5, now), Step::Wait(now + Duration::from_millis(5)));
    }

    #[test]
    fn its_removal_resets_only_where_bytes_are_lost() {
        let toxic = ResetPeer { timeout: 5 };
        let now = Instant::now();
        let removed = |front: Option<&Front>| Effect::removed(&toxic, front);
        assert_eq!(removed(Some(&bytes(1, now))), Some(End::Reset));
        assert_eq!(removed(Some(&end(End::Fin, now))), None);
        assert_eq!(removed(None), None);
    }

    #[test]
    fn what_resets_at_once_has_done_so_however_soon_it_is_removed() {
        let toxic = ResetPeer { timeout: 0 };
        assert_eq!(Effect::removed(&toxic, None), Some(End::Reset));
    }
}
