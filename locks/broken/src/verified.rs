//! Mistakes in what a true mutex asks when it is asked whether it is still held.

use async_trait::async_trait;
use locks::broker::Publish;
use locks::recipe::queue::ping;
use locks::recipe::{Hold, Recipe, RecipeSession, Wire};
use locks::{Answer, ClientConfig, Error, ExclusiveQueue, Session};

use crate::mistake::Mistake;

/// As `exclusive-queue`, but its verify proves nothing. Who wakes up after having been taken for
/// dead believes what it says.
#[derive(Debug, Clone, Copy)]
pub enum Verified {
    /// `verify-without-answer`: publishes, and does not wait for the confirm.
    WithoutAnswer,
    /// `verify-elsewhere`: publishes over a connection that it opens for the purpose. That the
    /// queue is there says nothing of whose it is.
    Elsewhere,
}

#[async_trait]
impl Mistake for Verified {
    type Original = ExclusiveQueue;

    fn original(&self) -> &ExclusiveQueue {
        &ExclusiveQueue
    }

    fn name(&self) -> &'static str {
        match self {
            Self::WithoutAnswer => "verify-without-answer",
            Self::Elsewhere => "verify-elsewhere",
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            Self::WithoutAnswer => "broken: verify does not wait for the confirm",
            Self::Elsewhere => "broken: holds the lock on one connection and verifies on another",
        }
    }

    fn breaks(&self) -> &'static str {
        "confirmed-exclusion"
    }

    async fn open(&self, client: &ClientConfig) -> Result<Box<dyn Session>, Error> {
        let verifier = Verifier {
            mistake: *self,
            client: client.clone(),
        };
        RecipeSession::open(verifier, client).await
    }
}

struct Verifier {
    mistake: Verified,
    client: ClientConfig,
}

#[async_trait]
impl Recipe for Verifier {
    async fn take(&self, wire: &mut Wire, key: &str) -> Result<Hold, Error> {
        ExclusiveQueue.take(wire, key).await
    }

    async fn ask(&self, _: &mut Wire, hold: &mut Hold) -> Result<Answer, Error> {
        match self.mistake {
            Verified::WithoutAnswer => {
                hold.channel.send(&hold.queue, &Publish::ping()).await?;
                Ok(Answer::Held)
            }
            Verified::Elsewhere => {
                let connection = self.client.connection().await?;
                let channel = connection.channel().await?;
                channel.confirm_select().await?;
                ping(&*channel, &hold.queue).await
            }
        }
    }

    async fn give_back(&self, wire: &mut Wire, hold: &mut Hold) -> Result<(), Error> {
        ExclusiveQueue.give_back(wire, hold).await
    }
}
