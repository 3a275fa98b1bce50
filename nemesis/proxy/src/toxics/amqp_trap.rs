//! `amqp_trap`: a fault at the very moment at which a method of AMQP has passed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

use crate::amqp::Method;
use crate::error::ProxyError;
use crate::toxic::{AnyEffect, Effect, End, Front, Kind, Payload, State, Step, Stream};

/// Springs when the `nth` method of that name has passed, its content included, counted over all
/// connections of the proxy since the trap was set; before anything further passes either way.
/// It springs once. Toxiproxy has no such toxic.
///
/// As it is shown it has `seen` too, how many of these methods have passed, and `sprung_us`, how
/// many microseconds ago it sprang, or null.
#[derive(Clone, Debug, Deserialize)]
pub struct AmqpTrap {
    /// Which method; the toxic's stream is the way that it goes.
    pub method: Method,
    /// The first, the second, …; the first unless said.
    #[serde(default = "first")]
    pub nth: Nth,
    /// What happens then.
    pub then: Then,
    #[serde(skip)]
    spring: Arc<Spring>,
}

/// A number of a method, counted from 1.
pub type Nth = std::num::NonZeroU64;

/// What a trap does when it springs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Then {
    /// All connections are cut: whoever sends the method is reset, whoever receives it reads it and
    /// the end of the stream behind it. New ones are let through.
    Cut,
    /// Nothing passes either way any more, closes included, on new connections neither, until the
    /// toxic is removed.
    Hold,
}

/// What all connections know of a trap.
#[derive(Debug, Default)]
struct Spring(Mutex<Sight>);

#[derive(Clone, Copy, Debug, Default)]
struct Sight {
    seen: u64,
    sprung: Option<Instant>,
}

/// The attributes as the API shows them.
#[derive(Serialize)]
struct Shown {
    method: Method,
    nth: Nth,
    then: Then,
    seen: u64,
    sprung_us: Option<u64>,
}

fn first() -> Nth {
    Nth::MIN
}

impl AmqpTrap {
    /// A trap that has not sprung.
    #[must_use]
    pub fn new(method: Method, nth: Nth, then: Then) -> Self {
        Self {
            method,
            nth,
            then,
            spring: Arc::default(),
        }
    }

    fn watch(&self, front: Option<&Front>, state: &mut State, now: Instant) -> Step {
        let Some(front) = front else {
            return Step::Hold;
        };
        let Payload::Data(data) = &front.payload else {
            return Step::Pass;
        };
        let mut bytes = 0;
        while bytes < data.len() {
            let (read, passed) = state.contents.read(&mut state.frames, &data[bytes..]);
            bytes += read;
            if passed == Some(self.method.id()) && self.spring.count(self.nth, now) {
                return Step::Spring(bytes);
            }
        }
        Step::Pass
    }
}

impl Spring {
    fn sight(&self) -> MutexGuard<'_, Sight> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more has passed; whether the trap springs.
    fn count(&self, nth: Nth, now: Instant) -> bool {
        let mut sight = self.sight();
        if sight.sprung.is_some() {
            return false;
        }
        sight.seen += 1;
        let springs = sight.seen == nth.get();
        sight.sprung = springs.then_some(now);
        springs
    }

    /// Whether the trap has sprung, and strikes a connection that it knows since then.
    fn strikes(&self, then: Then, since: Instant) -> Option<bool> {
        let sprung = self.sight().sprung?;
        Some(then == Then::Hold || since <= sprung)
    }
}

impl Serialize for AmqpTrap {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Sight { seen, sprung } = *self.spring.sight();
        let ago = sprung.map(|sprung| sprung.elapsed().as_micros());
        let shown = Shown {
            method: self.method,
            nth: self.nth,
            then: self.then,
            seen,
            sprung_us: ago.map(|ago| u64::try_from(ago).unwrap_or(u64::MAX)),
        };
        shown.serialize(serializer)
    }
}

impl Effect for AmqpTrap {
    const KIND: &'static Kind = &Kind::of::<Self>(
        "amqp_trap",
        "cuts or holds the link when the nth AMQP method of a name has passed",
    );

    fn step(
        &self,
        front: Option<&Front>,
        state: &mut State,
        now: Instant,
        _rng: &mut ChaCha8Rng,
    ) -> Step {
        match self.spring.strikes(self.then, state.since) {
            None => self.watch(front, state, now),
            Some(true) if self.then == Then::Hold => Step::Hold,
            // Behind the method that has passed here.
            Some(true) => Step::End(End::Severed),
            Some(false) => front.map_or(Step::Hold, |_| Step::Pass),
        }
    }

    fn check(&self, stream: Stream, toxicity: f64) -> Result<(), ProxyError> {
        self.method.check(stream).map_err(ProxyError::bad_body)?;
        if toxicity < 1.0 {
            let text = "an amqp_trap counts on every connection: its toxicity is 1";
            return Err(ProxyError::bad_body(text));
        }
        Ok(())
    }

    fn opposite(&self) -> Option<Arc<dyn AnyEffect>> {
        Some(Arc::new(Opposite(self.clone())))
    }
}

/// The other direction of a trap: nothing passes there once it has sprung. A cut comes from the
/// direction that the method took, behind the method.
#[derive(Debug)]
struct Opposite(AmqpTrap);

impl AnyEffect for Opposite {
    fn kind(&self) -> &'static Kind {
        AmqpTrap::KIND
    }

    fn attributes(&self) -> Value {
        self.0.attributes()
    }

    fn step(
        &self,
        front: Option<&Front>,
        state: &mut State,
        _now: Instant,
        _rng: &mut ChaCha8Rng,
    ) -> Step {
        match self.0.spring.strikes(self.0.then, state.since) {
            Some(true) => Step::Hold,
            None | Some(false) => front.map_or(Step::Hold, |_| Step::Pass),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::amqp::Frames;
    use crate::toxics::testing::{bytes, rng};

    /// `tx.select` and `tx.commit` on channel 1.
    const SELECT: &[u8] = b"\x01\x00\x01\x00\x00\x00\x04\x00\x5A\x00\x0A\xCE";
    const COMMIT: &[u8] = b"\x01\x00\x01\x00\x00\x00\x04\x00\x5A\x00\x14\xCE";

    fn trap(nth: u64, then: Then) -> AmqpTrap {
        let method = Method::named("tx.commit").unwrap();
        AmqpTrap::new(method, Nth::new(nth).unwrap(), then)
    }

    fn amqp(since: Instant) -> State {
        let mut state = State::new(since);
        state.frames = Frames::new(Stream::Upstream);
        state.frames.skip(b"AMQP\x00\x00\x09\x01");
        state
    }

    fn up(trap: &AmqpTrap, state: &mut State, data: &[&[u8]], now: Instant) -> Step {
        let front = Front {
            payload: Payload::Data(Bytes::from(data.concat())),
            arrived: now,
        };
        Effect::step(trap, Some(&front), state, now, &mut rng())
    }

    fn down(trap: &AmqpTrap, since: Instant, now: Instant) -> Step {
        let front = bytes(1, now);
        let opposite = Effect::opposite(trap).unwrap();
        opposite.step(Some(&front), &mut State::new(since), now, &mut rng())
    }

    #[test]
    fn the_nth_counts_over_all_connections_and_what_is_behind_it_stays() {
        let now = Instant::now();
        let trap = trap(3, Then::Hold);
        let (mut one, mut two) = (amqp(now), amqp(now));
        assert_eq!(up(&trap, &mut one, &[SELECT, COMMIT], now), Step::Pass);
        assert_eq!(down(&trap, now, now), Step::Pass);
        let at_end = Step::Spring(2 * COMMIT.len());
        assert_eq!(up(&trap, &mut two, &[COMMIT, COMMIT, SELECT], now), at_end);
        for state in [&mut one, &mut two, &mut amqp(now + Duration::from_secs(1))] {
            assert_eq!(up(&trap, state, &[SELECT], now), Step::Hold);
            assert_eq!(down(&trap, state.since, now), Step::Hold);
        }
        let shown = serde_json::to_value(&trap).unwrap();
        assert_eq!((&shown["seen"], &shown["nth"]), (&json!(3), &json!(3)));
        assert!(shown["sprung_us"].is_u64(), "{shown}");
    }

    #[test]
    fn a_cut_strikes_those_that_were_there() {
        let start = Instant::now();
        let later = start + Duration::from_secs(1);
        let trap = trap(1, Then::Cut);
        let mut old = amqp(start);
        assert_eq!(
            up(&trap, &mut old, &[COMMIT], start),
            Step::Spring(COMMIT.len())
        );
        assert_eq!(
            up(&trap, &mut old, &[SELECT], later),
            Step::End(End::Severed)
        );
        assert_eq!(down(&trap, start, later), Step::Hold);
        assert_eq!(up(&trap, &mut amqp(later), &[COMMIT], later), Step::Pass);
        assert_eq!(down(&trap, later, later), Step::Pass);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bad in [
            json!({"method": "queue.steal", "then": "cut"}),
            json!({"method": "queue.declare"}),
            json!({"method": "queue.declare", "then": "cut", "nth": 0}),
            json!({"method": "queue.declare", "then": "explode"}),
        ] {
            assert!(AmqpTrap::KIND.effect(bad.clone()).is_err(), "{bad}");
        }
        let trap = trap(1, Then::Cut);
        assert!(Effect::check(&trap, Stream::Upstream, 1.0).is_ok());
        assert!(Effect::check(&trap, Stream::Downstream, 1.0).is_err());
        assert!(Effect::check(&trap, Stream::Upstream, 0.5).is_err());
    }
}
