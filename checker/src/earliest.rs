//! The first of numbered things that lies between two positions.

use crate::position::Position;

/// Things with a number and a position each, entered one after the other.
pub(crate) struct Earliest {
    /// Where anything may lie, ascending.
    positions: Vec<Position>,
    /// The least number at each position, and in front of them those of pairs, of pairs of pairs
    /// and so on; the greatest number there is where nothing was entered.
    least: Vec<usize>,
}

impl Earliest {
    /// Nothing yet; it may be entered at these positions.
    pub(crate) fn new(positions: impl IntoIterator<Item = Position>) -> Self {
        let mut positions: Vec<Position> = positions.into_iter().collect();
        positions.sort_unstable();
        positions.dedup();
        Self {
            least: vec![usize::MAX; 2 * positions.len()],
            positions,
        }
    }

    /// Enters a thing at one of the positions.
    pub(crate) fn enter(&mut self, at: Position, number: usize) {
        let mut node = self.positions.len() + self.before(at);
        while node > 0 {
            self.least[node] = self.least[node].min(number);
            node /= 2;
        }
    }

    /// The least number from one position to another, that one not included.
    pub(crate) fn within(&self, from: Position, until: Position) -> Option<usize> {
        let count = self.positions.len();
        let (mut first, mut last) = (count + self.before(from), count + self.before(until));
        let mut least = usize::MAX;
        while first < last {
            if first % 2 == 1 {
                least = least.min(self.least[first]);
                first += 1;
            }
            if last % 2 == 1 {
                last -= 1;
                least = least.min(self.least[last]);
            }
            first /= 2;
            last /= 2;
        }
        (least != usize::MAX).then_some(least)
    }

    fn before(&self, position: Position) -> usize {
        self.positions.partition_point(|at| *at < position)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn the_first_of_all_between_is_found(
            positions in prop::collection::vec(0..20_u32, 0..12),
            from in 0..21_u32,
            until in 0..21_u32,
        ) {
            let mut earliest = Earliest::new(positions.iter().copied());
            for (number, at) in positions.iter().enumerate().rev() {
                let lies = |at: &u32| (from..until).contains(at);
                let expected = (number + 1..positions.len()).find(|other| lies(&positions[*other]));
                prop_assert_eq!(earliest.within(from, until), expected);
                earliest.enter(*at, number);
            }
        }
    }
}
