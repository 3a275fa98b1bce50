//! Mistakes about which slots there are: of those who make them, and of those who remove them all.

use std::time::Duration;

use async_trait::async_trait;
use locks::broker::QueueOptions;
use locks::recipe::queue::ping;
use locks::recipe::slots::{SLOT, Slots, administer, is_refusal};
use locks::recipe::{Recipe, Wire};
use locks::{Action, Answer, Error, PersistentSemaphore};

use crate::mistake::Mistake;

/// As `persistent-semaphore`, but there are other slots than its administrators say.
#[derive(Debug, Clone, Copy)]
pub enum Made {
    /// `expiring-slots`: the slots' queues were given an expiry, so that what is left behind goes
    /// by itself. Nobody declares, consumes or gets from them, so all go.
    Expiring,
    /// `grow-without-look`: grow declares the last slot that there may be, whether it is there
    /// already or those before it are not.
    GrowWithoutLook,
    /// `no-administration-mutex`: administrates without the administration mutex. Two that do the
    /// same at the same time both say that they did it.
    Unguarded,
    /// `destroy-spares-held`: whoever destroys the lock leaves the slots that are held.
    DestroySparesHeld,
}

/// A slot's queue that expires.
const EXPIRING: QueueOptions = QueueOptions {
    expires: Some(Duration::from_secs(2)),
    ..SLOT
};

#[async_trait]
impl Mistake for Made {
    type Original = PersistentSemaphore;

    fn original(&self) -> &PersistentSemaphore {
        &PersistentSemaphore
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Expiring => "expiring-slots",
            Self::GrowWithoutLook => "grow-without-look",
            Self::Unguarded => "no-administration-mutex",
            Self::DestroySparesHeld => "destroy-spares-held",
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            Self::Expiring => "broken: the slots' queues expire",
            Self::GrowWithoutLook => {
                "broken: grow makes the last slot that there may be without looking which there are"
            }
            Self::Unguarded => "broken: administrates without the administration mutex",
            Self::DestroySparesHeld => "broken: destroy leaves the slots that are held",
        }
    }

    fn breaks(&self) -> &'static str {
        "slot-existence"
    }

    async fn administer(
        &self,
        wire: &mut Wire,
        key: &str,
        action: Action,
    ) -> Result<Vec<u32>, Error> {
        match (self, action) {
            (Self::Expiring, Action::Create { .. } | Action::Grow { .. }) => {
                administer(wire, key, EXPIRING, async |slots| slots.act(action).await).await
            }
            (Self::GrowWithoutLook, Action::Grow { most }) => {
                administer(wire, key, SLOT, async |slots| {
                    slots.make(most).await?;
                    Ok(vec![most])
                })
                .await
            }
            (Self::Unguarded, action) => {
                let slots = Slots::without_the_mutex(wire, key, SLOT).await?;
                let done = PersistentSemaphore.act(&slots, action).await;
                if done.as_ref().is_err_and(|error| !is_refusal(error.kind)) {
                    return done.map_err(Error::unsettled);
                }
                wire.keep(slots.channel);
                done
            }
            (Self::DestroySparesHeld, Action::Destroy) => {
                administer(wire, key, SLOT, async |slots| destroy_free(slots).await).await
            }
            _ => PersistentSemaphore.administer(wire, key, action).await,
        }
    }
}

/// Removes the slots that have no holder.
async fn destroy_free(slots: &Slots) -> Result<Vec<u32>, Error> {
    let mut removed = Vec::new();
    for slot in PersistentSemaphore
        .act(slots, Action::Count)
        .await?
        .into_iter()
        .rev()
    {
        if ping(
            &*slots.channel,
            &PersistentSemaphore::holder_queue(&slots.queue(slot)),
        )
        .await?
            == Answer::Lost
        {
            slots.remove(slot).await?;
            removed.insert(0, slot);
        }
    }
    Ok(removed)
}
