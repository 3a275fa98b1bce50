//! The toxics, one file each. A new one is a file here and an entry in [`super::ALL`].

mod bandwidth;
mod latency;
mod limit_data;
mod reset_peer;
mod slicer;
mod slow_close;
mod timeout;

pub use bandwidth::Bandwidth;
pub use latency::Latency;
pub use limit_data::LimitData;
pub use reset_peer::ResetPeer;
pub use slicer::Slicer;
pub use slow_close::SlowClose;
pub use timeout::Timeout;

#[cfg(test)]
pub(crate) mod testing {
    use bytes::Bytes;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;
    use tokio::time::Instant;

    use crate::proxy::toxic::{End, Front, Payload};

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
