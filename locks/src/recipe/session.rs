//! The session that all locks share: which keys are held, what ends a hold, what ends the session.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::hold::End;
use super::{Hold, Recipe, Wire};
use crate::options::{Reconnect, ReleaseBy};
use crate::{Action, Answer, Certainty, ClientConfig, Error, ErrorKind, Grant, Loss, Session};

/// A session that takes its steps from a recipe.
///
/// A holding channel that dies ends the session, and the connection with it: what the channel held
/// may outlive it on the server as long as the connection lives, and would then be nobody's.
pub struct RecipeSession<R> {
    recipe: R,
    client: ClientConfig,
    state: State,
}

enum State {
    Open(Box<Open>),
    /// There is no connection: the next acquire opens one.
    Closed {
        /// What was lost with the last one and has not been told yet.
        lost: BTreeMap<String, Error>,
    },
    /// There is none any more, and why.
    Over(Error),
}

/// What is open and held.
struct Open {
    held: BTreeMap<String, Hold>,
    wire: Wire,
}

impl<R: Recipe + 'static> RecipeSession<R> {
    /// Opens a session that takes its steps from this recipe.
    ///
    /// # Errors
    /// Those of [`ClientConfig::connection`].
    pub async fn open(recipe: R, client: &ClientConfig) -> Result<Box<dyn Session>, Error> {
        Ok(Box::new(Self {
            recipe,
            client: client.clone(),
            state: State::Open(Box::new(Open::new(client).await?)),
        }))
    }

    /// Drops the connection, so that the server takes back whatever it still has for us.
    fn end(&mut self, error: Error) -> Error {
        self.state = match (&self.state, self.client.options.reconnect) {
            (State::Open(open), Reconnect::FreshSession) => open.lost(&error),
            (State::Closed { .. }, _) => return error,
            _ => State::Over(error.clone()),
        };
        error
    }

    /// Opens a connection where there is none and there may be one. What was lost and has not been
    /// told is not lost again by it.
    async fn ensure_open(&mut self) -> Result<(), Error> {
        if let State::Closed { lost } = &self.state {
            if !lost.is_empty() {
                let text = "what was held was lost: wait for its loss notification first";
                return Err(Error::new(ErrorKind::NotSent, text));
            }
            let open = Open::new(&self.client).await;
            let open = open.map_err(|error| error.as_kind(ErrorKind::NotSent))?;
            self.state = State::Open(Box::new(open));
        }
        Ok(())
    }

    /// Gives a lock back by closing what it hangs on, having made sure that it was held.
    async fn close_what_holds(&mut self, mut hold: Hold) -> Result<(), Error> {
        let (open, recipe) = (open(&mut self.state)?, &self.recipe);
        let answer = recipe.ask(&mut open.wire, &mut hold).await?;
        if answer == Answer::Lost || hold.cancelled().is_some() {
            let text = format!("{} is gone", hold.queue);
            return Err(Error::new(ErrorKind::Lost, text));
        }
        if self.client.options.release == ReleaseBy::CloseChannel {
            return hold.channel.close().await;
        }
        open.wire.connection.close().await?;
        let closed = Error::new(ErrorKind::ConnectionClosed, "closed to give a lock back");
        self.state = open.lost(&closed);
        Ok(())
    }
}

/// What is open, unless nothing is.
fn open(state: &mut State) -> Result<&mut Open, Error> {
    match state {
        State::Open(open) => Ok(open),
        State::Closed { .. } => Err(Error::new(ErrorKind::NotHeld, "nothing is held")),
        State::Over(error) => Err(error.clone().as_kind(ErrorKind::NotSent)),
    }
}

impl Open {
    async fn new(client: &ClientConfig) -> Result<Self, Error> {
        Ok(Self {
            held: BTreeMap::new(),
            wire: Wire::open(client).await?,
        })
    }

    /// All that is held is lost with the connection.
    fn lost(&self, error: &Error) -> State {
        let lost = self.held.keys().map(|key| (key.clone(), error.clone()));
        State::Closed {
            lost: lost.collect(),
        }
    }

    /// Forgets a hold that has ended, and keeps its channel.
    fn forget(&mut self, key: &str) {
        if let Some(hold) = self.held.remove(key) {
            self.wire.keep(hold.channel);
        }
    }

    /// Resolves when a hold has ended, or the connection has.
    async fn ended(&mut self) -> (Option<String>, Error) {
        let mut ends: FuturesUnordered<_> = self
            .held
            .iter_mut()
            .map(async |(key, hold)| (key.clone(), hold.ended().await))
            .collect();
        tokio::select! {
            biased;
            closed = self.wire.connection.closed() => (None, closed.error),
            Some((key, end)) = ends.next() => match end {
                End::Hold(error) => (Some(key), error),
                End::Channel(error) => (None, error),
            },
        }
    }
}

#[async_trait]
impl<R: Recipe + 'static> Session for RecipeSession<R> {
    async fn acquire(&mut self, key: &str) -> Result<Grant, Error> {
        self.ensure_open().await?;
        let state = open(&mut self.state)?;
        if state.held.contains_key(key) {
            let text = format!("{key} is held by this session already");
            return Err(Error::new(ErrorKind::AlreadyHeld, text));
        }
        let hold = self.recipe.take(&mut state.wire, key).await?;
        let grant = hold.grant;
        state.held.insert(key.to_owned(), hold);
        Ok(grant)
    }

    async fn verify(&mut self, key: &str) -> Result<Answer, Error> {
        let state = open(&mut self.state)?;
        let hold = state.held.get_mut(key).ok_or_else(|| not_held(key))?;
        let answer = self.recipe.ask(&mut state.wire, hold).await?;
        // A queue of the same name may have answered for ours; the notice that ours is gone comes
        // before its answer.
        if answer == Answer::Held && hold.cancelled().is_none() {
            return Ok(Answer::Held);
        }
        state.forget(key);
        Ok(Answer::Lost)
    }

    async fn release(&mut self, key: &str) -> Result<(), Error> {
        let state = open(&mut self.state)?;
        let mut hold = state.held.remove(key).ok_or_else(|| not_held(key))?;
        let given_back = match self.client.options.release {
            ReleaseBy::Step => {
                let given_back = self.recipe.give_back(&mut state.wire, &mut hold).await;
                if given_back.is_ok() {
                    state.wire.keep(hold.channel);
                }
                given_back
            }
            ReleaseBy::CloseChannel | ReleaseBy::CloseConnection => {
                self.close_what_holds(hold).await
            }
        };
        match given_back {
            Ok(()) => Ok(()),
            Err(error) if error.kind == ErrorKind::Lost => Err(error),
            // The connection goes, and the lock with it sooner or later: even where the step itself
            // did nothing, this release is not without effect.
            Err(error) => {
                self.end(error.clone());
                Err(error.unsettled())
            }
        }
    }

    async fn administer(&mut self, key: &str, action: Action) -> Result<Vec<u32>, Error> {
        self.ensure_open().await?;
        let wire = &mut open(&mut self.state)?.wire;
        let done = self.recipe.administer(wire, key, action).await;
        done.map_err(|error| match error.kind.certainty() {
            Certainty::Unknown => self.end(error),
            _ => error,
        })
    }

    async fn loss_notification(&mut self) -> Loss {
        let state = match &mut self.state {
            State::Open(open) => open,
            State::Closed { lost } => match lost.pop_first() {
                Some((key, error)) => return Loss::Key(key, error),
                None => return std::future::pending().await,
            },
            State::Over(error) => return Loss::All(error.clone()),
        };
        match state.ended().await {
            (Some(key), error) => {
                state.forget(&key);
                Loss::Key(key, error)
            }
            (None, error) => {
                let error = self.end(error);
                match &self.state {
                    State::Over(_) => Loss::All(error),
                    _ => self.loss_notification().await,
                }
            }
        }
    }

    async fn close(self: Box<Self>) {
        if let State::Open(open) = self.state {
            // A connection that is dead already is as closed as can be.
            let _ = open.wire.connection.close().await;
        }
    }
}

/// The error of an operation on a lock that the session does not hold.
#[must_use]
pub fn not_held(key: &str) -> Error {
    Error::new(
        ErrorKind::NotHeld,
        format!("{key} is not held by this session"),
    )
}
