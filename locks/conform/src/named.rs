//! The scripts that have a name: one or more for each line of the server's table in
//! `docs/simulation.md`.

use crate::act::{Act, Ending, Patience, Resource};
use crate::script::{
    Action, Bounds, CHOSEN, Condition, Consume, Declaration, Flags, Operation, Place, Script, Step,
    Then, Which,
};

/// A script that has a name.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    /// The name, which says what it shows.
    pub name: &'static str,
    heartbeat_secs: u16,
    steps: fn() -> Vec<Step>,
}

impl Named {
    /// The script.
    #[must_use]
    pub fn script(&self) -> Script {
        Script {
            name: self.name.to_owned(),
            heartbeat_secs: self.heartbeat_secs,
            steps: (self.steps)(),
        }
    }
}

/// Every one of them.
pub const ALL: &[Named] = &[
    named("redeclaring", redeclaring),
    named("redeclaring-with-arguments", redeclaring_with_arguments),
    named("names-of-the-server", names_of_the_server),
    named("expires", expires),
    named("expires-unless-used", expires_unless_used),
    named("expires-of-nothing", expires_of_nothing),
    named("message-ttl", message_ttl),
    named("message-ttl-zero", message_ttl_zero),
    named("max-length-drop-head", max_length_drop_head),
    named("max-length-reject-publish", max_length_reject_publish),
    named("max-length-zero", max_length_zero),
    named("auto-delete", auto_delete),
    named("anothers-exclusive-queue", anothers_exclusive_queue),
    named("what-is-not-there", what_is_not_there),
    named("delete-with-conditions", delete_with_conditions),
    named("confirms-and-returns", confirms_and_returns),
    named("sending-without-confirms", sending_without_confirms),
    named("get-and-requeue", get_and_requeue),
    named("nack-multiple", nack_multiple),
    named("unknown-tag", unknown_tag),
    named("settled-twice", settled_twice),
    named("counts-are-of-ready-messages", counts_are_of_ready_messages),
    named("a-refused-channel", a_refused_channel),
    named("a-closed-channel", a_closed_channel),
    named("a-dropped-channel", a_dropped_channel),
    named("a-closed-connection", a_closed_connection),
    named("a-dropped-connection", a_dropped_connection),
    named("an-exclusive-consumer", an_exclusive_consumer),
    named("a-tag-used-twice", a_tag_used_twice),
    named("prefetch", prefetch),
    named("priorities", priorities),
    named("turns", turns),
    named("cancel", cancel),
    named("a-dropped-consumer", a_dropped_consumer),
    named(
        "a-queue-deleted-under-a-consumer",
        a_queue_deleted_under_a_consumer,
    ),
    named("a-consumer-without-acks", a_consumer_without_acks),
    named("single-active-consumer", single_active_consumer),
    named("single-active-and-exclusive", single_active_and_exclusive),
    named("transaction", transaction),
    named("transaction-rolled-back", transaction_rolled_back),
    named("transaction-abandoned", transaction_abandoned),
    named("transaction-or-confirms", transaction_or_confirms),
    named("no-transaction", no_transaction),
    named("cut", cut),
    named("cut-with-deliveries", cut_with_deliveries),
    named("short-partition", short_partition),
    named("close-through-partition", close_through_partition),
    with_heartbeat("long-partition", 1, long_partition),
    with_heartbeat(
        "late-notice-after-partition",
        1,
        late_notice_after_partition,
    ),
    named("memory-alarm", memory_alarm),
    named("disk-alarm", disk_alarm),
    named("both-alarms", both_alarms),
    named(
        "an-alarm-blocks-who-publishes",
        an_alarm_blocks_who_publishes,
    ),
    named("operator-deletes", operator_deletes),
    named("operator-purges", operator_purges),
    named("operator-closes", operator_closes),
    named("policy-max-length", policy_max_length),
    named("policy-max-length-zero", policy_max_length_zero),
    named("policy-with-consumers", policy_with_consumers),
    named("policy-expires", policy_expires),
    named("policy-expires-unless-used", policy_expires_unless_used),
    named("stop-and-start", stop_and_start),
    named("kill-and-start", kill_and_start),
    named("stop-with-deliveries", stop_with_deliveries),
    named("a-broker-stands-still", a_broker_stands_still),
    named("consumer-timeout", consumer_timeout),
];

const fn named(name: &'static str, steps: fn() -> Vec<Step>) -> Named {
    with_heartbeat(name, 60, steps)
}

const fn with_heartbeat(
    name: &'static str,
    heartbeat_secs: u16,
    steps: fn() -> Vec<Step>,
) -> Named {
    Named {
        name,
        heartbeat_secs,
        steps,
    }
}

const fn place(connection: u8, channel: u8) -> Place {
    Place {
        connection,
        channel,
    }
}

/// A channel each of three connections, and a second one of the first.
const ANN: Place = place(0, 0);
const ANN_TOO: Place = place(0, 1);
const BOB: Place = place(1, 0);
const CAY: Place = place(2, 0);

const PLAIN: Declaration = Declaration {
    passive: false,
    durable: false,
    exclusive: false,
    auto_delete: false,
    expires_ms: None,
    ttl_ms: None,
    max_length: None,
    reject_publish: false,
    single_active: false,
};
const PASSIVE: Declaration = Declaration {
    passive: true,
    ..PLAIN
};
const EXCLUSIVE: Declaration = Declaration {
    exclusive: true,
    ..PLAIN
};
const AUTO_DELETE: Declaration = Declaration {
    auto_delete: true,
    ..PLAIN
};
const SINGLE_ACTIVE: Declaration = Declaration {
    single_active: true,
    ..PLAIN
};

fn declare(place: Place, queue: &str, declaration: Declaration) -> Step {
    Step::On(place, Operation::Declare(queue.to_owned(), declaration))
}

fn ask(place: Place, queue: &str) -> Step {
    declare(place, queue, PASSIVE)
}

fn delete(place: Place, queue: &str, condition: Condition) -> Step {
    Step::On(place, Operation::Delete(queue.to_owned(), condition))
}

fn purge(place: Place, queue: &str) -> Step {
    Step::On(place, Operation::Purge(queue.to_owned()))
}

const MANDATORY: Flags = Flags {
    mandatory: true,
    persistent: false,
};

fn publish(place: Place, queue: &str) -> Step {
    Step::On(place, Operation::Publish(queue.to_owned(), MANDATORY))
}

fn send(place: Place, queue: &str) -> Step {
    Step::On(place, Operation::Send(queue.to_owned(), MANDATORY))
}

fn get(place: Place, queue: &str) -> Step {
    let (queue, no_ack) = (queue.to_owned(), false);
    Step::On(place, Operation::Get { queue, no_ack })
}

fn on(place: Place, operation: Operation) -> Step {
    Step::On(place, operation)
}

fn ack(place: Place) -> Step {
    on(place, Operation::Ack(Which::Oldest))
}

fn requeue(place: Place, which: Which) -> Step {
    on(place, Operation::Reject(which, Then::Requeue))
}

fn consume(place: Place, queue: &str, tag: &str) -> Step {
    let consume = Consume {
        tag: tag.to_owned(),
        ..Consume::default()
    };
    on(place, Operation::Consume(queue.to_owned(), consume))
}

fn consume_exclusively(place: Place, queue: &str, tag: &str) -> Step {
    let consume = Consume {
        tag: tag.to_owned(),
        exclusive: true,
        ..Consume::default()
    };
    on(place, Operation::Consume(queue.to_owned(), consume))
}

fn consume_at(place: Place, queue: &str, tag: &str, priority: i32) -> Step {
    let consume = Consume {
        tag: tag.to_owned(),
        priority: Some(priority),
        ..Consume::default()
    };
    on(place, Operation::Consume(queue.to_owned(), consume))
}

fn cancel_consumer(place: Place, tag: &str) -> Step {
    on(place, Operation::Cancel(tag.to_owned()))
}

fn redeclaring() -> Vec<Step> {
    let durable = Declaration {
        durable: true,
        ..PLAIN
    };
    vec![
        declare(ANN, "a", PLAIN),
        declare(ANN, "a", PLAIN),
        declare(ANN, "a", durable),
        declare(ANN_TOO, "a", AUTO_DELETE),
        declare(BOB, "a", EXCLUSIVE),
        declare(ANN, "b", EXCLUSIVE),
        declare(ANN, "b", EXCLUSIVE),
        declare(ANN, "b", EXCLUSIVE),
        declare(ANN_TOO, "b", PLAIN),
        declare(BOB, "b", EXCLUSIVE),
        declare(BOB, "b", EXCLUSIVE),
    ]
}

fn redeclaring_with_arguments() -> Vec<Step> {
    let limited = Declaration {
        max_length: Some(2),
        ttl_ms: Some(60_000),
        ..PLAIN
    };
    let others = [
        PLAIN,
        Declaration {
            max_length: Some(3),
            ..limited
        },
        Declaration {
            reject_publish: true,
            ..limited
        },
        Declaration {
            ttl_ms: None,
            ..limited
        },
        Declaration {
            expires_ms: Some(60_000),
            ..limited
        },
        Declaration {
            single_active: true,
            ..limited
        },
    ];
    let mut steps = vec![declare(ANN, "a", limited), declare(ANN, "a", limited)];
    for other in others {
        // The second meets the channel that the first has closed.
        steps.extend([declare(ANN, "a", other), ask(ANN, "a")]);
    }
    steps.push(ask(ANN, "a"));
    steps
}

fn names_of_the_server() -> Vec<Step> {
    vec![
        declare(ANN, "", EXCLUSIVE),
        publish(ANN, CHOSEN),
        ask(ANN, CHOSEN),
        ask(BOB, CHOSEN),
        get(ANN, CHOSEN),
        declare(BOB, "amq.mine", EXCLUSIVE),
        declare(BOB, "amq.mine", EXCLUSIVE),
        ask(BOB, "amq.mine"),
    ]
}

const EXPIRING: Declaration = Declaration {
    expires_ms: Some(1000),
    ..PLAIN
};

fn expires() -> Vec<Step> {
    vec![
        declare(ANN, "a", EXPIRING),
        publish(ANN, "a"),
        Step::Wait { millis: 2000 },
        publish(ANN, "a"),
        ask(ANN, "a"),
    ]
}

fn expires_unless_used() -> Vec<Step> {
    let pause = || Step::Wait { millis: 600 };
    vec![
        declare(ANN, "a", EXPIRING),
        consume(ANN, "a", "x"),
        Step::Wait { millis: 2000 },
        cancel_consumer(ANN, "x"),
        pause(),
        get(ANN, "a"),
        pause(),
        declare(ANN, "a", EXPIRING),
        pause(),
        ask(ANN, "a"),
        pause(),
        ask(ANN, "a"),
        Step::Wait { millis: 2000 },
        ask(ANN, "a"),
    ]
}

fn expires_of_nothing() -> Vec<Step> {
    let at_once = Declaration {
        expires_ms: Some(0),
        ..PLAIN
    };
    vec![declare(ANN, "a", at_once), ask(BOB, "a")]
}

fn message_ttl() -> Vec<Step> {
    let mortal = Declaration {
        ttl_ms: Some(1500),
        ..PLAIN
    };
    vec![
        declare(ANN, "a", mortal),
        publish(ANN, "a"),
        publish(ANN, "a"),
        get(ANN, "a"),
        Step::Wait { millis: 2500 },
        ask(BOB, "a"),
        requeue(ANN, Which::Oldest),
        get(ANN, "a"),
        publish(ANN, "a"),
        get(ANN, "a"),
    ]
}

fn message_ttl_zero() -> Vec<Step> {
    let fleeting = Declaration {
        ttl_ms: Some(0),
        ..PLAIN
    };
    vec![
        declare(ANN, "a", fleeting),
        publish(ANN, "a"),
        get(ANN, "a"),
        on(BOB, Operation::Qos(1)),
        consume(BOB, "a", "x"),
        publish(ANN, "a"),
        publish(ANN, "a"),
        requeue(BOB, Which::Oldest),
        get(ANN, "a"),
    ]
}

fn max_length_drop_head() -> Vec<Step> {
    let two = Declaration {
        max_length: Some(2),
        ..PLAIN
    };
    vec![
        declare(ANN, "a", two),
        publish(ANN, "a"),
        publish(ANN, "a"),
        get(BOB, "a"),
        publish(ANN, "a"),
        publish(ANN, "a"),
        requeue(BOB, Which::Oldest),
        get(BOB, "a"),
        get(BOB, "a"),
        get(BOB, "a"),
    ]
}

const REFUSING: Declaration = Declaration {
    max_length: Some(1),
    reject_publish: true,
    ..PLAIN
};

fn max_length_reject_publish() -> Vec<Step> {
    vec![
        declare(ANN, "a", REFUSING),
        publish(ANN, "a"),
        publish(ANN, "a"),
        get(BOB, "a"),
        publish(ANN, "a"),
        requeue(BOB, Which::Oldest),
        publish(ANN, "a"),
        ask(ANN, "a"),
        consume(BOB, "a", "x"),
        publish(ANN, "a"),
    ]
}

fn max_length_zero() -> Vec<Step> {
    let none = Declaration {
        max_length: Some(0),
        ..PLAIN
    };
    let refusing = Declaration {
        reject_publish: true,
        ..none
    };
    vec![
        declare(ANN, "a", none),
        publish(ANN, "a"),
        on(BOB, Operation::Qos(1)),
        consume(BOB, "a", "x"),
        publish(ANN, "a"),
        publish(ANN, "a"),
        ack(BOB),
        declare(ANN, "b", refusing),
        publish(ANN, "b"),
        consume(BOB, "b", "y"),
        publish(ANN, "b"),
    ]
}

fn auto_delete() -> Vec<Step> {
    vec![
        declare(ANN, "a", AUTO_DELETE),
        publish(ANN, "a"),
        consume(ANN, "a", "x"),
        consume(BOB, "a", "y"),
        cancel_consumer(ANN, "x"),
        on(BOB, Operation::Close),
        publish(ANN, "a"),
        declare(ANN, "b", AUTO_DELETE),
        consume(BOB, "b", "y"),
        consume(BOB, "b", "y"),
        Step::With(1, Action::Close),
        ask(ANN, "b"),
    ]
}

fn anothers_exclusive_queue() -> Vec<Step> {
    vec![
        declare(ANN, "a", EXCLUSIVE),
        publish(BOB, "a"),
        declare(BOB, "a", EXCLUSIVE),
        ask(BOB, "a"),
        ask(BOB, "a"),
        ask(BOB, "a"),
        get(BOB, "a"),
        get(BOB, "a"),
        purge(BOB, "a"),
        purge(BOB, "a"),
        delete(BOB, "a", Condition::Always),
        delete(BOB, "a", Condition::Always),
        consume(BOB, "a", "x"),
        consume(BOB, "a", "x"),
        get(ANN_TOO, "a"),
        Step::With(0, Action::Close),
        declare(BOB, "a", EXCLUSIVE),
    ]
}

fn what_is_not_there() -> Vec<Step> {
    vec![
        delete(ANN, "a", Condition::Always),
        ask(ANN, "a"),
        purge(ANN, "a"),
        purge(ANN, "a"),
        get(ANN, "a"),
        get(ANN, "a"),
        consume(ANN, "a", "x"),
        consume(ANN, "a", "x"),
        cancel_consumer(ANN, "x"),
        publish(ANN, "a"),
    ]
}

fn delete_with_conditions() -> Vec<Step> {
    vec![
        declare(ANN, "a", PLAIN),
        publish(ANN, "a"),
        delete(ANN, "a", Condition::IfEmpty),
        consume(BOB, "a", "x"),
        delete(ANN_TOO, "a", Condition::IfUnused),
        delete(CAY, "a", Condition::IfEmpty),
        declare(CAY, "b", PLAIN),
        publish(CAY, "b"),
        publish(CAY, "b"),
        delete(CAY, "b", Condition::IfUnused),
        ack(BOB),
    ]
}

fn confirms_and_returns() -> Vec<Step> {
    let unreturned = Operation::Publish("a".to_owned(), Flags::default());
    vec![
        publish(ANN, "a"),
        on(ANN, unreturned),
        declare(BOB, "a", PLAIN),
        publish(ANN, "a"),
        send(ANN, "a"),
        publish(ANN, "b"),
        publish(ANN, "a"),
        on(ANN, Operation::ConfirmSelect),
        publish(ANN, "b"),
        get(BOB, "a"),
    ]
}

fn sending_without_confirms() -> Vec<Step> {
    vec![
        declare(ANN, "a", PLAIN),
        send(ANN, "a"),
        send(ANN, "b"),
        on(ANN, Operation::Send("b".to_owned(), Flags::default())),
        get(ANN, "a"),
    ]
}

fn get_and_requeue() -> Vec<Step> {
    vec![
        declare(ANN, "a", PLAIN),
        publish(BOB, "a"),
        publish(BOB, "a"),
        publish(BOB, "a"),
        get(ANN, "a"),
        get(ANN, "a"),
        requeue(ANN, Which::Newest),
        requeue(ANN, Which::Oldest),
        get(ANN, "a"),
        get(ANN, "a"),
        get(ANN, "a"),
        get(ANN, "a"),
        on(ANN, Operation::Reject(Which::Oldest, Then::Discard)),
        ack(ANN),
        on(ANN, Operation::Close),
        get(BOB, "a"),
    ]
}

fn nack_multiple() -> Vec<Step> {
    let nack = |which, then| on(ANN, Operation::NackUpTo(which, then));
    vec![
        declare(ANN, "a", PLAIN),
        publish(BOB, "a"),
        publish(BOB, "a"),
        publish(BOB, "a"),
        nack(Which::Zero, Then::Requeue),
        get(ANN, "a"),
        get(ANN, "a"),
        get(ANN, "a"),
        nack(Which::Zero, Then::Requeue),
        get(ANN, "a"),
        get(ANN, "a"),
        nack(Which::Newest, Then::Discard),
        get(ANN, "a"),
        nack(Which::Settled, Then::Requeue),
    ]
}

fn unknown_tag() -> Vec<Step> {
    vec![
        declare(ANN, "a", PLAIN),
        publish(BOB, "a"),
        get(ANN, "a"),
        on(ANN, Operation::Ack(Which::Unknown)),
        get(ANN, "a"),
        get(ANN, "a"),
        on(ANN, Operation::Ack(Which::Zero)),
        on(ANN_TOO, Operation::NackUpTo(Which::Unknown, Then::Requeue)),
    ]
}

fn settled_twice() -> Vec<Step> {
    vec![
        declare(ANN, "a", PLAIN),
        publish(BOB, "a"),
        publish(BOB, "a"),
        consume(ANN, "a", "x"),
        ack(ANN),
        on(ANN, Operation::Ack(Which::Settled)),
        get(BOB, "a"),
    ]
}

fn counts_are_of_ready_messages() -> Vec<Step> {
    vec![
        declare(ANN, "a", PLAIN),
        publish(BOB, "a"),
        publish(BOB, "a"),
        get(ANN, "a"),
        ask(BOB, "a"),
        purge(BOB, "a"),
        delete(BOB, "a", Condition::IfEmpty),
        ack(ANN),
        purge(ANN, "a"),
    ]
}

fn a_refused_channel() -> Vec<Step> {
    vec![
        declare(ANN, "a", EXCLUSIVE),
        declare(ANN, "b", PLAIN),
        publish(BOB, "b"),
        publish(BOB, "b"),
        on(ANN, Operation::Qos(1)),
        consume(ANN, "b", "x"),
        ask(ANN, "c"),
        publish(ANN, "b"),
        get(ANN_TOO, "a"),
        get(ANN_TOO, "b"),
    ]
}

fn a_closed_channel() -> Vec<Step> {
    vec![
        declare(ANN, "a", EXCLUSIVE),
        declare(ANN, "b", PLAIN),
        publish(BOB, "b"),
        publish(BOB, "b"),
        publish(BOB, "b"),
        get(ANN, "b"),
        consume(ANN_TOO, "b", "x"),
        on(ANN, Operation::Close),
        on(ANN_TOO, Operation::Close),
        get(ANN, "b"),
        get(ANN, "b"),
        get(ANN, "a"),
    ]
}

fn a_dropped_channel() -> Vec<Step> {
    vec![
        declare(ANN, "a", PLAIN),
        publish(BOB, "a"),
        publish(BOB, "a"),
        consume(ANN, "a", "x"),
        consume(ANN_TOO, "a", "y"),
        on(ANN, Operation::Drop),
        publish(BOB, "a"),
        on(ANN_TOO, Operation::Drop),
        get(BOB, "a"),
    ]
}

fn a_closed_connection() -> Vec<Step> {
    vec![
        declare(ANN, "a", EXCLUSIVE),
        declare(ANN, "b", PLAIN),
        publish(BOB, "b"),
        publish(BOB, "b"),
        consume(ANN, "b", "x"),
        Step::With(0, Action::Close),
        publish(ANN, "b"),
        publish(BOB, "a"),
        get(BOB, "b"),
        declare(BOB, "a", EXCLUSIVE),
        ask(ANN, "a"),
    ]
}

fn a_dropped_connection() -> Vec<Step> {
    vec![
        declare(ANN, "a", EXCLUSIVE),
        declare(ANN, "b", PLAIN),
        publish(BOB, "b"),
        get(ANN_TOO, "b"),
        Step::With(0, Action::Drop),
        publish(BOB, "a"),
        get(BOB, "b"),
        ask(ANN, "a"),
    ]
}

fn an_exclusive_consumer() -> Vec<Step> {
    vec![
        declare(ANN, "a", PLAIN),
        on(ANN, Operation::Qos(1)),
        consume_exclusively(ANN, "a", "x"),
        consume(BOB, "a", "y"),
        publish(CAY, "a"),
        publish(CAY, "a"),
        get(CAY, "a"),
        cancel_consumer(ANN, "x"),
        consume(BOB, "a", "y"),
        consume_exclusively(ANN, "a", "z"),
        consume(CAY, "a", "x"),
    ]
}

fn a_tag_used_twice() -> Vec<Step> {
    vec![
        declare(ANN, "a", PLAIN),
        declare(ANN, "b", EXCLUSIVE),
        consume(ANN, "a", "x"),
        consume(ANN_TOO, "a", "x"),
        consume(ANN, "a", "x"),
        publish(BOB, "b"),
        ask(ANN, "a"),
        ask(ANN, "a"),
    ]
}

fn prefetch() -> Vec<Step> {
    vec![
        declare(ANN, "a", PLAIN),
        on(ANN, Operation::Qos(2)),
        consume(ANN, "a", "x"),
        on(ANN, Operation::Qos(1)),
        consume(ANN, "a", "y"),
        publish(BOB, "a"),
        publish(BOB, "a"),
        publish(BOB, "a"),
        publish(BOB, "a"),
        ack(ANN),
        ack(ANN),
        requeue(ANN, Which::Newest),
        on(ANN, Operation::Reject(Which::Oldest, Then::Discard)),
    ]
}

fn priorities() -> Vec<Step> {
    vec![
        declare(ANN, "a", PLAIN),
        on(ANN, Operation::Qos(1)),
        consume_at(ANN, "a", "low", -1),
        consume_at(ANN, "a", "high", 5),
        consume(ANN_TOO, "a", "middle"),
        publish(BOB, "a"),
        publish(BOB, "a"),
        publish(BOB, "a"),
        ack(ANN),
        publish(BOB, "a"),
    ]
}

fn turns() -> Vec<Step> {
    vec![
        declare(ANN, "a", PLAIN),
        consume(ANN, "a", "x"),
        consume(BOB, "a", "y"),
        consume(CAY, "a", "z"),
        publish(ANN_TOO, "a"),
        publish(ANN_TOO, "a"),
        publish(ANN_TOO, "a"),
        publish(ANN_TOO, "a"),
        cancel_consumer(BOB, "y"),
        publish(ANN_TOO, "a"),
        publish(ANN_TOO, "a"),
        requeue(ANN, Which::Oldest),
        Step::With(2, Action::Close),
    ]
}

fn cancel() -> Vec<Step> {
    vec![
        declare(ANN, "a", PLAIN),
        publish(BOB, "a"),
        consume(ANN, "a", "x"),
        cancel_consumer(ANN, "x"),
        publish(BOB, "a"),
        ask(ANN, "a"),
        requeue(ANN, Which::Oldest),
        cancel_consumer(ANN, "nobody"),
        consume(ANN, "a", "x"),
        ack(ANN),
    ]
}

fn a_dropped_consumer() -> Vec<Step> {
    vec![
        declare(ANN, "a", PLAIN),
        publish(BOB, "a"),
        consume(ANN, "a", "x"),
        on(ANN, Operation::Forget("x".to_owned())),
        publish(BOB, "a"),
        ack(ANN),
        get(BOB, "a"),
    ]
}

fn a_queue_deleted_under_a_consumer() -> Vec<Step> {
    vec![
        declare(ANN, "a", PLAIN),
        publish(BOB, "a"),
        consume(ANN, "a", "x"),
        delete(BOB, "a", Condition::Always),
        ack(ANN),
        cancel_consumer(ANN, "x"),
        declare(BOB, "a", PLAIN),
        consume(ANN, "a", "x"),
        publish(BOB, "a"),
    ]
}

fn a_consumer_without_acks() -> Vec<Step> {
    let consume = Consume {
        tag: "x".to_owned(),
        no_ack: true,
        ..Consume::default()
    };
    let get = Operation::Get {
        queue: "a".to_owned(),
        no_ack: true,
    };
    vec![
        declare(ANN, "a", PLAIN),
        publish(BOB, "a"),
        on(BOB, get),
        on(ANN, Operation::Qos(1)),
        on(ANN, Operation::Consume("a".to_owned(), consume)),
        publish(BOB, "a"),
        publish(BOB, "a"),
        on(ANN, Operation::Close),
        ask(BOB, "a"),
    ]
}

fn single_active_consumer() -> Vec<Step> {
    vec![
        declare(ANN, "a", SINGLE_ACTIVE),
        on(ANN, Operation::Qos(1)),
        consume(ANN, "a", "x"),
        consume(BOB, "a", "y"),
        consume(CAY, "a", "z"),
        publish(ANN_TOO, "a"),
        publish(ANN_TOO, "a"),
        publish(ANN_TOO, "a"),
        cancel_consumer(ANN, "x"),
        Step::With(1, Action::Close),
        ack(ANN),
    ]
}

fn single_active_and_exclusive() -> Vec<Step> {
    vec![
        declare(ANN, "a", SINGLE_ACTIVE),
        consume_exclusively(ANN, "a", "x"),
        consume(BOB, "a", "y"),
        consume(CAY, "a", "z"),
    ]
}

fn transaction() -> Vec<Step> {
    vec![
        declare(BOB, "a", PLAIN),
        publish(BOB, "a"),
        on(ANN, Operation::TxSelect),
        send(ANN, "a"),
        send(ANN, "b"),
        get(ANN, "a"),
        ack(ANN),
        ask(BOB, "a"),
        on(ANN, Operation::TxCommit),
        on(ANN, Operation::TxSelect),
        get(ANN, "a"),
        requeue(ANN, Which::Oldest),
        on(ANN, Operation::TxCommit),
        on(ANN, Operation::TxCommit),
    ]
}

fn transaction_rolled_back() -> Vec<Step> {
    vec![
        declare(BOB, "a", PLAIN),
        publish(BOB, "a"),
        publish(BOB, "a"),
        on(ANN, Operation::TxSelect),
        get(ANN, "a"),
        get(ANN, "a"),
        ack(ANN),
        send(ANN, "a"),
        on(ANN, Operation::Ack(Which::Oldest)),
        on(ANN, Operation::TxRollback),
        ask(BOB, "a"),
        requeue(ANN, Which::Newest),
        on(ANN, Operation::NackUpTo(Which::Zero, Then::Requeue)),
        on(ANN, Operation::TxCommit),
    ]
}

fn transaction_abandoned() -> Vec<Step> {
    vec![
        declare(BOB, "a", PLAIN),
        publish(BOB, "a"),
        on(ANN, Operation::TxSelect),
        get(ANN, "a"),
        ack(ANN),
        send(ANN, "a"),
        on(ANN, Operation::Close),
        get(BOB, "a"),
    ]
}

fn transaction_or_confirms() -> Vec<Step> {
    vec![
        on(ANN, Operation::TxSelect),
        on(ANN, Operation::ConfirmSelect),
        on(BOB, Operation::ConfirmSelect),
        on(BOB, Operation::TxSelect),
        on(CAY, Operation::TxSelect),
        publish(CAY, "a"),
    ]
}

fn no_transaction() -> Vec<Step> {
    vec![
        on(ANN, Operation::TxCommit),
        on(BOB, Operation::TxRollback),
        on(CAY, Operation::ConfirmSelect),
        on(CAY, Operation::TxCommit),
    ]
}

fn cut() -> Vec<Step> {
    vec![
        declare(ANN, "a", EXCLUSIVE),
        declare(BOB, "b", PLAIN),
        consume(ANN_TOO, "b", "x"),
        Step::With(0, Action::Cut),
        publish(BOB, "a"),
        publish(ANN, "a"),
        publish(ANN, "a"),
        Step::With(0, Action::Heal),
        declare(ANN, "a", EXCLUSIVE),
    ]
}

fn cut_with_deliveries() -> Vec<Step> {
    vec![
        declare(BOB, "a", PLAIN),
        publish(BOB, "a"),
        publish(BOB, "a"),
        get(ANN, "a"),
        on(ANN_TOO, Operation::TxSelect),
        get(ANN_TOO, "a"),
        ack(ANN_TOO),
        Step::With(0, Action::Cut),
        get(BOB, "a"),
        get(BOB, "a"),
        Step::With(0, Action::Heal),
    ]
}

fn short_partition() -> Vec<Step> {
    vec![
        declare(ANN, "a", EXCLUSIVE),
        declare(ANN, "b", PLAIN),
        consume(ANN_TOO, "b", "x"),
        publish(ANN, "a"),
        Step::With(0, Action::Partition),
        publish(ANN, "a"),
        publish(BOB, "b"),
        declare(BOB, "a", EXCLUSIVE),
        Step::With(0, Action::Heal),
        publish(ANN, "a"),
        ack(ANN_TOO),
        get(ANN, "a"),
        get(ANN, "a"),
    ]
}

fn close_through_partition() -> Vec<Step> {
    vec![
        declare(ANN, "a", EXCLUSIVE),
        Step::With(0, Action::Partition),
        Step::With(0, Action::Close),
        declare(BOB, "a", EXCLUSIVE),
        Step::With(0, Action::Heal),
        declare(BOB, "a", EXCLUSIVE),
        declare(BOB, "a", EXCLUSIVE),
    ]
}

/// With a heartbeat of 1 s: two intervals to two and a half after the client heard something last,
/// which may be half an interval before the partition; and what a busy machine may add.
const CLIENT: Bounds = Bounds {
    from_ms: 1400,
    to_ms: 3500,
};
/// The same for the server, which takes two intervals to three.
const SERVER: Bounds = Bounds {
    from_ms: 1400,
    to_ms: 4000,
};

fn long_partition() -> Vec<Step> {
    vec![
        declare(ANN, "a", EXCLUSIVE),
        declare(BOB, "b", PLAIN),
        publish(BOB, "b"),
        get(ANN, "b"),
        Step::With(0, Action::Partition),
        Step::UntilLost {
            connection: 0,
            queue: "a".to_owned(),
            client: CLIENT,
            server: SERVER,
        },
        publish(ANN, "a"),
        get(BOB, "b"),
        Step::With(0, Action::Heal),
        declare(ANN, "a", EXCLUSIVE),
        declare(ANN, "a", EXCLUSIVE),
    ]
}

fn late_notice_after_partition() -> Vec<Step> {
    vec![
        declare(ANN, "a", PLAIN),
        on(ANN, Operation::ConfirmSelect),
        Step::With(0, Action::Partition),
        publish(ANN, "a"),
        Step::Wait { millis: 500 },
        Step::With(0, Action::Heal),
        get(BOB, "a"),
    ]
}

const fn alarm(of: Resource, raised: bool) -> Step {
    Step::To(Act::Alarm { of, raised })
}

/// The first publish is taken and blocks its connection, the second waits.
fn one_alarm(of: Resource) -> Vec<Step> {
    vec![
        declare(ANN, "a", PLAIN),
        on(ANN, Operation::ConfirmSelect),
        alarm(of, true),
        publish(ANN, "a"),
        publish(ANN, "a"),
        get(BOB, "a"),
        ask(BOB, "a"),
        alarm(of, false),
        get(BOB, "a"),
        publish(ANN, "a"),
    ]
}

fn memory_alarm() -> Vec<Step> {
    one_alarm(Resource::Memory)
}

fn disk_alarm() -> Vec<Step> {
    one_alarm(Resource::Disk)
}

fn both_alarms() -> Vec<Step> {
    vec![
        declare(ANN, "a", PLAIN),
        alarm(Resource::Memory, true),
        publish(ANN, "a"),
        alarm(Resource::Disk, true),
        publish(BOB, "a"),
        alarm(Resource::Memory, false),
        publish(BOB, "a"),
        alarm(Resource::Disk, false),
        ask(CAY, "a"),
    ]
}

fn an_alarm_blocks_who_publishes() -> Vec<Step> {
    vec![
        declare(ANN, "a", EXCLUSIVE),
        publish(ANN, "a"),
        declare(BOB, "b", PLAIN),
        consume(BOB, "b", "x"),
        alarm(Resource::Memory, true),
        get(ANN, "a"),
        ack(ANN),
        send(ANN, "b"),
        get(ANN, "a"),
        declare(CAY, "c", PLAIN),
        publish(CAY, "c"),
        ack(BOB),
        Step::With(0, Action::Drop),
        ask(BOB, "a"),
        alarm(Resource::Memory, false),
        ask(BOB, "a"),
    ]
}

fn operator_deletes() -> Vec<Step> {
    vec![
        declare(ANN, "a", PLAIN),
        declare(BOB, "aa", EXCLUSIVE),
        declare(ANN, "b", PLAIN),
        consume(ANN, "a", "x"),
        consume(BOB, "aa", "y"),
        publish(CAY, "a"),
        publish(CAY, "aa"),
        publish(CAY, "b"),
        Step::To(Act::Delete("a".to_owned())),
        ack(ANN),
        publish(CAY, "a"),
        publish(CAY, "aa"),
        declare(CAY, "aa", EXCLUSIVE),
        declare(BOB, "aa", EXCLUSIVE),
        declare(BOB, "a", PLAIN),
        requeue(BOB, Which::Oldest),
        ask(ANN, "b"),
        Step::To(Act::Delete("a".to_owned())),
        Step::To(Act::Delete("a".to_owned())),
    ]
}

fn operator_purges() -> Vec<Step> {
    vec![
        declare(ANN, "a", PLAIN),
        declare(BOB, "aa", EXCLUSIVE),
        publish(ANN, "a"),
        publish(ANN, "a"),
        publish(BOB, "aa"),
        publish(BOB, "aa"),
        get(ANN, "a"),
        get(BOB, "aa"),
        Step::To(Act::Purge("a".to_owned())),
        requeue(ANN, Which::Oldest),
        requeue(BOB, Which::Oldest),
        on(ANN_TOO, Operation::Qos(1)),
        consume(ANN_TOO, "a", "x"),
        publish(ANN, "a"),
        Step::To(Act::Purge("a".to_owned())),
        ack(ANN_TOO),
        get(ANN, "a"),
        get(BOB, "aa"),
    ]
}

fn operator_closes() -> Vec<Step> {
    vec![
        declare(BOB, "b", PLAIN),
        declare(ANN, "a", EXCLUSIVE),
        consume(ANN, "a", "x"),
        publish(BOB, "b"),
        publish(BOB, "b"),
        consume(ANN_TOO, "b", "y"),
        consume(CAY, "b", "z"),
        Step::To(Act::Close(0)),
        publish(ANN, "a"),
        ask(BOB, "b"),
        declare(BOB, "a", EXCLUSIVE),
        declare(ANN, "c", EXCLUSIVE),
        Step::With(0, Action::Partition),
        Step::To(Act::Close(0)),
        declare(BOB, "c", EXCLUSIVE),
        Step::With(0, Action::Heal),
        ask(ANN, "b"),
    ]
}

fn policy(prefix: &str, expires_ms: Option<u64>, max_length: Option<u32>) -> Step {
    Step::To(Act::Policy {
        prefix: prefix.to_owned(),
        expires_ms,
        max_length,
    })
}

fn policy_max_length() -> Vec<Step> {
    let one = Declaration {
        max_length: Some(1),
        ..PLAIN
    };
    let mut steps = vec![
        declare(ANN, "a", PLAIN),
        declare(ANN, "aa", EXCLUSIVE),
        declare(ANN, "ab", one),
        declare(ANN, "ac", REFUSING),
        declare(ANN, "b", PLAIN),
    ];
    for queue in ["a", "aa", "ab", "ac", "b"] {
        steps.extend([
            publish(ANN, queue),
            publish(ANN, queue),
            publish(ANN, queue),
        ]);
    }
    steps.extend([
        policy("a", None, Some(2)),
        publish(ANN, "a"),
        publish(ANN, "aa"),
        publish(ANN, "ab"),
        publish(ANN, "ac"),
        declare(ANN, "a", PLAIN),
        declare(ANN, "ad", PLAIN),
        publish(ANN, "ad"),
        publish(ANN, "ad"),
        publish(ANN, "ad"),
        Step::To(Act::NoPolicy),
        publish(ANN, "a"),
        get(ANN, "a"),
        get(ANN, "aa"),
    ]);
    steps
}

fn policy_max_length_zero() -> Vec<Step> {
    vec![
        declare(ANN, "a", PLAIN),
        publish(ANN, "a"),
        publish(ANN, "a"),
        get(BOB, "a"),
        policy("a", None, Some(0)),
        publish(ANN, "a"),
        requeue(BOB, Which::Oldest),
        get(BOB, "a"),
        consume(BOB, "a", "x"),
        publish(ANN, "a"),
    ]
}

fn policy_with_consumers() -> Vec<Step> {
    vec![
        declare(ANN, "a", EXCLUSIVE),
        on(ANN, Operation::Qos(1)),
        consume(ANN, "a", "x"),
        publish(BOB, "a"),
        publish(BOB, "a"),
        publish(BOB, "a"),
        publish(BOB, "a"),
        policy("a", None, Some(1)),
        ack(ANN),
        publish(BOB, "a"),
        publish(BOB, "a"),
        requeue(ANN, Which::Oldest),
        ack(ANN),
        ack(ANN),
    ]
}

fn policy_expires() -> Vec<Step> {
    vec![
        declare(ANN, "a", PLAIN),
        declare(ANN, "aa", EXCLUSIVE),
        publish(ANN, "a"),
        declare(ANN, "b", PLAIN),
        policy("a", Some(1000), None),
        Step::Wait { millis: 2000 },
        ask(ANN, "b"),
        publish(ANN, "a"),
        publish(ANN, "aa"),
        declare(ANN, "a", EXPIRING),
        Step::To(Act::NoPolicy),
        ask(BOB, "a"),
        Step::Wait { millis: 2000 },
        ask(BOB, "b"),
    ]
}

fn policy_expires_unless_used() -> Vec<Step> {
    let late = Declaration {
        expires_ms: Some(60_000),
        ..PLAIN
    };
    vec![
        declare(ANN, "a", late),
        consume(ANN, "a", "x"),
        policy("a", Some(1000), None),
        Step::Wait { millis: 2000 },
        cancel_consumer(ANN, "x"),
        Step::To(Act::NoPolicy),
        Step::Wait { millis: 2000 },
        ask(ANN, "a"),
        policy("a", Some(1000), None),
        Step::Wait { millis: 2000 },
        publish(ANN, "a"),
    ]
}

/// What stays of queues and messages of all kinds.
fn restart(ending: Ending) -> Vec<Step> {
    let durable = Declaration {
        durable: true,
        ..PLAIN
    };
    let persistent = Flags {
        mandatory: true,
        persistent: true,
    };
    let keep = |queue: &str| on(ANN, Operation::Publish(queue.to_owned(), persistent));
    vec![
        declare(ANN, "a", durable),
        keep("a"),
        publish(ANN, "a"),
        keep("a"),
        declare(ANN, "b", PLAIN),
        keep("b"),
        declare(ANN, "c", EXCLUSIVE),
        on(BOB, Operation::Qos(1)),
        consume(BOB, "b", "x"),
        Step::To(Act::Restart(ending)),
        ask(ANN, "a"),
        publish(ANN, "b"),
        declare(BOB, "c", EXCLUSIVE),
        declare(BOB, "c", EXCLUSIVE),
        get(CAY, "a"),
        get(CAY, "a"),
        get(CAY, "a"),
        delete(CAY, "a", Condition::Always),
    ]
}

fn stop_and_start() -> Vec<Step> {
    restart(Ending::Stopped)
}

fn kill_and_start() -> Vec<Step> {
    restart(Ending::Killed)
}

fn stop_with_deliveries() -> Vec<Step> {
    let durable = Declaration {
        durable: true,
        ..PLAIN
    };
    let persistent = Flags {
        mandatory: true,
        persistent: true,
    };
    let keep = || on(ANN, Operation::Publish("a".to_owned(), persistent));
    vec![
        declare(ANN, "a", durable),
        keep(),
        keep(),
        keep(),
        get(BOB, "a"),
        get(BOB, "a"),
        ack(BOB),
        Step::To(Act::Restart(Ending::Stopped)),
        declare(CAY, "a", durable),
        get(CAY, "a"),
        get(CAY, "a"),
        get(CAY, "a"),
    ]
}

fn a_broker_stands_still() -> Vec<Step> {
    vec![
        declare(ANN, "a", PLAIN),
        declare(BOB, "b", EXCLUSIVE),
        on(ANN, Operation::ConfirmSelect),
        Step::To(Act::Pause),
        publish(ANN, "a"),
        get(BOB, "b"),
        publish(CAY, "a"),
        Step::Wait { millis: 1000 },
        Step::To(Act::Resume),
        get(CAY, "a"),
        publish(BOB, "b"),
    ]
}

/// A channel looks once a minute unless it is told otherwise: then this would take two.
fn consumer_timeout() -> Vec<Step> {
    vec![
        Step::To(Act::ConsumerTimeout(Some(Patience {
            timeout_ms: 2_500,
            looks_every_ms: 1_000,
        }))),
        declare(ANN, "a", PLAIN),
        consume(ANN, "a", "x"),
        publish(BOB, "a"),
        get(ANN_TOO, "a"),
        Step::Wait { millis: 5_000 },
        get(BOB, "a"),
        publish(ANN, "a"),
        publish(ANN, "a"),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_no_random_scripts() {
        let names: BTreeSet<_> = ALL.iter().map(|named| named.name).collect();
        assert_eq!(names.len(), ALL.len());
        assert!(names.iter().all(|name| !name.starts_with("random-")));
    }
}
