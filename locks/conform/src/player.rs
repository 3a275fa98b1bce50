//! Plays a script on a broker, real or simulated, and writes down everything that comes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use locks::broker::{Broker, ConnectOptions, Connection, ConnectionEvent};
use locks::{Error, ErrorKind};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use crate::act::{Act, Patience};
use crate::background::Background;
use crate::links::{LinkError, Links};
use crate::names::Names;
use crate::notices::{Notices, Told};
use crate::observer::Observer;
use crate::operator::{Operator, OperatorError};
use crate::pace::Pace;
use crate::script::{Action, Bounds, CONNECTIONS, Operation, Place, Script, Step};
use crate::seat::Seat;
use crate::transcript::{Lag, Notice, Seen, Source, StepOutcome, StepRecord, Transcript};

/// How often something that is waited for is looked at: at first, and at most.
const FIRST_LOOK: Duration = Duration::from_millis(1);
const LONGEST_LOOK: Duration = Duration::from_millis(20);

/// Where a script is played.
#[derive(Clone)]
pub struct Stage {
    /// What it is played on.
    pub broker: Arc<dyn Broker>,
    /// The ways between the connections and the broker.
    pub links: Arc<dyn Links>,
    /// Whoever does to the broker what its clients cannot; none where it is somebody's own.
    pub operator: Option<Arc<dyn Operator>>,
    /// How each connection reaches the broker; one more for the observer, whose link stays whole.
    pub connect: Vec<ConnectOptions>,
    /// What stands before the names of queues.
    pub prefix: String,
}

impl Stage {
    async fn observer(&self) -> Result<Observer, Error> {
        Observer::connect(&*self.broker, &self.connect[CONNECTIONS]).await
    }
}

/// Why a script could not be played to its end: a harness error, never a finding.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// A link could not be broken or mended.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The broker is somebody's own.
    #[error("a script operates the broker, and this one may not be: play it on one in Docker")]
    NoOperator,
    /// The broker could not be operated.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The broker does not answer to the one who only looks.
    #[error("the observer's connection broke: {0}")]
    Observer(#[from] Error),
}

/// Plays a script. Guided by a transcript it ends with the first entry that differs.
///
/// # Errors
/// The harness broke down.
pub async fn play(stage: &Stage, script: &Script, pace: Pace<'_>) -> Result<Transcript, PlayError> {
    let observer = stage.observer().await?;
    let mut player = Player {
        stage,
        script,
        pace,
        observer,
        clients: BTreeMap::new(),
        held: BTreeSet::new(),
        cut: BTreeSet::new(),
        acts: Vec::new(),
        declared: BTreeSet::new(),
        notices: Notices::default(),
        names: Names::new(&stage.prefix),
    };
    let played = player.play().await;
    player.clean_up().await?;
    played
}

/// A connection and its channels.
struct OpenConnection {
    seats: BTreeMap<u8, Seat>,
    connection: Arc<dyn Connection>,
    /// What goes on with the connection; the first is the one who listens to it.
    tasks: Vec<Background>,
}

impl OpenConnection {
    /// Whether an answer is still awaited. Of what is asked meanwhile, RabbitMQ answers some in one
    /// order and some in another, so that nothing more is asked on any of its channels.
    fn is_busy(&self) -> bool {
        self.seats.values().any(Seat::is_busy)
    }
}

struct Player<'a> {
    stage: &'a Stage,
    script: &'a Script,
    pace: Pace<'a>,
    observer: Observer,
    clients: BTreeMap<u8, OpenConnection>,
    /// The links that let nothing pass.
    held: BTreeSet<u8>,
    /// The links that reset everything.
    cut: BTreeSet<u8>,
    /// What was done to the broker and is to be undone.
    acts: Vec<&'a Act>,
    /// The queues that somebody has asked for, so that they may be there.
    declared: BTreeSet<&'a str>,
    notices: Notices,
    names: Names,
}

impl<'a> Player<'a> {
    async fn play(&mut self) -> Result<Transcript, PlayError> {
        let mut transcript = Transcript::default();
        let began = Instant::now();
        let mut wanted = Duration::ZERO;
        for (number, step) in self.script.steps.iter().enumerate() {
            let step_began = Instant::now();
            transcript.lag = Lag(step_began.duration_since(began).saturating_sub(wanted));
            let outcome = self.perform(number, step).await?;
            if matches!(step, Step::Wait { .. } | Step::UntilLost { .. }) {
                wanted += step_began.elapsed();
            }
            let entry = self.settle(number, outcome).await;
            let goes_on = self
                .pace
                .expected(number)
                .is_none_or(|expected| *expected == entry);
            transcript.entries.push(entry);
            if !goes_on {
                return Ok(transcript);
            }
        }
        sleep(self.pace.last()).await;
        let last = self.script.steps.len();
        let entry = self.settle(last, StepOutcome::Done).await;
        transcript.entries.push(entry);
        Ok(transcript)
    }

    async fn perform(&mut self, number: usize, step: &'a Step) -> Result<StepOutcome, PlayError> {
        match step {
            Step::Wait { millis } => sleep(Duration::from_millis(*millis)).await,
            Step::UntilLost {
                connection,
                queue,
                client,
                server,
            } => {
                return Ok(self
                    .until_lost(*connection, queue, [*client, *server])
                    .await);
            }
            Step::To(act) => return self.operate_broker(act).await,
            Step::With(connection, action) => return self.act(number, *connection, *action).await,
            Step::On(place, Operation::Drop) => {
                let client = self.clients.get_mut(&place.connection);
                let seat = client.and_then(|client| client.seats.remove(&place.channel));
                let Some(seat) = seat else {
                    return Ok(StepOutcome::Skipped);
                };
                seat.leave().await;
            }
            Step::On(place, operation) => return Ok(self.operate(number, *place, operation).await),
        }
        Ok(StepOutcome::Done)
    }

    async fn until_lost(
        &mut self,
        connection: u8,
        queue: &str,
        within: [Bounds; 2],
    ) -> StepOutcome {
        let name = self.names.on_broker(queue);
        let mut watches = within.map(Watch::begin);
        loop {
            let is_dead = self.notices.tell_of_end(connection);
            let is_gone = self.observer.look(&name).await == Seen::Absent;
            watches[0].look(is_dead);
            watches[1].look(is_gone);
            if let [Some(client), Some(server)] =
                watches.each_ref().map(|watch| watch.outcome.clone())
            {
                return if client == StepOutcome::InTime {
                    server
                } else {
                    client
                };
            }
            sleep(LONGEST_LOOK).await;
        }
    }

    async fn act(
        &mut self,
        number: usize,
        connection: u8,
        action: Action,
    ) -> Result<StepOutcome, PlayError> {
        let links = &*self.stage.links;
        let link = usize::from(connection);
        match action {
            Action::Close => return Ok(self.close(number, connection).await),
            Action::Drop => {
                let Some(client) = self.clients.remove(&connection) else {
                    return Ok(StepOutcome::Skipped);
                };
                for seat in client.seats.into_values() {
                    seat.leave().await;
                }
            }
            Action::Partition if self.held.insert(connection) => links.partition(link).await?,
            Action::Cut if self.cut.insert(connection) => links.cut(link).await?,
            Action::Partition | Action::Cut => return Ok(StepOutcome::Skipped),
            Action::Heal => {
                links.heal(link).await?;
                self.held.remove(&connection);
                self.cut.remove(&connection);
            }
        }
        Ok(StepOutcome::Done)
    }

    async fn operate_broker(&mut self, act: &'a Act) -> Result<StepOutcome, PlayError> {
        let done = self.act_on_broker(act).await?;
        self.acts.retain(|one| one.undo().as_ref() != Some(act));
        if act.undo().is_some() {
            self.acts.push(act);
        }
        Ok(done)
    }

    async fn act_on_broker(&mut self, act: &Act) -> Result<StepOutcome, PlayError> {
        let operator = self.stage.operator.clone().ok_or(PlayError::NoOperator)?;
        match act {
            Act::Alarm { of, raised } => operator.set_alarm(*of, *raised).await?,
            Act::Delete(prefix) => {
                let deleted = operator
                    .delete_queues(&self.names.on_broker(prefix))
                    .await?;
                return Ok(StepOutcome::Removed(deleted));
            }
            Act::Purge(prefix) => {
                let purged = operator.purge_queues(&self.names.on_broker(prefix)).await?;
                return Ok(StepOutcome::Removed(purged));
            }
            Act::Close(connection) => {
                let options = &self.stage.connect[usize::from(*connection)];
                operator.close_connections(&options.name).await?;
            }
            Act::Policy {
                prefix,
                expires_ms,
                max_length,
            } => {
                let prefix = self.names.on_broker(prefix);
                let expires = expires_ms.map(Duration::from_millis);
                operator.set_policy(&prefix, expires, *max_length).await?;
            }
            Act::NoPolicy => operator.clear_policy().await?,
            Act::Restart(ending) => {
                operator.restart(*ending).await?;
                self.observer = self.stage.observer().await?;
            }
            Act::Pause => operator.pause().await?,
            Act::Resume => operator.resume().await?,
            Act::ConsumerTimeout(patience) => {
                let patience = patience.unwrap_or(Patience::USUAL);
                operator.set_consumer_timeout(patience).await?;
            }
        }
        Ok(StepOutcome::Done)
    }

    /// Nothing passes, so that nothing new can be opened.
    fn is_held(&self, connection: u8) -> bool {
        self.held.contains(&connection) || self.stands_still()
    }

    /// The broker answers to nobody.
    fn stands_still(&self) -> bool {
        self.acts.contains(&&Act::Pause)
    }

    async fn close(&mut self, number: usize, connection: u8) -> StepOutcome {
        let client = self.clients.get_mut(&connection);
        let Some(client) = client.filter(|client| !client.is_busy()) else {
            return StepOutcome::Skipped;
        };
        let closing = Arc::clone(&client.connection);
        let work = async move {
            let closed = closing.close().await;
            closed.map_or_else(StepOutcome::from, |()| StepOutcome::Done)
        };
        let (task, answer) = answering(number, work, &self.notices);
        client.tasks.push(task);
        let outcome = self.answered(number, answer).await;
        self.forget_dead(connection, None, &outcome).await;
        outcome
    }

    async fn operate(
        &mut self,
        number: usize,
        place: Place,
        operation: &'a Operation,
    ) -> StepOutcome {
        if let Operation::Declare(queue, _) = operation
            && self.script.queues().contains(&queue.as_str())
        {
            self.declared.insert(queue);
        }
        if let Err(outcome) = self.sit_down(place).await {
            self.forget_dead(place.connection, None, &outcome).await;
            return outcome;
        }
        let deadline = Instant::now() + self.pace.answer(number);
        loop {
            let outcome = self.ask(number, place, operation).await;
            let expected = self.pace.expected(number);
            let counts_differ = matches!(outcome, StepOutcome::Declared { .. })
                && expected.is_some_and(|expected| expected.outcome != outcome);
            // A server may answer this question with counts that are a moment old.
            if counts_differ && Instant::now() < deadline {
                sleep(FIRST_LOOK).await;
                continue;
            }
            self.forget_dead(place.connection, Some(place.channel), &outcome)
                .await;
            return outcome;
        }
    }

    async fn ask(&mut self, number: usize, place: Place, operation: &Operation) -> StepOutcome {
        let Some(client) = self.clients.get(&place.connection) else {
            return StepOutcome::Skipped;
        };
        let Some(seat) = client
            .seats
            .get(&place.channel)
            .filter(|_| !client.is_busy())
        else {
            return StepOutcome::Skipped;
        };
        // That would be two questions at once.
        let selects = matches!(operation, Operation::Publish(..)) && seat.is_plain();
        if selects && self.is_held(place.connection) {
            return StepOutcome::Skipped;
        }
        let work = seat.hand().perform(number + 1, operation.clone());
        let (task, answer) = answering(number, work, &self.notices);
        seat.keep(task);
        self.answered(number, answer).await
    }

    /// The answer, where it comes soon; else it comes as a notice.
    async fn answered(
        &self,
        number: usize,
        mut answer: oneshot::Receiver<StepOutcome>,
    ) -> StepOutcome {
        match timeout(self.pace.answer(number), &mut answer).await {
            Ok(Ok(outcome)) => outcome,
            _ => {
                answer.close();
                answer.try_recv().unwrap_or(StepOutcome::Unanswered)
            }
        }
    }

    /// Opens what is not open yet. Over a link that lets nothing pass that would only take time.
    async fn sit_down(&mut self, place: Place) -> Result<(), StepOutcome> {
        let Place {
            connection,
            channel,
        } = place;
        let is_held = self.is_held(connection);
        if !self.clients.contains_key(&connection) {
            if is_held {
                return Err(StepOutcome::Skipped);
            }
            let client = self.connect(connection).await?;
            self.clients.insert(connection, client);
        }
        let Some(client) = self.clients.get_mut(&connection) else {
            return Err(StepOutcome::Skipped);
        };
        if !client.seats.contains_key(&channel) {
            if is_held {
                return Err(StepOutcome::Skipped);
            }
            let opened = client.connection.channel().await?;
            let seat = Seat::new(place, opened, &self.notices, &self.names);
            client.seats.insert(channel, seat);
        }
        Ok(())
    }

    async fn connect(&self, connection: u8) -> Result<OpenConnection, StepOutcome> {
        let options = ConnectOptions {
            heartbeat: Duration::from_secs(self.script.heartbeat_secs.into()),
            ..self.stage.connect[usize::from(connection)].clone()
        };
        let opened: Arc<dyn Connection> = self.stage.broker.connect(&options).await?.into();
        let mut events = opened.events();
        let notices = self.notices.clone();
        let listening = Background::spawn(async move {
            while let Some(event) = events.next().await {
                let notice = match event {
                    ConnectionEvent::Blocked(_) => Notice::Blocked(true),
                    ConnectionEvent::Unblocked => Notice::Blocked(false),
                    ConnectionEvent::Closed(closed) => Notice::closed(&closed),
                };
                notices.add(Source::Connection(connection), notice);
            }
        });
        Ok(OpenConnection {
            seats: BTreeMap::new(),
            connection: opened,
            tasks: vec![listening],
        })
    }

    /// Whoever refused a step because it is dead is opened anew for the next.
    async fn forget_dead(&mut self, connection: u8, channel: Option<u8>, outcome: &StepOutcome) {
        if *outcome != StepOutcome::Failed(ErrorKind::NotSent) {
            return;
        }
        let Some(client) = self.clients.get_mut(&connection) else {
            return;
        };
        if client.connection.closed().now_or_never().is_some() {
            self.clients.remove(&connection);
        } else if let Some(channel) = channel {
            client.seats.remove(&channel);
        }
    }

    /// Waits for everything that a step brings about.
    async fn settle(&mut self, number: usize, outcome: StepOutcome) -> StepRecord {
        let settling = self.pace.settling(number, &outcome);
        let Some(expected) = self.pace.expected(number) else {
            sleep(settling).await;
            let queues = self.look().await;
            return self.entry(outcome, queues);
        };
        let deadline = Instant::now() + settling;
        let mut pause = FIRST_LOOK;
        loop {
            let queues = self.look().await;
            let is_as_expected = queues == expected.queues && self.notices.are(&expected.notices);
            if is_as_expected || Instant::now() >= deadline {
                return self.entry(outcome, queues);
            }
            sleep(pause).await;
            pause = LONGEST_LOOK.min(pause * 2);
        }
    }

    fn entry(&self, outcome: StepOutcome, queues: BTreeMap<String, Seen>) -> StepRecord {
        let notices: Told = self.notices.take();
        StepRecord {
            outcome,
            notices,
            queues,
        }
    }

    async fn look(&mut self) -> BTreeMap<String, Seen> {
        let mut queues = BTreeMap::new();
        if self.stands_still() {
            return queues;
        }
        for queue in &self.declared {
            let seen = self.observer.look(&self.names.on_broker(queue)).await;
            queues.insert((*queue).to_owned(), seen);
        }
        queues
    }

    /// Leaves links and broker as they were.
    async fn clean_up(&mut self) -> Result<(), PlayError> {
        let acts = std::mem::take(&mut self.acts).into_iter().rev();
        for undo in acts.filter_map(Act::undo) {
            self.act_on_broker(&undo).await?;
        }
        for connection in self.held.union(&self.cut) {
            self.stage.links.heal(usize::from(*connection)).await?;
        }
        self.clients.clear();
        for queue in self.script.queues() {
            self.observer.remove(&self.names.on_broker(queue)).await?;
        }
        Ok(())
    }
}

/// Work in the background, and where its answer comes out; it becomes a notice where nobody waits
/// any more.
fn answering(
    number: usize,
    work: impl Future<Output = StepOutcome> + Send + 'static,
    notices: &Notices,
) -> (Background, oneshot::Receiver<StepOutcome>) {
    let (sender, receiver) = oneshot::channel();
    let notices = notices.clone();
    let task = Background::spawn(async move {
        if let Err(late) = sender.send(work.await) {
            notices.add(Source::Step(number + 1), Notice::Answer(late));
        }
    });
    (task, receiver)
}

/// Something that must happen within bounds.
struct Watch {
    began: Instant,
    within: Bounds,
    /// How it came out, once that is sure.
    outcome: Option<StepOutcome>,
}

impl Watch {
    fn begin(within: Bounds) -> Self {
        Self {
            began: Instant::now(),
            within,
            outcome: None,
        }
    }

    fn look(&mut self, has_happened: bool) {
        if self.outcome.is_some() {
            return;
        }
        let after = self.began.elapsed();
        let is_late = after > Duration::from_millis(self.within.to_ms);
        let is_early = after < Duration::from_millis(self.within.from_ms);
        self.outcome = match has_happened {
            false => is_late.then_some(StepOutcome::Never),
            true if is_late || is_early => Some(StepOutcome::OutOfTime(after)),
            true => Some(StepOutcome::InTime),
        };
    }
}
