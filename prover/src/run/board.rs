//! Who acts under which process number, and who believes to hold a lock: what the nemesis looks at to choose its targets.

use super::observed::Observed;

/// One worker's entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The number under which the worker acts now.
    pub process: u32,
    /// Whether it believes to hold a lock.
    pub holds: bool,
    /// Whether it is in the middle of administering one.
    pub administers: bool,
}

/// The entries of all workers.
#[derive(Debug)]
pub struct Board(Observed<Vec<Seat>>);

impl Board {
    /// Workers `0..workers`, none of which holds anything.
    #[must_use]
    pub fn new(workers: u32) -> Self {
        let seat = |process| Seat {
            process,
            holds: false,
            administers: false,
        };
        Self(Observed::new((0..workers).map(seat).collect()))
    }

    /// Notes what a worker does now.
    pub fn set(&self, worker: usize, seat: Seat) {
        self.0.change(|seats| seats[worker] = seat);
    }

    /// The number under which a worker acts now.
    #[must_use]
    pub fn process(&self, worker: usize) -> u32 {
        self.0.see(|seats| seats[worker].process)
    }

    /// The workers of which something is so now.
    #[must_use]
    pub fn those(&self, is_so: fn(&Seat) -> bool) -> Vec<usize> {
        self.0.see(|seats| {
            (0..seats.len())
                .filter(|worker| is_so(&seats[*worker]))
                .collect()
        })
    }

    /// Returns as soon as it is so of somebody.
    pub async fn somebody(&self, is_so: fn(&Seat) -> bool) {
        self.0.when(|seats| seats.iter().any(is_so)).await;
    }
}
