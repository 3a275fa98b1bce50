//! One hold: what a grant begins, and what is known of its end.

use history::Grant;

use crate::belief::{Belief, Clock, Counted, Moment, Promise, by_leases};
use crate::holds::Span;
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
/// told that the lock is lost, or until its process is retired. Where the grant is a lease, it
/// believes only until that is over, and again once it is renewed. Places are positions in
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
    /// Where belief ends for another reason than that a lease is over, and why.
    pub(crate) believed_until: Position,
    pub(crate) end: End,
    /// The invocation of the last verify that was answered `held`.
    pub(crate) held: Option<Position>,
    /// The return of the first answer or notification that it is lost.
    pub(crate) lost: Option<Position>,
    /// The release that succeeded, or of which nobody knows: invocation, return ([`NEVER`] if
    /// unknown).
    pub(crate) released: Option<(Position, Position)>,
    /// What the grant and the renewals until the end of belief promised, if the grant is a lease.
    pub(crate) promises: Vec<Promise>,
    /// The time at which belief ends, but for leases.
    believed_until_ns: u64,
    /// When its client believes, if the grant is a lease.
    leased: Vec<Belief>,
}

impl Hold {
    /// One of which nothing is known but the grant. `within` and `depth` as in the fields.
    pub(crate) fn new(span: Span, grant: Grant, depth: u32, within: Option<u32>) -> Self {
        let Span {
            process,
            invoke: asked,
            end: granted,
            shared,
        } = span;
        let promise = grant.lease.map(|lease| Promise {
            asked,
            answered: granted,
            lease_ns: lease.ns(),
        });
        Self {
            process,
            shared,
            token: grant.token,
            slot: grant.slot.filter(|_| !shared),
            depth,
            within,
            asked,
            granted,
            believed_until: NEVER,
            end: End::Open,
            held: None,
            lost: None,
            released: None,
            promises: promise.into_iter().collect(),
            believed_until_ns: 0,
            leased: Vec::new(),
        }
    }

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

    /// When its client believes in it, in the order of the record: once, or with a lease also never
    /// or several times. In a record without a clock nobody can say that of a lease: never.
    pub fn beliefs(&self) -> impl Iterator<Item = Belief> {
        let whole = Belief {
            begin: self.granted,
            end: Moment {
                position: self.believed_until,
                time_ns: self.believed_until_ns,
            },
            runs_out: false,
        };
        let whole = (!self.is_leased()).then_some(whole);
        whole.into_iter().chain(self.leased.iter().copied())
    }

    /// The same if leases are counted from the answers.
    pub(crate) fn beliefs_by_answers(&self, clock: Option<Clock<'_>>) -> Vec<Belief> {
        match clock {
            Some(clock) if self.is_leased() => self.by_leases(clock, Counted::FromTheAnswer),
            _ => self.beliefs().collect(),
        }
    }

    fn by_leases(&self, clock: Clock<'_>, counted: Counted) -> Vec<Belief> {
        by_leases(clock, &self.promises, self.believed_until, counted)
    }

    /// The renewal that was needed for belief at an event, if one was.
    pub(crate) fn renewal_for(&self, clock: Clock<'_>, place: Position) -> Option<Position> {
        let mut promises = self.promises.iter();
        let promise = promises.find(|promise| {
            let over = clock.after(promise.asked, promise.lease_ns);
            promise.answered <= place && place < over.position
        })?;
        Some(promise.answered).filter(|answered| *answered != self.granted)
    }

    /// Once all promises are known.
    pub(crate) fn find_beliefs(&mut self, clock: Clock<'_>, runs: bool) {
        self.believed_until_ns = clock.at(self.believed_until).time_ns;
        if self.is_leased() && runs {
            self.leased = self.by_leases(clock, Counted::FromTheRequest);
        }
    }

    /// Whether its grant is a lease.
    pub(crate) fn is_leased(&self) -> bool {
        !self.promises.is_empty()
    }

    /// The belief that an event lies within.
    pub(crate) fn belief_at(&self, place: Position) -> Option<Belief> {
        if !self.is_leased() {
            return self.beliefs().find(|belief| belief.has(place));
        }
        let begun = self.leased.partition_point(|belief| belief.begin < place);
        let last = self.leased.get(begun.checked_sub(1)?)?;
        Some(*last).filter(|belief| belief.has(place))
    }

    /// Where its client's belief ends for another reason than that its lease is over; nowhere if
    /// nothing before the end of the record ends it.
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
        Position::try_from(place).is_ok_and(|place| self.belief_at(place).is_some())
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

    /// The lease was renewed; without one in the grant that says nothing.
    pub(crate) fn renew(&mut self, promise: Promise) {
        if self.is_leased() {
            self.promises.push(promise);
        }
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

    /// When the first hold is believed, in milliseconds; nothing where that goes on.
    fn beliefs(text: &str) -> Vec<(u64, Option<u64>)> {
        let history = history(text);
        let hold = locks(&history)[0].holds()[0].clone();
        let time = |place: usize| history.events()[place].time / 1_000_000;
        let belief = |belief: Belief| {
            let until = belief.until_ns();
            (time(belief.begin()), until.map(|until| until / 1_000_000))
        };
        hold.beliefs().map(belief).collect()
    }

    #[test]
    fn a_lease_is_believed_until_it_is_over_counted_from_the_request() {
        let others = "1:acquire 1:acquireX 1:acquire 1:acquireX 1:acquire 1:acquireX";
        let after = |text: &str| beliefs(&format!("{text} {others}"));
        assert_eq!(after("0:acquire 0:acquire!l3"), [(1, Some(3))]);
        assert_eq!(
            after("0:acquire 0:acquire!l1"),
            [],
            "over when the answer came"
        );
        assert_eq!(after("0:acquire 0:acquire!l30"), [(1, None)]);
        let released = "0:acquire 0:acquire!l4 0:release 0:release!";
        assert_eq!(after(released), [(1, Some(2))]);
        let renewed = "0:acquire 0:acquire!l4 0:verify 0:verify!heldl4";
        assert_eq!(after(renewed), [(1, Some(6))]);
        let shorter = "0:acquire 0:acquire!l8 0:verify 0:verify!heldl3";
        assert_eq!(after(shorter), [(1, Some(8))]);
        let again = "0:acquire 0:acquire!l2 0:verify 0:verify!heldl4";
        assert_eq!(after(again), [(1, Some(2)), (3, Some(6))]);
        let at_once = "0:acquire 0:acquire!l3 0:verify 0:verify!heldl4";
        assert_eq!(after(at_once), [(1, Some(6))], "no time lies between");
        let unrenewed = "0:acquire 0:acquire!l4 0:verify 0:verify!held";
        assert_eq!(after(unrenewed), [(1, Some(4))]);
        let told = "0:acquire 0:acquire!l9 0:lost 0:lost! 0:verify 0:verify!heldl9";
        assert_eq!(
            after(told),
            [(1, Some(3))],
            "what is told to be lost is not renewed"
        );
        let unleased = "0:acquire 0:acquire! 0:verify 0:verify!heldl1";
        assert_eq!(after(unleased), [(1, None)]);
    }

    #[test]
    fn a_lease_is_not_believed_where_no_time_passes() {
        assert_eq!(beliefs("0:acquire ~0:acquire!l3 ~1:acquire"), []);
        assert_eq!(beliefs("0:acquire ~0:acquire! ~1:acquire"), [(0, None)]);
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
