//! Mistakes about slots that administrators remove, and about the decrements that remove them.

use std::sync::Mutex;

use async_trait::async_trait;
use locks::broker::DeleteOptions;
use locks::recipe::queue::{EXCLUSIVE, busy, ping};
use locks::recipe::slots::{SLOT, Slots, administer, none_free, slot_queue};
use locks::recipe::{Hold, Recipe, RecipeSession, Wire};
use locks::{
    Action, Answer, ClientConfig, Error, ErrorKind, FiledSemaphore, Kind, Lock,
    PersistentSemaphore, Session,
};

use crate::mistake::{Broken, Mistake};

/// As `persistent-semaphore`, but somebody does not look whether a slot is still there.
#[derive(Debug, Clone, Copy)]
pub enum Removed {
    /// `verify-asks-holder`: verify publishes to the holder's own queue, which stays when the
    /// slot's is removed: the holder never learns it.
    VerifyAsksHolder,
    /// `remembered-slots`: acquire finds out once how many slots there are, and later only which of
    /// them have no holder: removed ones are granted on.
    Remembered,
    /// `impatient-wait`: whoever waits for the holder of a removed slot asks for the slot instead,
    /// and is told that it is gone while its holder goes on.
    ImpatientWait,
}

#[async_trait]
impl Mistake for Removed {
    type Original = PersistentSemaphore;

    fn original(&self) -> &PersistentSemaphore {
        &PersistentSemaphore
    }

    fn name(&self) -> &'static str {
        match self {
            Self::VerifyAsksHolder => "verify-asks-holder",
            Self::Remembered => "remembered-slots",
            Self::ImpatientWait => "impatient-wait",
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            Self::VerifyAsksHolder => {
                "broken: verify asks for the holder's queue, not for the slot's, which may be removed"
            }
            Self::Remembered => "broken: acquire counts the slots once and never again",
            Self::ImpatientWait => {
                "broken: waiting for the holder of a removed slot asks for the slot, not for the holder"
            }
        }
    }

    fn breaks(&self) -> &'static str {
        "slot-removal"
    }

    async fn open(&self, client: &ClientConfig) -> Result<Box<dyn Session>, Error> {
        match self {
            Self::Remembered => RecipeSession::open(Remembering::default(), client).await,
            _ => RecipeSession::open(Broken(*self), client).await,
        }
    }

    async fn ask(&self, wire: &mut Wire, hold: &mut Hold) -> Result<Answer, Error> {
        match self {
            Self::VerifyAsksHolder => ping(&*hold.channel, &hold.queue).await,
            _ => PersistentSemaphore.ask(wire, hold).await,
        }
    }

    async fn administer(
        &self,
        wire: &mut Wire,
        key: &str,
        action: Action,
    ) -> Result<Vec<u32>, Error> {
        match (self, action) {
            (Self::ImpatientWait, Action::Wait { slot }) => {
                administer(wire, key, SLOT, async |slots| {
                    match slots.is_there(slot).await? {
                        false => Ok(vec![slot]),
                        true => Err(slots.unfit("has the slot still")),
                    }
                })
                .await
            }
            _ => PersistentSemaphore.administer(wire, key, action).await,
        }
    }
}

/// A session that has counted the slots of its lock once.
#[derive(Debug, Default)]
struct Remembering {
    slots: Mutex<Option<u32>>,
}

impl Remembering {
    async fn slots(&self, wire: &mut Wire, key: &str) -> Result<u32, Error> {
        let known = *self
            .slots
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(slots) = known {
            return Ok(slots);
        }
        let channel = wire.channel().await?;
        let name = wire.client.queue(key);
        let mut slots = 0;
        while ping(&*channel, &slot_queue(&name, slots + 1)).await? == Answer::Held {
            slots += 1;
        }
        wire.keep(channel);
        if slots == 0 {
            return Err(none_free(key, 0));
        }
        *self
            .slots
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(slots);
        Ok(slots)
    }
}

#[async_trait]
impl Recipe for Remembering {
    async fn take(&self, wire: &mut Wire, key: &str) -> Result<Hold, Error> {
        let slots = self.slots(wire, key).await?;
        let channel = wire.channel().await?;
        let name = wire.client.queue(key);
        for slot in 1..=slots {
            let holder = PersistentSemaphore::holder_queue(&slot_queue(&name, slot));
            if ping(&*channel, &holder).await? == Answer::Held {
                continue;
            }
            let declared = channel.declare(&holder, &EXCLUSIVE).await;
            declared.map_err(|error| busy(error, ErrorKind::ResourceLocked))?;
            return Ok(Hold::of_queue(channel, holder).at(slot));
        }
        wire.keep(channel);
        Err(none_free(key, slots.max(2)))
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
        PersistentSemaphore.administer(wire, key, action).await
    }
}

/// As one of the two semaphores whose decrements are filed, but decrements are lost or done twice.
#[derive(Debug, Clone, Copy)]
pub enum Decrement {
    /// `unguarded-request`: files without holding the administration mutex. Two that file at the
    /// same time both find nothing filed, and both file the same.
    UnguardedRequest,
    /// `decrement-twice`: tries to carry a decrement out again where it has taken long; both trials
    /// take effect.
    Twice,
    /// `decrement-sold-as-once`: the decrement lock is deleted last, so that a crash leaves it to
    /// be carried out again; and it is said that none is done twice.
    SoldAsOnce,
    /// `decrement-sold-as-sure`: the decrement lock goes with its consumer, whatever that has done;
    /// and it is said that none is lost.
    SoldAsSure,
    /// `decrement-of-nothing`: carries out without looking which slot is the last, and so removes
    /// one that is not there.
    OfNothing,
}

#[async_trait]
impl Mistake for Decrement {
    type Original = FiledSemaphore;

    fn original(&self) -> &FiledSemaphore {
        match self {
            Self::UnguardedRequest | Self::SoldAsOnce | Self::OfNothing => {
                &FiledSemaphore::AtLeastOnce
            }
            Self::Twice | Self::SoldAsSure => &FiledSemaphore::AtMostOnce,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::UnguardedRequest => "unguarded-request",
            Self::Twice => "decrement-twice",
            Self::SoldAsOnce => "decrement-sold-as-once",
            Self::SoldAsSure => "decrement-sold-as-sure",
            Self::OfNothing => "decrement-of-nothing",
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            Self::UnguardedRequest => {
                "broken: files decrements without the administration mutex, two as one"
            }
            Self::Twice => "broken: carries a decrement out twice",
            Self::SoldAsOnce => {
                "broken: promises that no decrement is done twice, but a crash leaves it filed"
            }
            Self::SoldAsSure => {
                "broken: promises that no decrement is lost, but a crash takes it along"
            }
            Self::OfNothing => "broken: carries decrements out on a slot that is not there",
        }
    }

    fn kind(&self) -> Kind {
        self.original().kind()
    }

    fn promises(&self) -> Vec<&str> {
        match self.breaks() {
            "no-lost-decrement" => FiledSemaphore::AtLeastOnce.promises(),
            _ => FiledSemaphore::AtMostOnce.promises(),
        }
    }

    fn breaks(&self) -> &'static str {
        match self {
            Self::UnguardedRequest | Self::SoldAsSure | Self::OfNothing => "no-lost-decrement",
            Self::Twice | Self::SoldAsOnce => "no-doubled-decrement",
        }
    }

    async fn administer(
        &self,
        wire: &mut Wire,
        key: &str,
        action: Action,
    ) -> Result<Vec<u32>, Error> {
        let original = self.original();
        match (self, action) {
            (Self::UnguardedRequest, Action::Request) => {
                let slots = Slots::without_the_mutex(wire, key, SLOT).await?;
                let filed = original.file(&slots).await;
                wire.keep(slots.channel);
                filed
            }
            (Self::Twice, Action::Shrink) => {
                administer(wire, key, SLOT, async |slots| {
                    let removed = original.act(slots, action).await?;
                    if let Ok(slot) = slots.removable().await {
                        slots.remove(slot).await?;
                    }
                    Ok(removed)
                })
                .await
            }
            (Self::OfNothing, Action::Shrink) => {
                administer(wire, key, SLOT, async |slots| {
                    original.must_be_filed(slots).await?;
                    let slot = slots.removable().await? + 1;
                    slots.remove(slot).await?;
                    let options = DeleteOptions::default();
                    let filed = FiledSemaphore::decrement_lock(slots);
                    slots.channel.delete(&filed, &options).await?;
                    Ok(vec![slot])
                })
                .await
            }
            _ => original.administer(wire, key, action).await,
        }
    }
}
