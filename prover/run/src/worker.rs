//! One worker: has a workload's generator do its steps with sessions of a lock, and records what
//! happens.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use history::jsonl::LogError;
use history::{Draft, Function, Kind, Process, Value};
use locks::{Answer, Error, ErrorKind, Lock, Loss, Session};
use nemesis::SlotChange;
use serde_json::json;
use tokio::time::timeout;
use workloads::{Feedback, Step};

use crate::burst::Burst;
use crate::call::call;
use crate::clock::Clock;
use crate::crew::{Condition, connection_name};
use crate::order;
use crate::phase::Phase;
use crate::reply::{Reply, ending, value};
use crate::shared::Shared;
use crate::watch::Watch;

/// How long a worker waits before it tries again to open a session.
const REOPEN_AFTER: Duration = Duration::from_millis(200);

/// How long a worker takes to close its session at the end of a run.
pub(crate) const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// What one worker works with.
pub(crate) struct Equipment {
    /// The lock under test.
    pub lock: Arc<dyn Lock>,
    /// How to reach the broker, over the worker's own link.
    pub client: locks::ClientConfig,
    /// What to do.
    pub generator: Box<dyn workloads::Client>,
    /// Whether the guarded resource asks for tokens.
    pub is_fenced: bool,
    /// How long an operation may take before nobody knows what became of it.
    pub operation_timeout: Duration,
}

/// Works until the generator is done or the run stops.
///
/// # Errors
/// The history could not be written.
pub(crate) async fn work(
    number: usize,
    equipment: Equipment,
    shared: Arc<Shared>,
) -> Result<(), LogError> {
    let condition = shared.crew.condition(number);
    let mut worker = Worker {
        number,
        equipment,
        shared,
        session: None,
        held: None,
        token: None,
        believes_until: None,
        burst: None,
        condition,
    };
    worker.run().await?;
    worker.stay().await?;
    worker.leave().await
}

struct Worker {
    number: usize,
    equipment: Equipment,
    shared: Arc<Shared>,
    session: Option<Box<dyn Session>>,
    /// The key that this worker believes to hold.
    held: Option<Arc<str>>,
    /// The token of its last grant.
    token: Option<u64>,
    /// Until when it believes in it, so long after the run began, where that is a lease.
    believes_until: Option<Duration>,
    /// The burst that the next invocation belongs to.
    burst: Option<Arc<Burst>>,
    /// Whether it is up.
    condition: Arc<Watch<Condition>>,
}

impl Worker {
    async fn run(&mut self) -> Result<(), LogError> {
        let mut last = Feedback::Ready;
        loop {
            match self.shared.phases.now() {
                Phase::Running | Phase::Healing => {}
                Phase::Finishing => self.equipment.generator.finish(),
                Phase::Stopping => return Ok(()),
            }
            if self.is_down() {
                self.die()?;
                self.respawn().await;
                last = Feedback::Lost;
                continue;
            }
            if self.obey().await? {
                last = Feedback::Lost;
            }
            last = match self.equipment.generator.next(last) {
                Step::Wait(time) => self.wait(Span::For(time)).await?,
                Step::Until(time) => self.wait(Span::Until(time)).await?,
                Step::Work(time) => self.work(Span::For(time)).await?,
                Step::WorkUntil(time) => self.work(Span::Until(time)).await?,
                Step::Gather => self.gather().await?,
                Step::Invoke(function, key) => self.invoke(function, key, Value::None).await?,
                Step::InvokeWith(function, key, value) => self.invoke(function, key, value).await?,
                Step::Done => return Ok(()),
            };
        }
    }

    fn is_down(&self) -> bool {
        self.condition.see(|now| *now == Condition::Down)
    }

    /// The process is gone, and what it held with it.
    fn die(&mut self) -> Result<(), LogError> {
        self.record_loss(&crashed())?;
        if self.session.is_some() {
            self.retire();
        }
        Ok(())
    }

    /// Waits until another process may take the place of the dead one.
    async fn respawn(&mut self) {
        let shared = self.shared.clone();
        tokio::select! {
            biased;
            () = shared.phases.reached(Phase::Stopping) => {}
            () = self.condition.when(|now| *now != Condition::Down) => {}
        }
    }

    /// Lets time pass; a loss notification ends the wait, and so does a crash.
    async fn wait(&mut self, span: Span) -> Result<Feedback, LogError> {
        let shared = self.shared.clone();
        let condition = self.condition.clone();
        let waited = async {
            tokio::select! {
                biased;
                () = shared.phases.left(shared.phases.now()) => {}
                () = span.pass(shared.recorder.clock()) => {}
            }
        };
        let mut waited = std::pin::pin!(waited);
        loop {
            let loss = tokio::select! {
                biased;
                () = down(&condition) => return Ok(Feedback::Ready),
                loss = next_loss(&mut self.session) => Some(loss),
                () = shared.crew.ordered(self.number) => None,
                () = &mut waited => return Ok(Feedback::Ready),
            };
            match loss {
                Some(loss) if self.concerns(&loss) => return self.lose(loss),
                None if self.obey().await? => return Ok(Feedback::Lost),
                _ => {}
            }
        }
    }

    /// Lets time pass without listening; a crash ends it all the same.
    async fn work(&mut self, span: Span) -> Result<Feedback, LogError> {
        let shared = self.shared.clone();
        let condition = self.condition.clone();
        let mut passed = std::pin::pin!(span.pass(shared.recorder.clock()));
        loop {
            tokio::select! {
                biased;
                () = down(&condition) => return Ok(Feedback::Ready),
                () = shared.crew.ordered(self.number) => {}
                () = &mut passed => return Ok(Feedback::Ready),
            }
            if self.obey().await? {
                return Ok(Feedback::Lost);
            }
        }
    }

    async fn gather(&mut self) -> Result<Feedback, LogError> {
        if !self.ensure_session().await {
            return Ok(Feedback::Ready);
        }
        let shared = self.shared.clone();
        let condition = self.condition.clone();
        let mut gathered = std::pin::pin!(shared.start_line.gather());
        loop {
            let Some(session) = &mut self.session else {
                return Ok(Feedback::Ready);
            };
            let loss = tokio::select! {
                biased;
                () = down(&condition) => return Ok(Feedback::Ready),
                loss = session.loss_notification() => loss,
                () = shared.phases.reached(Phase::Finishing) => return Ok(Feedback::Ready),
                burst = &mut gathered => {
                    self.burst = Some(burst);
                    return Ok(Feedback::Ready);
                }
            };
            if self.concerns(&loss) {
                return self.lose(loss);
            }
        }
    }

    async fn invoke(
        &mut self,
        function: Function,
        key: Arc<str>,
        asked: Value,
    ) -> Result<Feedback, LogError> {
        if function == Function::Verify && !self.equipment.lock.verifies() {
            // Nobody can ask, so nothing is learnt, and nothing stands in the record.
            return Ok(Feedback::Ok);
        }
        let Some((result, feedback)) = self.perform(function, key, asked).await? else {
            return Ok(Feedback::Lost);
        };
        if let Ok(reply) = &result {
            self.equipment.generator.told(&value(reply));
        }
        Ok(feedback)
    }

    /// Does an operation and records it, with what came of it and what follows for this worker;
    /// nothing if there is no session to do it with.
    async fn perform(
        &mut self,
        function: Function,
        key: Arc<str>,
        asked: Value,
    ) -> Result<Option<(Result<Reply, Error>, Feedback)>, LogError> {
        if !self.ensure_session().await {
            return Ok(None);
        }
        let draft = Draft::new(
            Process::Client(self.process()),
            Kind::Invoke,
            function.clone(),
        );
        let draft = draft.on(key.clone()).with(asked.clone());
        let time = self.shared.recorder.record(draft)?;
        if let Some(burst) = self.burst.take() {
            self.shared.start_line.invoked(&burst, time);
        }
        let result = self.operate(&function, &key, &asked).await;
        let (kind, draft) = ending(self.process(), &function, &result);
        self.shared.recorder.record(draft.on(key.clone()))?;
        if let Err(error) = &result {
            self.shared.note(error);
        }
        if let (Err(error), Some(session)) = (&result, &mut self.session)
            && error.kind == ErrorKind::LostMeanwhile
            && let Some(loss) = session.loss_notification().now_or_never()
        {
            let lost = self.lose(loss)?;
            return Ok(Some((result, lost)));
        }
        self.believe(time, &function, &result);
        let feedback = self.conclude(&function, key, kind, &result);
        Ok(Some((result, feedback)))
    }

    /// Does what the nemesis ordered, if it did. Whether the worker lost by that what it held, or
    /// its session.
    async fn obey(&mut self) -> Result<bool, LogError> {
        let Some(order) = self.shared.crew.take_order(self.number) else {
            return Ok(false);
        };
        let before = (self.process(), self.held.clone());
        // It is for the next invocation of its own.
        let burst = self.burst.take();
        let mut counted = serde_json::Map::new();
        for key in self.equipment.client.run.keys.clone() {
            let changed = self
                .change_slots(&key.as_str().into(), order.change)
                .await?;
            counted.extend(changed.map(|slots| (key, slots.into())));
        }
        self.burst = burst;
        order.fulfil(counted);
        Ok(before != (self.process(), self.held.clone()))
    }

    /// Changes the slots of a lock: how many there are then, if that could be counted. Nothing where
    /// nothing was changed that should be.
    async fn change_slots(
        &mut self,
        key: &Arc<str>,
        change: SlotChange,
    ) -> Result<Option<Option<usize>>, LogError> {
        let (wanted, tries) = order::aim(change, self.equipment.client.run.slots);
        let files = self.equipment.lock.kind().files_decrements();
        let mut has_changed = change == SlotChange::Restore;
        let mut has = self.count(key).await?;
        for _ in 0..tries {
            for (function, asked) in order::steps(has, wanted, files) {
                let is_change = function != Function::Request;
                let slots = self.administer(function, key, asked).await?;
                has_changed |= is_change && slots.is_some_and(|slots| !slots.is_empty());
            }
            has = self.count(key).await?;
        }
        Ok(has_changed.then_some(has))
    }

    async fn count(&mut self, key: &Arc<str>) -> Result<Option<usize>, LogError> {
        let slots = self.administer(Function::Count, key, Value::None).await?;
        Ok(slots.map(|slots| slots.len()))
    }

    /// Does something to the slots of a lock: those that were made, removed or found, if it is known
    /// that it was done.
    async fn administer(
        &mut self,
        function: Function,
        key: &Arc<str>,
        asked: Value,
    ) -> Result<Option<Vec<u32>>, LogError> {
        let performed = self.perform(function, key.clone(), asked).await?;
        Ok(match performed {
            Some((Ok(Reply::Slots(slots)), _)) => Some(slots),
            _ => None,
        })
    }

    /// Until when this client believes by its own clock, where the lock is a lease: counted from
    /// when it asked.
    fn believe(&mut self, asked: u64, function: &Function, result: &Result<Reply, Error>) {
        let lease = match (function, result) {
            (Function::Acquire, Ok(Reply::Granted(grant))) => grant.lease,
            (Function::Verify, Ok(Reply::Answered(Answer::Leased(lease)))) => Some(*lease),
            _ => return,
        };
        self.believes_until = lease.map(|lease| Duration::from_nanos(asked) + lease);
    }

    /// Whether this client knows by its own clock that its lease is over: then it guards nothing.
    fn has_outlived_its_lease(&self) -> bool {
        let now = self.shared.recorder.clock().elapsed();
        self.believes_until.is_some_and(|end| end <= now)
    }

    /// Does an operation: of the guarded resource at once, of the lock with the session.
    async fn operate(
        &mut self,
        function: &Function,
        key: &Arc<str>,
        asked: &Value,
    ) -> Result<Reply, Error> {
        let token = self.token.filter(|_| self.equipment.is_fenced);
        let resource = &self.shared.resource;
        match (function, asked) {
            (Function::Read | Function::Write, _) if self.has_outlived_its_lease() => {
                Err(Error::new(ErrorKind::NotHeld, "its lease is over"))
            }
            (Function::Read, _) => resource.read(key, token).map(Reply::Number),
            (Function::Write, Value::Data(number)) => {
                let number = number.as_u64().unwrap_or_default();
                let written = resource.write(key, token, number);
                written.map(|()| Reply::Done)
            }
            _ => self.call(function, key, asked).await,
        }
    }

    /// The lock call itself, under a time-out after which nobody knows what became of it.
    async fn call(
        &mut self,
        function: &Function,
        key: &str,
        asked: &Value,
    ) -> Result<Reply, Error> {
        let Some(session) = &mut self.session else {
            return Err(Error::new(ErrorKind::NotSent, "there is no session"));
        };
        let limit = self.equipment.operation_timeout;
        let calling = call(session.as_mut(), function, key, asked);
        let patience = patience(&self.shared, self.number, limit);
        tokio::select! {
            biased;
            () = down(&self.condition) => Err(crashed()),
            done = calling => done,
            () = patience => Err(late(limit)),
        }
    }

    /// Draws the consequences of an operation for what this worker believes.
    fn conclude(
        &mut self,
        function: &Function,
        key: Arc<str>,
        kind: Kind,
        result: &Result<Reply, Error>,
    ) -> Feedback {
        if kind == Kind::Info {
            self.retire();
            return Feedback::Lost;
        }
        match (function, result) {
            (Function::Acquire, Ok(reply)) => {
                self.token = match reply {
                    Reply::Granted(grant) => grant.token,
                    _ => None,
                };
                self.held = Some(key);
            }
            (Function::Release, _) => self.held = None,
            (Function::Verify, Ok(Reply::Answered(Answer::Lost))) => {
                self.held = None;
                return Feedback::Lost;
            }
            _ => {}
        }
        if kind == Kind::Ok {
            Feedback::Ok
        } else {
            Feedback::Fail
        }
    }

    /// Whether a loss says something new: what is not held cannot be lost.
    fn concerns(&self, loss: &Loss) -> bool {
        match loss {
            Loss::Key(key, _) => self.held.as_deref() == Some(key),
            Loss::All(_) => true,
        }
    }

    /// A loss notification: what was held is not believed in any more.
    fn lose(&mut self, loss: Loss) -> Result<Feedback, LogError> {
        let (error, is_over) = match loss {
            Loss::Key(_, error) => (error, false),
            Loss::All(error) => (error, true),
        };
        self.record_loss(&error)?;
        tracing::info!(process = self.process(), %error, is_over, "loss notification");
        if is_over {
            self.retire();
        }
        Ok(Feedback::Lost)
    }

    fn record_loss(&mut self, error: &Error) -> Result<(), LogError> {
        let Some(key) = self.held.take() else {
            return Ok(());
        };
        let process = Process::Client(self.process());
        let draft = |kind| Draft::new(process, kind, Function::Lost).on(key.clone());
        let why = json!({"kind": error.kind.name(), "text": error.text});
        let why = history::Value::data(why);
        self.shared
            .recorder
            .record_pair(draft(Kind::Invoke), draft(Kind::Ok).with(why))
    }

    /// The session ends here; the worker goes on as another process.
    fn retire(&mut self) {
        self.occupy(None);
        self.held = None;
        self.shared.crew.retire(self.number);
    }

    /// The number under which it acts now.
    fn process(&self) -> u32 {
        self.shared.crew.process(self.number)
    }

    /// Opens a session if there is none, however often that takes; false if the run stops first, or
    /// the worker crashes.
    async fn ensure_session(&mut self) -> bool {
        let shared = self.shared.clone();
        let condition = self.condition.clone();
        while self.session.is_none() {
            tokio::select! {
                biased;
                () = down(&condition) => return false,
                () = shared.phases.reached(Phase::Stopping) => return false,
                opened = self.open() => self.occupy(opened),
            }
        }
        true
    }

    /// Takes a session, or none; the nemesis gets hold of its process.
    fn occupy(&mut self, session: Option<Box<dyn Session>>) {
        let own = session.as_ref().and_then(|session| session.process());
        self.shared.crew.lives_in(self.number, own);
        self.session = session;
    }

    async fn open(&mut self) -> Option<Box<dyn Session>> {
        let Equipment {
            lock,
            client,
            operation_timeout,
            ..
        } = &self.equipment;
        let client = locks::ClientConfig {
            name: connection_name(client, self.process()),
            ..client.clone()
        };
        let error = match timeout(*operation_timeout, lock.open(&client)).await {
            Ok(Ok(session)) => return Some(session),
            Ok(Err(error)) => {
                self.shared.note(&error);
                error.to_string()
            }
            Err(_) => format!("no answer within {operation_timeout:?}"),
        };
        tracing::info!(process = self.process(), error, "cannot open a session");
        self.shared.recorder.clock().sleep(REOPEN_AFTER).await;
        None
    }

    /// Waits until all are done. A connection that closes gives back whatever was not, so whoever
    /// left at once would hide that others starve for it.
    async fn stay(&mut self) -> Result<(), LogError> {
        let shared = self.shared.clone();
        shared.done.change(|done| *done += 1);
        if self.held.is_some() {
            return Ok(());
        }
        loop {
            tokio::select! {
                biased;
                () = shared.phases.reached(Phase::Stopping) => return Ok(()),
                () = shared.done.when(|done| *done == shared.crew.size()) => return Ok(()),
                () = shared.crew.ordered(self.number) => {}
            }
            self.obey().await?;
        }
    }

    /// What is still held is given up before the session closes: others may be granted it from then
    /// on.
    async fn leave(&mut self) -> Result<(), LogError> {
        let over = Error::new(ErrorKind::NotHeld, "the run is over");
        self.record_loss(&over)?;
        self.shared.crew.lives_in(self.number, None);
        if let Some(session) = self.session.take()
            && timeout(CLOSE_WITHIN, session.close()).await.is_err()
        {
            tracing::info!(
                process = self.process(),
                "the session did not close in time"
            );
        }
        Ok(())
    }
}

/// How long a wait lasts.
#[derive(Clone, Copy, Debug)]
enum Span {
    /// So long from now.
    For(Duration),
    /// Until so long after the run began.
    Until(Duration),
}

impl Span {
    async fn pass(self, clock: &Clock) {
        match self {
            Self::For(time) => clock.sleep(time).await,
            Self::Until(time) => clock.sleep_until(time).await,
        }
    }
}

/// The next loss notification of a session; never, where there is none.
async fn next_loss(session: &mut Option<Box<dyn Session>>) -> Loss {
    match session {
        Some(session) => session.loss_notification().await,
        None => std::future::pending().await,
    }
}

/// Resolves when the worker crashes.
async fn down(condition: &Watch<Condition>) {
    condition.when(|now| *now == Condition::Down).await;
}

/// Returns when an answer has been waited for so long, not counting pauses: a client that was
/// stopped could not answer.
async fn patience(shared: &Shared, worker: usize, limit: Duration) {
    loop {
        let pauses = shared.crew.pauses(worker);
        tokio::time::sleep(limit).await;
        if shared.crew.pauses(worker) == pauses {
            return;
        }
    }
}

/// What becomes of whatever a process does when it dies.
fn crashed() -> Error {
    Error::new(ErrorKind::Crashed, "the client's process died")
}

/// What is known of a call that was not answered within `limit`: nothing.
fn late(limit: Duration) -> Error {
    Error::new(ErrorKind::Timeout, format!("no answer within {limit:?}"))
}

#[cfg(test)]
mod tests;
