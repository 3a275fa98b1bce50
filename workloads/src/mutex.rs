//! The workload `mutex`: acquire, hold for a while and verify now and then, release, again.

use rand_chacha::ChaCha8Rng;

use crate::holder::Holder;
use crate::{Client, Params, Workload};

/// Clients that want one of a few locks, each of which at most one may hold.
pub(crate) struct Mutex;

impl Workload for Mutex {
    fn name(&self) -> &'static str {
        "mutex"
    }

    fn summary(&self) -> &'static str {
        "acquire, hold for a while and verify now and then, release; at most one client may hold each key"
    }

    fn default_lock(&self) -> &'static str {
        "exclusive-queue"
    }

    fn questions(&self) -> &'static [&'static str] {
        &["confirmed-exclusion", "exclusion", "progress"]
    }

    fn judges(&self) -> &'static [&'static str] {
        &[
            "confirmed-exclusion",
            "exclusion",
            "overlap",
            "ownership",
            "fencing",
            "progress",
        ]
    }

    fn crew(&self, params: &Params, randoms: Vec<ChaCha8Rng>) -> Vec<Box<dyn Client>> {
        let client = |random| Box::new(Holder::of_each_key(params, random)) as Box<dyn Client>;
        randoms.into_iter().map(client).collect()
    }
}
