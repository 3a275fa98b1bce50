//! How many of some intervals go on at one moment, at most, between two positions.

use crate::heights::Heights;
use crate::position::Position;

/// The number of intervals that go on, as it changes along the record.
pub(crate) struct Peaks {
    /// Where the number changes.
    positions: Vec<Position>,
    /// The number after each change.
    counts: Heights<usize>,
}

impl Peaks {
    /// Of intervals from their first position to the second, which is not included.
    pub(crate) fn new(intervals: impl Iterator<Item = (Position, Position)>) -> Self {
        let mut steps: Vec<(Position, bool)> = intervals
            .filter(|(begin, end)| begin < end)
            .flat_map(|(begin, end)| [(begin, true), (end, false)])
            .collect();
        steps.sort_unstable();
        let (mut positions, mut counts) = (Vec::new(), Vec::new());
        let mut count = 0;
        for (at, begins) in steps {
            count = if begins { count + 1 } else { count - 1 };
            if positions.last() == Some(&at) {
                counts.pop();
            } else {
                positions.push(at);
            }
            counts.push(count);
        }
        Self {
            counts: Heights::new(&counts),
            positions,
        }
    }

    /// The greatest number at any moment from `begin` to `end`, which is not included.
    pub(crate) fn most(&self, begin: Position, end: Position) -> usize {
        let after = self.positions.partition_point(|at| *at <= begin);
        let until = self.positions.partition_point(|at| *at < end);
        self.counts.most(after.saturating_sub(1), until)
    }

    /// The first position from `begin` on, before `end`, at which so many go on.
    pub(crate) fn first_with(
        &self,
        number: usize,
        begin: Position,
        end: Position,
    ) -> Option<Position> {
        if self.most(begin, begin + 1) >= number {
            return Some(begin);
        }
        let after = self.positions.partition_point(|at| *at <= begin);
        let change = self.counts.first_with(number, after)?;
        self.positions.get(change).copied().filter(|at| *at < end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn the_peak_is_that_of_every_moment(
            ends in prop::collection::vec((0..20_u32, 0..20_u32), 0..8),
            begin in 0..20_u32,
            length in 1..20_u32,
        ) {
            let peaks = Peaks::new(ends.iter().copied());
            let end = begin + length;
            let at = |moment| ends.iter().filter(|(from, until)| *from <= moment && moment < *until).count();
            let most = (begin..end).map(at).max().unwrap_or(0);
            prop_assert_eq!(peaks.most(begin, end), most);
            let first = (begin..end).find(|moment| at(*moment) >= most);
            prop_assert_eq!(peaks.first_with(most, begin, end), first);
        }
    }
}
