//! Administering semaphores, on a real RabbitMQ and a simulated one.

mod common;

use common::{Rabbit, on_both, soon, unique, until};
use locks::broker::DeleteOptions;
use locks::{
    Action, Answer, ClientConfig, CountedConsumers, Error, ErrorKind, FiledSemaphore, Lock,
    PersistentSemaphore, Session,
};

/// Every lock whose slots can be administered.
const SEMAPHORES: &[&dyn Lock] = &[
    &PersistentSemaphore,
    &CountedConsumers,
    &FiledSemaphore::AtMostOnce,
    &FiledSemaphore::AtLeastOnce,
];

const GROW: Action = Action::Grow { most: 3 };

async fn open(lock: &dyn Lock, client: &ClientConfig) -> Box<dyn Session> {
    lock.open(client).await.unwrap()
}

fn kind<T>(result: Result<T, Error>) -> ErrorKind {
    result.err().expect("is refused").kind
}

/// Removes a slot, having filed it where that is needed.
async fn shrink(lock: &dyn Lock, admin: &mut Box<dyn Session>) -> Result<Vec<u32>, Error> {
    if lock.kind().files_decrements() {
        admin.administer("a", Action::Request).await.unwrap();
    }
    admin.administer("a", Action::Shrink).await
}

on_both!(slots_are_made_found_added_and_removed);
async fn slots_are_made_found_added_and_removed(rabbit: Rabbit) {
    for &lock in SEMAPHORES {
        let mut admin = open(lock, &rabbit.client(&unique(lock.name()), "admin")).await;
        for action in [GROW, Action::Destroy] {
            assert_eq!(
                kind(admin.administer("a", action).await),
                ErrorKind::NotFound
            );
        }
        assert_eq!(admin.administer("a", Action::Count).await, Ok(vec![]));
        let create = Action::Create { slots: 2 };
        assert_eq!(admin.administer("a", create).await, Ok(vec![1, 2]));
        let again = kind(admin.administer("a", create).await);
        assert_eq!(again, ErrorKind::PreconditionFailed);
        assert_eq!(admin.administer("a", GROW).await, Ok(vec![3]));
        let full = kind(admin.administer("a", GROW).await);
        assert_eq!(full, ErrorKind::PreconditionFailed);
        assert_eq!(
            admin.administer("a", Action::Count).await,
            Ok(vec![1, 2, 3])
        );
        assert_eq!(shrink(lock, &mut admin).await, Ok(vec![3]));
        assert_eq!(shrink(lock, &mut admin).await, Ok(vec![2]));
        assert_eq!(
            kind(shrink(lock, &mut admin).await),
            ErrorKind::PreconditionFailed
        );
        assert_eq!(admin.administer("a", Action::Overshoot).await, Ok(vec![]));
        assert_eq!(admin.administer("a", Action::Destroy).await, Ok(vec![1]));
        assert_eq!(admin.administer("a", Action::Count).await, Ok(vec![]));
    }
}

on_both!(one_administers_at_a_time);
async fn one_administers_at_a_time(rabbit: Rabbit) {
    for &lock in SEMAPHORES {
        let client = rabbit.client(&unique(lock.name()), "admin");
        let (_connection, channel) = rabbit.channel().await;
        let mutex = format!("{}-administration", client.queue("a"));
        let exclusive = locks::broker::QueueOptions {
            exclusive: true,
            ..locks::broker::QueueOptions::SHARED
        };
        channel.declare(&mutex, &exclusive).await.unwrap();
        let mut admin = open(lock, &client).await;
        let busy = kind(admin.administer("a", Action::Create { slots: 1 }).await);
        assert_eq!(busy, ErrorKind::Busy);
        let options = DeleteOptions::default();
        channel.delete(&mutex, &options).await.unwrap();
        let created = admin.administer("a", Action::Create { slots: 1 }).await;
        assert_eq!(created, Ok(vec![1]));
        admin.administer("a", Action::Destroy).await.unwrap();
    }
}

on_both!(the_holder_of_a_removed_slot_learns_it_when_it_verifies);
async fn the_holder_of_a_removed_slot_learns_it_when_it_verifies(rabbit: Rabbit) {
    for &lock in SEMAPHORES {
        let prefix = unique(lock.name());
        let mut admin = open(lock, &rabbit.client(&prefix, "admin")).await;
        let mut first = open(lock, &rabbit.client(&prefix, "first")).await;
        let mut second = open(lock, &rabbit.client(&prefix, "second")).await;
        admin
            .administer("a", Action::Create { slots: 2 })
            .await
            .unwrap();
        assert_eq!(first.acquire("a").await.unwrap().slot, Some(1));
        assert_eq!(second.acquire("a").await.unwrap().slot, Some(2));
        assert_eq!(shrink(lock, &mut admin).await, Ok(vec![2]));
        assert_eq!(first.verify("a").await, Ok(Answer::Held));
        let wait = Action::Wait { slot: 2 };
        if lock.name() != CountedConsumers.name() {
            let still_held = kind(admin.administer("a", wait).await);
            assert_eq!(still_held, ErrorKind::PreconditionFailed);
        }
        until(async || second.verify("a").await != Ok(Answer::Held)).await;
        assert_eq!(admin.administer("a", wait).await, Ok(vec![2]));
        admin.administer("a", GROW).await.unwrap();
        assert_eq!(second.acquire("a").await.unwrap().slot, Some(2));
        first.release("a").await.unwrap();
        second.release("a").await.unwrap();
        admin.administer("a", Action::Destroy).await.unwrap();
    }
}

on_both!(a_slot_that_comes_back_while_it_is_held_has_no_second_holder);
async fn a_slot_that_comes_back_while_it_is_held_has_no_second_holder(rabbit: Rabbit) {
    let prefix = unique("back");
    let lock = PersistentSemaphore;
    let mut admin = open(&lock, &rabbit.client(&prefix, "admin")).await;
    let mut first = open(&lock, &rabbit.client(&prefix, "first")).await;
    let mut second = open(&lock, &rabbit.client(&prefix, "second")).await;
    let mut third = open(&lock, &rabbit.client(&prefix, "third")).await;
    admin
        .administer("a", Action::Create { slots: 2 })
        .await
        .unwrap();
    first.acquire("a").await.unwrap();
    second.acquire("a").await.unwrap();
    admin.administer("a", Action::Shrink).await.unwrap();
    admin.administer("a", GROW).await.unwrap();
    assert_eq!(kind(third.acquire("a").await), ErrorKind::NoSlot);
    assert_eq!(second.verify("a").await, Ok(Answer::Held));
    admin.administer("a", Action::Destroy).await.unwrap();
}

on_both!(a_gap_is_found_and_repaired);
async fn a_gap_is_found_and_repaired(rabbit: Rabbit) {
    for &lock in SEMAPHORES {
        let client = rabbit.client(&unique(lock.name()), "admin");
        let mut admin = open(lock, &client).await;
        admin
            .administer("a", Action::Create { slots: 5 })
            .await
            .unwrap();
        let (_connection, channel) = rabbit.channel().await;
        let second = format!("{}-2-A", client.queue("a"));
        let options = DeleteOptions::default();
        channel.delete(&second, &options).await.unwrap();
        assert_eq!(
            admin.administer("a", Action::Count).await,
            Ok(vec![1, 3, 4, 5])
        );
        assert_eq!(
            admin.administer("a", Action::Overshoot).await,
            Ok(vec![3, 4, 5])
        );
        assert_eq!(admin.administer("a", Action::Count).await, Ok(vec![1]));
        admin.administer("a", Action::Destroy).await.unwrap();
    }
}

on_both!(a_decrement_is_filed_once_and_carried_out_once);
async fn a_decrement_is_filed_once_and_carried_out_once(rabbit: Rabbit) {
    for lock in [FiledSemaphore::AtMostOnce, FiledSemaphore::AtLeastOnce] {
        let prefix = unique(lock.name());
        let mut one = open(&lock, &rabbit.client(&prefix, "one")).await;
        let mut other = open(&lock, &rabbit.client(&prefix, "other")).await;
        one.administer("a", Action::Create { slots: 3 })
            .await
            .unwrap();
        let nothing = kind(other.administer("a", Action::Shrink).await);
        assert_eq!(nothing, ErrorKind::NothingRequested);
        assert_eq!(one.administer("a", Action::Request).await, Ok(vec![]));
        let twice = kind(other.administer("a", Action::Request).await);
        assert_eq!(twice, ErrorKind::PreconditionFailed);
        assert_eq!(other.administer("a", Action::Shrink).await, Ok(vec![3]));
        let nothing = kind(one.administer("a", Action::Shrink).await);
        assert_eq!(nothing, ErrorKind::NothingRequested);
        one.administer("a", Action::Destroy).await.unwrap();
    }
}

on_both!(who_dies_while_it_shrinks_leaves_the_mutex_to_others);
async fn who_dies_while_it_shrinks_leaves_the_mutex_to_others(rabbit: Rabbit) {
    for &lock in SEMAPHORES {
        let prefix = unique(lock.name());
        let mut admin = open(lock, &rabbit.client(&prefix, "admin")).await;
        admin
            .administer("a", Action::Create { slots: 3 })
            .await
            .unwrap();
        let mut doomed = open(lock, &rabbit.client(&prefix, "doomed")).await;
        // One poll sends the first order and no more.
        let _ = futures_util::FutureExt::now_or_never(doomed.administer("a", GROW));
        drop(doomed);
        let counted = soon(async {
            loop {
                match admin.administer("a", Action::Count).await {
                    Err(error) if error.kind == ErrorKind::Busy => {
                        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                    }
                    other => return other,
                }
            }
        });
        assert_eq!(counted.await, Ok(vec![1, 2, 3]));
        admin.administer("a", Action::Destroy).await.unwrap();
    }
}
