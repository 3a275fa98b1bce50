//! The workload `semaphore`: as `mutex`, but as many clients may hold each key as it has slots.

use rand_chacha::ChaCha8Rng;

use crate::audit::Audit;
use crate::holder::Holder;
use crate::workload::Needs;
use crate::{Client, Params, Workload};

/// Clients that want one of a few locks, each of which several may hold.
pub(crate) struct Semaphore;

impl Workload for Semaphore {
    fn name(&self) -> &'static str {
        "semaphore"
    }

    fn summary(&self) -> &'static str {
        "acquire, hold for a while and verify now and then, release; at most so many clients may hold each key as it has slots"
    }

    fn default_lock(&self) -> &'static str {
        "persistent-semaphore"
    }

    fn questions(&self) -> &'static [&'static str] {
        &[
            "confirmed-exclusion",
            "exclusion",
            "slot-exclusion",
            "progress",
        ]
    }

    fn judges(&self) -> &'static [&'static str] {
        &[
            "confirmed-exclusion",
            "exclusion",
            "overlap",
            "ownership",
            "slot-exclusion",
            "progress",
        ]
    }

    fn needs(&self) -> Needs {
        Needs::Slots
    }

    fn slots(&self) -> u32 {
        3
    }

    fn crew(&self, params: &Params, randoms: Vec<ChaCha8Rng>) -> Vec<Box<dyn Client>> {
        let audit = Audit::new(params.key_names(), Some(params.slots));
        let clients = randoms.into_iter().enumerate().map(|(number, random)| {
            let holder = Holder::of_all_slots(params, random, audit.seat(number));
            Box::new(holder) as Box<dyn Client>
        });
        clients.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use history::Function;
    use rand::SeedableRng;

    use super::*;
    use crate::{Feedback, Step};

    #[test]
    fn at_the_end_all_slots_are_held_at_the_same_time() {
        let params = Params {
            concurrency: 3,
            rate_per_second: 20.0,
            keys: 2,
            hold: Duration::from_millis(200),
            verify_every: Duration::from_millis(50),
            slots: 2,
            files_decrements: false,
            burst: false,
        };
        let randoms = (0..3).map(ChaCha8Rng::seed_from_u64).collect();
        let mut crew = Semaphore.crew(&params, randoms);
        let mut last = [Feedback::Ready; 3];
        let mut held = [None, None, None];
        let mut most = std::collections::BTreeMap::<_, usize>::new();
        let mut done = 0;
        for turn in 0..10_000 {
            let number = turn % 3;
            // It comes in the middle of whatever they are doing.
            if turn == 50 {
                most.clear();
            }
            if turn >= 50 {
                crew[number].finish();
            }
            last[number] = match crew[number].next(last[number]) {
                Step::Invoke(Function::Acquire, key) => {
                    let holders = held.iter().filter(|of| **of == Some(key.clone())).count();
                    if holders < 2 {
                        *most.entry(key.clone()).or_default() = holders + 1;
                        held[number] = Some(key);
                        Feedback::Ok
                    } else {
                        Feedback::Fail
                    }
                }
                Step::Invoke(Function::Release, _) => {
                    held[number] = None;
                    Feedback::Ok
                }
                Step::Invoke(..) => Feedback::Ok,
                Step::Done => {
                    done += 1;
                    Feedback::Ready
                }
                _ => Feedback::Ready,
            };
            if done >= 3 {
                break;
            }
        }
        assert_eq!(most.into_values().collect::<Vec<_>>(), [2, 2]);
        assert!(done >= 3 && held.iter().all(Option::is_none));
    }
}
