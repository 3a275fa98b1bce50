//! A node that stands still, as a stopped process does: it reads nothing, sends nothing, and no timer
//! of it runs down.

use std::collections::VecDeque;
use std::time::Duration;

use rand::Rng;

use super::node::{Node, Timer};
use crate::frame::{ClientFrame, ConnectionId, Segment};

/// What waits for a node that stands still.
#[derive(Debug, Default)]
pub(super) struct Pause {
    heard: VecDeque<(ConnectionId, Heard)>,
    overdue: Vec<Timer>,
}

/// What comes over a connection.
#[derive(Debug)]
pub(super) enum Heard {
    Segment(Segment<ClientFrame>),
    Reset,
}

impl Pause {
    pub(super) fn hear(&mut self, connection: ConnectionId, heard: Heard) {
        self.heard.push_back((connection, heard));
    }

    pub(super) fn delay(&mut self, timer: Timer) {
        self.overdue.push(timer);
    }
}

impl Node {
    /// Stands still.
    pub(crate) fn pause(&mut self) {
        if self.is_running() && self.pause.is_none() {
            self.pause = Some(Pause::default());
        }
    }

    /// Goes on: what came meanwhile lies before it in the order in which it came, and each timer that
    /// is overdue runs down once. Which of the two comes first the seed decides.
    pub(crate) fn resume(&mut self, now: Duration) {
        let Some(Pause { heard, overdue }) = self.pause.take() else {
            return;
        };
        let reads_first: bool = self.names.random();
        if reads_first {
            self.read_all(heard, now);
            self.catch_up_with(overdue, now);
        } else {
            self.catch_up_with(overdue, now);
            self.read_all(heard, now);
        }
    }

    fn read_all(&mut self, heard: VecDeque<(ConnectionId, Heard)>, now: Duration) {
        for (connection, heard) in heard {
            match heard {
                Heard::Segment(segment) => self.receive(connection, segment, now),
                Heard::Reset => self.lose(connection, now),
            }
        }
    }

    fn catch_up_with(&mut self, overdue: Vec<Timer>, now: Duration) {
        for timer in overdue {
            self.remind(timer, now);
        }
    }

    /// It goes down: who waits for its greeting sees the end of the stream.
    pub(super) fn forget_pause(&mut self) {
        let Some(pause) = self.pause.take() else {
            return;
        };
        for (connection, _) in pause.heard {
            if !self.sessions.contains_key(&connection) {
                self.output.segments.push((connection, Segment::Fin));
            }
        }
    }
}
