//! What has to recover once a fault has healed.

use std::fmt;
use std::time::Duration;

/// What has to recover once a fault has healed, beside the clients that it struck: a lock cannot be had
/// again before. The greater takes longer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Recovery {
    /// Nothing: the service was there all the time.
    #[default]
    Nothing,
    /// The broker was started again, and its clients must find it.
    Broker,
    /// The nodes of a cluster must find each other, and agree on what was decided meanwhile.
    Cluster,
}

impl Recovery {
    /// How long that may take.
    #[must_use]
    pub const fn within(self) -> Duration {
        Duration::from_secs(match self {
            Self::Nothing => 0,
            Self::Broker => 5,
            // Nodes tick every 5 s: a minority was seen to stop serving only 19 s after a cut.
            Self::Cluster => 15,
        })
    }
}

impl fmt::Display for Recovery {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Nothing => "nothing",
            Self::Broker => "the broker, which its clients must find again",
            Self::Cluster => "the nodes of the cluster, which must find each other again",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greater_takes_longer() {
        let all = [Recovery::Nothing, Recovery::Broker, Recovery::Cluster];
        assert!(all.is_sorted());
        assert!(
            all.map(Recovery::within)
                .is_sorted_by(|one, other| one < other)
        );
    }

    #[test]
    fn what_is_started_again_has_to_recover_and_what_was_there_has_not() {
        let recovery = |name| crate::find(name).expect("a fault").recovery();
        assert_eq!(recovery("partition"), Recovery::Nothing);
        assert_eq!(recovery("broker-pause"), Recovery::Nothing);
        assert_eq!(
            [recovery("kill"), recovery("restart")],
            [Recovery::Broker; 2]
        );
        let of_nodes = ["split", "kill-node", "pause-node", "leave-join"];
        assert_eq!(of_nodes.map(recovery), [Recovery::Cluster; 4]);
    }
}
