//! The mutexes on a real RabbitMQ and a simulated one: the same for each of them, then what is
//! special.

mod common;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::{Rabbit, on_both, soon, unique, until};
use futures_util::FutureExt;
use futures_util::future::join_all;
use locks::broker::{ConnectOptions, DeleteOptions};
use locks::{
    Answer, Certainty, ClientConfig, Error, ErrorKind, ExclusiveConsumer, ExclusiveQueue, Grant,
    Lock, Loss, Session,
};

/// Every correct mutex whose lock exists only while it is held.
const MUTEXES: &[&dyn Lock] = &[&ExclusiveQueue, &ExclusiveConsumer];

async fn two(rabbit: &Rabbit, lock: &dyn Lock) -> (Box<dyn Session>, Box<dyn Session>) {
    let prefix = unique(lock.name());
    let first = lock.open(&rabbit.client(&prefix, "first")).await.unwrap();
    let second = lock.open(&rabbit.client(&prefix, "second")).await.unwrap();
    (first, second)
}

fn kind<T>(result: Result<T, Error>) -> ErrorKind {
    result.err().expect("is refused").kind
}

/// Deletes the queue of a held lock, as an operator would.
async fn delete(rabbit: &Rabbit, client: &ClientConfig, key: &str) -> Option<()> {
    rabbit.delete_queue(&client.queue(key)).await
}

on_both!(one_holds_it_and_the_other_waits_its_turn_without_reconnecting);
async fn one_holds_it_and_the_other_waits_its_turn_without_reconnecting(rabbit: Rabbit) {
    for &lock in MUTEXES {
        let (mut first, mut second) = two(&rabbit, lock).await;
        assert_eq!(first.acquire("a").await, Ok(Grant::default()));
        for _ in 0..3 {
            let error = second.acquire("a").await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Busy);
            assert_eq!(error.kind.certainty(), Certainty::Refused);
        }
        assert_eq!(first.verify("a").await, Ok(Answer::Held));
        second.acquire("b").await.unwrap();
        first.release("a").await.unwrap();
        second.acquire("a").await.unwrap();
        assert_eq!(kind(first.acquire("a").await), ErrorKind::Busy);
        assert_eq!(second.verify("a").await, Ok(Answer::Held));
        assert_eq!(second.verify("b").await, Ok(Answer::Held));
        assert!(second.loss_notification().now_or_never().is_none());
    }
}

on_both!(it_can_be_taken_and_given_back_again_and_again);
async fn it_can_be_taken_and_given_back_again_and_again(rabbit: Rabbit) {
    for &lock in MUTEXES {
        let (mut first, mut second) = two(&rabbit, lock).await;
        for _ in 0..20 {
            for session in [&mut first, &mut second] {
                session.acquire("a").await.unwrap();
                assert_eq!(session.verify("a").await, Ok(Answer::Held));
                session.release("a").await.unwrap();
            }
        }
    }
}

on_both!(a_session_decides_by_itself_what_it_knows);
async fn a_session_decides_by_itself_what_it_knows(rabbit: Rabbit) {
    for &lock in MUTEXES {
        let (mut first, _second) = two(&rabbit, lock).await;
        assert_eq!(kind(first.verify("a").await), ErrorKind::NotHeld);
        assert_eq!(kind(first.release("a").await), ErrorKind::NotHeld);
        first.acquire("a").await.unwrap();
        assert_eq!(kind(first.acquire("a").await), ErrorKind::AlreadyHeld);
        assert_eq!(first.verify("a").await, Ok(Answer::Held));
        first.release("a").await.unwrap();
        assert_eq!(kind(first.release("a").await), ErrorKind::NotHeld);
    }
}

on_both!(closing_and_dropping_a_session_give_the_lock_back);
async fn closing_and_dropping_a_session_give_the_lock_back(rabbit: Rabbit) {
    for &lock in MUTEXES {
        let (mut first, mut second) = two(&rabbit, lock).await;
        first.acquire("a").await.unwrap();
        soon(first.close()).await;
        second.acquire("a").await.unwrap();

        let (mut first, mut second) = two(&rabbit, lock).await;
        first.acquire("a").await.unwrap();
        drop(first);
        until(async || second.acquire("a").await.is_ok()).await;
    }
}

on_both!(a_holder_whose_queue_was_deleted_learns_it_by_verifying);
async fn a_holder_whose_queue_was_deleted_learns_it_by_verifying(rabbit: Rabbit) {
    for &lock in MUTEXES {
        let prefix = unique("mutex");
        let client = rabbit.client(&prefix, "holder");
        let mut session = lock.open(&client).await.unwrap();
        session.acquire("a").await.unwrap();
        if delete(&rabbit, &client, "a").await.is_none() {
            return;
        }
        assert_eq!(session.verify("a").await, Ok(Answer::Lost));
        assert_eq!(kind(session.verify("a").await), ErrorKind::NotHeld);
        session.acquire("a").await.unwrap();
        assert_eq!(session.verify("a").await, Ok(Answer::Held));
    }
}

on_both!(a_release_of_what_is_gone_or_anothers_is_refused);
async fn a_release_of_what_is_gone_or_anothers_is_refused(rabbit: Rabbit) {
    for &lock in MUTEXES {
        let prefix = unique("mutex");
        let client = rabbit.client(&prefix, "holder");
        let mut session = lock.open(&client).await.unwrap();
        let mut other = lock.open(&rabbit.client(&prefix, "other")).await.unwrap();
        for taken_over in [false, true] {
            session.acquire("a").await.unwrap();
            if delete(&rabbit, &client, "a").await.is_none() {
                return;
            }
            if taken_over {
                other.acquire("a").await.unwrap();
            }
            let error = session.release("a").await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Lost, "{error}");
            assert_eq!(error.kind.certainty(), Certainty::Refused);
        }
        assert_eq!(other.verify("a").await, Ok(Answer::Held));
        assert_eq!(kind(session.acquire("a").await), ErrorKind::Busy);
    }
}

on_both!(a_holder_whose_connection_an_operator_closed_hears_of_it);
async fn a_holder_whose_connection_an_operator_closed_hears_of_it(rabbit: Rabbit) {
    for &lock in MUTEXES {
        let name = unique("holder");
        let mut session = lock
            .open(&rabbit.client(&unique("mutex"), &name))
            .await
            .unwrap();
        session.acquire("a").await.unwrap();
        if rabbit.close_connections(&name).await.is_none() {
            return;
        }
        let Loss::All(error) = soon(session.loss_notification()).await else {
            panic!("a dead connection is the end of the session")
        };
        assert_eq!(error.kind, ErrorKind::ConnectionForced);
        assert_eq!(soon(session.loss_notification()).await, Loss::All(error));
        for result in [
            session.acquire("a").await.map(drop),
            session.verify("a").await.map(drop),
            session.release("a").await,
        ] {
            assert_eq!(kind(result), ErrorKind::NotSent);
        }
    }
}

on_both!(a_holder_that_is_cut_off_hears_of_it_and_another_gets_the_lock);
async fn a_holder_that_is_cut_off_hears_of_it_and_another_gets_the_lock(rabbit: Rabbit) {
    for &lock in MUTEXES {
        let relay = rabbit.relay().await;
        let prefix = unique("mutex");
        let mut behind = rabbit.client(&prefix, "behind");
        behind.connect = ConnectOptions {
            address: relay.address.clone(),
            ..behind.connect
        };
        let mut session = lock.open(&behind).await.unwrap();
        let mut other = lock.open(&rabbit.client(&prefix, "other")).await.unwrap();
        session.acquire("a").await.unwrap();
        assert!(session.loss_notification().now_or_never().is_none());
        relay.cut();
        let Loss::All(error) = soon(session.loss_notification()).await else {
            panic!("a dead connection is the end of the session")
        };
        assert_eq!(error.kind, ErrorKind::Io);
        until(async || other.acquire("a").await.is_ok()).await;
    }
}

on_both!(what_times_out_is_not_believed_in);
async fn what_times_out_is_not_believed_in(rabbit: Rabbit) {
    for &lock in MUTEXES {
        let relay = rabbit.relay().await;
        let mut client = rabbit.client(&unique("mutex"), "behind");
        client.connect.address.clone_from(&relay.address);
        let mut session = lock.open(&client).await.unwrap();
        session.acquire("warm").await.unwrap();
        session.release("warm").await.unwrap();
        relay.stall();
        let brief = Duration::from_millis(50);
        assert!(
            tokio::time::timeout(brief, session.acquire("a"))
                .await
                .is_err()
        );
        assert_eq!(kind(session.verify("a").await), ErrorKind::NotHeld);
        assert_eq!(kind(session.release("a").await), ErrorKind::NotHeld);
    }
}

on_both!(a_consuming_holder_hears_that_its_queue_was_deleted_and_the_session_goes_on);
async fn a_consuming_holder_hears_that_its_queue_was_deleted_and_the_session_goes_on(
    rabbit: Rabbit,
) {
    let client = rabbit.client(&unique("mutex"), "holder");
    let mut session = ExclusiveConsumer.open(&client).await.unwrap();
    session.acquire("a").await.unwrap();
    session.acquire("b").await.unwrap();
    assert_eq!(session.verify("a").await, Ok(Answer::Held));
    let (_connection, channel) = rabbit.channel().await;
    let options = DeleteOptions::default();
    channel.delete(&client.queue("a"), &options).await.unwrap();
    let Loss::Key(key, error) = soon(session.loss_notification()).await else {
        panic!("one key is lost, not the session")
    };
    assert_eq!(key, "a");
    assert_eq!(error.kind, ErrorKind::ConsumerCancelled);
    assert!(session.loss_notification().now_or_never().is_none());
    assert_eq!(kind(session.verify("a").await), ErrorKind::NotHeld);
    assert_eq!(session.verify("b").await, Ok(Answer::Held));
    session.acquire("a").await.unwrap();
}

on_both!(many_who_want_it_at_once_are_granted_it_one_at_a_time);
async fn many_who_want_it_at_once_are_granted_it_one_at_a_time(rabbit: Rabbit) {
    for &lock in MUTEXES {
        let prefix = unique(lock.name());
        let inside = AtomicU32::new(0);
        let clients = (0..4).map(|number| {
            let client = rabbit.client(&prefix, &format!("client-{number}"));
            let inside = &inside;
            async move {
                let mut session = lock.open(&client).await.unwrap();
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
    }
}
