//! How many operations ended when: the rate over time.

use std::collections::BTreeMap;

use history::{Function, History};

use crate::axis::round_step;
use crate::ending::Ending;

/// Columns of a plot of rates, at most.
const COLUMNS: u64 = 120;

/// Counts of one function and outcome, column by column.
#[derive(Debug)]
pub(crate) struct Rate {
    pub(crate) function: Function,
    pub(crate) ending: Ending,
    /// (begin of the column, operations that ended in it); a column without any is there too.
    pub(crate) points: Vec<(u64, u64)>,
}

/// The rates of all operations that have an end, by function and outcome, and the width of the
/// columns in nanoseconds.
pub(crate) fn rates(history: &History) -> (u64, Vec<Rate>) {
    let end = history.events().last().map_or(0, |last| last.time);
    let width = round_step(end.div_ceil(COLUMNS).max(1));
    let columns = (end / width + 1) as usize;
    let mut counts: BTreeMap<(Function, Ending), Vec<u64>> = BTreeMap::new();
    for operation in history.operations() {
        let Some(end) = operation.end else { continue };
        if operation.invoke.function == Function::Lost {
            continue;
        }
        let kind = (operation.invoke.function.clone(), Ending::of(operation.end));
        let of_kind = counts.entry(kind).or_insert_with(|| vec![0; columns]);
        of_kind[(end.time / width) as usize] += 1;
    }
    let rate = |((function, ending), counts): ((Function, Ending), Vec<u64>)| Rate {
        function,
        ending,
        points: (0..)
            .zip(counts)
            .map(|(column, count)| (column * width, count))
            .collect(),
    };
    (width, counts.into_iter().map(rate).collect())
}

#[cfg(test)]
mod tests {
    use history::{Draft, HistoryBuilder, Kind, Process};

    use super::*;

    #[test]
    fn operations_are_counted_where_they_end() {
        let mut builder = HistoryBuilder::default();
        let draft = |kind| Draft::new(Process::Client(0), kind, Function::Read);
        for second in 0..120 {
            let time = second * 1_000_000_000;
            builder
                .push(time, draft(Kind::Invoke))
                .expect("well-formed");
            builder
                .push(time + 1, draft(Kind::Ok))
                .expect("well-formed");
        }
        let (width, rates) = rates(&builder.finish());
        assert_eq!(width, 1_000_000_000);
        assert_eq!(rates.len(), 1);
        assert_eq!(rates[0].points.len(), 120);
        assert!(
            rates[0].points.iter().all(|(_, rate)| *rate == 1),
            "{rates:?}"
        );
    }
}
