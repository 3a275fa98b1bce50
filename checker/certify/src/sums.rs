//! Numbers along the record, added up once.

/// Numbers at positions; some are not known.
pub(super) struct Sums {
    /// Ascending, each with the sum of the known numbers up to it, and how many are not known.
    sums: Vec<(usize, i128, usize)>,
}

impl Sums {
    pub(super) fn new(numbers: impl Iterator<Item = (usize, Option<usize>)>) -> Self {
        let mut numbers: Vec<_> = numbers.collect();
        numbers.sort_unstable();
        let (mut sum, mut unknown) = (0, 0);
        let sums = numbers.into_iter().map(|(position, number)| {
            sum += number.unwrap_or(0) as i128;
            unknown += usize::from(number.is_none());
            (position, sum, unknown)
        });
        Self {
            sums: sums.collect(),
        }
    }

    /// Of the first so many: the sum, and how many are not known.
    fn of_first(&self, count: usize) -> (i128, usize) {
        let last = count.checked_sub(1).map(|last| self.sums[last]);
        last.map_or((0, 0), |(_, sum, unknown)| (sum, unknown))
    }

    /// The numbers before a position: the sum, and how many are not known.
    pub(super) fn before(&self, position: usize) -> (i128, usize) {
        self.of_first(self.sums.partition_point(|(at, ..)| *at < position))
    }

    /// The same after a position.
    pub(super) fn after(&self, position: usize) -> (i128, usize) {
        let (sum, unknown) = self.of_first(self.sums.len());
        let until = self.sums.partition_point(|(at, ..)| *at <= position);
        let (sum_until, unknown_until) = self.of_first(until);
        (sum - sum_until, unknown - unknown_until)
    }
}
