//! A trap on a link: it springs when a method of a name has passed for the nth time.

use std::time::Duration;

use tokio::sync::oneshot;

use super::network::{Direction, NoSuchLink};
use super::wire;

/// What a trap has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trapped {
    /// Methods of that name since the trap was set, up to the one at which it sprang.
    pub seen: u64,
    /// How long ago it sprang.
    pub sprung_ago: Option<Duration>,
}

/// Why a link cannot be broken in that way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// There is no such link.
    #[error(transparent)]
    NoSuchLink(#[from] NoSuchLink),
    /// A link that lets no byte pass is no slow link.
    #[error("a link that trickles lets at least one byte a second pass, in slices of at least one")]
    NoTrickle,
    /// There is no such method here.
    #[error(
        "a trap waits for a method: {0:?} is none that the simulated client and broker send that way; write it like queue.declare or basic.get-ok"
    )]
    NoMethod(String),
    /// It goes both ways, and nobody said which one is meant.
    #[error(
        "a trap waits for a method: {0} goes both ways: write \"{0} up\" for the client's, \"{0} down\" for the server's"
    )]
    BothWays(String),
    /// A trap counts from 1.
    #[error("a trap springs at the 1st method, or a later one, not at the 0th")]
    NeverTheZeroth,
    /// A trap does one of two things.
    #[error("\"{0}\" is nothing that a trap does: write cut or hold")]
    NoThen(String),
    /// Somebody asks for a trap that is not there, or not any more.
    #[error("no trap is set on link {0}")]
    NoTrap(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Cut,
    Hold,
}

/// A trap that is set.
#[derive(Debug)]
pub(super) struct Trap {
    method: String,
    direction: Direction,
    nth: u64,
    pub(super) then: Then,
    seen: u64,
    sprung: Option<Duration>,
    waiting: Vec<oneshot::Sender<()>>,
}

impl Trap {
    /// A trap as it is written: see [`Simulation::trap`](super::Simulation::trap).
    pub(super) fn new(text: &str, nth: u64, then: &str) -> Result<Self, LinkError> {
        let (method, direction) = method(text)?;
        if nth == 0 {
            return Err(LinkError::NeverTheZeroth);
        }
        let then = match then {
            "cut" => Then::Cut,
            "hold" => Then::Hold,
            other => return Err(LinkError::NoThen(other.to_owned())),
        };
        Ok(Self {
            method: method.to_owned(),
            direction,
            nth,
            then,
            seen: 0,
            sprung: None,
            waiting: Vec::new(),
        })
    }

    /// Something has passed; whether the trap springs at that.
    pub(super) fn is_sprung_by(&mut self, name: wire::Name, way: Direction, now: Duration) -> bool {
        if self.sprung.is_some() || way != self.direction || name != Some(&self.method) {
            return false;
        }
        self.seen += 1;
        let springs = self.seen == self.nth;
        self.sprung = springs.then_some(now);
        springs
    }

    /// Tells those who wait for it to spring; whether there was anybody.
    pub(super) fn tell(&mut self) -> bool {
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        waiting.filter_map(|one| one.send(()).ok()).count() > 0
    }

    /// Resolves when it has sprung, and to an error when it is gone.
    pub(super) fn wait(&mut self) -> oneshot::Receiver<()> {
        let (waiting, told) = oneshot::channel();
        if self.sprung.is_some() {
            let _ = waiting.send(());
        } else {
            self.waiting.push(waiting);
        }
        told
    }

    pub(super) fn trapped(&self, now: Duration) -> Trapped {
        Trapped {
            seen: self.seen,
            sprung_ago: self.sprung.map(|sprung| now.saturating_sub(sprung)),
        }
    }
}

/// A method by its name, with ` up` or ` down` behind it where it goes both ways.
fn method(text: &str) -> Result<(&str, Direction), LinkError> {
    let (name, way) = match text.split_once(' ') {
        Some((name, "up")) => (name, Some(Direction::Up)),
        Some((name, "down")) => (name, Some(Direction::Down)),
        _ => (text, None),
    };
    let ways = [Direction::Up, Direction::Down].into_iter();
    let ways: Vec<_> = ways.filter(|way| wire::goes(name, *way)).collect();
    match (way, &*ways) {
        (Some(way), ways) if ways.contains(&way) => Ok((name, way)),
        (None, [way]) => Ok((name, *way)),
        (None, [_, _]) => Err(LinkError::BothWays(name.to_owned())),
        _ => Err(LinkError::NoMethod(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_says_its_way_or_has_only_one() {
        assert_eq!(
            method("queue.declare"),
            Ok(("queue.declare", Direction::Up))
        );
        assert_eq!(method("basic.ack down"), Ok(("basic.ack", Direction::Down)));
        for (text, part) in [
            ("basic.ack", "goes both ways"),
            ("queue.declare down", "send that way"),
            ("exchange.declare", "none that the simulated"),
        ] {
            let error = method(text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn it_springs_once_at_the_nth() {
        let mut trap = Trap::new("tx.commit", 2, "hold").unwrap();
        let commit = Some("tx.commit");
        let second = Duration::from_secs(1);
        assert!(!trap.is_sprung_by(commit, Direction::Up, second));
        assert!(!trap.is_sprung_by(Some("tx.select"), Direction::Up, second));
        assert!(trap.is_sprung_by(commit, Direction::Up, 2 * second));
        assert!(!trap.is_sprung_by(commit, Direction::Up, 3 * second));
        let trapped = Trapped {
            seen: 2,
            sprung_ago: Some(3 * second),
        };
        assert_eq!(trap.trapped(5 * second), trapped);
    }
}
