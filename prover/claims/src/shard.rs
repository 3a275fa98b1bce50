//! One of several machines that divide the work.

use std::fmt;
use std::str::FromStr;

use run::seed::Seeds;
use serde::{Deserialize, Serialize};

/// The part that one of several machines does: `2/4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Shard {
    /// Which, from 1 on.
    pub index: u64,
    /// How many there are.
    pub count: u64,
}

/// A text that names no shard.
#[derive(Debug, thiserror::Error)]
#[error("write a shard as I/N, with I from 1 to N: 2/4")]
pub struct NoShard;

impl Shard {
    /// All of the work.
    pub const WHOLE: Self = Self { index: 1, count: 1 };

    /// A shard by its number, from 1 on.
    ///
    /// # Errors
    /// There is none of that number.
    pub fn new(index: u64, count: u64) -> Result<Self, NoShard> {
        if index == 0 || index > count {
            return Err(NoShard);
        }
        Ok(Self { index, count })
    }

    /// Whether a piece of work that cannot be divided is its own; `place` is its place among all.
    #[must_use]
    pub fn has(self, place: usize) -> bool {
        place as u64 % self.count == self.index - 1
    }

    /// Its own of these seeds.
    pub fn of_seeds(self, seeds: &Seeds) -> impl Iterator<Item = u64> + use<> {
        let own = seeds.0.clone().skip((self.index - 1) as usize);
        own.step_by(self.count as usize)
    }
}

impl FromStr for Shard {
    type Err = NoShard;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (index, count) = text.split_once('/').ok_or(NoShard)?;
        let number = |text: &str| text.parse().map_err(|_| NoShard);
        Self::new(number(index)?, number(count)?)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_and_every_piece_is_in_one_shard() {
        let seeds = Seeds(3..20);
        for count in [1, 2, 4, 30] {
            let shards = (1..=count).map(|index| Shard::new(index, count).expect("a shard"));
            let mut all: Vec<u64> = shards
                .clone()
                .flat_map(|one| one.of_seeds(&seeds))
                .collect();
            all.sort_unstable();
            assert_eq!(all, seeds.0.clone().collect::<Vec<_>>());
            for place in 0..7 {
                assert_eq!(shards.clone().filter(|one| one.has(place)).count(), 1);
            }
        }
    }

    #[test]
    fn a_shard_is_one_of_so_many() {
        assert_eq!("2/4".parse::<Shard>().expect("a shard").to_string(), "2/4");
        for text in ["0/4", "5/4", "1", "a/b", "1/0", "-1/2"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
