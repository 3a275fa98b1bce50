//! What a report is about: all that it says of a run beside what history and judgement say.

use std::num::NonZeroU32;

use serde::Serialize;

/// A run as its reports tell of it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The lock under test.
    pub lock: String,
    /// What the clients did with it.
    pub workload: String,
    /// What the nemesis was allowed to do.
    pub faults: Vec<String>,
    /// How many workers there were: the rows of a timeline.
    pub workers: u32,
    /// How many clients may hold a lock at one time, at most.
    pub slots: NonZeroU32,
    /// Where and when it ran.
    pub setting: Vec<Fact>,
    /// What the verdict does not mean, because of the testbed or of how the run ended; whole
    /// sentences.
    pub bounds: Vec<String>,
    /// How close to simultaneous its bursts were, if it had any.
    pub skew: Option<Skew>,
    /// Whether it is known to be a run of the prover, which its seed repeats; else the history is
    /// judged again.
    pub is_run: bool,
    /// The command that repeats it.
    pub repeat: String,
    /// The command that checks its certificate again, where it has one.
    pub certify: Option<String>,
    /// The numbers of its plan.
    pub plan: Vec<Fact>,
    /// What made it.
    pub origin: Vec<Fact>,
    /// When services noticed that clients are gone.
    pub losses: Vec<Loss>,
    /// Known mistakes that were tried under the same plan, if any were.
    pub mistakes: Option<Vec<Mistake>>,
}

/// A client of which a service noticed that it is gone.
#[derive(Clone, Copy, Debug)]
pub struct Loss {
    /// When, in nanoseconds since the run began.
    pub time_ns: u64,
    /// The client's process.
    pub process: u32,
}

/// A known mistake in place of the lock under test.
#[derive(Clone, Debug, Serialize)]
pub struct Mistake {
    /// The broken lock.
    pub lock: String,
    /// The guarantee that it breaks.
    pub breaks: String,
    /// What became of it, in words.
    pub outcome: String,
}

/// Something known of a run, by its name.
#[derive(Clone, Debug, Serialize)]
pub struct Fact {
    name: &'static str,
    text: String,
}

impl Fact {
    /// A fact and its name.
    pub fn new(name: &'static str, text: impl Into<String>) -> Self {
        Self {
            name,
            text: text.into(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What is known.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The time between the first and the last invocation of a burst, over all bursts of a run.
#[derive(Clone, Copy, Debug)]
pub struct Skew {
    /// How many bursts.
    pub bursts: u64,
    /// Half of them took no longer, in nanoseconds.
    pub median_ns: u64,
    /// All but one in a hundred took no longer, in nanoseconds.
    pub p99_ns: u64,
}
