//! Where a run stands.

use crate::watch::Watch;

/// The phases of a run, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// The workload runs, and the nemesis with it.
    #[default]
    Running,
    /// The time is up, and nothing new breaks; what is broken is mended, while the workload goes on.
    Healing,
    /// Everything has healed: what is held is given back, and every lock is
    /// granted once more.
    Finishing,
    /// Everybody leaves after the operation at hand.
    Stopping,
}

/// Tells everybody where the run stands.
#[derive(Debug, Default)]
pub(crate) struct Phases(Watch<Phase>);

impl Phases {
    /// The phase now.
    pub(crate) fn now(&self) -> Phase {
        self.0.see(|now| *now)
    }

    /// Goes on to a phase; there is no way back.
    pub(crate) fn advance(&self, phase: Phase) {
        self.0.change(|now| *now = phase.max(*now));
    }

    /// Returns as soon as the run has gone on from `phase`.
    pub(crate) async fn left(&self, phase: Phase) {
        self.0.when(|now| *now > phase).await;
    }

    /// Returns as soon as the run has come to `phase`.
    pub(crate) async fn reached(&self, phase: Phase) {
        self.0.when(|now| *now >= phase).await;
    }
}
