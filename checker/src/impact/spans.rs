//! Spans of positions that can be asked which of them meet another.

use crate::position::Position;

/// Spans with something attached to each.
pub(super) struct Spans<T> {
    /// In the order of their beginnings: beginning, end, and the latest end up to here.
    spans: Vec<(Position, Position, Position)>,
    attached: Vec<T>,
}

impl<T> Spans<T> {
    /// From `(beginning, end, what is attached)`, in any order.
    pub(super) fn new(spans: impl IntoIterator<Item = (Position, Position, T)>) -> Self {
        let mut all: Vec<_> = spans.into_iter().collect();
        all.sort_by_key(|(begin, end, _)| (*begin, *end));
        let mut latest = 0;
        let mut spans = Vec::with_capacity(all.len());
        let mut attached = Vec::with_capacity(all.len());
        for (begin, end, what) in all {
            latest = end.max(latest);
            spans.push((begin, end, latest));
            attached.push(what);
        }
        Self { spans, attached }
    }

    /// What is attached to those that begin before `until` and end after `from`.
    pub(super) fn meeting(&self, from: Position, until: Position) -> impl Iterator<Item = &T> {
        let first = self.spans.partition_point(|(_, _, latest)| *latest <= from);
        let met = self.spans[first..].iter().zip(&self.attached[first..]);
        met.take_while(move |((begin, ..), _)| *begin < until)
            .filter(move |((_, end, _), _)| *end > from)
            .map(|(_, what)| what)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn those_that_meet_are_found(
            spans in prop::collection::vec((0..20_u32, 0..20_u32), 0..12),
            from in 0..20_u32,
            until in 0..20_u32,
        ) {
            let numbered = || spans.iter().zip(0..).map(|((begin, length), number)| (*begin, begin + length, number));
            let mut met: Vec<usize> = Spans::new(numbered()).meeting(from, until).copied().collect();
            met.sort_unstable();
            let meets = |(begin, end, _): &(u32, u32, usize)| *begin < until && *end > from;
            let expected: Vec<usize> = numbered().filter(meets).map(|(_, _, number)| number).collect();
            prop_assert_eq!(met, expected);
        }
    }
}
