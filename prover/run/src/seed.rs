//! One seed, and the named streams of chance that come of it.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// What decides all chance of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

/// What draws from a stream of its own, so that a change in one place leaves the others as they
/// were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The schedule of the nemesis.
    Schedule,
    /// The proxies.
    Proxy,
    /// The simulated broker and network.
    Simulation,
    /// What a swarm draws instead of taking the defaults.
    Swarm,
    /// The order in which an experiment measures.
    Order,
    /// What statistics draw again.
    Resamples,
    /// What a worker does.
    Worker(u32),
    /// What a lock draws on behalf of a worker.
    Lock(u32),
    /// A random script that simulation and broker are compared by.
    Script(u32),
}

/// Seeds one after the other: `A..B`, without `B`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Seeds(pub Range<u64>);

impl From<Seeds> for String {
    fn from(seeds: Seeds) -> Self {
        seeds.to_string()
    }
}

impl TryFrom<String> for Seeds {
    type Error = NoSeeds;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// A text that names no seeds.
#[derive(Debug, thiserror::Error)]
#[error("write seeds as A..B, with A less than B: 0..1000")]
pub struct NoSeeds;

impl FromStr for Seeds {
    type Err = NoSeeds;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (first, end) = text.split_once("..").ok_or(NoSeeds)?;
        let number = |text: &str| text.parse().map_err(|_| NoSeeds);
        let seeds: Range<u64> = number(first)?..number(end)?;
        if seeds.is_empty() {
            return Err(NoSeeds);
        }
        Ok(Self(seeds))
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}..{}", self.0.start, self.0.end)
    }
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

    /// The seed of each worker's lock.
    pub fn of_locks(self) -> impl Fn(u32) -> u64 {
        move |worker| self.short_stream(Stream::Lock(worker))
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
            Self::Swarm => 4,
            Self::Order => 5,
            Self::Resamples => 6,
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
    fn seeds_are_written_as_a_range() {
        let read = |text: &str| text.parse::<Seeds>().ok();
        assert_eq!(read("3..7"), Some(Seeds(3..7)));
        for wrong in ["", "3", "7..3", "3..3", "a..b", "-1..3", "3..=7"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn streams_differ_from_each_other_and_from_seed_to_seed() {
        let streams = [
            Stream::Schedule,
            Stream::Proxy,
            Stream::Simulation,
            Stream::Swarm,
            Stream::Order,
            Stream::Resamples,
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
        assert_eq!(seen.len(), streams.len() + 1);
        assert_eq!(
            Seed(1).stream(Stream::Schedule),
            Seed(1).stream(Stream::Schedule)
        );
    }
}
