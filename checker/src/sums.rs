//! Numbers of slots along the record, added up once and asked for again and again.

use crate::position::Position;

/// Numbers of slots at positions, added up.
pub(crate) struct Sums {
    positions: Vec<Position>,
    /// Up to each position, that one included: how many slots, and how many operations that do not
    /// say.
    sums: Vec<(u64, u64)>,
}

impl Sums {
    pub(crate) fn new(listed: impl Iterator<Item = (Position, Option<u64>)>) -> Self {
        let mut listed: Vec<_> = listed.collect();
        listed.sort_unstable();
        let add = |(slots, unlisted): &mut (u64, u64), (_, number): &(Position, Option<u64>)| {
            *slots += number.unwrap_or(0);
            *unlisted += u64::from(number.is_none());
            Some((*slots, *unlisted))
        };
        Self {
            positions: listed.iter().map(|(at, _)| *at).collect(),
            sums: listed.iter().scan((0, 0), add).collect(),
        }
    }

    fn until(&self, count: usize) -> (u64, u64) {
        count.checked_sub(1).map_or((0, 0), |last| self.sums[last])
    }

    /// Before a position: how many slots, and how many operations that do not say.
    pub(crate) fn before(&self, end: Position) -> (u64, u64) {
        self.until(self.positions.partition_point(|at| *at < end))
    }

    /// The same after a position.
    pub(crate) fn after(&self, begin: Position) -> (u64, u64) {
        let (slots, unlisted) = self.until(self.positions.len());
        let before = self.until(self.positions.partition_point(|at| *at <= begin));
        (slots - before.0, unlisted - before.1)
    }
}
