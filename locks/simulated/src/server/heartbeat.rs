//! The server's patience: two monitors that look at counters at intervals, as RabbitMQ's do, and
//! not at when something happened.

use std::time::Duration;

/// Looks at a counter at intervals.
#[derive(Debug, Default)]
pub(super) struct Monitor {
    seen: u64,
    unchanged: u32,
}

impl Monitor {
    /// Looks again: whether the counter has stood still, and had done so `threshold` times before.
    pub(super) fn is_still(&mut self, count: u64, threshold: u32) -> bool {
        if count != self.seen {
            self.seen = count;
            self.unchanged = 0;
            return false;
        }
        if self.unchanged < threshold {
            self.unchanged += 1;
            return false;
        }
        self.unchanged = 0;
        true
    }
}

/// How often the server looks whether it has sent anything; it sends a heartbeat where it has not.
pub(super) fn sending_interval(heartbeat_secs: u16) -> Duration {
    receiving_interval(heartbeat_secs) / 2
}

/// How often the server looks whether it has received anything; it gives the client up where it has
/// not, twice.
pub(super) fn receiving_interval(heartbeat_secs: u16) -> Duration {
    Duration::from_secs(heartbeat_secs.into())
}

/// The threshold for sending.
pub(super) const SENDING: u32 = 0;
/// The threshold for giving up.
pub(super) const RECEIVING: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_noticed_at_the_third_look() {
        let mut monitor = Monitor::default();
        assert!(!monitor.is_still(5, RECEIVING));
        assert!(!monitor.is_still(6, RECEIVING), "something came");
        assert!(!monitor.is_still(6, RECEIVING), "nothing came, once");
        assert!(monitor.is_still(6, RECEIVING), "nothing came, twice");
    }

    #[test]
    fn an_idle_sender_sends_at_every_other_look() {
        let mut monitor = Monitor::default();
        let mut sent = 10;
        let mut beats = 0;
        for _ in 0..8 {
            if monitor.is_still(sent, SENDING) {
                sent += 1;
                beats += 1;
            }
        }
        assert_eq!(beats, 4);
    }
}
