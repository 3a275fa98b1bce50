//! The toxics, one file each. A new one is a file here and an entry in [`ALL`].

mod amqp_silence;
mod amqp_trap;
mod bandwidth;
mod latency;
mod limit_data;
mod noop;
mod reset_peer;
mod slicer;
mod slow_close;
mod timeout;

pub use amqp_silence::AmqpSilence;
pub use amqp_trap::{AmqpTrap, Nth, Then};
pub use bandwidth::Bandwidth;
pub use latency::Latency;
pub use limit_data::LimitData;
pub use noop::Noop;
pub use reset_peer::ResetPeer;
pub use slicer::Slicer;
pub use slow_close::SlowClose;
pub use timeout::Timeout;

use crate::toxic::{Effect, Kind};

/// Every kind of toxic, by name.
pub const ALL: &[&Kind] = &[
    AmqpSilence::KIND,
    AmqpTrap::KIND,
    Bandwidth::KIND,
    Latency::KIND,
    LimitData::KIND,
    Noop::KIND,
    ResetPeer::KIND,
    Slicer::KIND,
    SlowClose::KIND,
    Timeout::KIND,
];

/// The kind called `name`.
pub fn find(name: &str) -> Option<&'static Kind> {
    ALL.iter().copied().find(|kind| kind.name == name)
}

#[cfg(test)]
pub(crate) mod testing {
    use bytes::Bytes;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;
    use tokio::time::Instant;

    use crate::toxic::{End, Front, Payload};

    pub(crate) fn rng() -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(7)
    }

    pub(crate) fn bytes(len: usize, arrived: Instant) -> Front {
        Front {
            payload: Payload::Data(Bytes::from(vec![7; len])),
            arrived,
        }
    }

    pub(crate) fn end(end: End, arrived: Instant) -> Front {
        Front {
            payload: Payload::End(end),
            arrived,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The least that a kind wants to be told.
    fn least(kind: &Kind) -> Value {
        match kind.name {
            "amqp_trap" => json!({"method": "queue.declare", "then": "hold"}),
            _ => json!({}),
        }
    }

    #[test]
    fn kinds_are_sorted_and_unique_and_readable_from_the_least() {
        assert!(ALL.is_sorted_by(|a, b| a.name < b.name));
        for kind in ALL {
            let effect = kind.effect(least(kind)).unwrap();
            assert_eq!(effect.kind().name, kind.name);
            assert!(find(kind.name).is_some());
        }
        assert!(find("no_such_toxic").is_none());
    }

    #[test]
    fn parameters_come_back_as_they_went() {
        for kind in ALL {
            let mut attributes = kind.effect(least(kind)).unwrap().attributes();
            // What a trap has seen is no parameter.
            let numbers = attributes.as_object_mut().unwrap().iter_mut();
            let numbers = numbers.filter(|(name, value)| value.is_u64() && *name != "seen");
            for (number, (_, value)) in (41..).zip(numbers) {
                *value = number.into();
            }
            assert_eq!(
                kind.effect(attributes.clone()).unwrap().attributes(),
                attributes
            );
        }
    }

    #[test]
    fn negative_and_fractional_parameters_are_refused() {
        for bad in [
            serde_json::json!({"latency": -1}),
            serde_json::json!({"latency": 1.5}),
            serde_json::json!({"latency": "1"}),
        ] {
            assert!(Latency::KIND.effect(bad).is_err());
        }
    }
}
