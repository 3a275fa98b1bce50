//! The locks that exist without being held, on a real RabbitMQ and a simulated one.

mod common;

use std::sync::atomic::{AtomicU32, Ordering};

use common::{Rabbit, on_both, soon, unique, until};
use futures_util::FutureExt;
use futures_util::future::join_all;
use locks::broker::{Channel, DeleteOptions};
use locks::{
    Answer, Certainty, ClientConfig, CountedConsumers, Error, ErrorKind, Lock, Loss,
    PersistentMutex, PersistentSemaphore, ReceiveSemaphore, Session,
};

/// Each lock, the queue of its first slot, and what refuses when its only slot is held.
const LOCKS: &[(&dyn Lock, &str, ErrorKind)] = &[
    (&PersistentMutex::Declare, "", ErrorKind::Busy),
    (&PersistentMutex::Publish, "", ErrorKind::Busy),
    (&PersistentSemaphore, "-1-A", ErrorKind::Busy),
    (&CountedConsumers, "-1-A", ErrorKind::Busy),
    (&ReceiveSemaphore, "", ErrorKind::NoSlot),
];

/// The locks that can have more slots than one.
const SEMAPHORES: &[&dyn Lock] = &[&PersistentSemaphore, &CountedConsumers, &ReceiveSemaphore];

fn kind<T>(result: Result<T, Error>) -> ErrorKind {
    result.err().expect("is refused").kind
}

async fn open(lock: &dyn Lock, client: &ClientConfig) -> Box<dyn Session> {
    lock.open(client).await.unwrap()
}

async fn remove(channel: &dyn Channel, queue: &str) {
    let options = DeleteOptions::default();
    channel.delete(queue, &options).await.unwrap();
}

/// Removes what a test created.
async fn clean(channel: &dyn Channel, client: &ClientConfig) {
    remove(channel, &client.queue("a")).await;
    for slot in 1..=3 {
        remove(channel, &format!("{}-{slot}-A", client.queue("a"))).await;
    }
}

on_both!(what_nobody_created_cannot_be_taken);
async fn what_nobody_created_cannot_be_taken(rabbit: Rabbit) {
    for &(lock, ..) in LOCKS {
        let mut session = open(lock, &rabbit.client(&unique(lock.name()), "client")).await;
        for _ in 0..2 {
            let error = session.acquire("a").await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
            assert_eq!(error.kind.certainty(), Certainty::Failed);
        }
    }
}

on_both!(the_only_slot_is_taken_verified_and_given_back);
async fn the_only_slot_is_taken_verified_and_given_back(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    for &(lock, _, refused) in LOCKS {
        let prefix = unique(lock.name());
        let client = rabbit.client(&prefix, "first");
        lock.create(&client, "a", 1).await.unwrap();
        lock.create(&client, "a", 1).await.unwrap();
        let mut first = open(lock, &client).await;
        let mut second = open(lock, &rabbit.client(&prefix, "second")).await;
        for _ in 0..3 {
            first.acquire("a").await.unwrap();
            assert_eq!(kind(second.acquire("a").await), refused, "{}", lock.name());
            assert_eq!(first.verify("a").await, Ok(Answer::Held));
            assert!(first.loss_notification().now_or_never().is_none());
            first.release("a").await.unwrap();
            until(async || second.acquire("a").await.is_ok()).await;
            assert_eq!(kind(first.acquire("a").await), refused);
            assert_eq!(second.verify("a").await, Ok(Answer::Held));
            second.release("a").await.unwrap();
            until(async || first.acquire("a").await.is_ok()).await;
            first.release("a").await.unwrap();
        }
        first.acquire("a").await.unwrap();
        drop(first);
        until(async || second.acquire("a").await.is_ok()).await;
        clean(&*channel, &client).await;
    }
}

on_both!(a_holder_whose_lock_was_removed_learns_it_by_verifying);
async fn a_holder_whose_lock_was_removed_learns_it_by_verifying(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    for &(lock, suffix, _) in LOCKS {
        let client = rabbit.client(&unique(lock.name()), "holder");
        lock.create(&client, "a", 1).await.unwrap();
        let mut session = open(lock, &client).await;
        session.acquire("a").await.unwrap();
        remove(&*channel, &format!("{}{suffix}", client.queue("a"))).await;
        assert_eq!(
            session.verify("a").await,
            Ok(Answer::Lost),
            "{}",
            lock.name()
        );
        assert_eq!(kind(session.release("a").await), ErrorKind::NotHeld);
        assert_eq!(kind(session.acquire("a").await), ErrorKind::NotFound);
        lock.create(&client, "a", 1).await.unwrap();
        session.acquire("a").await.unwrap();
        assert_eq!(session.verify("a").await, Ok(Answer::Held));
        clean(&*channel, &client).await;
    }
}

on_both!(a_consuming_holder_hears_of_it_unasked);
async fn a_consuming_holder_hears_of_it_unasked(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    for lock in [PersistentMutex::Declare, PersistentMutex::Publish] {
        let client = rabbit.client(&unique(lock.name()), "holder");
        lock.create(&client, "a", 1).await.unwrap();
        let mut session = open(&lock, &client).await;
        session.acquire("a").await.unwrap();
        remove(&*channel, &client.queue("a")).await;
        let notification = soon(session.loss_notification()).await;
        assert!(matches!(notification, Loss::Key(key, _) if key == "a"));
        session.acquire("a").await.unwrap_err();
    }
}

on_both!(a_semaphore_has_as_many_holders_as_slots);
async fn a_semaphore_has_as_many_holders_as_slots(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    for &lock in SEMAPHORES {
        let prefix = unique(lock.name());
        let creator = rabbit.client(&prefix, "creator");
        lock.create(&creator, "a", 3).await.unwrap();
        let mut sessions = Vec::new();
        for number in 0..4 {
            let client = rabbit.client(&prefix, &format!("client-{number}"));
            sessions.push(open(lock, &client).await);
        }
        let mut slots = Vec::new();
        for session in &mut sessions[..3] {
            slots.extend(session.acquire("a").await.unwrap().slot);
        }
        if lock.name() != "receive-semaphore" {
            assert_eq!(slots, [1, 2, 3]);
        }
        assert_eq!(kind(sessions[3].acquire("a").await), ErrorKind::NoSlot);
        sessions[1].release("a").await.unwrap();
        until(async || sessions[3].acquire("a").await.is_ok()).await;
        for number in [0, 2, 3] {
            assert_eq!(sessions[number].verify("a").await, Ok(Answer::Held));
        }
        clean(&*channel, &creator).await;
    }
}

on_both!(a_slot_that_was_removed_is_free_for_nobody_until_it_comes_back);
async fn a_slot_that_was_removed_is_free_for_nobody_until_it_comes_back(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    let lock = &PersistentSemaphore;
    let prefix = unique(lock.name());
    let client = rabbit.client(&prefix, "holder");
    lock.create(&client, "a", 1).await.unwrap();
    let mut holder = open(lock, &client).await;
    let mut other = open(lock, &rabbit.client(&prefix, "other")).await;
    holder.acquire("a").await.unwrap();
    clean(&*channel, &client).await;
    assert_eq!(kind(other.acquire("a").await), ErrorKind::NotFound);
    lock.create(&client, "a", 1).await.unwrap();
    assert_eq!(kind(other.acquire("a").await), ErrorKind::Busy);
    assert_eq!(holder.verify("a").await, Ok(Answer::Held));
    holder.release("a").await.unwrap();
    assert_eq!(other.acquire("a").await.unwrap().slot, Some(1));
    clean(&*channel, &client).await;
}

on_both!(many_who_want_it_at_once_never_exceed_the_slots);
async fn many_who_want_it_at_once_never_exceed_the_slots(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    for &(lock, ..) in LOCKS {
        let prefix = unique(lock.name());
        let creator = rabbit.client(&prefix, "creator");
        lock.create(&creator, "a", 1).await.unwrap();
        let inside = AtomicU32::new(0);
        let clients = (0..4).map(|number| {
            let mut client = rabbit.client(&prefix, &format!("client-{number}"));
            client.seed = number;
            let inside = &inside;
            async move {
                let mut session = open(lock, &client).await;
                let mut grants = 0;
                until(async || {
                    match session.acquire("a").await {
                        Ok(_) => grants += 1,
                        Err(error) => {
                            assert!(error.kind.certainty().is_definite(), "{error:?}");
                            return false;
                        }
                    }
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    assert_eq!(session.verify("a").await, Ok(Answer::Held));
                    assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
                    session.release("a").await.unwrap();
                    grants == 5
                })
                .await;
            }
        });
        join_all(clients).await;
        clean(&*channel, &creator).await;
    }
}
