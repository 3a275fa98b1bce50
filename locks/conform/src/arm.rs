//! The two that are compared: a simulated broker under virtual time, and a running one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use locks::broker::{Broker, ConnectOptions};
use simulated::Simulation;

use crate::pace::Pace;
use crate::player::{PlayError, Stage, play};
use crate::script::{CONNECTIONS, Script};
use crate::transcript::Transcript;

/// How many links a script takes: one for each connection, and one for the observer.
pub const LINKS: usize = CONNECTIONS + 1;

/// Something that plays scripts.
#[async_trait]
pub trait Arm: Send + Sync {
    /// Plays a script, guided by what came of it elsewhere if that is given. `chance` decides what
    /// the script leaves open.
    ///
    /// # Errors
    /// The harness broke down.
    async fn play(
        &self,
        script: &Script,
        chance: u64,
        guide: Option<&Transcript>,
    ) -> Result<Transcript, PlayError>;

    /// The version of the broker, where it is one that has versions.
    fn version(&self) -> Option<&str> {
        None
    }
}

/// A fresh simulation for each script.
#[derive(Clone, Copy, Debug)]
pub struct Simulated {
    surface: fn(Simulation) -> Arc<dyn Broker>,
}

impl Simulated {
    /// The simulation as it is.
    #[must_use]
    pub fn faithful() -> Self {
        Self::through(|simulation| Arc::new(simulation))
    }

    /// The simulation behind something that may change what it says.
    #[must_use]
    pub fn through(surface: fn(Simulation) -> Arc<dyn Broker>) -> Self {
        Self { surface }
    }

    fn stage(self, chance: u64) -> Stage {
        let simulation = Simulation::new(chance, LINKS);
        let connect = |link| ConnectOptions {
            address: Simulation::address(link),
            name: format!("link-{link}"),
            ..ConnectOptions::default()
        };
        Stage {
            broker: (self.surface)(simulation.clone()),
            links: Arc::new(simulation.clone()),
            operator: Some(Arc::new(simulation)),
            connect: (0..LINKS).map(connect).collect(),
            prefix: "conform".to_owned(),
        }
    }
}

#[async_trait]
impl Arm for Simulated {
    async fn play(
        &self,
        script: &Script,
        chance: u64,
        guide: Option<&Transcript>,
    ) -> Result<Transcript, PlayError> {
        let (arm, script, guide) = (*self, script.clone(), guide.cloned());
        let playing = tokio::task::spawn_blocking(move || {
            virtual_time().block_on(async {
                let pace = guide.as_ref().map_or(Pace::Virtual, Pace::Guided);
                play(&arm.stage(chance), &script, pace).await
            })
        });
        playing.await.expect("a script does not panic")
    }
}

fn virtual_time() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without input and output starts")
}

/// A running broker that plays one script at a time.
pub struct Running {
    stage: Stage,
    version: Option<String>,
    played: AtomicU64,
}

impl Running {
    /// A broker of this version, as the stage reaches it. Two that share a broker must differ in
    /// the stage's prefix.
    #[must_use]
    pub fn new(stage: Stage, version: Option<String>) -> Self {
        Self {
            stage,
            version,
            played: AtomicU64::new(0),
        }
    }
}

#[async_trait]
impl Arm for Running {
    async fn play(
        &self,
        script: &Script,
        _chance: u64,
        guide: Option<&Transcript>,
    ) -> Result<Transcript, PlayError> {
        let number = self.played.fetch_add(1, Ordering::Relaxed);
        let stage = Stage {
            prefix: format!("{}-{number}", self.stage.prefix),
            ..self.stage.clone()
        };
        let nothing = Transcript::default();
        play(&stage, script, Pace::Guided(guide.unwrap_or(&nothing))).await
    }

    fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }
}
