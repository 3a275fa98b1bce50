//! lapin's heartbeat: it looks every half interval, and sooner where something was written since.

use std::time::Duration;

/// The shortest time between two looks.
const SHORTEST: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(super) struct Heartbeat {
    half: Duration,
    last_read: Duration,
    last_write: Duration,
}

/// What a look shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// The server was silent for more than two intervals.
    Missed,
    /// It is time to send one, and to look again after this.
    Send(Duration),
    /// Look again after this.
    Wait(Duration),
}

impl Heartbeat {
    pub(super) fn new(secs: u16, now: Duration) -> Self {
        Self {
            half: Duration::from_millis(u64::from(secs) * 500),
            last_read: now,
            last_write: now,
        }
    }

    pub(super) fn read(&mut self, now: Duration) {
        self.last_read = now;
    }

    pub(super) fn written(&mut self, now: Duration) {
        self.last_write = now;
    }

    pub(super) fn look(&mut self, now: Duration) -> Look {
        if now.saturating_sub(self.last_read) > self.half * 4 {
            return Look::Missed;
        }
        match self.half.checked_sub(now.saturating_sub(self.last_write)) {
            Some(rest) if !rest.is_zero() => Look::Wait(rest.max(SHORTEST)),
            _ => {
                self.last_write = now;
                Look::Send(self.half)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn it_sends_when_nothing_was_written_for_half_an_interval() {
        let mut heartbeat = Heartbeat::new(2, at(0));
        assert_eq!(heartbeat.look(at(0)), Look::Wait(at(1000)));
        heartbeat.written(at(400));
        heartbeat.read(at(900));
        assert_eq!(heartbeat.look(at(1000)), Look::Wait(at(400)));
        assert_eq!(heartbeat.look(at(1400)), Look::Send(at(1000)));
    }

    #[test]
    fn it_gives_up_after_more_than_two_intervals_of_silence() {
        let mut heartbeat = Heartbeat::new(2, at(0));
        assert!(matches!(heartbeat.look(at(4000)), Look::Send(_)));
        assert_eq!(heartbeat.look(at(4001)), Look::Missed);
    }
}
