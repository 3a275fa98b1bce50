//! One sender, many listeners, and an end that nobody can miss.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// Hands each event to all who listen. After its last event it is over: whoever listens then gets
/// that event and nothing else.
#[derive(Debug)]
pub struct Feed<T>(Mutex<Inner<T>>);

#[derive(Debug)]
struct Inner<T> {
    listeners: Vec<UnboundedSender<T>>,
    last: Option<T>,
}

impl<T> Default for Feed<T> {
    fn default() -> Self {
        Self(Mutex::new(Inner {
            listeners: Vec::new(),
            last: None,
        }))
    }
}

impl<T: Clone + Send + 'static> Feed<T> {
    /// Hands an event to all listeners; nothing happens after the end.
    pub fn send(&self, event: T) {
        let mut inner = self.lock();
        if inner.last.is_none() {
            inner.tell(event);
        }
    }

    /// Hands the last event to all listeners, unless the feed has ended before.
    pub fn end(&self, event: T) {
        let mut inner = self.lock();
        if inner.last.is_none() {
            inner.tell(event.clone());
            inner.listeners.clear();
            inner.last = Some(event);
        }
    }

    /// The last event, where the feed has ended.
    pub fn last(&self) -> Option<T> {
        self.lock().last.clone()
    }

    /// Resolves to the last event when the feed ends, and at once if it has.
    pub async fn ended(&self) -> T {
        let mut events = self.listen();
        let mut latest = None;
        while let Some(event) = events.next().await {
            latest = Some(event);
        }
        latest.expect("a feed that lives ends with an event")
    }

    /// The events from now on, up to and with the last.
    pub fn listen(&self) -> BoxStream<'static, T> {
        let mut inner = self.lock();
        if let Some(last) = &inner.last {
            return stream::iter([last.clone()]).boxed();
        }
        let (sender, mut receiver) = unbounded_channel();
        inner.listeners.retain(|listener| !listener.is_closed());
        inner.listeners.push(sender);
        stream::poll_fn(move |cx| receiver.poll_recv(cx)).boxed()
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> Inner<T> {
    fn tell(&mut self, event: T) {
        self.listeners
            .retain(|listener| listener.send(event.clone()).is_ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn listeners_hear_everything_up_to_the_end() {
        let feed = Feed::default();
        let first = feed.listen();
        feed.send(1);
        let second = feed.listen();
        feed.end(2);
        feed.send(3);
        feed.end(4);
        assert_eq!(first.collect::<Vec<_>>().await, [1, 2]);
        assert_eq!(second.collect::<Vec<_>>().await, [2]);
        assert_eq!(feed.listen().collect::<Vec<_>>().await, [2]);
        assert_eq!(feed.ended().await, 2);
        assert_eq!(feed.last(), Some(2));
    }

    #[tokio::test]
    async fn waiting_for_the_end_passes_over_the_rest() {
        let feed = Feed::default();
        let (last, ()) = tokio::join!(feed.ended(), async {
            feed.send(1);
            feed.end(2);
        });
        assert_eq!(last, 2);
    }

    #[tokio::test]
    async fn who_stops_listening_is_forgotten() {
        let feed = Feed::default();
        drop(feed.listen());
        let listener = feed.listen();
        assert_eq!(feed.lock().listeners.len(), 1);
        drop(listener);
        feed.send(1);
        assert!(feed.lock().listeners.is_empty());
    }
}
