//! `amqp_silence`: the heartbeats of AMQP are lost, and nothing else.

use bytes::Bytes;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::toxic::{Effect, Front, Kind, Payload, State, Step};

/// Loses the heartbeat frames of AMQP 0-9-1 connections. Whoever talks lives on; whoever has
/// nothing to say looks dead. Toxiproxy has no such toxic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AmqpSilence {}

/// A heartbeat: always these bytes.
const HEARTBEAT: Bytes = Bytes::from_static(b"\x08\x00\x00\x00\x00\x00\x00\xCE");

impl Effect for AmqpSilence {
    const KIND: &'static Kind = &Kind::of::<Self>(
        "amqp_silence",
        "loses the heartbeat frames of AMQP, and nothing else",
    );

    fn step(
        &self,
        front: Option<&Front>,
        state: &mut State,
        _now: Instant,
        _rng: &mut ChaCha8Rng,
    ) -> Step {
        let Some(front) = front else {
            return Step::Hold;
        };
        let Payload::Data(data) = &front.payload else {
            return Step::Pass;
        };
        if state.lost > 0 || state.frames.begins_heartbeat(data[0]) {
            let (bytes, _) = state.frames.read(data);
            state.lost = if state.frames.is_between() {
                0
            } else {
                state.lost + bytes
            };
            return Step::DiscardBytes(bytes);
        }
        let mut bytes = 0;
        while bytes < data.len() && !state.frames.begins_heartbeat(data[bytes]) {
            bytes += state.frames.read(&data[bytes..]).0;
        }
        Step::PassBytes(bytes)
    }

    fn owes(&self, state: &State) -> Bytes {
        HEARTBEAT.slice(..state.lost.min(HEARTBEAT.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amqp::Frames;
    use crate::toxic::{End, Stream};
    use crate::toxics::testing::{end, rng};

    const GREETING: &[u8] = b"AMQP\x00\x00\x09\x01";
    /// `tx.select` on channel 1.
    const SELECT: &[u8] = b"\x01\x00\x01\x00\x00\x00\x04\x00\x5A\x00\x0A\xCE";

    fn amqp() -> State {
        let mut state = State::new(Instant::now());
        state.frames = Frames::new(Stream::Upstream);
        state
    }

    fn step(state: &mut State, data: &[u8]) -> Step {
        let front = Front {
            payload: Payload::Data(Bytes::copy_from_slice(data)),
            arrived: state.since,
        };
        Effect::step(
            &AmqpSilence {},
            Some(&front),
            state,
            state.since,
            &mut rng(),
        )
    }

    #[test]
    fn heartbeats_are_lost_and_all_else_passes() {
        let mut data = [GREETING, SELECT, &HEARTBEAT, &HEARTBEAT, SELECT].concat();
        let mut state = amqp();
        let mut passed = Vec::new();
        while !data.is_empty() {
            match step(&mut state, &data) {
                Step::PassBytes(bytes) => passed.extend(data.drain(..bytes)),
                Step::DiscardBytes(bytes) => drop(data.drain(..bytes)),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(passed, [GREETING, SELECT, SELECT].concat());
    }

    #[test]
    fn a_heartbeat_that_has_begun_to_pass_passes_whole_and_one_that_was_begun_to_be_lost_is_owed() {
        let mut state = amqp();
        state.frames.skip(&[GREETING, &HEARTBEAT[..3]].concat());
        assert_eq!(step(&mut state, &HEARTBEAT[3..]), Step::PassBytes(5));
        assert_eq!(step(&mut state, &HEARTBEAT[..3]), Step::DiscardBytes(3));
        assert_eq!(Effect::owes(&AmqpSilence {}, &state), HEARTBEAT[..3]);
        assert_eq!(step(&mut state, &HEARTBEAT[3..]), Step::DiscardBytes(5));
        assert!(Effect::owes(&AmqpSilence {}, &state).is_empty());
    }

    #[test]
    fn what_is_not_amqp_passes_and_so_do_ends() {
        let mut state = amqp();
        assert_eq!(step(&mut state, b"GET /"), Step::PassBytes(5));
        assert_eq!(step(&mut state, &HEARTBEAT), Step::PassBytes(8));
        let fin = end(End::Fin, state.since);
        let now = state.since;
        let step = Effect::step(&AmqpSilence {}, Some(&fin), &mut state, now, &mut rng());
        assert_eq!(step, Step::Pass);
    }
}
