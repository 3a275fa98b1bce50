//! The session that all locks share: which keys are held, what ends a hold, what ends the session.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::recipe::{End, Hold, Line, Recipe};
use crate::{Answer, Client, Error, ErrorKind, Grant, Loss, Session};

/// A session that takes its steps from a recipe.
///
/// A holding channel that dies ends the session, and the connection with it: what the channel held may outlive it on the server as long as the
/// connection lives, and would then be nobody's.
pub(crate) struct RecipeSession<R> {
    recipe: R,
    /// What is open and held, or why there is nothing any more.
    state: Result<State, Error>,
}

struct State {
    held: BTreeMap<String, Hold>,
    line: Line,
}

impl<R: Recipe + 'static> RecipeSession<R> {
    pub(crate) async fn open(recipe: R, client: &Client) -> Result<Box<dyn Session>, Error> {
        let state = State {
            held: BTreeMap::new(),
            line: Line::open(client).await?,
        };
        Ok(Box::new(Self {
            recipe,
            state: Ok(state),
        }))
    }

    /// Drops the connection, so that the server takes back whatever it still has for us.
    fn end(&mut self, error: Error) -> Error {
        self.state = Err(error.clone());
        error
    }
}

/// What is open, unless the session is over.
fn open(state: &mut Result<State, Error>) -> Result<&mut State, Error> {
    state
        .as_mut()
        .map_err(|error| error.clone().as_kind(ErrorKind::NotSent))
}

impl State {
    /// Forgets a hold that has ended, and keeps its channel.
    fn forget(&mut self, key: &str) {
        if let Some(hold) = self.held.remove(key) {
            self.line.keep(hold.channel);
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
            closed = self.line.connection.closed() => (None, closed.error),
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
        let state = open(&mut self.state)?;
        if state.held.contains_key(key) {
            let text = format!("{key} is held by this session already");
            return Err(Error::new(ErrorKind::AlreadyHeld, text));
        }
        let hold = self.recipe.take(&mut state.line, key).await?;
        let grant = hold.grant;
        state.held.insert(key.to_owned(), hold);
        Ok(grant)
    }

    async fn verify(&mut self, key: &str) -> Result<Answer, Error> {
        let state = open(&mut self.state)?;
        let hold = state.held.get_mut(key).ok_or_else(|| not_held(key))?;
        let answer = self.recipe.ask(hold).await?;
        // A queue of the same name may have answered for ours; the notice that ours is gone comes before its answer.
        if answer == Answer::Held && hold.cancelled().is_none() {
            return Ok(Answer::Held);
        }
        state.forget(key);
        Ok(Answer::Lost)
    }

    async fn release(&mut self, key: &str) -> Result<(), Error> {
        let state = open(&mut self.state)?;
        let mut hold = state.held.remove(key).ok_or_else(|| not_held(key))?;
        match self.recipe.give_back(&mut hold).await {
            Ok(()) => {
                state.line.keep(hold.channel);
                Ok(())
            }
            Err(error) if error.kind == ErrorKind::Lost => Err(error),
            // The connection goes, and the lock with it sooner or later: even where the step itself did nothing, this release is not without effect.
            Err(error) => {
                self.end(error.clone());
                Err(error.unsettled())
            }
        }
    }

    async fn news(&mut self) -> Loss {
        let state = match &mut self.state {
            Ok(state) => state,
            Err(error) => return Loss::All(error.clone()),
        };
        match state.ended().await {
            (Some(key), error) => {
                state.forget(&key);
                Loss::Key(key, error)
            }
            (None, error) => Loss::All(self.end(error)),
        }
    }

    async fn close(self: Box<Self>) {
        if let Ok(state) = self.state {
            // A connection that is dead already is as closed as can be.
            let _ = state.line.connection.close().await;
        }
    }
}

pub(crate) fn not_held(key: &str) -> Error {
    Error::new(
        ErrorKind::NotHeld,
        format!("{key} is not held by this session"),
    )
}
