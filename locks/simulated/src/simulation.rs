//! The handle: how to connect to a simulated broker, how to break it and the way to it, what an
//! operator can do.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use locks::broker::{Broker, ConnectOptions, Connection};
use locks::{Error, ErrorKind};
use tokio::time;

use super::client::{Credentials, SimulatedConnection};
use super::driver::Shared;
use super::evidence::Evidence;
use super::network::{Direction, Latency, Link, NoSuchLink, Reach, Slowness, Trickle};
use super::server::{Limits, NoticedLoss, Policy, Resource, Shutdown};
use super::trap::{LinkError, Trap, Trapped};
use super::world::{World, refused};

/// What stands before the number of a link in an address.
const SCHEME: &str = "sim:";

/// A simulated RabbitMQ, and one link to it for each client. Cloning it makes another handle of the
/// same one.
///
/// It lives in a current-thread tokio runtime whose clock is paused, and there the same seed and
/// the same calls make the same run. Under a clock that runs it works too, in real time.
#[derive(Clone)]
pub struct Simulation {
    shared: Arc<Shared>,
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation").finish_non_exhaustive()
    }
}

impl Simulation {
    /// A broker, and links to it that are numbered from 0. Must be called within a tokio runtime.
    #[must_use]
    pub fn new(seed: u64, links: usize) -> Self {
        Self {
            shared: Shared::begin(World::new(seed, links)),
        }
    }

    /// The address ([`ConnectOptions::address`]) of the broker over a link.
    #[must_use]
    pub fn address(link: usize) -> String {
        format!("{SCHEME}{link}")
    }

    /// The time since it began, finer than the runtime's clock: the order of what happens within
    /// one millisecond.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.shared.act(|world| world.now())
    }

    /// Sleeps until a time since the simulation began, as fine as [`Self::elapsed`]: the runtime's
    /// own timers wake in whole milliseconds, and those of one millisecond always in the same
    /// order.
    pub async fn sleep_until(&self, time: Duration) {
        let woken = self.shared.act(|world| world.wake_at(time));
        // This handle keeps the world, and the world keeps the other end until it wakes us.
        let _ = woken.await;
    }

    /// How long segments take over a link from now on.
    ///
    /// # Errors
    /// There is no such link.
    pub fn set_latency(&self, link: usize, latency: Latency) -> Result<(), NoSuchLink> {
        self.shared.act(|world| {
            world.network.link(link)?.latency = latency;
            Ok(())
        })
    }

    /// Nothing passes over a link in either direction until it heals; closes are held back like
    /// everything else.
    ///
    /// # Errors
    /// There is no such link.
    pub fn partition(&self, link: usize) -> Result<(), NoSuchLink> {
        self.partition_upstream(link)?;
        self.partition_downstream(link)
    }

    /// Nothing passes from the client to the broker; the client still hears it.
    ///
    /// # Errors
    /// There is no such link.
    pub fn partition_upstream(&self, link: usize) -> Result<(), NoSuchLink> {
        self.hold(link, Direction::Up)
    }

    /// Nothing passes from the broker to the client; the broker still hears it.
    ///
    /// # Errors
    /// There is no such link.
    pub fn partition_downstream(&self, link: usize) -> Result<(), NoSuchLink> {
        self.hold(link, Direction::Down)
    }

    fn hold(&self, link: usize, direction: Direction) -> Result<(), NoSuchLink> {
        self.shared
            .act(|world| world.network.impair(link, |link| link.hold(direction)))
    }

    /// Segments take longer by `latency` plus or minus up to `jitter`, each way; they never
    /// overtake each other. What is under way when the link heals comes at once.
    ///
    /// # Errors
    /// There is no such link.
    pub fn slow(&self, link: usize, latency: Duration, jitter: Duration) -> Result<(), NoSuchLink> {
        let slowness = Slowness { latency, jitter };
        self.shared
            .act(|world| world.network.impair(link, |link| link.slow(slowness)))
    }

    /// Bytes pass in slices of so many, at so many a second, each way: a frame has about as many as
    /// on a real wire, and arrives with its last one. What is under way when the link heals comes
    /// at once.
    ///
    /// # Errors
    /// One of them is 0, or there is no such link.
    pub fn trickle(
        &self,
        link: usize,
        bytes_per_second: u64,
        slice_bytes: u64,
    ) -> Result<(), LinkError> {
        let trickle = Trickle::new(bytes_per_second, slice_bytes)?;
        self.shared
            .act(|world| world.network.impair(link, |link| link.trickle(trickle)))?;
        Ok(())
    }

    /// Each connection is closed when so many bytes have passed it in one direction, new ones too;
    /// a frame that does not come through whole does not come.
    ///
    /// # Errors
    /// There is no such link.
    pub fn limit(&self, link: usize, bytes: u64) -> Result<(), NoSuchLink> {
        self.shared.act(|world| world.network.limit(link, bytes))
    }

    /// The heartbeats of the clients of a link are lost, and nothing else.
    ///
    /// # Errors
    /// There is no such link.
    pub fn silence(&self, link: usize) -> Result<(), NoSuchLink> {
        self.shared
            .act(|world| world.network.impair(link, Link::silence))
    }

    /// Something happens right after the `nth` method of that name has passed, and before anything
    /// further passes either way; counted over all connections of the link from now on. `then` is
    /// `cut`: all connections are reset, and new ones are let through; or `hold`: nothing passes any
    /// more, closes included, until [`Self::heal`]. A method that goes both ways has ` up` or
    /// ` down` behind its name: `basic.ack up`.
    ///
    /// # Errors
    /// [`Self::check_trap`] finds something wrong, or there is no such link.
    pub fn trap(&self, link: usize, method: &str, nth: u64, then: &str) -> Result<(), LinkError> {
        let trap = Trap::new(method, nth, then)?;
        self.shared
            .act(|world| world.network.impair(link, |link| link.set(trap)))?;
        Ok(())
    }

    /// Whether a trap makes sense: the simulation has the method, which goes one way or says which;
    /// it is counted from 1; and `then` is `cut` or `hold`.
    ///
    /// # Errors
    /// It does not.
    pub fn check_trap(method: &str, nth: u64, then: &str) -> Result<(), LinkError> {
        Trap::new(method, nth, then).map(drop)
    }

    /// What the trap of a link has seen.
    ///
    /// # Errors
    /// There is none.
    pub fn trapped(&self, link: usize) -> Result<Trapped, LinkError> {
        self.shared.act(|world| {
            let now = world.now();
            let trap = world.network.link(link)?.trap();
            let trap = trap.ok_or(LinkError::NoTrap(link))?;
            Ok(trap.trapped(now))
        })
    }

    /// Waits until the trap of a link has sprung; resolves at that very time.
    ///
    /// # Errors
    /// There is none, or not any more.
    pub async fn sprung(&self, link: usize) -> Result<Trapped, LinkError> {
        let told = self.shared.act(|world| {
            let trap = world.network.link(link)?.trap();
            trap.map(Trap::wait).ok_or(LinkError::NoTrap(link))
        })?;
        told.await.map_err(|_| LinkError::NoTrap(link))?;
        self.trapped(link)
    }

    /// What a link has done since this was asked last, or since something was done to it; what it
    /// held back at the most since something was done to it.
    ///
    /// # Errors
    /// There is no such link.
    pub fn evidence(&self, link: usize) -> Result<Evidence, NoSuchLink> {
        self.shared.act(|world| world.network.evidence(link))
    }

    /// Connections over a link are reset at both ends, and new ones too until it heals.
    ///
    /// # Errors
    /// There is no such link.
    pub fn cut(&self, link: usize) -> Result<(), NoSuchLink> {
        self.shared.act(|world| world.cut(link))
    }

    /// Undoes all of the above but the latency that was set: what was held back is delivered in
    /// order, and the same connections live on.
    ///
    /// # Errors
    /// There is no such link.
    pub fn heal(&self, link: usize) -> Result<(), NoSuchLink> {
        self.shared.act(|world| world.heal(link))
    }

    /// The clients of a link stand still, as a stopped process does: they read nothing, send
    /// nothing and count no heartbeats, while the broker's bytes wait before them. Whoever uses
    /// their connections must be kept from it.
    ///
    /// # Errors
    /// There is no such link.
    pub fn freeze(&self, link: usize) -> Result<(), NoSuchLink> {
        self.shared.act(|world| world.freeze(link))
    }

    /// The clients of a link go on.
    ///
    /// # Errors
    /// There is no such link.
    pub fn thaw(&self, link: usize) -> Result<(), NoSuchLink> {
        self.shared.act(|world| world.thaw(link))
    }

    /// Whether new connections over a link find nobody who listens. Open ones are left alone.
    ///
    /// # Errors
    /// There is no such link.
    pub fn set_refused(&self, link: usize, refused: bool) -> Result<(), NoSuchLink> {
        let reach = if refused { Reach::Refused } else { Reach::Open };
        self.shared.act(|world| {
            world.network.link(link)?.reach = reach;
            Ok(())
        })
    }

    /// Deletes a queue as an operator does, whoever owns it; whether it was there.
    pub fn delete_queue(&self, queue: &str) -> bool {
        self.shared
            .act(|world| world.on_node(|node, now| node.delete_queue(queue, now)))
    }

    /// Deletes the queues whose name begins so as an operator does, whoever owns them; how many
    /// messages were ready in each.
    pub fn delete_queues(&self, prefix: &str) -> BTreeMap<String, u32> {
        self.shared
            .act(|world| world.on_node(|node, now| node.delete_queues(prefix, now)))
    }

    /// Purges the queues whose name begins so as an operator does, whoever owns them; how many
    /// messages were ready in each.
    pub fn purge_queues(&self, prefix: &str) -> BTreeMap<String, u32> {
        self.shared
            .act(|world| world.on_node(|node, now| node.purge_queues(prefix, now)))
    }

    /// Closes connections by their names as an operator does, for a reason that their clients are
    /// told; gives the name of each. A connection is meant that has one of these names, or one with
    /// something behind it that is neither letter nor digit: `run-1` means `run-1-a`, and not
    /// `run-10`.
    pub fn close_connections(&self, names: &[String], reason: &str) -> Vec<String> {
        self.shared
            .act(|world| world.on_node(|node, now| node.close_connections(names, reason, now)))
    }

    /// Raises or clears the memory alarm: as long as it lasts, who publishes is blocked.
    pub fn set_memory_alarm(&self, raised: bool) {
        self.set_alarm(Resource::Memory, raised);
    }

    /// Raises or clears the disk alarm: the same, for another reason.
    pub fn set_disk_alarm(&self, raised: bool) {
        self.set_alarm(Resource::Disk, raised);
    }

    fn set_alarm(&self, resource: Resource, raised: bool) {
        self.shared
            .act(|world| world.on_node(|node, now| node.set_alarm(resource, raised, now)));
    }

    /// Sets the policy of all queues whose name begins so, those that are there and those to come:
    /// how long one may be unused, how many messages it may hold. Of two values of a policy and of
    /// the queue's own arguments the lower counts. There is one policy, in the place of any other.
    pub fn set_policy(&self, prefix: &str, expires: Option<Duration>, max_length: Option<u32>) {
        let policy = Policy {
            prefix: prefix.to_owned(),
            limits: Limits {
                expires,
                max_length,
            },
        };
        self.shared
            .act(|world| world.on_node(|node, now| node.set_policy(Some(policy), now)));
    }

    /// Takes the policy away.
    pub fn clear_policy(&self) {
        self.shared
            .act(|world| world.on_node(|node, now| node.set_policy(None, now)));
    }

    /// How long a delivery may stay unsettled before its channel is closed: 30 minutes unless set.
    /// Looked at once a minute, unless that is set too.
    pub fn set_consumer_timeout(&self, timeout: Duration) {
        self.shared
            .act(|world| world.on_node(|node, _| node.consumer_timeout = timeout));
    }

    /// How often each channel looks whether a delivery has stayed unsettled for too long: once a
    /// minute unless set.
    pub fn set_channel_tick(&self, tick: Duration) {
        self.shared
            .act(|world| world.on_node(|node, _| node.tick = tick));
    }

    /// Takes the broker down. Until it starts, connections are refused; durable queues keep their
    /// persistent messages, and nothing else stays.
    pub fn stop(&self, how: Shutdown) {
        self.shared.act(|world| world.stop(how));
    }

    /// Lets the broker start again.
    pub fn start(&self) {
        self.shared.act(World::start);
    }

    /// The broker stands still, as a stopped process does: it reads nothing, sends nothing, and no
    /// timer of it runs down. What clients send waits before it; who connects reaches it and hears
    /// nothing.
    pub fn pause(&self) {
        self.shared.act(World::pause);
    }

    /// The broker goes on: it reads what came meanwhile in the order in which it came, and each of
    /// its timers that is overdue runs down once; which of the two comes first the seed decides.
    pub fn resume(&self) {
        self.shared.act(World::resume);
    }

    /// The connections that ended and whose clients had not closed them, as the broker noticed it
    /// since the simulation began.
    #[must_use]
    pub fn losses(&self) -> Vec<NoticedLoss> {
        self.shared.act(|world| world.losses())
    }

    /// Begins to keep a record of everything that happens, which [`Self::take_trace`] returns.
    pub fn begin_trace(&self) {
        self.shared.act(|world| world.trace = Some(String::new()));
    }

    /// What has happened since [`Self::begin_trace`] was called, one line for each event; empty
    /// where it was not. Ends the record.
    #[must_use]
    pub fn take_trace(&self) -> String {
        self.shared
            .act(|world| world.trace.take())
            .unwrap_or_default()
    }
}

#[async_trait]
impl Broker for Simulation {
    async fn connect(&self, options: &ConnectOptions) -> Result<Box<dyn Connection>, Error> {
        let link = link(&options.address)?;
        let credentials = credentials(options)?;
        let begun = self.shared.act(|world| world.connect(link, credentials));
        let (id, opened) =
            begun.map_err(|error| Error::new(ErrorKind::Invalid, error.to_string()))?;
        // Made before it is open: whoever gives up now ends it.
        let connection = SimulatedConnection::new(Arc::clone(&self.shared), id);
        let ConnectOptions {
            address, timeout, ..
        } = options;
        match time::timeout(*timeout, opened).await {
            Ok(Ok(Ok(()))) => Ok(Box::new(connection)),
            Ok(Ok(Err(error))) => Err(Error::new(error.kind, format!("{address}: {}", error.text))),
            Ok(Err(_)) => Err(refused(address)),
            Err(_) => Err(Error::new(
                ErrorKind::Timeout,
                format!("no connection to {address} within {timeout:?}"),
            )),
        }
    }
}

fn link(address: &str) -> Result<usize, Error> {
    let number = address.strip_prefix(SCHEME).and_then(|n| n.parse().ok());
    number.ok_or_else(|| {
        let text = format!("address {address:?} of a simulated broker must be {SCHEME}LINK");
        Error::new(ErrorKind::Invalid, text)
    })
}

fn credentials(options: &ConnectOptions) -> Result<Credentials, Error> {
    let secs = options.heartbeat.as_millis().div_ceil(1000);
    let heartbeat_secs = u16::try_from(secs).map_err(|_| {
        let text = format!("heartbeat of {secs} s is longer than 65535 s");
        Error::new(ErrorKind::Invalid, text)
    })?;
    Ok(Credentials {
        user: options.user.clone(),
        password: options.password.clone(),
        vhost: options.vhost.clone(),
        name: options.name.clone(),
        heartbeat_secs,
    })
}
