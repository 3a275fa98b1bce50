//! The configurations that the search has seen, packed.

use std::hash::{Hash, Hasher};

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use super::Reason;
use super::limits::Share;

/// Where the search stands: ends passed, operations linearized and not yet ended, the object's
/// state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Configuration {
    /// How many ends have been passed.
    pub(super) passed: u32,
    /// The number of the object's state.
    pub(super) state: u32,
    /// A bit for each slot: whether the operation in it has been linearized.
    pub(super) taken: Vec<u64>,
}

/// How a configuration was reached: from which one, by which move.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    pub(super) parent: u32,
    pub(super) by: Move,
}

/// What the search may do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// Linearize this operation.
    Take(u32),
    /// Let the object fall into this one of the states that it may fall into by itself.
    Revoke(u32),
}

/// Every configuration once, in the order in which they were found.
#[derive(Debug)]
pub(super) struct Configurations {
    /// Words a configuration: one for `passed` and `state`, the rest for `taken`.
    width: usize,
    chunks: Vec<Vec<u64>>,
    origins: Vec<Option<Origin>>,
    numbers: HashTable<u32>,
}

/// Configurations a chunk: a power of two, so that growing needs no copying and finding no
/// division.
const CHUNK: usize = 1 << 10;

impl Configurations {
    pub(super) fn new(slots: usize) -> Self {
        let width = 1 + slots.div_ceil(64);
        Self {
            width,
            chunks: Vec::new(),
            origins: Vec::new(),
            numbers: HashTable::new(),
        }
    }

    /// The number of the configuration if it is new.
    pub(super) fn insert(
        &mut self,
        configuration: &Configuration,
        origin: Option<Origin>,
        share: &mut Share<'_>,
    ) -> Result<Option<u32>, Reason> {
        let head = head(configuration);
        let hash = hash(head, &configuration.taken);
        let same = |number: &u32| {
            let (first, taken) = self.words(*number);
            first == head && taken == configuration.taken
        };
        if self.numbers.find(hash, same).is_some() {
            return Ok(None);
        }
        let number = u32::try_from(self.origins.len()).map_err(|_| Reason::TooLarge)?;
        self.reserve(share)?;
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.push(head);
            chunk.extend_from_slice(&configuration.taken);
        }
        self.origins.push(origin);
        let (chunks, width) = (&self.chunks, self.width);
        self.numbers.insert_unique(hash, number, |number| {
            let (head, taken) = words(chunks, width, *number);
            self::hash(head, taken)
        });
        Ok(Some(number))
    }

    pub(super) fn load(&self, number: u32, into: &mut Configuration) {
        let (head, taken) = self.words(number);
        into.passed = (head >> 32) as u32;
        into.state = head as u32;
        into.taken.clear();
        into.taken.extend_from_slice(taken);
    }

    pub(super) fn passed(&self, number: u32) -> u32 {
        (self.words(number).0 >> 32) as u32
    }

    /// The moves that led to the configuration, first to last.
    pub(super) fn way(&self, number: u32) -> Vec<Move> {
        let mut moves = Vec::new();
        let mut at = self.origins[number as usize];
        while let Some(Origin { parent, by }) = at {
            moves.push(by);
            at = self.origins[parent as usize];
        }
        moves.reverse();
        moves
    }

    /// Makes room for one more, paid for from the share before it is taken.
    fn reserve(&mut self, share: &mut Share<'_>) -> Result<(), Reason> {
        if self.origins.len().is_multiple_of(CHUNK) {
            let words = CHUNK * self.width;
            share.take(words * size_of::<u64>())?;
            self.chunks.push(Vec::with_capacity(words));
        }
        if self.origins.len() == self.origins.capacity() {
            let old = self.origins.capacity() * size_of::<Option<Origin>>();
            let more = self.origins.len().max(CHUNK);
            share.take(old + more * size_of::<Option<Origin>>())?;
            self.origins.reserve_exact(more);
            share.give_back(old);
        }
        if self.numbers.len() == self.numbers.capacity() {
            // The table doubles, and its old half is freed after the move; 8 buckets hold 7.
            let old = table_bytes(self.numbers.capacity());
            let more = self.numbers.len().max(CHUNK);
            share.take(table_bytes(self.numbers.len() + more))?;
            let (chunks, width) = (&self.chunks, self.width);
            self.numbers.reserve(more, |number| {
                let (head, taken) = words(chunks, width, *number);
                hash(head, taken)
            });
            share.give_back(old);
        }
        Ok(())
    }

    fn words(&self, number: u32) -> (u64, &[u64]) {
        words(&self.chunks, self.width, number)
    }
}

fn table_bytes(entries: usize) -> usize {
    if entries == 0 {
        0
    } else {
        (entries * 8 / 7).next_power_of_two() * (size_of::<u32>() + 1)
    }
}

fn words(chunks: &[Vec<u64>], width: usize, number: u32) -> (u64, &[u64]) {
    let (chunk, place) = (number as usize / CHUNK, number as usize % CHUNK);
    let words = &chunks[chunk][place * width..][..width];
    (words[0], &words[1..])
}

fn head(configuration: &Configuration) -> u64 {
    u64::from(configuration.passed) << 32 | u64::from(configuration.state)
}

fn hash(head: u64, taken: &[u64]) -> u64 {
    let mut hasher = FxHasher::default();
    head.hash(&mut hasher);
    taken.hash(&mut hasher);
    hasher.finish()
}
