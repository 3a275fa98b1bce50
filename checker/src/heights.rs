//! Numbers in a row: the greatest of some of them, and the first that is great enough.

/// Numbers in a row.
pub(crate) struct Heights<T> {
    /// A tree: the numbers in the second half, and in front of them the greatest of pairs, of pairs
    /// of pairs and so on.
    tree: Vec<T>,
}

impl<T: Copy + Ord + Default> Heights<T> {
    pub(crate) fn new(heights: &[T]) -> Self {
        let leaves = heights.len().next_power_of_two();
        let mut tree = vec![T::default(); 2 * leaves];
        tree[leaves..leaves + heights.len()].copy_from_slice(heights);
        for node in (1..leaves).rev() {
            tree[node] = tree[2 * node].max(tree[2 * node + 1]);
        }
        Self { tree }
    }

    fn leaves(&self) -> usize {
        self.tree.len() / 2
    }

    /// The greatest from one place to another, that one not included; the default if there is none.
    pub(crate) fn most(&self, from: usize, until: usize) -> T {
        let leaves = self.leaves();
        let (mut first, mut last) = (leaves + from, leaves + until);
        let mut most = T::default();
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

    /// The first place from one on with at least so much: up from it as long as all below are too
    /// few, and then down again.
    pub(crate) fn first_with(&self, height: T, from: usize) -> Option<usize> {
        let leaves = self.leaves();
        if from >= leaves {
            return None;
        }
        let mut node = leaves + from;
        while self.tree[node] < height {
            node += 1;
            if node.is_power_of_two() {
                return None;
            }
            node >>= node.trailing_zeros();
        }
        while node < leaves {
            node *= 2;
            node += usize::from(self.tree[node] < height);
        }
        Some(node - leaves)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn the_greatest_and_the_first_are_found(
            heights in prop::collection::vec(0..9_u32, 0..20),
            from in 0..22_usize,
            length in 0..20_usize,
            least in 1..10_u32,
        ) {
            let tree = Heights::new(&heights);
            let until = (from + length).min(heights.len());
            let most = heights.get(from..until).and_then(|some| some.iter().max());
            prop_assert_eq!(tree.most(from, until), most.copied().unwrap_or(0));
            let first = (from..heights.len()).find(|place| heights[*place] >= least);
            prop_assert_eq!(tree.first_with(least, from), first);
        }
    }
}
