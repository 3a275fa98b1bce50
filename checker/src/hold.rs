//! One hold: what a grant begins, and what is known of its end.

use crate::position::{NEVER, Position};

/// What ended a client's belief that it holds the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It asked for the release.
    Release,
    /// It was told that the lock is lost.
    Loss,
    /// Its process was retired because nobody knows how an operation ended.
    Retired,
    /// Nothing before the end of the record.
    Open,
}

/// One acquisition and what the record says of it.
///
/// Its client *believes* in it from the grant's return until it asks for the release, until it is
/// told that the lock is lost, or until its process is retired. Places are positions in
/// [`History::events`](history::History::events).
#[derive(Clone, Debug)]
pub struct Hold {
    pub(crate) process: u32,
    pub(crate) shared: bool,
    pub(crate) token: u64,
    /// The slot that it was granted, where the grant named one and is exclusive.
    pub(crate) slot: Option<u32>,
    /// How many holds of this lock its process had not released yet when this one was granted.
    pub(crate) depth: u32,
    /// The first hold of this lock that its process still believed in when this one was granted, by
    /// its place among the holds of the lock.
    pub(crate) within: Option<u32>,
    /// The acquire's invocation.
    pub(crate) asked: Position,
    /// The acquire's return.
    pub(crate) granted: Position,
    /// Where belief ends, and why.
    pub(crate) believed_until: Position,
    pub(crate) end: End,
    /// The invocation of the last verify that was answered `held`.
    pub(crate) held: Option<Position>,
    /// The return of the first answer or notification that it is lost.
    pub(crate) lost: Option<Position>,
    /// The release that succeeded, or of which nobody knows: invocation, return ([`NEVER`] if
    /// unknown).
    pub(crate) released: Option<(Position, Position)>,
}

impl Hold {
    /// The process that was granted the lock.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.process
    }

    /// The slot that the grant names, if it names one and is exclusive.
    #[must_use]
    pub fn slot(&self) -> Option<u32> {
        self.slot
    }

    /// Where the lock was granted: the acquire's return.
    #[must_use]
    pub fn granted(&self) -> usize {
        self.granted as usize
    }

    /// Where its client's belief ends; nowhere if nothing before the end of the record ends it.
    #[must_use]
    pub fn believed_until(&self) -> Option<usize> {
        known(self.believed_until)
    }

    /// What ends its client's belief.
    #[must_use]
    pub fn end(&self) -> End {
        self.end
    }

    /// Up to here the service itself vouched for it: the invocation of the last verify that was
    /// answered `held`, or of the release that succeeded. Nowhere if it never did.
    #[must_use]
    pub fn confirmed_until(&self) -> Option<usize> {
        known(self.core_end()).filter(|place| *place > self.granted())
    }

    /// Whether its client believes in it at a position.
    #[must_use]
    pub fn is_believed_at(&self, place: usize) -> bool {
        self.granted() < place && self.believed_until().is_none_or(|until| place < until)
    }

    /// Whether it ended by loss, not by a release.
    pub(crate) fn is_revoked(&self) -> bool {
        matches!(self.end, End::Loss | End::Retired)
    }

    /// The release, if it is known to have succeeded.
    pub(crate) fn released_ok(&self) -> Option<(Position, Position)> {
        self.released.filter(|(_, end)| *end != NEVER)
    }

    /// Where its core ends: before this it certainly had not been taken away.
    pub(crate) fn core_end(&self) -> Position {
        let released = self.released_ok().map(|(invoke, _)| invoke);
        [self.held, released]
            .into_iter()
            .flatten()
            .fold(self.asked, Position::max)
    }

    /// After this it certainly had ended.
    pub(crate) fn over_by(&self) -> Position {
        let released = self.released_ok().map(|(_, end)| end);
        [self.lost, released]
            .into_iter()
            .flatten()
            .fold(NEVER, Position::min)
    }

    pub(crate) fn disbelieve(&mut self, until: Position, end: End) {
        self.believed_until = until;
        self.end = end;
    }
}

fn known(position: Position) -> Option<usize> {
    (position != NEVER).then_some(position as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locks;
    use crate::testing::history;

    /// The first hold: what ends belief and where, and up to where the service vouches for it.
    fn first(text: &str) -> (End, Option<usize>, Option<usize>) {
        let hold = locks(&history(text))[0].holds()[0].clone();
        (hold.end(), hold.believed_until(), hold.confirmed_until())
    }

    #[test]
    fn belief_ends_by_release_by_loss_or_with_the_process() {
        let after = |text: &str| first(&format!("0:acquire 0:acquire! {text}"));
        assert_eq!(after(""), (End::Open, None, None));
        assert_eq!(
            after("0:release 0:release!"),
            (End::Release, Some(2), Some(2))
        );
        assert_eq!(after("0:release 0:releaseX"), (End::Release, Some(2), None));
        assert_eq!(after("0:verify 0:verify!lost"), (End::Loss, Some(3), None));
        assert_eq!(after("0:verify 0:verifyX"), (End::Loss, Some(3), None));
        assert_eq!(after("0:verify 0:verify?"), (End::Retired, Some(3), None));
        assert_eq!(after("0:verify 0:verify!held"), (End::Open, None, Some(2)));
    }

    #[test]
    fn belief_lasts_from_the_grant_to_its_end() {
        let text = "0:acquire 0:acquire! 1:acquire 1:acquireX 0:release 0:release!";
        let lock = &locks(&history(text))[0];
        let hold = &lock.holds()[0];
        assert_eq!((hold.process(), hold.granted()), (0, 1));
        let believed: Vec<_> = (0..6).filter(|place| hold.is_believed_at(*place)).collect();
        assert_eq!(believed, [2, 3]);
        assert_eq!(lock.key().map(|key| &**key), Some("lock-0"));
    }
}
