//! What can be done to one client's link, and what the link tells of it.

use std::time::Duration;

use locks::broker::{
    Broker, Channel, Confirm, ConnectOptions, Connection, Party, Publish, QueueOptions,
};
use simulated::{Evidence, LinkError, Simulation, Trapped};
use tokio::time::{Instant, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(60);
const DURABLE: QueueOptions = QueueOptions {
    durable: true,
    ..QueueOptions::SHARED
};
const PASSIVE: QueueOptions = QueueOptions {
    passive: true,
    ..DURABLE
};

async fn connect(simulation: &Simulation, link: usize) -> Box<dyn Connection> {
    let options = ConnectOptions {
        address: Simulation::address(link),
        heartbeat: 2 * SECOND,
        ..ConnectOptions::default()
    };
    simulation.connect(&options).await.unwrap()
}

async fn channel(simulation: &Simulation, link: usize) -> (Box<dyn Connection>, Box<dyn Channel>) {
    let connection = connect(simulation, link).await;
    let channel = connection.channel().await.unwrap();
    (connection, channel)
}

fn body(bytes: usize) -> Publish {
    Publish {
        body: vec![7; bytes],
        ..Publish::default()
    }
}

async fn round_trip(channel: &dyn Channel) -> Duration {
    let began = Instant::now();
    channel.qos(1).await.unwrap();
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_slow_link_takes_longer_both_ways_until_it_heals() {
    let simulation = Simulation::new(1, 2);
    let (_connection, slow) = channel(&simulation, 0).await;
    let (_other, other) = channel(&simulation, 1).await;
    simulation.slow(0, SECOND / 2, SECOND / 10).unwrap();
    for _ in 0..10 {
        let took = round_trip(&*slow).await;
        assert!(
            (SECOND * 8 / 10..SECOND * 13 / 10).contains(&took),
            "{took:?}"
        );
    }
    assert!(round_trip(&*other).await < SECOND / 10);
    simulation.heal(0).unwrap();
    assert!(round_trip(&*slow).await < SECOND / 10);

    // What is under way does not outlast the heal.
    simulation.slow(0, LONG, Duration::ZERO).unwrap();
    let began = Instant::now();
    let (answer, ()) = tokio::join!(slow.qos(1), async {
        sleep(SECOND).await;
        simulation.heal(0).unwrap();
    });
    answer.unwrap();
    assert!(began.elapsed() < SECOND * 11 / 10, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_trickle_takes_as_long_as_the_bytes_do() {
    let simulation = Simulation::new(1, 1);
    let (_connection, channel) = channel(&simulation, 0).await;
    channel.confirm_select().await.unwrap();
    channel.declare("a", &DURABLE).await.unwrap();
    simulation.trickle(0, 1000, 10).unwrap();
    let began = Instant::now();
    channel.publish("a", &body(3000)).await.unwrap();
    let took = began.elapsed();
    assert!((3 * SECOND..4 * SECOND).contains(&took), "{took:?}");
    let evidence = simulation.evidence(0).unwrap();
    assert!(evidence.held_up_bytes > Some(3000), "{evidence:?}");
    let zero = simulation.trickle(0, 0, 1);
    assert_eq!(zero, Err(LinkError::NoTrickle));
    let (began, large) = (Instant::now(), body(100_000));
    let (confirm, ()) = tokio::join!(channel.publish("a", &large), async {
        sleep(SECOND).await;
        simulation.heal(0).unwrap();
    });
    assert_eq!(confirm, Ok(Confirm::Ack));
    assert!(began.elapsed() < SECOND * 11 / 10, "{:?}", began.elapsed());
    assert!(round_trip(&*channel).await < SECOND / 10);
}

#[tokio::test(start_paused = true)]
async fn a_limited_link_closes_each_connection() {
    let simulation = Simulation::new(1, 1);
    let (connection, limited) = channel(&simulation, 0).await;
    limited.declare("a", &DURABLE).await.unwrap();
    simulation.limit(0, 3000).unwrap();
    limited.send("a", &body(1000)).await.unwrap();
    assert_eq!(limited.declare("a", &PASSIVE).await.unwrap().messages, 1);
    limited.send("a", &body(3000)).await.unwrap();
    let closed = timeout(SECOND, connection.closed()).await.unwrap();
    assert_eq!(closed.by, Party::Transport);
    let (again, new) = channel(&simulation, 0).await;
    assert_eq!(new.declare("a", &PASSIVE).await.unwrap().messages, 1);
    new.send("a", &body(3000)).await.unwrap();
    timeout(SECOND, again.closed()).await.unwrap();
    let evidence = simulation.evidence(0).unwrap();
    assert_eq!(evidence.connections_closed, Some(2));
    simulation.heal(0).unwrap();
    let (_connection, whole) = channel(&simulation, 0).await;
    whole.send("a", &body(10_000)).await.unwrap();
    assert_eq!(whole.declare("a", &PASSIVE).await.unwrap().messages, 2);
}

#[tokio::test(start_paused = true)]
async fn a_silenced_client_is_given_up_unless_it_talks() {
    let simulation = Simulation::new(1, 1);
    let idle = connect(&simulation, 0).await;
    let (talker, channel) = channel(&simulation, 0).await;
    simulation.silence(0).unwrap();
    let talk = async {
        for _ in 0..30 {
            channel.qos(1).await.unwrap();
            sleep(SECOND).await;
        }
    };
    let began = Instant::now();
    let (closed, ()) = tokio::join!(
        async {
            let closed = timeout(LONG, idle.closed()).await.unwrap();
            (closed, began.elapsed())
        },
        talk
    );
    assert_eq!(closed.0.by, Party::Transport);
    assert!(closed.1 <= 7 * SECOND, "{:?}", closed.1);
    simulation.heal(0).unwrap();
    assert!(timeout(LONG, talker.closed()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_held_declare_is_done_at_the_broker_and_its_client_does_not_know() {
    let simulation = Simulation::new(1, 2);
    let (_connection, client) = channel(&simulation, 0).await;
    let (_witness, witness) = channel(&simulation, 1).await;
    simulation.trap(0, "queue.declare", 2, "hold").unwrap();
    client.declare("one", &DURABLE).await.unwrap();
    let seen = simulation.trapped(0).unwrap();
    assert_eq!((seen.seen, seen.sprung_ago), (1, None));
    let declare = client.declare("two", &DURABLE);
    tokio::pin!(declare);
    let sprung = tokio::select! {
        sprung = simulation.sprung(0) => sprung.unwrap(),
        answer = &mut declare => panic!("{answer:?}"),
    };
    let at_once = Trapped {
        seen: 2,
        sprung_ago: Some(Duration::ZERO),
    };
    assert_eq!(sprung, at_once);
    witness.declare("two", &PASSIVE).await.unwrap();
    assert!(timeout(SECOND, &mut declare).await.is_err());
    let evidence = simulation.evidence(0).unwrap();
    assert!(evidence.held_down_bytes > Some(0), "{evidence:?}");
    simulation.heal(0).unwrap();
    declare.await.unwrap();
    assert_eq!(simulation.sprung(0).await, Err(LinkError::NoTrap(0)));
}

#[tokio::test(start_paused = true)]
async fn a_cut_declare_is_done_and_its_client_comes_back_at_once() {
    for seed in 0..50 {
        let simulation = Simulation::new(seed, 1);
        let (connection, client) = channel(&simulation, 0).await;
        simulation.trap(0, "queue.declare", 1, "cut").unwrap();
        let error = client.declare("a", &DURABLE).await.unwrap_err();
        assert!(!error.kind.certainty().is_definite(), "{error}");
        assert_eq!(connection.closed().await.by, Party::Transport);
        let (_again, client) = channel(&simulation, 0).await;
        client.declare("a", &PASSIVE).await.unwrap();
        client.declare("b", &DURABLE).await.unwrap();
        let evidence = simulation.evidence(0).unwrap();
        assert_eq!(evidence.connections_closed, Some(1));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_springs_a_trap_was_heard() {
    let simulation = Simulation::new(1, 1);
    let (_connection, client) = channel(&simulation, 0).await;
    client.declare("a", &DURABLE).await.unwrap();
    client.confirm_select().await.unwrap();
    for (method, nth) in [("basic.ack down", 2), ("basic.get-ok", 1)] {
        simulation.trap(0, method, nth, "hold").unwrap();
        for _ in 0..nth {
            let heard = async {
                client.publish("a", &body(1)).await.unwrap();
                client.get("a", true).await.unwrap().unwrap();
            };
            // The last round ends with what the trap waits for.
            let _ = timeout(SECOND, heard).await;
        }
        assert_eq!(simulation.sprung(0).await.unwrap().seen, nth);
        assert!(timeout(SECOND, client.qos(1)).await.is_err());
        simulation.heal(0).unwrap();
        sleep(SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_is_refused() {
    let simulation = Simulation::new(1, 1);
    for (method, nth, then, part) in [
        ("queue.steal", 1, "cut", "is none that"),
        ("basic.ack", 1, "cut", "goes both ways"),
        ("queue.declare", 0, "cut", "0th"),
        ("queue.declare", 1, "explode", "write cut or hold"),
    ] {
        let error = simulation.trap(0, method, nth, then).unwrap_err();
        assert_eq!(
            Simulation::check_trap(method, nth, then),
            Err(error.clone())
        );
        assert!(error.to_string().contains(part), "{error}");
    }
    let error = simulation.trap(1, "queue.declare", 1, "cut").unwrap_err();
    assert!(
        error.to_string().contains("link 1 does not exist"),
        "{error}"
    );
    assert_eq!(simulation.trapped(0), Err(LinkError::NoTrap(0)));
}

#[tokio::test(start_paused = true)]
async fn links_tell_what_they_have_done() {
    let simulation = Simulation::new(1, 2);
    let (connection, client) = channel(&simulation, 0).await;
    simulation.partition(0).unwrap();
    assert!(timeout(SECOND / 2, client.qos(1)).await.is_err());
    simulation.heal(0).unwrap();
    sleep(SECOND / 10).await;
    let evidence = simulation.evidence(0).unwrap();
    // A qos and its answer, and nothing else within half a second.
    let expected = Evidence {
        held_up_bytes: Some(19),
        held_down_bytes: Some(0),
        connections_closed: Some(0),
        passed_up_bytes: Some(19),
        passed_down_bytes: Some(12),
    };
    assert_eq!(evidence, expected);
    simulation.cut(0).unwrap();
    connection.closed().await;
    assert_eq!(simulation.evidence(0).unwrap().connections_closed, Some(1));
    assert_eq!(simulation.evidence(0).unwrap().connections_closed, Some(0));
    let untouched = simulation.evidence(1).unwrap();
    assert_eq!(untouched.passed_up_bytes, Some(0));
}

/// All of it, twice with the same seed.
#[test]
fn the_same_seed_gives_the_same_bytes() {
    let run = |seed| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let simulation = Simulation::new(seed, 1);
            simulation.begin_trace();
            for fault in 0..5 {
                let (connection, client) = channel(&simulation, 0).await;
                match fault {
                    0 => simulation.slow(0, SECOND / 10, SECOND / 20).unwrap(),
                    1 => simulation.trickle(0, 5000, 7).unwrap(),
                    2 => simulation.limit(0, 700).unwrap(),
                    3 => simulation.silence(0).unwrap(),
                    _ => simulation.trap(0, "basic.publish", 2, "cut").unwrap(),
                }
                for _ in 0..20 {
                    let work = async {
                        client.declare("a", &DURABLE).await?;
                        client.send("a", &body(100)).await
                    };
                    let _ = timeout(SECOND, work).await;
                }
                simulation.heal(0).unwrap();
                drop((client, connection));
                sleep(SECOND).await;
            }
            simulation.take_trace()
        })
    };
    for seed in 0..50 {
        assert!(run(seed) == run(seed), "seed {seed}");
    }
    assert_ne!(run(1), run(2));
}
