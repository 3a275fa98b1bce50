//! Administering a lock with slots: the slots are queues numbered from 1 upward without gaps, and
//! who changes them holds the administration mutex meanwhile.
//!
//! Whatever is done while the mutex is held goes through the connection that holds it: when the
//! server has taken the mutex back, it takes no more orders from there. A crash in the middle of an
//! action leaves the slots of the moment. Slots are made in ascending and removed in descending
//! order, so that what is left has no gap; where it has one all the same, `overshoot` removes what
//! lies behind it.

use super::Wire;
use super::queue::{EXCLUSIVE, busy, delete, ping};
use crate::broker::{Channel, DeleteOptions, QueueOptions};
use crate::{Action, Answer, ClientConfig, Error, ErrorKind};

/// How many slots are missing in a row where counting ends.
const LOOK_BEYOND: u32 = 4;

/// The queue of a slot that stays.
pub const SLOT: QueueOptions = QueueOptions {
    durable: true,
    max_length: Some(0),
    ..QueueOptions::SHARED
};

/// The slots of one lock, while this client alone administers them.
pub struct Slots {
    /// The channel that administers, and holds the administration mutex.
    pub channel: Box<dyn Channel>,
    /// What all queues of the lock begin with.
    pub name: String,
    /// How a slot's queue is declared.
    slot: QueueOptions,
}

impl Slots {
    /// Takes the administration mutex of a key.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] where another administers the lock.
    async fn lock(wire: &mut Wire, key: &str, slot: QueueOptions) -> Result<Self, Error> {
        let slots = Self::without_the_mutex(wire, key, slot).await?;
        let declared = slots.channel.declare(&mutex(&slots.name), &EXCLUSIVE).await;
        declared.map_err(|error| busy(error, ErrorKind::ResourceLocked))?;
        Ok(slots)
    }

    /// The slots as anybody sees them, who may change them at the same time as others.
    ///
    /// # Errors
    /// Those of [`Wire::channel`].
    pub async fn without_the_mutex(
        wire: &mut Wire,
        key: &str,
        slot: QueueOptions,
    ) -> Result<Self, Error> {
        Ok(Self {
            channel: wire.channel().await?,
            name: wire.client.queue(key),
            slot,
        })
    }

    /// Gives the administration mutex back, and the channel with it.
    async fn unlock(self) -> Result<Box<dyn Channel>, Error> {
        delete(&*self.channel, &mutex(&self.name)).await?;
        Ok(self.channel)
    }

    /// Does what needs nothing but the slots. `slot` of [`administer`] says how new ones are
    /// declared.
    ///
    /// # Errors
    /// [`ErrorKind::PreconditionFailed`] or [`ErrorKind::NotFound`] where the slots are not as the
    /// action needs them, [`ErrorKind::Invalid`] for actions that need more.
    pub async fn act(&self, action: Action) -> Result<Vec<u32>, Error> {
        match action {
            Action::Create { slots } => self.create(slots).await,
            Action::Grow { most } => self.grow(most).await,
            Action::Shrink => self.shrink().await,
            Action::Destroy => self.destroy().await,
            Action::Count => self.count().await,
            Action::Overshoot => self.overshoot().await,
            Action::Wait { .. } | Action::Request => Err(action.unknown_to(&self.name)),
        }
    }

    async fn create(&self, slots: u32) -> Result<Vec<u32>, Error> {
        if self.is_there(1).await? {
            return Err(self.unfit("exists already"));
        }
        for slot in 1..=slots {
            self.make(slot).await?;
        }
        Ok((1..=slots).collect())
    }

    async fn grow(&self, most: u32) -> Result<Vec<u32>, Error> {
        let slot = self.last().await? + 1;
        if slot > most {
            return Err(self.unfit(&format!("has {most} slots already")));
        }
        self.make(slot).await?;
        Ok(vec![slot])
    }

    async fn shrink(&self) -> Result<Vec<u32>, Error> {
        let slot = self.removable().await?;
        self.remove(slot).await?;
        Ok(vec![slot])
    }

    /// The slot that a decrement removes: the last, but never the lock with it.
    ///
    /// # Errors
    /// [`ErrorKind::PreconditionFailed`] where there is one slot only, [`ErrorKind::NotFound`]
    /// where there is none.
    pub async fn removable(&self) -> Result<u32, Error> {
        match self.last().await? {
            1 => Err(self.unfit("has one slot only: destroy it instead")),
            slot => Ok(slot),
        }
    }

    async fn destroy(&self) -> Result<Vec<u32>, Error> {
        let mut slots = self.count().await?;
        for slot in slots.iter().rev() {
            self.remove(*slot).await?;
        }
        if slots.is_empty() {
            return Err(self.not_there());
        }
        slots.sort_unstable();
        Ok(slots)
    }

    async fn count(&self) -> Result<Vec<u32>, Error> {
        let mut found = Vec::new();
        let (mut slot, mut missing) = (1, 0);
        while missing < LOOK_BEYOND {
            if self.is_there(slot).await? {
                found.push(slot);
                missing = 0;
            } else {
                missing += 1;
            }
            slot += 1;
        }
        Ok(found)
    }

    async fn overshoot(&self) -> Result<Vec<u32>, Error> {
        let found = self.count().await?;
        let behind: Vec<u32> = (1..)
            .zip(found)
            .filter(|(place, slot)| place != slot)
            .map(|(_, slot)| slot)
            .collect();
        for slot in behind.iter().rev() {
            self.remove(*slot).await?;
        }
        Ok(behind)
    }

    /// The last slot before the first gap.
    async fn last(&self) -> Result<u32, Error> {
        let mut slot = 0;
        while self.is_there(slot + 1).await? {
            slot += 1;
        }
        if slot == 0 {
            return Err(self.not_there());
        }
        Ok(slot)
    }

    /// Whether the slot is there.
    ///
    /// # Errors
    /// Those of [`ping`].
    pub async fn is_there(&self, slot: u32) -> Result<bool, Error> {
        let asked = ping(&*self.channel, &self.queue(slot)).await?;
        Ok(asked == Answer::Held)
    }

    /// Makes the slot.
    ///
    /// # Errors
    /// Those of declaring its queue.
    pub async fn make(&self, slot: u32) -> Result<(), Error> {
        self.channel
            .declare(&self.queue(slot), &self.slot)
            .await
            .map(drop)
    }

    /// Removes the slot, whether it is there or not.
    ///
    /// # Errors
    /// Those of deleting its queue.
    pub async fn remove(&self, slot: u32) -> Result<(), Error> {
        let options = DeleteOptions::default();
        self.channel
            .delete(&self.queue(slot), &options)
            .await
            .map(drop)
    }

    /// The queue that is a slot.
    #[must_use]
    pub fn queue(&self, slot: u32) -> String {
        slot_queue(&self.name, slot)
    }

    /// The error of a lock that is not as an action needs it.
    #[must_use]
    pub fn unfit(&self, why: &str) -> Error {
        Error::new(
            ErrorKind::PreconditionFailed,
            format!("{} {why}", self.name),
        )
    }

    fn not_there(&self) -> Error {
        let text = format!("{} has no slots: create it first", self.name);
        Error::new(ErrorKind::NotFound, text)
    }
}

/// Does something while the administration mutex is held. An action that went wrong may have done a
/// part of its work: only the end of the session settles that nothing more comes of it.
///
/// # Errors
/// [`ErrorKind::Busy`] where another administers the lock; the action's own where it changed
/// nothing; [`ErrorKind::GivenUp`], or another of unknown outcome, where it may have.
pub async fn administer(
    wire: &mut Wire,
    key: &str,
    slot: QueueOptions,
    act: impl AsyncFnOnce(&Slots) -> Result<Vec<u32>, Error>,
) -> Result<Vec<u32>, Error> {
    let slots = Slots::lock(wire, key, slot).await?;
    let done = act(&slots).await;
    let unlocked = slots.unlock().await;
    match (done, unlocked) {
        (Ok(done), Ok(channel)) => {
            wire.keep(channel);
            Ok(done)
        }
        // What it says of itself it says without having changed anything.
        (Err(error), Ok(channel)) if is_refusal(error.kind) => {
            wire.keep(channel);
            Err(error)
        }
        (Ok(_), Err(error)) | (Err(error), _) => Err(error.unsettled()),
    }
}

/// Whether this is what an action says of itself without having changed anything.
#[must_use]
pub fn is_refusal(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::PreconditionFailed | ErrorKind::NotFound | ErrorKind::NothingRequested
    )
}

/// The queue that is a slot of the lock whose queues begin so.
#[must_use]
pub fn slot_queue(name: &str, slot: u32) -> String {
    format!("{name}-{slot}-A")
}

fn mutex(name: &str) -> String {
    format!("{name}-administration")
}

/// Declares the queues of the slots.
pub(crate) async fn create(client: &ClientConfig, key: &str, slots: u32) -> Result<(), Error> {
    let connection = client.connection().await?;
    let channel = connection.channel().await?;
    for slot in 1..=slots {
        channel
            .declare(&slot_queue(&client.queue(key), slot), &SLOT)
            .await?;
    }
    connection.close().await
}

/// Why no slot was free, when the first so many exist and were found held.
#[must_use]
pub fn none_free(key: &str, slots: u32) -> Error {
    match slots {
        0 => Error::new(
            ErrorKind::NotFound,
            format!("{key} has no slots: create it first"),
        ),
        1 => Error::new(ErrorKind::Busy, format!("the only slot of {key} is held")),
        _ => Error::new(
            ErrorKind::NoSlot,
            format!("all {slots} slots of {key} were found held"),
        ),
    }
}
