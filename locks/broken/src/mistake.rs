//! How a broken lock is written down: as a correct one, and the one step that it gets wrong.

use async_trait::async_trait;
use locks::recipe::{Hold, Recipe, RecipeSession, Wire};
use locks::{Action, Answer, Choice, ClientConfig, Error, Kind, Lock, Session};

/// A mistake in a lock. Whatever is not said otherwise is as in the original.
#[async_trait]
pub(crate) trait Mistake: Copy + Send + Sync + 'static {
    /// The lock that would be correct.
    type Original: Lock + Recipe;

    fn original(&self) -> &Self::Original;

    fn name(&self) -> &'static str;

    fn summary(&self) -> &'static str;

    /// The promise that is not kept.
    fn breaks(&self) -> &'static str;

    fn kind(&self) -> Kind {
        self.original().kind()
    }

    fn promises(&self) -> Vec<&str> {
        self.original().promises()
    }

    async fn create(&self, client: &ClientConfig, key: &str, slots: u32) -> Result<(), Error> {
        self.original().create(client, key, slots).await
    }

    async fn open(&self, client: &ClientConfig) -> Result<Box<dyn Session>, Error> {
        RecipeSession::open(Broken(*self), client).await
    }

    async fn take(&self, wire: &mut Wire, key: &str) -> Result<Hold, Error> {
        self.original().take(wire, key).await
    }

    async fn ask(&self, wire: &mut Wire, hold: &mut Hold) -> Result<Answer, Error> {
        self.original().ask(wire, hold).await
    }

    async fn give_back(&self, wire: &mut Wire, hold: &mut Hold) -> Result<(), Error> {
        self.original().give_back(wire, hold).await
    }

    async fn administer(
        &self,
        wire: &mut Wire,
        key: &str,
        action: Action,
    ) -> Result<Vec<u32>, Error> {
        self.original().administer(wire, key, action).await
    }
}

/// A lock with a mistake.
#[derive(Debug, Clone, Copy)]
pub struct Broken<M>(pub M);

#[async_trait]
impl<M: Mistake> Lock for Broken<M> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn summary(&self) -> &str {
        self.0.summary()
    }

    fn kind(&self) -> Kind {
        self.0.kind()
    }

    fn options(&self) -> &[Choice] {
        self.0.original().options()
    }

    fn promises(&self) -> Vec<&str> {
        self.0.promises()
    }

    fn breaks(&self) -> Option<&str> {
        Some(self.0.breaks())
    }

    fn needs(&self) -> Vec<&str> {
        self.0.original().needs()
    }

    async fn create(&self, client: &ClientConfig, key: &str, slots: u32) -> Result<(), Error> {
        self.0.create(client, key, slots).await
    }

    async fn open(&self, client: &ClientConfig) -> Result<Box<dyn Session>, Error> {
        self.0.open(client).await
    }
}

#[async_trait]
impl<M: Mistake> Recipe for Broken<M> {
    async fn take(&self, wire: &mut Wire, key: &str) -> Result<Hold, Error> {
        self.0.take(wire, key).await
    }

    async fn ask(&self, wire: &mut Wire, hold: &mut Hold) -> Result<Answer, Error> {
        self.0.ask(wire, hold).await
    }

    async fn give_back(&self, wire: &mut Wire, hold: &mut Hold) -> Result<(), Error> {
        self.0.give_back(wire, hold).await
    }

    async fn administer(
        &self,
        wire: &mut Wire,
        key: &str,
        action: Action,
    ) -> Result<Vec<u32>, Error> {
        self.0.administer(wire, key, action).await
    }
}
