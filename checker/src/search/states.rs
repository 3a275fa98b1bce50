//! The states of the object, each kept once and known by its number.

use std::hash::{BuildHasher, Hash};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use super::Reason;
use super::limits::Share;

#[derive(Debug)]
pub(super) struct States<S> {
    states: Vec<S>,
    numbers: HashTable<u32>,
}

/// What the table takes beside a state itself: its number, a byte of control, and room to grow.
const ENTRY_BYTES: usize = 2 * (size_of::<u32>() + 1);

impl<S: Clone + Eq + Hash> States<S> {
    pub(super) fn new() -> Self {
        Self {
            states: Vec::new(),
            numbers: HashTable::new(),
        }
    }

    pub(super) fn get(&self, number: u32) -> &S {
        &self.states[number as usize]
    }

    /// The number of the state; a new one is paid for from the share.
    pub(super) fn number(
        &mut self,
        state: S,
        bytes: usize,
        share: &mut Share<'_>,
    ) -> Result<u32, Reason> {
        let hasher = FxBuildHasher;
        let hash = hasher.hash_one(&state);
        if let Some(known) = self
            .numbers
            .find(hash, |number| self.states[*number as usize] == state)
        {
            return Ok(*known);
        }
        // A vector that grows is twice as large as need be.
        share.take(bytes + size_of::<S>() + ENTRY_BYTES)?;
        let number = u32::try_from(self.states.len()).map_err(|_| Reason::TooLarge)?;
        self.numbers.insert_unique(hash, number, |number| {
            hasher.hash_one(&self.states[*number as usize])
        });
        self.states.push(state);
        Ok(number)
    }
}
