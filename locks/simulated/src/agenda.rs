//! What happens when: events in the order of their times, which are as fine as nanoseconds.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Events to come. Those of one instant come in an order that the seed decides.
#[derive(Debug)]
pub(super) struct Agenda<E> {
    events: BTreeMap<(Duration, u64, u64), E>,
    ties: ChaCha8Rng,
    added: u64,
}

impl<E> Agenda<E> {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            events: BTreeMap::new(),
            ties: ChaCha8Rng::seed_from_u64(seed),
            added: 0,
        }
    }

    pub(super) fn add(&mut self, at: Duration, event: E) {
        self.added += 1;
        let place = (at, self.ties.next_u64(), self.added);
        self.events.insert(place, event);
    }

    /// When the next event happens.
    pub(super) fn next_at(&self) -> Option<Duration> {
        self.events.keys().next().map(|(at, ..)| *at)
    }

    /// The next event, where it is due by `now`.
    pub(super) fn due(&mut self, now: Duration) -> Option<(Duration, E)> {
        let entry = self.events.first_entry()?;
        let at = entry.key().0;
        (at <= now).then(|| (at, entry.remove()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn drain(agenda: &mut Agenda<u32>) -> Vec<u32> {
        std::iter::from_fn(|| agenda.due(Duration::MAX).map(|(_, event)| event)).collect()
    }

    #[test]
    fn events_come_in_the_order_of_their_times() {
        let mut agenda = Agenda::new(0);
        agenda.add(2 * SECOND, 2);
        agenda.add(SECOND, 1);
        agenda.add(2 * SECOND + Duration::from_nanos(1), 3);
        assert_eq!(agenda.next_at(), Some(SECOND));
        assert_eq!(agenda.due(Duration::ZERO), None);
        assert_eq!(drain(&mut agenda), [1, 2, 3]);
        assert_eq!(agenda.next_at(), None);
    }

    #[test]
    fn the_seed_decides_among_those_of_one_instant() {
        let order = |seed| {
            let mut agenda = Agenda::new(seed);
            (0..8).for_each(|event| agenda.add(SECOND, event));
            drain(&mut agenda)
        };
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
    }
}
