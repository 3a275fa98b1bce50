//! Spans of positions that can be asked which of them meet another.

use crate::heights::Heights;
use crate::position::Position;

/// Spans with something attached to each.
pub(super) struct Spans<T> {
    /// The beginnings, ascending, with what is attached.
    begun: Vec<(Position, T)>,
    ends: Heights<Position>,
}

impl<T> Spans<T> {
    /// From `(beginning, end, what is attached)`, in any order.
    pub(super) fn new(spans: impl IntoIterator<Item = (Position, Position, T)>) -> Self {
        let mut all: Vec<_> = spans.into_iter().collect();
        all.sort_by_key(|(begin, end, _)| (*begin, *end));
        let ends: Vec<Position> = all.iter().map(|(_, end, _)| *end).collect();
        let begun = all.into_iter().map(|(begin, _, what)| (begin, what));
        Self {
            begun: begun.collect(),
            ends: Heights::new(&ends),
        }
    }

    /// What is attached to those that begin before `until` and end after `from`. What lies between
    /// them is not looked at.
    pub(super) fn meeting(&self, from: Position, until: Position) -> impl Iterator<Item = &T> {
        let next = move |place| {
            let place = self.ends.first_with(from.checked_add(1)?, place)?;
            Some(place).filter(|place| {
                let met = self.begun.get(*place);
                met.is_some_and(|(begin, _)| *begin < until)
            })
        };
        let places = std::iter::successors(next(0), move |place| next(place + 1));
        places.map(|place| &self.begun[place].1)
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
