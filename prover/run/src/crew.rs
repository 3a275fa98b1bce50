//! What the nemesis can do to the workers themselves: let them stand still, or die and begin anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use history::fault::Evidence;
use locks::{ClientConfig, OwnProcess};
use nemesis::{
    BrokerHarm, Clients, Done, LinkHarm, NodeHarm, SlotChange, System, SystemError, Worker,
};
use tokio::time::timeout;

use crate::order::Order;
use crate::watch::Watch;

/// How long a worker may take to come to an order, and to carry it out.
const ORDER_WITHIN: Duration = Duration::from_secs(60);

/// How a worker is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Condition {
    /// It acts.
    #[default]
    Up,
    /// It is to be given no more time, and may still be acting.
    Pausing,
    /// It is given no time.
    Paused,
    /// Its process is dead; another takes its place when it is up again.
    Down,
    /// Its work is done.
    Gone,
}

/// The workers, as the nemesis gets hold of them.
#[derive(Debug)]
pub(crate) struct Crew {
    members: Vec<Member>,
    /// How many there are: a retired process goes on as the number that is this much higher.
    size: u32,
}

#[derive(Debug)]
struct Member {
    condition: Arc<Watch<Condition>>,
    /// What its session lives in, where that is a process of its own.
    own: Watch<Option<Arc<dyn OwnProcess>>>,
    /// What it is to do before anything else.
    order: Watch<Option<Arc<Order>>>,
    /// How often it was paused.
    pauses: AtomicU32,
    /// The number under which it acts now.
    process: AtomicU32,
}

impl Crew {
    /// So many workers, all of which are up.
    pub(crate) fn new(size: u32) -> Self {
        let member = |process| Member {
            condition: Arc::default(),
            own: Watch::default(),
            order: Watch::default(),
            pauses: AtomicU32::new(0),
            process: AtomicU32::new(process),
        };
        Self {
            members: (0..size).map(member).collect(),
            size,
        }
    }

    /// How many workers there are.
    pub(crate) fn size(&self) -> u32 {
        self.size
    }

    /// How a worker is, as it changes.
    pub(crate) fn condition(&self, worker: Worker) -> Arc<Watch<Condition>> {
        self.members[worker].condition.clone()
    }

    /// The number under which a worker acts now.
    pub(crate) fn process(&self, worker: Worker) -> u32 {
        self.members[worker].process.load(Ordering::Acquire)
    }

    /// The worker's process never acts again; the worker goes on as another.
    pub(crate) fn retire(&self, worker: Worker) {
        let process = &self.members[worker].process;
        process.fetch_add(self.size, Ordering::AcqRel);
    }

    /// A worker's session lives in this process, or in none.
    pub(crate) fn lives_in(&self, worker: Worker, own: Option<Arc<dyn OwnProcess>>) {
        self.members[worker].own.change(|now| *now = own);
    }

    /// Returns when a worker is to do something before anything else.
    pub(crate) async fn ordered(&self, worker: Worker) {
        self.members[worker].order.when(Option::is_some).await;
    }

    /// Takes what a worker is to do before anything else.
    pub(crate) fn take_order(&self, worker: Worker) -> Option<Arc<Order>> {
        let mut taken = None;
        self.members[worker]
            .order
            .change(|order| taken = order.take());
        taken
    }

    /// Has a worker change the slots of all locks. One whose work is done changes none, nor does one
    /// that does not come to it in time: the run is not to wait for it for ever.
    async fn order(&self, worker: Worker, change: SlotChange) -> Evidence {
        let order = Order::of(change);
        let member = &self.members[worker];
        member.order.change(|now| *now = Some(order.clone()));
        let done = async {
            tokio::select! {
                biased;
                done = order.fulfilled() => Some(done),
                () = member.condition.when(|now| *now == Condition::Gone) => None,
            }
        };
        let done = timeout(ORDER_WITHIN, done).await.ok().flatten();
        member.order.change(|now| *now = None);
        done.unwrap_or_else(Order::unfulfilled)
    }

    /// How often a worker was paused so far: time in which it was is none that anybody waited.
    pub(crate) fn pauses(&self, worker: Worker) -> u32 {
        self.members[worker].pauses.load(Ordering::Acquire)
    }

    /// Everybody is up, whatever happened to them.
    pub(crate) async fn wake(&self) -> std::io::Result<()> {
        for worker in 0..self.members.len() {
            self.resume(worker).await?;
        }
        Ok(())
    }

    fn set(&self, worker: Worker, condition: Condition) {
        self.members[worker].condition.change(|now| {
            if *now != Condition::Gone {
                *now = condition;
            }
        });
    }

    /// Returns when the worker surely does nothing any more.
    async fn wedge(&self, worker: Worker) {
        let member = &self.members[worker];
        member.pauses.fetch_add(1, Ordering::AcqRel);
        self.set(worker, Condition::Pausing);
        let condition = &member.condition;
        condition.when(|now| *now != Condition::Pausing).await;
    }

    /// Returns when the worker surely does nothing any more, nor its own process where it has one;
    /// with the state of that.
    async fn pause(&self, worker: Worker) -> std::io::Result<Evidence> {
        self.wedge(worker).await;
        let Some(own) = self.own(worker) else {
            return Ok(Evidence::new());
        };
        own.stop().await?;
        let state = own.state().map(|state| ("state".to_owned(), state.into()));
        Ok(state.into_iter().collect())
    }

    /// The worker goes on, and its own process before it.
    async fn resume(&self, worker: Worker) -> std::io::Result<()> {
        if let Some(own) = self.own(worker) {
            own.resume().await?;
        }
        self.set(worker, Condition::Up);
        Ok(())
    }

    /// The worker's process is dead when this returns.
    async fn crash(&self, worker: Worker) -> std::io::Result<()> {
        let own = self.own(worker);
        // First, so that what its death looks like is not taken for news.
        self.set(worker, Condition::Down);
        match own {
            Some(own) => own.kill().await,
            None => Ok(()),
        }
    }

    fn own(&self, worker: Worker) -> Option<Arc<dyn OwnProcess>> {
        self.members[worker].own.see(Option::clone)
    }
}

/// Does a worker's work, but not while it is paused.
pub(crate) async fn unless_paused<T>(
    condition: Arc<Watch<Condition>>,
    work: impl Future<Output = T>,
) -> T {
    let mut work = std::pin::pin!(work);
    let done = loop {
        condition.when(|now| *now != Condition::Paused).await;
        tokio::select! {
            biased;
            () = condition.when(|now| *now == Condition::Pausing) => {
                condition.change(|now| *now = Condition::Paused);
            }
            done = &mut work => break done,
        }
    };
    condition.change(|now| *now = Condition::Gone);
    done
}

/// The name of the connections of a worker's client under this number.
pub(crate) fn connection_name(config: &ClientConfig, process: u32) -> String {
    format!("{}-{process}", config.name)
}

/// The number under which a client acted that named a connection so.
pub(crate) fn process_of(config: &ClientConfig, connection: &str) -> Option<u32> {
    let rest = connection.strip_prefix(&config.name)?.strip_prefix('-')?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// All that the nemesis can break: the testbed, and the workers.
pub(crate) struct Reach<'a> {
    pub(crate) testbed: &'a dyn System,
    pub(crate) crew: &'a Crew,
    pub(crate) clients: Clients,
    /// Those of the workers.
    pub(crate) configs: &'a [ClientConfig],
}

/// What the system under the prover does not do.
fn refused(worker: Worker) -> impl FnOnce(std::io::Error) -> SystemError {
    move |error| {
        let text = format!("the process of worker {worker} cannot be signalled: {error}");
        SystemError(text.into())
    }
}

#[async_trait]
impl System for Reach<'_> {
    fn clients(&self) -> Clients {
        self.clients
    }

    fn connection_name(&self, worker: Worker) -> String {
        connection_name(&self.configs[worker], self.crew.process(worker))
    }

    fn queue_prefix(&self) -> String {
        let config = self.configs.first();
        config.map_or_else(String::new, |config| config.queue(""))
    }

    async fn harm_link(&self, worker: Worker, harm: &LinkHarm) -> Result<(), SystemError> {
        self.testbed.harm_link(worker, harm).await
    }

    async fn sprung(&self, worker: Worker) -> Done {
        self.testbed.sprung(worker).await
    }

    async fn heal(&self, worker: Worker) -> Done {
        self.testbed.heal(worker).await
    }

    async fn freeze(&self, worker: Worker) -> Result<(), SystemError> {
        match self.clients {
            Clients::Tasks => self.testbed.freeze(worker).await,
            // They stand still with their process.
            Clients::Processes => Ok(()),
        }
    }

    async fn thaw(&self, worker: Worker) -> Result<(), SystemError> {
        match self.clients {
            Clients::Tasks => self.testbed.thaw(worker).await,
            Clients::Processes => Ok(()),
        }
    }

    async fn pause(&self, worker: Worker) -> Done {
        self.crew.pause(worker).await.map_err(refused(worker))
    }

    async fn wedge(&self, worker: Worker) -> Result<(), SystemError> {
        self.crew.wedge(worker).await;
        Ok(())
    }

    async fn resume(&self, worker: Worker) -> Result<(), SystemError> {
        self.crew.resume(worker).await.map_err(refused(worker))
    }

    async fn crash(&self, worker: Worker) -> Result<(), SystemError> {
        self.crew.crash(worker).await.map_err(refused(worker))
    }

    async fn restart(&self, worker: Worker) -> Result<(), SystemError> {
        self.crew.set(worker, Condition::Up);
        Ok(())
    }

    async fn change_slots(&self, worker: Worker, change: SlotChange) -> Done {
        Ok(self.crew.order(worker, change).await)
    }

    async fn harm_broker(&self, harm: &BrokerHarm) -> Done {
        self.testbed.harm_broker(harm).await
    }

    async fn mend_broker(&self, harm: &BrokerHarm) -> Done {
        self.testbed.mend_broker(harm).await
    }

    async fn harm_nodes(&self, harm: &NodeHarm) -> Done {
        self.testbed.harm_nodes(harm).await
    }

    async fn mend_nodes(&self, harm: &NodeHarm) -> Done {
        self.testbed.mend_nodes(harm).await
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever_for_who_does_not_come_to_an_order() {
        let crew = Crew::new(1);
        let began = Instant::now();
        let nothing = Order::unfulfilled();
        assert_eq!(crew.order(0, SlotChange::Grow).await, nothing);
        assert_eq!(began.elapsed(), ORDER_WITHIN);
        assert!(crew.take_order(0).is_none());
        crew.set(0, Condition::Gone);
        assert_eq!(crew.order(0, SlotChange::Grow).await, nothing);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_paused_does_nothing_until_it_is_resumed() {
        let crew = Crew::new(1);
        let began = Instant::now();
        let work = unless_paused(crew.condition(0), async {
            sleep(Duration::from_secs(1)).await;
            began.elapsed()
        });
        let nemesis = async {
            crew.pause(0).await.expect("there is no process");
            sleep(Duration::from_secs(5)).await;
            crew.set(0, Condition::Up);
        };
        let (done_after, ()) = tokio::join!(work, nemesis);
        assert_eq!(done_after, Duration::from_secs(5));
        // Who is gone is paused at once.
        crew.pause(0).await.expect("there is no process");
    }
}
