//! Persistent semaphores whose decrements are filed: one client asks for a decrement, and whoever
//! shrinks the lock next carries it out. Two locks that differ in what a crash in between does to
//! it.

use async_trait::async_trait;

use crate::broker::{DeleteOptions, QueueOptions};
use crate::options::Choice;
use crate::persistent_semaphore::{NEEDS, OPTIONS};
use crate::recipe::queue::ping;
use crate::recipe::slots::{self, SLOT, Slots, administer};
use crate::recipe::{ALONE, Hold, Recipe, RecipeSession, Wire};
use crate::{
    Action, Answer, ClientConfig, Error, ErrorKind, Kind, Lock, PersistentSemaphore, Session,
};

/// `decrement-at-most-once` and `decrement-at-least-once`: as [`PersistentSemaphore`], but a
/// decrement is filed as a queue, the decrement lock, by `request`.
///
/// `shrink` asks by a publish whether one is filed, becomes the queue's only consumer, removes the
/// last slot, and takes the decrement lock away. A crash between the last two steps leaves the slot
/// removed. What becomes of the decrement lock then makes the difference.
#[derive(Debug, Clone, Copy)]
pub enum FiledSemaphore {
    /// The decrement lock is auto-delete: it goes with its consumer, whatever that has done. A
    /// crash after consuming loses the decrement; none is done twice.
    AtMostOnce,
    /// The decrement lock is durable and deleted last. A crash leaves it to the next, who carries
    /// it out again; none is lost.
    AtLeastOnce,
}

impl FiledSemaphore {
    /// The name of the decrement lock.
    #[must_use]
    pub fn decrement_lock(slots: &Slots) -> String {
        format!("{}-decrement", slots.name)
    }

    /// How the decrement lock is declared.
    const fn filed(self) -> QueueOptions {
        match self {
            Self::AtMostOnce => QueueOptions {
                auto_delete: true,
                max_length: Some(0),
                ..QueueOptions::SHARED
            },
            Self::AtLeastOnce => QueueOptions {
                durable: true,
                max_length: Some(0),
                ..QueueOptions::SHARED
            },
        }
    }

    /// Does what an administrator of such a semaphore can ask.
    ///
    /// # Errors
    /// Those of [`PersistentSemaphore::act`], and [`ErrorKind::NothingRequested`] where no
    /// decrement is filed.
    pub async fn act(self, slots: &Slots, action: Action) -> Result<Vec<u32>, Error> {
        match action {
            Action::Request => self.file(slots).await,
            Action::Shrink => self.carry_out(slots).await,
            action => PersistentSemaphore.act(slots, action).await,
        }
    }

    /// Files a decrement.
    ///
    /// # Errors
    /// [`ErrorKind::PreconditionFailed`] where one is filed already.
    pub async fn file(self, slots: &Slots) -> Result<Vec<u32>, Error> {
        let queue = Self::decrement_lock(slots);
        if ping(&*slots.channel, &queue).await? == Answer::Held {
            return Err(slots.unfit("has a decrement filed already"));
        }
        slots.channel.declare(&queue, &self.filed()).await?;
        Ok(Vec::new())
    }

    /// Makes sure that a decrement is filed.
    ///
    /// # Errors
    /// [`ErrorKind::NothingRequested`] where no decrement is filed.
    pub async fn must_be_filed(self, slots: &Slots) -> Result<(), Error> {
        if ping(&*slots.channel, &Self::decrement_lock(slots)).await? == Answer::Lost {
            let text = format!("{} has no decrement to carry out", slots.name);
            return Err(Error::new(ErrorKind::NothingRequested, text));
        }
        Ok(())
    }

    async fn carry_out(self, slots: &Slots) -> Result<Vec<u32>, Error> {
        self.must_be_filed(slots).await?;
        let (channel, queue) = (&*slots.channel, Self::decrement_lock(slots));
        let slot = slots.removable().await?;
        let consumer = channel.consume(&queue, &ALONE).await?;
        slots.remove(slot).await?;
        match self {
            Self::AtMostOnce => channel.cancel(&consumer.tag).await?,
            Self::AtLeastOnce => {
                let options = DeleteOptions::default();
                channel.delete(&queue, &options).await?;
            }
        }
        Ok(vec![slot])
    }
}

#[async_trait]
impl Lock for FiledSemaphore {
    fn name(&self) -> &str {
        match self {
            Self::AtMostOnce => "decrement-at-most-once",
            Self::AtLeastOnce => "decrement-at-least-once",
        }
    }

    fn summary(&self) -> &str {
        match self {
            Self::AtMostOnce => {
                "persistent semaphore whose decrements are filed: a crash may lose one, none is done twice"
            }
            Self::AtLeastOnce => {
                "persistent semaphore whose decrements are filed: a crash may do one twice, none is lost"
            }
        }
    }

    fn kind(&self) -> Kind {
        Kind::FiledSemaphore
    }

    fn options(&self) -> &[Choice] {
        OPTIONS
    }

    fn promises(&self) -> Vec<&str> {
        match self {
            Self::AtMostOnce => vec![
                "confirmed-exclusion",
                "progress",
                "slot-exclusion",
                "slot-existence",
                "slot-removal",
                "slot-sequence",
                "no-doubled-decrement",
            ],
            Self::AtLeastOnce => vec![
                "confirmed-exclusion",
                "progress",
                "slot-exclusion",
                "slot-existence",
                "slot-removal",
                "slot-sequence",
                "no-lost-decrement",
            ],
        }
    }

    fn needs(&self) -> Vec<&str> {
        NEEDS.to_vec()
    }

    async fn create(&self, client: &ClientConfig, key: &str, slots: u32) -> Result<(), Error> {
        slots::create(client, key, slots).await
    }

    async fn open(&self, client: &ClientConfig) -> Result<Box<dyn Session>, Error> {
        RecipeSession::open(*self, client).await
    }
}

#[async_trait]
impl Recipe for FiledSemaphore {
    async fn take(&self, wire: &mut Wire, key: &str) -> Result<Hold, Error> {
        PersistentSemaphore.take(wire, key).await
    }

    async fn ask(&self, wire: &mut Wire, hold: &mut Hold) -> Result<Answer, Error> {
        PersistentSemaphore.ask(wire, hold).await
    }

    async fn give_back(&self, wire: &mut Wire, hold: &mut Hold) -> Result<(), Error> {
        PersistentSemaphore.give_back(wire, hold).await
    }

    async fn administer(
        &self,
        wire: &mut Wire,
        key: &str,
        action: Action,
    ) -> Result<Vec<u32>, Error> {
        administer(wire, key, SLOT, async |slots| self.act(slots, action).await).await
    }
}
