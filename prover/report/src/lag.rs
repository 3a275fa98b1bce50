//! The release lag: how long after a service noticed that a holder is gone another client was granted
//! its lock, and how far that is from when the holder knew.

use checker::{End, Hold, Lock, locks};
use history::History;

use crate::spans::Spans;
use crate::subject::Loss;

/// What followed a loss that a service noticed.
struct Followed {
    /// Until another was granted the lock.
    granted: Option<u64>,
    /// How much later the holder knew; nothing if it knew before, or never did.
    knew_after: Option<u64>,
    /// How much earlier it knew.
    knew_before: Option<u64>,
}

/// How long it took from each noticed loss of a holder.
pub(crate) fn spans(history: &History, losses: &[Loss]) -> Vec<Spans> {
    let locks = locks(history);
    let scene = Scene {
        history,
        locks: &locks,
    };
    let followed: Vec<Followed> = losses
        .iter()
        .filter_map(|loss| scene.follow(loss))
        .collect();
    let of = |part: fn(&Followed) -> Option<u64>| followed.iter().filter_map(part);
    vec![
        Spans::new(
            "release lag",
            "from the moment the service noticed that the holder is gone to the next grant of the same lock to somebody else",
            of(|it| it.granted),
        )
        .out_of(followed.len()),
        Spans::new(
            "holder knew after the service",
            "from the moment the service noticed to the one at which the holder knew: meanwhile others may hold",
            of(|it| it.knew_after),
        )
        .out_of(followed.len()),
        Spans::new(
            "holder knew before the service",
            "from the moment the holder knew to the one at which the service noticed: meanwhile nobody can hold",
            of(|it| it.knew_before),
        )
        .out_of(followed.len()),
    ]
}

struct Scene<'a> {
    history: &'a History,
    locks: &'a [Lock],
}

impl Scene<'_> {
    /// Nothing if the client held no lock that it had not given back.
    fn follow(&self, loss: &Loss) -> Option<Followed> {
        let held = |lock: &'_ Lock| self.held(lock, loss).map(Hold::granted);
        let with = self
            .locks
            .iter()
            .filter_map(|lock| Some((held(lock)?, lock)));
        let (_, lock) = with.max_by_key(|(granted, _)| *granted)?;
        let hold = self.held(lock, loss)?;
        let others = lock
            .holds()
            .iter()
            .filter(|it| it.process() != loss.process);
        let granted = others.map(|it| self.time(it.granted()));
        let next = granted.filter(|at| *at > loss.time_ns).min();
        let is_news = matches!(hold.end(), End::Loss | End::Retired);
        let knew = hold.believed_until().filter(|_| is_news);
        let knew = knew.map(|place| self.time(place));
        Some(Followed {
            granted: next.map(|at| at - loss.time_ns),
            knew_after: knew.and_then(|at| at.checked_sub(loss.time_ns)),
            knew_before: knew
                .and_then(|at| loss.time_ns.checked_sub(at))
                .filter(|it| *it > 0),
        })
    }

    /// The last hold of a client before a loss, unless it had been given back by then.
    fn held<'h>(&self, lock: &'h Lock, loss: &Loss) -> Option<&'h Hold> {
        let mut own = lock.holds().iter().filter(|hold| {
            hold.process() == loss.process && self.time(hold.granted()) <= loss.time_ns
        });
        let last = own.next_back()?;
        let until = last.believed_until().map(|place| self.time(place));
        let is_given_back =
            last.end() == End::Release && until.is_some_and(|at| at <= loss.time_ns);
        (!is_given_back).then_some(last)
    }

    fn time(&self, place: usize) -> u64 {
        self.history.events()[place].time
    }
}

#[cfg(test)]
mod tests {
    use history::{Draft, Function, HistoryBuilder, Kind, Process};

    use super::*;

    /// Worker 0 is granted the lock at 1 s and learns at `knew_s` that it is lost; worker 1 is granted
    /// it at 7 s.
    fn history(knew_s: u64) -> History {
        use Function::{Acquire, Lost};
        let mut events = vec![
            (0, 0, Kind::Invoke, Acquire),
            (1, 0, Kind::Ok, Acquire),
            (2, 1, Kind::Invoke, Acquire),
            (7, 1, Kind::Ok, Acquire),
            (knew_s, 0, Kind::Invoke, Lost),
            (knew_s, 0, Kind::Ok, Lost),
        ];
        events.sort_by_key(|event| event.0);
        let mut builder = HistoryBuilder::default();
        for (at_s, process, kind, function) in events {
            let draft = Draft::new(Process::Client(process), kind, function).on("k");
            let pushed = builder.push(at_s * 1_000_000_000, draft);
            pushed.expect("well-formed");
        }
        builder.finish()
    }

    fn lengths_s(knew_s: u64, at_s: u64, process: u32) -> Vec<Vec<u64>> {
        let loss = Loss {
            time_ns: at_s * 1_000_000_000,
            process,
        };
        let spans = spans(&history(knew_s), &[loss]);
        let seconds = |spans: Spans| spans.lengths.iter().map(|ns| ns / 1_000_000_000).collect();
        spans.into_iter().map(seconds).collect()
    }

    #[test]
    fn lags_count_from_what_the_service_says() {
        assert_eq!(lengths_s(8, 6, 0), [vec![1], vec![2], vec![]]);
        assert_eq!(lengths_s(4, 6, 0), [vec![1], vec![], vec![2]]);
        // Who held nothing lost nothing.
        assert_eq!(lengths_s(4, 6, 1), [vec![], vec![], vec![] as Vec<u64>]);
    }
}
