//! Every option of every correct lock, on a real RabbitMQ and a simulated one.

mod common;

use std::sync::Arc;

use common::{Rabbit, on_both, soon, unique};
use futures_util::FutureExt;
use locks::{
    Answer, Chosen, ClientConfig, ConfirmBy, ErrorKind, Lock, Loss, Options, QueueKind, Reconnect,
    Session,
};

/// The lock as it comes, and with one option at a time changed.
fn variants(lock: &Arc<dyn Lock>) -> Vec<Chosen> {
    let mut variants = vec![Chosen::from(Arc::clone(lock))];
    for choice in lock.options() {
        let values = match choice.values {
            [] => &["30s"],
            [_, others @ ..] => others,
        };
        for value in values {
            let text = format!("{},{}={value}", lock.name(), choice.name);
            variants.push(Chosen::parse(&text, &locks::ALL).unwrap());
        }
    }
    variants
}

fn correct() -> impl Iterator<Item = Chosen> {
    locks::ALL.iter().flat_map(variants)
}

/// The simulation has no quorum queues.
fn is_possible(rabbit: &Rabbit, chosen: &Chosen) -> bool {
    let is_quorum = chosen.options.queue == QueueKind::Quorum;
    !is_quorum || matches!(rabbit, Rabbit::Real { .. })
}

fn client(rabbit: &Rabbit, prefix: &str, name: &str, options: Options) -> ClientConfig {
    ClientConfig {
        options,
        ..rabbit.client(prefix, name)
    }
}

async fn open(chosen: &Chosen, client: &ClientConfig) -> Box<dyn Session> {
    chosen.lock.open(client).await.unwrap()
}

on_both!(a_lock_is_taken_verified_and_given_back_however_it_is_used);
async fn a_lock_is_taken_verified_and_given_back_however_it_is_used(rabbit: Rabbit) {
    for chosen in correct().filter(|chosen| is_possible(&rabbit, chosen)) {
        let prefix = unique("options");
        let one = client(&rabbit, &prefix, "one", chosen.options);
        let other = client(&rabbit, &prefix, "other", chosen.options);
        chosen.lock.create(&one, "a", 1).await.unwrap();
        let (mut first, mut second) = (open(&chosen, &one).await, open(&chosen, &other).await);
        for round in 0..3 {
            let grant = soon(granted(&mut first)).await;
            assert_eq!(grant, Ok(()), "{chosen}");
            let refused = second.acquire("a").await.unwrap_err();
            assert!(
                matches!(refused.kind, ErrorKind::Busy | ErrorKind::NoSlot),
                "{chosen}: {refused}"
            );
            let answer = first.verify("a").await;
            assert_eq!(answer, Ok(Answer::Held), "{chosen} in round {round}");
            assert!(
                first.loss_notification().now_or_never().is_none(),
                "{chosen}"
            );
            assert_eq!(first.release("a").await, Ok(()), "{chosen}");
            std::mem::swap(&mut first, &mut second);
        }
    }
}

/// What was held is given back in the background where a channel or connection was closed for it.
async fn granted(session: &mut Box<dyn Session>) -> Result<(), locks::Error> {
    loop {
        match session.acquire("a").await {
            Err(error) if matches!(error.kind, ErrorKind::Busy | ErrorKind::NoSlot) => {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            other => return other.map(drop),
        }
    }
}

on_both!(a_session_that_reconnects_says_what_it_lost_before_it_goes_on);
async fn a_session_that_reconnects_says_what_it_lost_before_it_goes_on(rabbit: Rabbit) {
    for lock in locks::ALL.iter() {
        let options = Options {
            reconnect: Reconnect::FreshSession,
            ..Options::default()
        };
        let name = unique("reconnecting");
        let client = client(&rabbit, &name, &name, options);
        lock.create(&client, "a", 1).await.unwrap();
        let mut session = lock.open(&client).await.unwrap();
        session.acquire("a").await.unwrap();
        if rabbit.close_connections(&name).await.is_none() {
            return;
        }
        match soon(session.loss_notification()).await {
            Loss::Key(key, _) => assert_eq!(key, "a"),
            Loss::All(error) => panic!("{} is over: {error}", lock.name()),
        }
        assert!(
            session.loss_notification().now_or_never().is_none(),
            "it was told already"
        );
        let unheld = session.verify("a").await.unwrap_err();
        assert_eq!(unheld.kind, ErrorKind::NotHeld);
        let again = soon(granted(&mut session)).await;
        assert_eq!(again, Ok(()), "{}", lock.name());
        assert_eq!(session.verify("a").await, Ok(Answer::Held));
    }
}

on_both!(a_removed_lock_is_found_lost_however_it_is_verified);
async fn a_removed_lock_is_found_lost_however_it_is_verified(rabbit: Rabbit) {
    for verify in ["publish-confirm", "publish-tx", "passive-declare"] {
        let chosen =
            Chosen::parse(&format!("exclusive-queue,verify={verify}"), &locks::ALL).unwrap();
        let client = client(&rabbit, &unique("removed"), "client", chosen.options);
        let mut session = open(&chosen, &client).await;
        session.acquire("a").await.unwrap();
        if rabbit.delete_queue(&client.queue("a")).await.is_none() {
            return;
        }
        assert_eq!(session.verify("a").await, Ok(Answer::Lost), "{verify}");
        session.acquire("a").await.unwrap();
        assert_eq!(session.verify("a").await, Ok(Answer::Held), "{verify}");
    }
}

#[test]
fn transactions_are_an_option_wherever_publishes_are_confirmed() {
    for lock in locks::ALL.iter() {
        let confirms = lock.needs().contains(&"publisher confirms");
        let text = format!("{},confirm=transactions", lock.name());
        let chosen = Chosen::parse(&text, &locks::ALL).map(|chosen| chosen.options.confirm);
        // The fenced mutex needs both anyway.
        let expected = confirms && lock.name() != "fenced-mutex";
        assert_eq!(
            chosen.ok(),
            expected.then_some(ConfirmBy::Transactions),
            "{text}"
        );
    }
}
