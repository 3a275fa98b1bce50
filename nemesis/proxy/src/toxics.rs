//! The toxics, one file each. A new one is a file here and an entry in [`ALL`].

mod bandwidth;
mod latency;
mod limit_data;
mod noop;
mod reset_peer;
mod slicer;
mod slow_close;
mod timeout;

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
    use serde_json::Value;

    use super::*;

    #[test]
    fn kinds_are_sorted_and_unique_and_readable_from_nothing() {
        assert!(ALL.is_sorted_by(|a, b| a.name < b.name));
        for kind in ALL {
            let effect = kind.effect(Value::Object(serde_json::Map::new())).unwrap();
            assert_eq!(effect.kind().name, kind.name);
            assert!(find(kind.name).is_some());
        }
        assert!(find("no_such_toxic").is_none());
    }

    #[test]
    fn parameters_come_back_as_they_went() {
        for kind in ALL {
            let empty = kind.effect(Value::Object(serde_json::Map::new())).unwrap();
            let mut attributes = empty.attributes();
            let names: Vec<_> = attributes.as_object().unwrap().keys().cloned().collect();
            for (value, name) in (41..).zip(&names) {
                attributes[name] = value.into();
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
