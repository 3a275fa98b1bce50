//! One program as a session of a lock.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use locks::{Action, Answer, ClientConfig, Error, ErrorKind, Grant, Loss, OwnProcess, Session};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot::Receiver;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::exchange::{Exchange, Reply, Told};
use crate::introduction::Introduction;
use crate::line::{self, Line};
use crate::message::{Asked, Init, Place, Request, Said};
use crate::misconduct::{Misconduct, shown};
use crate::process_lock::Keeper;
use crate::program::{Program, Streams};
use crate::secrets::Secrets;
use crate::stderr::{self, Tail};

/// The longest line that a program may write.
const LINE_MOST: usize = 1 << 20;
/// How long a program may take to end once it was asked to, or once it has closed its output.
pub(crate) const END_WITHIN: Duration = Duration::from_secs(2);
/// How long it may take to answer that it closes.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);
/// How long what it has started may outlive it.
const GONE_WITHIN: Duration = Duration::from_millis(500);

/// A session with a program.
pub(crate) struct ProgramSession {
    keeper: Arc<Keeper>,
    program: Arc<Program>,
    exchange: Arc<Exchange>,
    stdin: ChildStdin,
    losses: UnboundedReceiver<Told<Loss>>,
    /// The line of the last grant: news of a loss that stands before it is about what was held
    /// before.
    granted_in: u64,
    /// A loss that has come while something was asked, and is still to be told.
    untold: Option<Loss>,
    /// An answer that nobody waits for any more, and that comes before the next request all the
    /// same.
    unheard: Option<Receiver<Reply>>,
    over: Option<Error>,
    last_id: u64,
}

impl ProgramSession {
    /// Starts a program for a client, and has it say what it is.
    ///
    /// # Errors
    /// It could not be started, or says that it cannot begin.
    pub(crate) async fn open(
        keeper: &Arc<Keeper>,
        client: &ClientConfig,
    ) -> Result<(Self, Introduction), Error> {
        let mut session = Self::start(keeper, client)?;
        let asked = Asked::Init(init(client, keeper.options()));
        let Said::InitOk(said) = session.ask(asked).await? else {
            return Err(session.unexpected());
        };
        let line = said.name.clone();
        let introduction = Introduction::try_from(said)
            .map_err(|reason| keeper.accuse(&Misconduct::Impossible { reason, line }))?;
        Ok((session, introduction))
    }

    fn start(keeper: &Arc<Keeper>, client: &ClientConfig) -> Result<Self, Error> {
        let started = Program::start(keeper.command(), keeper.mark());
        let (program, streams) =
            started.map_err(|error| keeper.accuse(&Misconduct::Spawn(error.to_string())))?;
        let Streams {
            stdin,
            stdout,
            stderr,
        } = streams;
        let run = &client.run;
        let secrets = Secrets::of(&client.endpoints);
        let (exchange, losses) = Exchange::with(run.worker, secrets.clone());
        let exchange = Arc::new(exchange);
        let tail = Tail::default();
        let path = run
            .folder
            .as_deref()
            .map(|it| stderr::file_in(it, run.worker));
        let words = tokio::spawn(stderr::keep(stderr, path, secrets.clone(), tail.clone()));
        let listener = Listener {
            keeper: keeper.clone(),
            program: Arc::downgrade(&program),
            exchange: exchange.clone(),
            secrets,
            tail,
            words,
        };
        tokio::spawn(listener.listen(stdout));
        Ok(Self {
            keeper: keeper.clone(),
            program,
            exchange,
            stdin,
            losses,
            granted_in: 0,
            untold: None,
            unheard: None,
            over: None,
            last_id: 0,
        })
    }

    /// Asks for something and waits for the answer, however long that takes.
    async fn ask(&mut self, asked: Asked) -> Result<Said, Error> {
        let answer = self.begin(asked).await?;
        answer.await.map_err(|_| gone())?.what
    }

    /// Asks for something.
    async fn begin(&mut self, asked: Asked) -> Result<Receiver<Reply>, Error> {
        if let Some(over) = &self.over {
            return Err(over.clone().as_kind(ErrorKind::NotSent));
        }
        if let Some(unheard) = self.unheard.take() {
            let _ = unheard.await;
        }
        self.last_id += 1;
        let answer = self.exchange.open(self.last_id, asked.name());
        self.write(self.last_id, asked).await?;
        Ok(answer)
    }

    /// Waits for the answer of a holder's question. News of its loss may come before: then the hold
    /// is over, whatever is answered later.
    async fn unless_lost(&mut self, key: &str, mut answer: Receiver<Reply>) -> Result<Said, Error> {
        loop {
            let loss = tokio::select! {
                biased;
                answer = &mut answer => return answer.map_err(|_| gone())?.what,
                loss = self.losses.recv() => loss,
            };
            match loss {
                Some(loss) if !self.concerns(&loss, key) => {}
                Some(Told { what, .. }) => {
                    let (Loss::Key(_, error) | Loss::All(error)) = what.clone();
                    self.untold = Some(what);
                    self.unheard = Some(answer);
                    return Err(error.as_kind(ErrorKind::LostMeanwhile));
                }
                None => return Err(gone()),
            }
        }
    }

    /// The next loss that is not old news.
    async fn next_loss(&mut self) -> Loss {
        loop {
            match self.losses.recv().await {
                None => return Loss::All(gone()),
                Some(Told {
                    line,
                    what: Loss::Key(..),
                }) if line <= self.granted_in => {}
                Some(Told { what, .. }) => return what,
            }
        }
    }

    /// Whether a loss is about what is held now.
    fn concerns(&self, loss: &Told<Loss>, key: &str) -> bool {
        match &loss.what {
            Loss::All(_) => true,
            Loss::Key(lost, _) => lost == key && loss.line > self.granted_in,
        }
    }

    async fn write(&mut self, msg_id: u64, asked: Asked) -> Result<(), Error> {
        let request = self.exchange.envelope(Request { msg_id, asked });
        let line = serde_json::to_string(&request);
        let line = line.map_err(|error| Error::new(ErrorKind::Invalid, error.to_string()))? + "\n";
        // Where it reads no more, whoever listens to it says why.
        let _ = self.stdin.write_all(line.as_bytes()).await;
        Ok(())
    }

    /// Asks for a number of slots.
    async fn slots(&mut self, asked: Asked) -> Result<Vec<u32>, Error> {
        match self.ask(asked).await? {
            Said::CreateOk(said)
            | Said::GrowOk(said)
            | Said::ShrinkOk(said)
            | Said::DestroyOk(said)
            | Said::CountOk(said)
            | Said::OvershootOk(said)
            | Said::WaitOk(said)
            | Said::RequestOk(said) => Ok(said.slots),
            _ => Err(self.unexpected()),
        }
    }

    /// The exchange lets no answer of another type through.
    fn unexpected(&self) -> Error {
        Error::new(ErrorKind::Protocol, "an answer of another type")
    }

    /// Whether the program ends as it was asked to, with all it has started.
    async fn end(&mut self) -> Result<(), Misconduct> {
        let Some(_status) = self.program.ended(END_WITHIN).await else {
            return Err(Misconduct::Stayed(END_WITHIN.as_secs()));
        };
        match self.program.left_behind(GONE_WITHIN).await {
            None => Ok(()),
            Some(children) => Err(Misconduct::Children(children)),
        }
    }
}

/// What is said to a program at its beginning.
fn init(client: &ClientConfig, options: &BTreeMap<String, String>) -> Init {
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let run = &client.run;
    Init {
        node_id: format!("n{}", run.worker),
        node_ids: (0..run.workers)
            .map(|worker| format!("n{worker}"))
            .collect(),
        process: run.worker,
        client: client.name.clone(),
        prefix: client.prefix.clone(),
        keys: run.keys.clone(),
        slots: run.slots,
        heartbeat_ms: ms(client.connect.heartbeat),
        operation_timeout_ms: ms(run.operation_timeout),
        seed: client.seed,
        options: options.clone(),
        endpoints: client.endpoints.iter().cloned().map(Place).collect(),
    }
}

#[async_trait]
impl Session for ProgramSession {
    async fn acquire(&mut self, key: &str) -> Result<Grant, Error> {
        let asked = Asked::Acquire {
            key: key.to_owned(),
            wait_ms: 0,
        };
        let answer = self.begin(asked).await?;
        let Told { line, what } = answer.await.map_err(|_| gone())?;
        let Said::AcquireOk(said) = what? else {
            return Err(self.unexpected());
        };
        self.granted_in = line;
        if !said.held {
            let text = said.text.unwrap_or_else(|| "held by another".to_owned());
            return Err(Error::new(ErrorKind::Busy, text));
        }
        Ok(Grant {
            slot: said.slot,
            token: said.token,
            lease: said.lease_ms.map(Duration::from_millis),
        })
    }

    async fn verify(&mut self, key: &str) -> Result<Answer, Error> {
        let asked = Asked::Verify {
            key: key.to_owned(),
        };
        let answer = self.begin(asked).await?;
        let Said::VerifyOk(said) = self.unless_lost(key, answer).await? else {
            return Err(self.unexpected());
        };
        Ok(match (said.held, said.lease_ms) {
            (false, _) => Answer::Lost,
            (true, None) => Answer::Held,
            (true, Some(lease_ms)) => Answer::Leased(Duration::from_millis(lease_ms)),
        })
    }

    async fn release(&mut self, key: &str) -> Result<(), Error> {
        let key = key.to_owned();
        let Said::ReleaseOk(said) = self.ask(Asked::Release { key }).await? else {
            return Err(self.unexpected());
        };
        if said.held == Some(false) {
            let text = said.text.unwrap_or_else(|| "not held any more".to_owned());
            return Err(Error::new(ErrorKind::Lost, text));
        }
        Ok(())
    }

    async fn administer(&mut self, key: &str, action: Action) -> Result<Vec<u32>, Error> {
        let key = key.to_owned();
        let asked = match action {
            Action::Create { slots } => Asked::Create { key, slots },
            Action::Grow { most } => Asked::Grow { key, most },
            Action::Shrink => Asked::Shrink { key },
            Action::Destroy => Asked::Destroy { key },
            Action::Count => Asked::Count { key },
            Action::Overshoot => Asked::Overshoot { key },
            Action::Wait { slot } => Asked::Wait { key, slot },
            Action::Request => Asked::Request { key },
        };
        self.slots(asked).await
    }

    async fn loss_notification(&mut self) -> Loss {
        if let Some(over) = &self.over {
            return Loss::All(over.clone());
        }
        let loss = match self.untold.take() {
            Some(untold) => untold,
            None => self.next_loss().await,
        };
        if let Loss::All(error) = &loss {
            self.over = Some(error.clone());
        }
        loss
    }

    fn process(&self) -> Option<Arc<dyn OwnProcess>> {
        Some(self.program.clone())
    }

    async fn close(mut self: Box<Self>) {
        if self.over.is_some() || self.keeper.is_accused() {
            return;
        }
        // It may be gone before its answer is read.
        self.program.expect_end();
        let closed = timeout(CLOSE_WITHIN, self.ask(Asked::Close {})).await;
        match closed {
            Ok(Ok(_)) => {}
            Ok(Err(error)) if error.kind == ErrorKind::Crashed => {
                let how = "before it answered close".to_owned();
                self.keeper.accuse(&Misconduct::Ended {
                    how,
                    stderr: String::new(),
                });
                return;
            }
            // A program that does not answer any more is killed, as one whose operation is not answered.
            _ => return,
        }
        let _ = self.stdin.shutdown().await;
        if let Err(misconduct) = self.end().await {
            self.keeper.accuse(&misconduct);
        }
    }
}

impl Drop for ProgramSession {
    /// Who gives a session up ends its program, which may see that its input is closed before it is
    /// killed.
    fn drop(&mut self) {
        self.program.expect_end();
    }
}

fn gone() -> Error {
    Error::new(ErrorKind::Crashed, "the program is gone")
}

/// Who listens to a program.
struct Listener {
    keeper: Arc<Keeper>,
    /// The session owns it: when that is over, so is the program.
    program: Weak<Program>,
    exchange: Arc<Exchange>,
    secrets: Secrets,
    tail: Tail,
    /// Who reads its standard error.
    words: JoinHandle<()>,
}

impl Listener {
    async fn listen(mut self, stdout: ChildStdout) {
        let mut stream = BufReader::new(stdout);
        // What it has started may keep its output open.
        let mut lingering = pin!(lingering(self.program.clone()));
        let end = loop {
            let line = tokio::select! {
                biased;
                line = line::read(&mut stream, LINE_MOST) => line,
                () = &mut lingering => Ok(Line::End),
            };
            let taken = match line {
                Ok(Line::Whole(line)) => self.exchange.take(&line),
                Ok(Line::TooLong(line)) => Err(Misconduct::TooLong {
                    line: shown(&line),
                    most: LINE_MOST,
                }),
                Ok(Line::Torn(line)) if !self.is_killed() => {
                    Err(Misconduct::Torn { line: shown(&line) })
                }
                Ok(Line::Torn(_) | Line::End) | Err(_) => break self.ending().await,
            };
            if let Err(misconduct) = taken {
                break Some(misconduct);
            }
        };
        let error = match end {
            // What it still says once it has been ended is nobody's concern.
            Some(misconduct) if !self.is_gone() => {
                self.keeper.accuse_hiding(&self.secrets, &misconduct)
            }
            _ => gone(),
        };
        self.exchange.end(&error);
    }

    /// Why its output ended, where nobody asked it to.
    async fn ending(&mut self) -> Option<Misconduct> {
        let program = self.program.upgrade()?;
        if program.may_end() {
            return None;
        }
        let status = program.ended(END_WITHIN).await;
        let how = match status {
            // It may have been ended while this waited.
            _ if program.may_end() => return None,
            Some(status) => status.to_string(),
            None => "it closed its standard output".to_owned(),
        };
        // Its last words may still be on their way.
        let _ = timeout(GONE_WITHIN, &mut self.words).await;
        Some(Misconduct::Ended {
            how,
            stderr: self.tail.text(),
        })
    }

    fn is_killed(&self) -> bool {
        let program = self.program.upgrade();
        program.is_none_or(|program| program.is_killed())
    }

    fn is_gone(&self) -> bool {
        self.program.strong_count() == 0
    }
}

/// Returns some time after the end of a program, in which whatever it has written is read.
async fn lingering(program: Weak<Program>) {
    let Some(mut status) = program.upgrade().map(|program| program.status()) else {
        return;
    };
    let _ = status.wait_for(Option::is_some).await;
    sleep(GONE_WITHIN).await;
}
