//! How many of some intervals go on at one moment, at most, between two positions.

use crate::position::Position;

/// The number of intervals that go on, as it changes along the record.
pub(crate) struct Peaks {
    /// Where the number changes.
    positions: Vec<Position>,
    /// `levels[k][i]`: the greatest number from the change `i` on, over `2^k` changes.
    levels: Vec<Vec<usize>>,
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
        let mut levels = vec![counts];
        let mut width = 1;
        while 2 * width <= positions.len() {
            let below = &levels[levels.len() - 1];
            let pairs = below.iter().zip(&below[width..]);
            let level = pairs.map(|(one, other)| *one.max(other)).collect();
            levels.push(level);
            width *= 2;
        }
        Self { positions, levels }
    }

    /// The greatest number at any moment from `begin` to `end`, which is not included.
    pub(crate) fn most(&self, begin: Position, end: Position) -> usize {
        let after = self.positions.partition_point(|at| *at <= begin);
        let until = self.positions.partition_point(|at| *at < end);
        let first = after.saturating_sub(1);
        if until <= first {
            return 0;
        }
        let level = (until - first).ilog2() as usize;
        let last = until - (1 << level);
        self.levels[level][first].max(self.levels[level][last])
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
        let changes = self.positions[after..].iter().zip(&self.levels[0][after..]);
        let mut until_end = changes.take_while(|(at, _)| **at < end);
        until_end.find_map(|(at, count)| (*count >= number).then_some(*at))
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
