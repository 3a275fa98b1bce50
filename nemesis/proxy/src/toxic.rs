//! What a toxic is: its JSON, its kind, and the one decision that it takes again and again.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rand_chacha::ChaCha8Rng;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

use crate::amqp::{Contents, Frames};
use crate::error::ProxyError;

/// The direction that a toxic acts on.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum Stream {
    /// From the client to the server.
    Upstream,
    /// From the server to the client; what Toxiproxy takes when nothing is said.
    #[default]
    Downstream,
}

impl Stream {
    /// Both directions.
    pub const BOTH: [Self; 2] = [Self::Upstream, Self::Downstream];

    /// The other direction.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Upstream => Self::Downstream,
            Self::Downstream => Self::Upstream,
        }
    }

    /// The name in Toxiproxy's API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Downstream => "downstream",
        }
    }
}

/// From the name in any case: a Toxiproxy answers with the one that it was asked with.
impl TryFrom<String> for Stream {
    type Error = ProxyError;

    fn try_from(name: String) -> Result<Self, ProxyError> {
        let called = |stream: &Self| stream.name().eq_ignore_ascii_case(&name);
        let stream = Self::BOTH.into_iter().find(called);
        stream.ok_or(ProxyError::InvalidStream)
    }
}

/// A toxic as Toxiproxy's API shows it, for the server and the client alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Toxic {
    /// Its name, unique within the proxy.
    pub name: String,
    /// The name of its [`Kind`].
    #[serde(rename = "type")]
    pub kind: String,
    /// The direction that it acts on.
    pub stream: Stream,
    /// The probability, for each connection, that it acts there at all.
    pub toxicity: f64,
    /// Its parameters.
    pub attributes: Value,
}

impl Toxic {
    /// A toxic for every connection, with Toxiproxy's default name `{type}_{stream}`.
    pub fn new(stream: Stream, effect: &impl Effect) -> Self {
        let kind = effect.kind().name;
        Self {
            name: format!("{kind}_{}", stream.name()),
            kind: kind.to_owned(),
            stream,
            toxicity: 1.0,
            attributes: effect.attributes(),
        }
    }

    /// The same toxic under another name.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..self
        }
    }

    /// The same toxic for only some of the connections: each with probability `toxicity`.
    #[must_use]
    pub fn with_toxicity(self, toxicity: f64) -> Self {
        Self { toxicity, ..self }
    }
}

/// One kind of toxic: its name, what it does, and how its parameters are read.
#[derive(Debug)]
pub struct Kind {
    /// The name in Toxiproxy's API.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    parse: fn(Value) -> serde_json::Result<Arc<dyn AnyEffect>>,
}

impl Kind {
    pub(crate) const fn of<E: Effect>(name: &'static str, about: &'static str) -> Self {
        Self {
            name,
            about,
            parse: |attributes| Ok(Arc::new(serde_json::from_value::<E>(attributes)?)),
        }
    }

    /// Reads the parameters; what is left out is zero, what is unknown is ignored, as Toxiproxy
    /// does.
    ///
    /// # Errors
    /// A parameter of the wrong type, or a negative one.
    pub fn effect(&self, attributes: Value) -> serde_json::Result<Arc<dyn AnyEffect>> {
        (self.parse)(attributes)
    }
}

/// What a toxic does: it looks at what comes next on a link and says what becomes of it.
///
/// An effect is immutable and shared by all links; what it remembers of one link stands in
/// [`State`].
pub trait Effect: Debug + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The kind that it is.
    const KIND: &'static Kind;

    /// Decides about the front of the queue before this toxic; `None` when nothing waits there.
    ///
    /// Asked again whenever something arrives, the time that it named has come, or the toxic was
    /// changed.
    fn step(
        &self,
        front: Option<&Front>,
        state: &mut State,
        now: Instant,
        rng: &mut ChaCha8Rng,
    ) -> Step;

    /// How long, at most, bytes are on their way because of it, however many there are. A link holds
    /// the more for it.
    fn delay_max(&self) -> Duration {
        Duration::ZERO
    }

    /// What its removal does to the links on which it acts, `front` being what it held; most just
    /// let go of that.
    fn removed(&self, _front: Option<&Front>) -> Option<End> {
        None
    }

    /// What it has taken away of something that must pass whole or not at all: comes back before
    /// all else when it is removed.
    fn owes(&self, _state: &State) -> Bytes {
        Bytes::new()
    }

    /// Whether it can act on that direction, with that probability.
    ///
    /// # Errors
    /// It makes no sense there.
    fn check(&self, _stream: Stream, _toxicity: f64) -> Result<(), ProxyError> {
        Ok(())
    }

    /// What acts on the other direction as long as it acts on its own.
    fn opposite(&self) -> Option<Arc<dyn AnyEffect>> {
        None
    }
}

/// An [`Effect`] of any kind, or its opposite; every effect is one.
pub trait AnyEffect: Debug + Send + Sync {
    /// The kind that it is.
    fn kind(&self) -> &'static Kind;

    /// Its parameters, as the API shows them.
    fn attributes(&self) -> Value;

    /// See [`Effect::step`].
    fn step(
        &self,
        front: Option<&Front>,
        state: &mut State,
        now: Instant,
        rng: &mut ChaCha8Rng,
    ) -> Step;

    /// See [`Effect::delay_max`].
    fn delay_max(&self) -> Duration {
        Duration::ZERO
    }

    /// See [`Effect::removed`].
    fn removed(&self, _front: Option<&Front>) -> Option<End> {
        None
    }

    /// See [`Effect::owes`].
    fn owes(&self, _state: &State) -> Bytes {
        Bytes::new()
    }

    /// See [`Effect::check`].
    ///
    /// # Errors
    /// As there.
    fn check(&self, _stream: Stream, _toxicity: f64) -> Result<(), ProxyError> {
        Ok(())
    }

    /// See [`Effect::opposite`].
    fn opposite(&self) -> Option<Arc<dyn AnyEffect>> {
        None
    }
}

impl<E: Effect> AnyEffect for E {
    fn kind(&self) -> &'static Kind {
        E::KIND
    }

    fn attributes(&self) -> Value {
        serde_json::to_value(self).expect("parameters are plain data")
    }

    fn step(
        &self,
        front: Option<&Front>,
        state: &mut State,
        now: Instant,
        rng: &mut ChaCha8Rng,
    ) -> Step {
        Effect::step(self, front, state, now, rng)
    }

    fn delay_max(&self) -> Duration {
        Effect::delay_max(self)
    }

    fn removed(&self, front: Option<&Front>) -> Option<End> {
        Effect::removed(self, front)
    }

    fn owes(&self, state: &State) -> Bytes {
        Effect::owes(self, state)
    }

    fn check(&self, stream: Stream, toxicity: f64) -> Result<(), ProxyError> {
        Effect::check(self, stream, toxicity)
    }

    fn opposite(&self) -> Option<Arc<dyn AnyEffect>> {
        Effect::opposite(self)
    }
}

/// `from + by`, at most some thirty years on: clients write "for ever" as a large number.
pub(crate) fn later(from: Instant, by: Duration) -> Instant {
    const FOR_EVER: Duration = Duration::from_secs(1_000_000_000);
    from + by.min(FOR_EVER)
}

/// The next thing on a link: bytes, or the end of the stream.
#[derive(Clone, Debug)]
pub struct Front {
    /// What it is.
    pub payload: Payload,
    /// When it set out: the proxy read it from its socket then, or a toxic that delays let it go.
    pub arrived: Instant,
}

/// Bytes, or the end of the stream.
#[derive(Clone, Debug)]
pub enum Payload {
    /// Bytes of the stream; never empty.
    Data(Bytes),
    /// Nothing comes after this but a reset.
    End(End),
}

/// How a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The sender will send no more; the other direction goes on.
    Fin,
    /// The proxy closes the connection in both directions.
    Close,
    /// The connection is torn down: RST.
    Reset,
    /// The sender is reset. The receiver gets all that passed before, however long it takes to, and
    /// then the end of the stream: a reset might overtake that.
    Severed,
}

/// What a toxic remembers of one link.
#[derive(Clone, Debug)]
pub struct State {
    /// The moment that the toxic counts from: when it began to act here or was last changed; pacing
    /// toxics move it on.
    pub since: Instant,
    /// When the front may pass, if the toxic has decided that.
    pub due: Option<Instant>,
    /// Bytes that it has let through on this link.
    pub passed: u64,
    /// Where in AMQP's frames its next byte stands. Whoever asks for that reads on by what it lets
    /// pass or loses.
    pub(crate) frames: Frames,
    /// The contents that have begun to pass.
    pub(crate) contents: Contents,
    /// How much of the frame at hand is lost.
    pub(crate) lost: usize,
}

impl State {
    /// For a toxic that begins to act at `now`.
    pub fn new(now: Instant) -> Self {
        Self {
            since: now,
            due: None,
            passed: 0,
            frames: Frames::none(),
            contents: Contents::default(),
            lost: 0,
        }
    }

    /// Forgets decisions taken with other parameters; what was let through stays counted.
    pub(crate) fn restart(&mut self, now: Instant) {
        self.since = now;
        self.due = None;
    }
}

/// A toxic's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The front passes, whole.
    Pass,
    /// The front passes, whole, and set out then: what delays it further adds to that.
    PassSince(Instant),
    /// The first bytes of the front pass; at least one, at most all.
    PassBytes(usize),
    /// The first bytes of the front pass, and what connections share has changed: all of them are
    /// asked again.
    Spring(usize),
    /// The front is lost.
    Discard,
    /// The first bytes of the front are lost.
    DiscardBytes(usize),
    /// Nothing passes until then.
    Wait(Instant),
    /// Nothing passes until something changes.
    Hold,
    /// The stream ends here; what waits in front of this toxic is lost.
    End(End),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn streams_are_read_in_any_case_and_written_in_lower_case() {
        for (text, stream) in [
            ("upstream", Stream::Upstream),
            ("UPSTREAM", Stream::Upstream),
            ("Downstream", Stream::Downstream),
        ] {
            assert_eq!(
                serde_json::from_value::<Stream>(json!(text)).unwrap(),
                stream
            );
            assert_eq!(json!(stream), stream.name());
        }
        let error = serde_json::from_value::<Stream>(json!("up")).unwrap_err();
        assert!(error.to_string().contains("either upstream or downstream"));
    }
}
