//! One seed, and the named streams of chance that come of it.

use std::fmt;
use std::str::FromStr;

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// What decides all chance of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

/// What draws from a stream of its own, so that a change in one place leaves the others as they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The schedule of the nemesis.
    Schedule,
    /// The proxies.
    Proxy,
    /// The simulated broker and network.
    Simulation,
    /// What a worker does.
    Worker(u32),
    /// What a lock draws on behalf of a worker.
    Lock(u32),
    /// A random script that simulation and broker are compared by.
    Script(u32),
}

impl Seed {
    /// A seed that nobody chose.
    #[must_use]
    pub fn fresh() -> Self {
        // Short enough to be typed by hand.
        Self(u64::from(rand::random::<u32>()))
    }

    /// The seed of a stream.
    #[must_use]
    pub fn stream(self, stream: Stream) -> [u8; 32] {
        let mut random = ChaCha8Rng::seed_from_u64(self.0);
        random.set_stream(stream.number());
        let mut seed = [0; 32];
        random.fill_bytes(&mut seed);
        seed
    }

    /// The seed of a stream, for those who take 64 bits.
    #[must_use]
    pub fn short_stream(self, stream: Stream) -> u64 {
        ChaCha8Rng::from_seed(self.stream(stream)).next_u64()
    }
}

impl Stream {
    fn number(self) -> u64 {
        match self {
            Self::Schedule => 1,
            Self::Proxy => 2,
            Self::Simulation => 3,
            Self::Worker(number) => 1 << 32 | u64::from(number),
            Self::Lock(number) => 2 << 32 | u64::from(number),
            Self::Script(number) => 3 << 32 | u64::from(number),
        }
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl FromStr for Seed {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_from_each_other_and_from_seed_to_seed() {
        let streams = [
            Stream::Schedule,
            Stream::Proxy,
            Stream::Simulation,
            Stream::Worker(0),
            Stream::Worker(1),
            Stream::Lock(0),
            Stream::Script(0),
        ];
        let mut seen: Vec<_> = streams
            .iter()
            .map(|stream| Seed(1).stream(*stream))
            .collect();
        seen.push(Seed(2).stream(Stream::Schedule));
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 8);
        assert_eq!(
            Seed(1).stream(Stream::Schedule),
            Seed(1).stream(Stream::Schedule)
        );
    }
}
