//! Whom a fault strikes.

use history::fault::Link;
use serde::{Deserialize, Serialize};

use crate::Worker;

/// Whom a fault strikes. `draw` chooses among those that qualify at that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Target {
    /// One worker that holds a lock; any one worker if nobody does in time.
    Holder {
        /// Taken modulo the number of candidates.
        draw: u32,
    },
    /// One worker that waits for a lock that another holds; any one worker if nobody does in time.
    Waiter {
        /// Taken modulo the number of candidates.
        draw: u32,
    },
    /// One worker that has asked for a lock and has no answer yet; any one worker if nobody has in
    /// time.
    Acquiring {
        /// Taken modulo the number of candidates.
        draw: u32,
    },
    /// One worker that is giving a lock back; any one worker if nobody does in time.
    Releasing {
        /// Taken modulo the number of candidates.
        draw: u32,
    },
    /// One worker that is asking whether it still holds; any one worker if nobody does in time.
    Verifying {
        /// Taken modulo the number of candidates.
        draw: u32,
    },
    /// One worker in the middle of administering a lock, a moment after it has begun; any one
    /// worker if nobody does in time.
    Administrator {
        /// Taken modulo the number of candidates; decides the moment, too.
        draw: u32,
    },
    /// One worker.
    Any {
        /// Taken modulo the number of workers.
        draw: u32,
    },
    /// Each worker by the toss of a coin, at least one.
    Random {
        /// One bit a worker, lowest first.
        draw: u32,
    },
    /// All workers.
    All,
    /// These and nobody else.
    Workers(Vec<Worker>),
    /// These nodes of the service, counted from 0.
    Nodes(Vec<u32>),
    /// What these nodes send to each other: `[[0,1],[1,0]]`.
    Links(Vec<Link>),
}

impl Target {
    /// The workers it means among those that can be struck, given who of all is at this moment as
    /// it wants them. Empty only if it names none of them.
    #[must_use]
    pub fn resolve(&self, free: &[Worker], wanted: &[Worker]) -> Vec<Worker> {
        let wanted: Vec<Worker> = wanted
            .iter()
            .copied()
            .filter(|worker| free.contains(worker))
            .collect();
        match self {
            Self::Holder { draw }
            | Self::Waiter { draw }
            | Self::Acquiring { draw }
            | Self::Releasing { draw }
            | Self::Verifying { draw }
            | Self::Administrator { draw }
                if !wanted.is_empty() =>
            {
                pick(&wanted, *draw)
            }
            Self::Holder { draw }
            | Self::Waiter { draw }
            | Self::Acquiring { draw }
            | Self::Releasing { draw }
            | Self::Verifying { draw }
            | Self::Administrator { draw }
            | Self::Any { draw } => pick(free, *draw),
            Self::All => free.to_vec(),
            Self::Random { draw } => toss(free, *draw),
            Self::Workers(chosen) => {
                let is_free = |worker: &&Worker| free.contains(worker);
                chosen.iter().filter(is_free).copied().collect()
            }
            Self::Nodes(_) | Self::Links(_) => Vec::new(),
        }
    }

    /// Whether it wants whoever is about something at that moment.
    #[must_use]
    pub fn wants_somebody(&self) -> bool {
        matches!(
            self,
            Self::Holder { .. }
                | Self::Waiter { .. }
                | Self::Acquiring { .. }
                | Self::Releasing { .. }
                | Self::Verifying { .. }
                | Self::Administrator { .. }
        )
    }

    /// The workers that it names, where it does.
    #[must_use]
    pub fn named(&self) -> Option<&[Worker]> {
        match self {
            Self::Workers(workers) => Some(workers),
            _ => None,
        }
    }

    /// Whether it is the service itself that is struck, not workers.
    #[must_use]
    pub fn is_of_the_service(&self) -> bool {
        matches!(self, Self::Nodes(_) | Self::Links(_))
    }
}

fn pick(candidates: &[Worker], draw: u32) -> Vec<Worker> {
    let position = draw as usize % candidates.len().max(1);
    candidates.get(position).copied().into_iter().collect()
}

fn toss(candidates: &[Worker], draw: u32) -> Vec<Worker> {
    let chosen: Vec<_> = candidates
        .iter()
        .copied()
        .filter(|worker| draw >> (worker % 32) & 1 == 1)
        .collect();
    if chosen.is_empty() {
        pick(candidates, draw)
    } else {
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &[Worker] = &[0, 1, 2, 3, 4];

    #[test]
    fn targets_are_resolved_among_those_that_qualify() {
        assert_eq!(Target::Holder { draw: 7 }.resolve(ALL, &[3]), [3]);
        assert_eq!(Target::Holder { draw: 7 }.resolve(ALL, &[]), [2]);
        assert_eq!(Target::Any { draw: 7 }.resolve(ALL, &[3]), [2]);
        assert_eq!(
            Target::Random { draw: 0b10110 }.resolve(ALL, &[]),
            [1, 2, 4]
        );
        assert_eq!(Target::Random { draw: 0 }.resolve(ALL, &[]), [0]);
        assert_eq!(Target::Any { draw: 7 }.resolve(&[], &[]), [] as [usize; 0]);
        assert_eq!(Target::Workers(vec![1, 9]).resolve(ALL, &[3]), [1]);
    }

    #[test]
    fn nobody_is_struck_who_cannot_be() {
        let free: &[Worker] = &[1, 4];
        assert_eq!(Target::Holder { draw: 1 }.resolve(free, &[0, 4]), [4]);
        assert_eq!(Target::Holder { draw: 1 }.resolve(free, &[0]), [4]);
        assert_eq!(Target::Random { draw: 0b111 }.resolve(free, &[]), [1]);
        assert_eq!(Target::Workers(vec![0, 1]).resolve(free, &[]), [1]);
    }

    #[test]
    fn nodes_and_links_are_written_as_in_histories() {
        let links = Target::Links(vec![Link { from: 0, to: 2 }]);
        for (target, text) in [
            (Target::Nodes(vec![1]), r#"{"nodes":[1]}"#),
            (links, r#"{"links":[[0,2]]}"#),
        ] {
            assert_eq!(serde_json::to_string(&target).expect("JSON"), text);
            assert_eq!(
                serde_json::from_str::<Target>(text).expect("a target"),
                target
            );
            assert!(target.resolve(ALL, ALL).is_empty());
        }
    }
}
