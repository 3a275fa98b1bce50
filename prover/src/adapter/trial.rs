//! Each message of the protocol once, with two clients, and what is to be said of the answers.

use std::fmt::{self, Display};
use std::time::{Duration, Instant};

use locks::{Action, Answer, ClientConfig, Error, ErrorKind, Grant, Lock, Session};
use tokio::time::timeout;

/// The lock that is tried.
pub const KEY: &str = "lock-0";

/// What came of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Who did what: `A acquires`.
    step: String,
    /// What was answered.
    answer: String,
    /// How long that took.
    took: Duration,
    /// What is wrong with it, and how to mend it.
    wrong: Option<&'static str>,
}

impl Remark {
    /// Whether something is to be mended.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.wrong.is_some()
    }
}

impl Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_wrong() { "wrong" } else { "ok" };
        let ms = self.took.as_secs_f64() * 1000.0;
        write!(f, "{sign:<6}{:<22}{} ({ms:.1} ms)", self.step, self.answer)?;
        match self.wrong {
            Some(wrong) => write!(f, "\n      {wrong}"),
            None => Ok(()),
        }
    }
}

/// Plays with two clients of a lock.
pub struct Trial<'a> {
    lock: &'a dyn Lock,
    clients: [ClientConfig; 2],
    remarks: Vec<Remark>,
}

/// A client's session, and its name in remarks.
struct Player {
    name: &'static str,
    session: Box<dyn Session>,
    limit: Duration,
}

impl<'a> Trial<'a> {
    /// A trial of this lock by these clients.
    #[must_use]
    pub fn of(lock: &'a dyn Lock, clients: [ClientConfig; 2]) -> Self {
        Self {
            lock,
            clients,
            remarks: Vec::new(),
        }
    }

    /// Plays each message once.
    pub async fn play(mut self) -> Vec<Remark> {
        self.create().await;
        let (Some(mut first), Some(mut second)) =
            (self.open("A", 0).await, self.open("B", 1).await)
        else {
            return self.remarks;
        };
        self.take_turns(&mut first, &mut second).await;
        if self.lock.kind().is_administered() {
            self.administer(&mut first).await;
        }
        for player in [first, second] {
            self.close(player).await;
        }
        self.remarks
    }

    async fn create(&mut self) {
        let client = &self.clients[0];
        let creating = self.lock.create(client, KEY, client.run.slots);
        let (result, took) = timed(client.run.operation_timeout, creating).await;
        if let Err(error) = result {
            let answer = failed(&error);
            self.note("create".to_owned(), answer, took, Some(NO_CREATION));
        }
    }

    async fn open(&mut self, name: &'static str, number: usize) -> Option<Player> {
        let client = &self.clients[number];
        let limit = client.run.operation_timeout;
        let (opened, took) = timed(limit, self.lock.open(client)).await;
        let step = format!("{name} begins (init)");
        match opened {
            Ok(session) => {
                self.note(step, "init_ok".to_owned(), took, None);
                Some(Player {
                    name,
                    session,
                    limit,
                })
            }
            Err(error) => {
                self.note(step, failed(&error), took, Some(NO_BEGINNING));
                None
            }
        }
    }

    /// One has the lock, then the other.
    async fn take_turns(&mut self, first: &mut Player, second: &mut Player) {
        let granted = self.acquire(first, GRANTED).await;
        let shares = self.lock.kind().has_slots();
        if granted {
            self.acquire(second, if shares { EITHER } else { REFUSED })
                .await;
            self.verify(first, true).await;
        }
        self.release(first).await;
        if !shares {
            self.verify(first, false).await;
            self.acquire(second, GRANTED).await;
        }
        self.release(second).await;
    }

    async fn acquire(&mut self, player: &mut Player, expected: Expected) -> bool {
        let acquiring = player.session.acquire(KEY);
        let (result, took) = timed(player.limit, acquiring).await;
        let step = format!("{} acquires", player.name);
        let is_granted = result.is_ok();
        let (answer, wrong) = match &result {
            Ok(grant) if grant.lease.is_none() && self.lock.lease().is_some() => {
                let answer = granted(*grant)
                    + "; no lease, though init_ok has one: the client believes until it is told";
                (answer, expected.on_grant)
            }
            Ok(grant) => (granted(*grant), expected.on_grant),
            Err(error) if error.kind == ErrorKind::Busy => {
                (format!("refused: {error}"), expected.on_refusal)
            }
            // A lock may not be able to say who refused it.
            Err(error) if error.kind.certainty().is_definite() && expected.on_refusal.is_none() => {
                (failed(error), None)
            }
            Err(error) => (failed(error), Some(NO_GRANT)),
        };
        self.note(step, answer, took, wrong);
        is_granted
    }

    async fn verify(&mut self, player: &mut Player, is_holder: bool) {
        if !self.lock.verifies() {
            return;
        }
        let (result, took) = timed(player.limit, player.session.verify(KEY)).await;
        let step = format!("{} verifies", player.name);
        let (answer, holds) = match &result {
            Ok(Answer::Held) => ("held".to_owned(), true),
            Ok(Answer::Leased(lease)) => (format!("held, lease {lease:?}"), true),
            Ok(Answer::Lost) => ("not held".to_owned(), false),
            Err(error) => (failed(error), false),
        };
        let wrong = match (holds, is_holder) {
            (true, false) => Some(HELD_BY_NOBODY),
            (false, true) => Some(NOT_HELD),
            _ => None,
        };
        self.note(step, answer, took, wrong);
    }

    async fn release(&mut self, player: &mut Player) {
        let (result, took) = timed(player.limit, player.session.release(KEY)).await;
        let step = format!("{} releases", player.name);
        let (answer, wrong) = match &result {
            Ok(()) => ("released".to_owned(), None),
            Err(error) if error.kind.certainty().is_definite() => (failed(error), None),
            Err(error) => (failed(error), Some(NO_RELEASE)),
        };
        self.note(step, answer, took, wrong);
    }

    async fn administer(&mut self, player: &mut Player) {
        let most = self.clients[0].run.slots + 1;
        for action in [
            Action::Count,
            Action::Grow { most },
            Action::Shrink,
            Action::Overshoot,
            Action::Destroy,
        ] {
            let administering = player.session.administer(KEY, action);
            let (result, took) = timed(player.limit, administering).await;
            let step = format!("{} does {}", player.name, action.name());
            let (answer, wrong) = match &result {
                Ok(slots) => (format!("slots {slots:?}"), None),
                Err(error) if error.kind.certainty().is_definite() => (failed(error), None),
                Err(error) => (failed(error), Some(NO_ADMINISTRATION)),
            };
            self.note(step, answer, took, wrong);
        }
    }

    async fn close(&mut self, player: Player) {
        let (closed, took) = timed_out(player.limit, player.session.close()).await;
        let step = format!("{} closes", player.name);
        let wrong = closed.is_none().then_some(NO_END);
        self.note(step, "over".to_owned(), took, wrong);
    }

    fn note(&mut self, step: String, answer: String, took: Duration, wrong: Option<&'static str>) {
        self.remarks.push(Remark {
            step,
            answer,
            took,
            wrong,
        });
    }
}

/// What is wrong with each answer to an acquire, where it is.
#[derive(Clone, Copy)]
struct Expected {
    on_grant: Option<&'static str>,
    on_refusal: Option<&'static str>,
}

const GRANTED: Expected = Expected {
    on_grant: None,
    on_refusal: Some(
        "nobody holds the lock: grant it. Is something left from before, or did a release not work?",
    ),
};
const REFUSED: Expected = Expected {
    on_grant: Some("A holds the lock, so B must not: a run will be violated"),
    on_refusal: None,
};
const EITHER: Expected = Expected {
    on_grant: None,
    on_refusal: None,
};

const NO_CREATION: &str =
    "the lock is made before a run: answer create, or leave it out of operations";
const NO_BEGINNING: &str = "answer init with init_ok: nothing can be asked for before";
const NO_GRANT: &str = "without faults an acquire is granted or refused (held false), not an error";
const NOT_HELD: &str = "A was granted the lock and nothing went wrong since: it is held";
const HELD_BY_NOBODY: &str = "A has released the lock: say held false, or an error, or a run may be called valid for nothing";
const NO_RELEASE: &str = "without faults a release works, or was refused (held false)";
const NO_ADMINISTRATION: &str =
    "without faults it works, or it surely does not: a code of doubt is for faults";
const NO_END: &str = "answer close with close_ok, then end";

fn granted(grant: Grant) -> String {
    let slot = grant.slot.map(|slot| format!(", slot {slot}"));
    let token = grant.token.map(|token| format!(", token {token}"));
    let lease = grant.lease.map(|lease| format!(", lease {lease:?}"));
    let parts = [slot, token, lease].into_iter().flatten();
    std::iter::once("granted".to_owned()).chain(parts).collect()
}

fn failed(error: &Error) -> String {
    let certainty = if error.kind.certainty().is_definite() {
        "fail"
    } else {
        "info"
    };
    format!("{certainty} ({}): {error}", error.kind)
}

/// What came of something, and how long it took; nobody waits longer than `limit`.
async fn timed<T>(
    limit: Duration,
    doing: impl Future<Output = Result<T, Error>>,
) -> (Result<T, Error>, Duration) {
    let (done, took) = timed_out(limit, doing).await;
    let late = || Error::new(ErrorKind::Timeout, format!("no answer within {limit:?}"));
    (done.unwrap_or_else(|| Err(late())), took)
}

async fn timed_out<T>(limit: Duration, doing: impl Future<Output = T>) -> (Option<T>, Duration) {
    let began = Instant::now();
    let done = timeout(limit, doing).await.ok();
    (done, began.elapsed())
}
