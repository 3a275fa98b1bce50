//! How far many runs are, and how long the rest will take.

use std::fmt;
use std::time::{Duration, Instant};

/// How far many runs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// So many are done.
    pub done: u64,
    /// So many are left, if none is spared.
    pub left: u64,
    /// How long those that are left will take, if they take as long as the others did; nothing is
    /// known of it before one is done.
    pub time_left: Option<Duration>,
}

/// Where many runs began.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    began: Instant,
    count: u64,
}

impl Stopwatch {
    /// So many runs begin now.
    #[must_use]
    pub fn start(count: u64) -> Self {
        Self {
            began: Instant::now(),
            count,
        }
    }

    /// How far they are, now that so many are done.
    #[must_use]
    pub fn pace(&self, done: u64) -> Pace {
        Pace::of(done, self.count, self.began.elapsed())
    }
}

impl Pace {
    fn of(done: u64, count: u64, elapsed: Duration) -> Self {
        let left = count.saturating_sub(done);
        Self {
            done,
            left,
            time_left: time_left(elapsed, done, left),
        }
    }
}

fn time_left(elapsed: Duration, done: u64, left: u64) -> Option<Duration> {
    let all = elapsed.as_nanos().checked_mul(left.into())?;
    let nanos = all.checked_div(done.into())?;
    u64::try_from(nanos).ok().map(Duration::from_nanos)
}

impl fmt::Display for Pace {
    /// How long the rest will take, in whole seconds: `about 2m 5s left`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.time_left {
            Some(time) => {
                let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
                let time = humantime::format_duration(Duration::from_secs(seconds));
                write!(f, "about {time} left")
            }
            None => f.write_str("time left unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_the_others_did() {
        let pace = Pace::of(4, 10, Duration::from_secs(6));
        assert_eq!((pace.done, pace.left), (4, 6));
        assert_eq!(pace.time_left, Some(Duration::from_secs(9)));
        assert_eq!(pace.to_string(), "about 9s left");
        let last = Pace::of(10, 10, Duration::from_secs(15));
        assert_eq!(last.time_left, Some(Duration::ZERO));
    }

    #[test]
    fn nothing_is_known_before_one_is_done_nor_where_it_never_ends() {
        let first = Pace::of(0, 10, Duration::from_secs(6));
        assert_eq!(first.time_left, None);
        assert_eq!(first.to_string(), "time left unknown");
        let endless = Pace::of(1, u64::MAX, Duration::MAX);
        assert_eq!(endless.time_left, None);
    }
}
