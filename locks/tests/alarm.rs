//! A broker that is short of memory; in a test binary of its own, since the alarm blocks whoever
//! publishes meanwhile.

mod common;

use common::{Rabbit, on_both, soon, unique};
use futures_util::StreamExt;
use locks::broker::{ConnectionEvent, Publish};

on_both!(a_memory_alarm_blocks_publishers_and_lets_them_go);
async fn a_memory_alarm_blocks_publishers_and_lets_them_go(rabbit: Rabbit) {
    let (connection, channel) = rabbit.channel().await;
    let mut events = connection.events();
    if rabbit.set_memory_alarm(true).await.is_none() {
        return;
    }
    let queue = unique("nothing");
    let ping = Publish::ping();
    let publishing = channel.publish(&queue, &ping);
    let (confirm, (blocked, unblocked)) = tokio::join!(soon(publishing), async {
        let blocked = soon(events.next()).await;
        rabbit.set_memory_alarm(false).await;
        (blocked, soon(events.next()).await)
    });
    assert!(
        matches!(blocked, Some(ConnectionEvent::Blocked(_))),
        "{blocked:?}"
    );
    assert_eq!(unblocked, Some(ConnectionEvent::Unblocked));
    assert!(confirm.is_ok());
}
