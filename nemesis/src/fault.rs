//! One way to break the system for a while.

use async_trait::async_trait;
use history::fault::{Class, Evidence, Parameters};

use crate::{
    Clients, Landing, Moment, Need, Parameter, Part, Recovery, Strike, SystemError, Worker,
};

/// One way to break the system for a while.
#[async_trait]
pub trait Fault: Send + Sync {
    /// The name on the command line and in histories.
    fn name(&self) -> &'static str;

    /// What it does to its targets, in one line.
    fn summary(&self) -> &'static str;

    /// What kind of harm it does, and so how a record shows it.
    fn class(&self) -> Class;

    /// What can be set of it.
    fn settable(&self) -> &'static [Parameter] {
        &[]
    }

    /// What else is noted of it in a record, beside its parameters and how long it was planned to
    /// last: what distinguishes it from others of its class.
    fn traits(&self, clients: Clients) -> Parameters {
        let _ = clients;
        Parameters::new()
    }

    /// What of its targets it takes hold of, and lets go when it heals.
    fn parts(&self) -> &'static [Part];

    /// What it needs to be possible at all.
    fn needs(&self) -> Need {
        Need::Nothing
    }

    /// What has to recover once it has healed, before every lock can be had again.
    fn recovery(&self) -> Recovery {
        Recovery::Nothing
    }

    /// Whether it takes a lock only from who has nothing to say meanwhile.
    fn spares_the_busy(&self) -> bool {
        false
    }

    /// What helps where it took no lock away, if that is anything else than to last longer.
    fn helps(&self) -> Option<String> {
        None
    }

    /// Whether locks have more slots while it is in force.
    fn adds_slots(&self) -> bool {
        false
    }

    /// Whether `all` includes it. What only some locks feel, and what destroys the lock itself, is
    /// asked for by name.
    fn is_in_all(&self) -> bool {
        true
    }

    /// Whether it strikes all workers, whomever it was aimed at.
    fn strikes_all(&self) -> bool {
        false
    }

    /// The workers that it strikes, of so many, whomever it was aimed at: all of them, or those of a
    /// node. Nothing where the aim decides.
    fn struck(&self, parameters: &Parameters, workers: usize) -> Option<Vec<Worker>> {
        let _ = parameters;
        self.strikes_all().then(|| (0..workers).collect())
    }

    /// Waits for the moment at which it strikes, and says whom of its targets: all, and at once, where
    /// it waits for nothing. Nothing if the moment does not come.
    async fn moment(&self, strike: &Strike<'_>) -> Result<Option<Moment>, SystemError> {
        Ok(Some(Moment {
            targets: strike.targets.to_vec(),
            evidence: Evidence::new(),
        }))
    }

    /// Breaks the system; the fault is in force when this returns, or has missed.
    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError>;

    /// Does what a fault goes on doing while it is in force, until its time is over.
    async fn sustain(&self, strike: &Strike<'_>) -> Result<(), SystemError> {
        let _ = strike;
        Ok(())
    }

    /// Takes the fault off again, and says what shows that it was on.
    async fn heal(&self, strike: &Strike<'_>) -> Result<Evidence, SystemError> {
        strike.heal_links().await
    }
}
