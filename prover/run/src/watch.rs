//! A value that can be waited for. Those who wait are woken in the order in which they came, which
//! a simulation relies on: tokio's `watch` wakes them in a random one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// A value that others wait for as it changes.
#[derive(Debug, Default)]
pub(crate) struct Watch<T> {
    value: Mutex<T>,
    changed: Notify,
}

impl<T> Watch<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            value: Mutex::new(value),
            changed: Notify::new(),
        }
    }

    /// Looks at the value as it is now.
    pub(crate) fn see<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.value())
    }

    /// Changes the value.
    pub(crate) fn change(&self, change: impl FnOnce(&mut T)) {
        change(&mut self.value());
        self.changed.notify_waiters();
    }

    /// Returns as soon as the value is one that is waited for.
    pub(crate) async fn when(&self, is_awaited: impl Fn(&T) -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // From here on no change is missed.
            changed.as_mut().enable();
            if self.see(&is_awaited) {
                return;
            }
            changed.await;
        }
    }

    fn value(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn those_who_wait_are_woken_in_the_order_in_which_they_came() {
        for _ in 0..50 {
            let (gate, woken) = (Arc::new(Watch::new(false)), Arc::new(Watch::default()));
            for waiter in 0..9 {
                let (gate, woken) = (gate.clone(), woken.clone());
                tokio::spawn(async move {
                    gate.when(|is_open| *is_open).await;
                    woken.change(|order: &mut Vec<u32>| order.push(waiter));
                });
            }
            tokio::task::yield_now().await;
            gate.change(|is_open| *is_open = true);
            woken.when(|order| order.len() == 9).await;
            assert!(woken.see(|order| order.is_sorted()));
        }
    }
}
