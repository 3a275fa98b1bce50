//! How many of some intervals go on at one moment, at most, between two positions.

use crate::position::Position;

/// The number of intervals that go on, as it changes along the record.
pub(crate) struct Peaks {
    /// Where the number changes.
    positions: Vec<Position>,
    /// A tree: the number after each change in the second half, and in front of them the greatest of
    /// pairs, of pairs of pairs and so on.
    tree: Vec<usize>,
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
            tree: tree(&counts),
            positions,
        }
    }

    fn leaves(&self) -> usize {
        self.tree.len() / 2
    }

    /// The greatest number at any moment from `begin` to `end`, which is not included.
    pub(crate) fn most(&self, begin: Position, end: Position) -> usize {
        let after = self.positions.partition_point(|at| *at <= begin);
        let until = self.positions.partition_point(|at| *at < end);
        let leaves = self.leaves();
        let (mut first, mut last) = (leaves + after.saturating_sub(1), leaves + until);
        let mut most = 0;
        while first < last {
            if first % 2 == 1 {
                most = most.max(self.tree[first]);
                first += 1;
            }
            if last % 2 == 1 {
                last -= 1;
                most = most.max(self.tree[last]);
            }
            first /= 2;
            last /= 2;
        }
        most
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
        let change = self.first_change_with(number, after)?;
        self.positions.get(change).copied().filter(|at| *at < end)
    }

    /// The first change from one on after which so many go on: up from it as long as all beside and
    /// below are too few, and then down again.
    fn first_change_with(&self, number: usize, from: usize) -> Option<usize> {
        let leaves = self.leaves();
        let mut node = leaves + from;
        if from >= leaves {
            return None;
        }
        while self.tree[node] < number {
            node += 1;
            if node.is_power_of_two() {
                return None;
            }
            node >>= node.trailing_zeros();
        }
        while node < leaves {
            node *= 2;
            node += usize::from(self.tree[node] < number);
        }
        Some(node - leaves)
    }
}

fn tree(counts: &[usize]) -> Vec<usize> {
    let leaves = counts.len().next_power_of_two();
    let mut tree = vec![0; 2 * leaves];
    tree[leaves..leaves + counts.len()].copy_from_slice(counts);
    for node in (1..leaves).rev() {
        tree[node] = tree[2 * node].max(tree[2 * node + 1]);
    }
    tree
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
