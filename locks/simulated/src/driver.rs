//! The task that lets time pass in the world. tokio's clock moves in whole milliseconds; what
//! happens within one happens in the order of the finer times.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::world::{Progress, World};

/// The world, as its handles share it.
#[derive(Debug)]
pub(super) struct Shared {
    world: Mutex<World>,
    began: Instant,
    /// Tells the driver that something happens sooner than it thinks, or that it is over.
    sooner: Arc<Notify>,
}

impl Shared {
    /// Begins a simulation in the current runtime.
    pub(super) fn begin(world: World) -> Arc<Self> {
        let shared = Arc::new(Self {
            world: Mutex::new(world),
            began: Instant::now(),
            sooner: Arc::default(),
        });
        tokio::spawn(drive(Arc::downgrade(&shared), Arc::clone(&shared.sooner)));
        shared
    }

    /// Does something to the world at this moment.
    pub(super) fn act<T>(&self, action: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.lock();
        let planned = world.next_at();
        world.meet(self.began.elapsed());
        let result = action(&mut world);
        if world.next_at() != planned {
            self.sooner.notify_one();
        }
        result
    }

    fn advance(&self) -> Progress {
        self.lock().advance(self.began.elapsed())
    }

    /// None where the clock does not reach that far.
    fn instant(&self, time: Duration) -> Option<Instant> {
        self.began.checked_add(time)
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.sooner.notify_one();
    }
}

async fn drive(shared: Weak<Shared>, sooner: Arc<Notify>) {
    loop {
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let next = match shared.advance() {
            // Whoever was told comes first, at the time of what it was told.
            Progress::Told => {
                drop(shared);
                tokio::task::yield_now().await;
                continue;
            }
            Progress::Quiet(at) => at.and_then(|at| shared.instant(at)),
        };
        drop(shared);
        tokio::select! {
            biased;
            () = sooner.notified() => {}
            () = until(next) => {}
        }
    }
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
