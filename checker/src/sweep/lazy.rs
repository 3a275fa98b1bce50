//! Refusals: was there always somebody who could hold the lock?
//!
//! One client holds at a time. Go through the record in order, and let each hold begin as late as
//! it can and last as long as it can. Only a refusal that would go without a holder makes a hold
//! begin early: first the next one that has a core, since that costs nothing; then, of those
//! without a core, the one that must begin first, since the others can still serve later. Then, if
//! no other hold remains to come, an acquire of unknown outcome that would hold for ever.
//!
//! What this accepts is legal: the order is at hand. What it rejects is illegal, except where a
//! hold without a core was reported lost; such a rejection is [doubtful](Unjustified::doubtful).

use std::collections::BTreeSet;

use crate::cores::confirmed_core;
use crate::holds::{Lock, Said};
use crate::order::{Instant, Order, OrderEntry, Side};
use crate::overlap::Capacity;
use crate::position::{NEVER, Position};
use crate::sweep::revocable::points_with_room;

/// Whether a hold can end without anybody noticing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revocation {
    Possible,
    Impossible,
}

/// A refusal for which no holder can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unjustified {
    /// Its place among the lock's refusals.
    pub(crate) refusal: usize,
    /// Whether a search might still find one.
    pub(crate) doubtful: bool,
}

/// A hold that must or may begin.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    asked: Position,
    /// When it must begin at the latest; nothing if it need not begin at all.
    start_by: Option<Instant>,
    /// It lasts at least until here.
    lo: Position,
    /// It lasts at most until here.
    hi: Position,
    /// The release by which it ends; otherwise it is revoked.
    release: Option<Position>,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Unasked,
    Asked,
    Begun,
}

impl Candidate {
    fn has_core(&self) -> bool {
        self.lo > self.asked
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// The hold must end.
    End(usize),
    /// The hold must begin.
    Start(usize),
    /// The refusal must have had a holder.
    Refused(usize),
    /// Something is said; this is where it takes effect.
    Stated(Position),
    /// The hold can begin from now on.
    Asked(usize),
    /// The refusal can take effect from now on.
    Refusing(usize),
}

/// A legal order that justifies every refusal, for a lock that one client holds at a time and whose
/// cores fit together.
pub(crate) fn justify(lock: &Lock, revocation: Revocation) -> Result<Order, Unjustified> {
    let candidates = candidates(lock, revocation);
    let turns = turns(lock, &candidates, revocation);
    let mut sweep = Sweep::new(lock, candidates);
    for (_, turn) in turns {
        sweep.step(turn)?;
    }
    Ok(Order {
        key: lock.key.clone(),
        entries: sweep.entries,
    })
}

fn candidates(lock: &Lock, revocation: Revocation) -> Vec<Candidate> {
    let mut candidates = match revocation {
        Revocation::Possible => revocable(lock),
        Revocation::Impossible => literal(lock),
    };
    let lo = |asked| {
        if revocation == Revocation::Possible {
            asked
        } else {
            NEVER
        }
    };
    candidates.extend(lock.unknown.iter().map(|span| Candidate {
        asked: span.invoke,
        start_by: None,
        lo: lo(span.invoke),
        hi: NEVER,
        release: None,
        phase: Phase::Unasked,
    }));
    candidates
}

fn revocable(lock: &Lock) -> Vec<Candidate> {
    let candidate = |hold: &crate::hold::Hold, start_by| Candidate {
        asked: hold.asked,
        start_by: Some(start_by),
        lo: hold.core_end(),
        hi: hold.over_by(),
        release: hold.released_ok().map(|(invoke, _)| invoke),
        phase: Phase::Unasked,
    };
    let with_core = lock
        .holds
        .iter()
        .filter(|hold| !confirmed_core(hold).is_empty());
    let with_core = with_core.map(|hold| candidate(hold, Instant::new(hold.granted, Side::Before)));
    with_core
        .chain(
            points_with_room(lock, Capacity::Grants(1))
                .into_iter()
                .map(|(hold, instant)| candidate(hold, instant)),
        )
        .collect()
}

fn literal(lock: &Lock) -> Vec<Candidate> {
    let candidate = |hold: &crate::hold::Hold| Candidate {
        asked: hold.asked,
        start_by: Some(Instant::new(hold.granted, Side::Before)),
        lo: hold.released.map_or(NEVER, |(invoke, _)| invoke),
        hi: hold.released.map_or(NEVER, |(_, end)| end),
        release: hold.released.map(|(invoke, _)| invoke),
        phase: Phase::Unasked,
    };
    lock.holds.iter().map(candidate).collect()
}

fn turns(lock: &Lock, candidates: &[Candidate], revocation: Revocation) -> Vec<(Instant, Turn)> {
    let mut turns =
        Vec::with_capacity(3 * candidates.len() + 2 * lock.refusals.len() + lock.statements.len());
    for (place, candidate) in candidates.iter().enumerate() {
        turns.push((
            Instant::new(candidate.asked, Side::AfterLast),
            Turn::Asked(place),
        ));
        turns.extend(
            candidate
                .start_by
                .map(|instant| (instant, Turn::Start(place))),
        );
        if candidate.hi != NEVER {
            turns.push((Instant::new(candidate.hi, Side::Ending), Turn::End(place)));
        }
    }
    for (place, span) in lock.refusals.iter().enumerate() {
        turns.push((
            Instant::new(span.invoke, Side::AfterLast),
            Turn::Refusing(place),
        ));
        turns.push((Instant::new(span.end, Side::Before), Turn::Refused(place)));
    }
    for statement in &lock.statements {
        let invoke = statement.span.invoke;
        let instant = match (statement.said, statement.hold) {
            (Said::Released, _) | (Said::Held, None) => continue,
            (Said::Lost | Said::NotReleased, None) if revocation == Revocation::Possible => {
                continue;
            }
            (Said::Held, Some(_)) => Instant::new(invoke, Side::After),
            (Said::Lost | Said::NotReleased, _) => {
                Instant::new(statement.span.end, Side::BeforeLast)
            }
        };
        turns.push((instant, Turn::Stated(invoke)));
    }
    turns.sort_unstable();
    turns
}

struct Sweep<'a> {
    lock: &'a Lock,
    candidates: Vec<Candidate>,
    holder: Option<usize>,
    entries: Vec<OrderEntry>,
    /// Refusals under way that have not seen a holder.
    waiting: BTreeSet<usize>,
    /// Definite holds that have not begun, with a core and without.
    cores_to_come: BTreeSet<(Instant, usize)>,
    points_to_come: BTreeSet<(Instant, usize)>,
    /// Holds without a core that could begin now, the first that must begin first; optional ones
    /// last.
    ready: BTreeSet<(Instant, usize)>,
    /// Optional holds that could begin now and would last for ever.
    endless: BTreeSet<usize>,
    /// Whether the choice among `ready` may have mattered.
    doubtful: bool,
}

impl<'a> Sweep<'a> {
    fn new(lock: &'a Lock, candidates: Vec<Candidate>) -> Self {
        let to_come = |core: bool| {
            let chosen = candidates
                .iter()
                .enumerate()
                .filter(|(_, candidate)| candidate.has_core() == core);
            chosen
                .filter_map(|(place, candidate)| Some((candidate.start_by?, place)))
                .collect()
        };
        let doubtful = candidates
            .iter()
            .any(|candidate| !candidate.has_core() && candidate.hi != NEVER);
        Self {
            lock,
            holder: None,
            entries: Vec::new(),
            waiting: BTreeSet::new(),
            cores_to_come: to_come(true),
            points_to_come: to_come(false),
            ready: BTreeSet::new(),
            endless: BTreeSet::new(),
            doubtful,
            candidates,
        }
    }

    fn step(&mut self, turn: Turn) -> Result<(), Unjustified> {
        match turn {
            Turn::Start(place) => self.start(place),
            Turn::End(place) if self.holder == Some(place) => self.end_hold(),
            Turn::End(_) => {}
            Turn::Asked(place) => self.asked(place),
            Turn::Stated(invoke) => self.entries.push(OrderEntry::operation(invoke)),
            Turn::Refusing(refusal) => {
                self.waiting.insert(refusal);
                self.serve();
            }
            Turn::Refused(refusal) if self.waiting.contains(&refusal) => {
                let chosen = self.choose().ok_or(Unjustified {
                    refusal,
                    doubtful: self.doubtful,
                })?;
                self.start(chosen);
            }
            Turn::Refused(_) => {}
        }
        Ok(())
    }

    fn asked(&mut self, place: usize) {
        let candidate = &mut self.candidates[place];
        if candidate.phase == Phase::Begun {
            return;
        }
        candidate.phase = Phase::Asked;
        if !candidate.has_core() {
            let start_by = candidate
                .start_by
                .unwrap_or(Instant::new(NEVER, Side::AfterLast));
            self.ready.insert((start_by, place));
        } else if candidate.start_by.is_none() {
            self.endless.insert(place);
        }
    }

    /// The hold that may begin now at the least cost.
    fn choose(&self) -> Option<usize> {
        let core = self
            .cores_to_come
            .first()
            .map(|(_, place)| *place)
            .filter(|place| self.blocks_nobody(*place));
        let endless = || {
            let last = self.cores_to_come.is_empty() && self.points_to_come.is_empty();
            self.endless.first().copied().filter(|_| last)
        };
        core.or_else(|| self.ready.first().map(|(_, place)| *place))
            .or_else(endless)
    }

    /// Whether the next hold with a core has been asked for, and no hold without one must find room
    /// before it is over.
    fn blocks_nobody(&self, place: usize) -> bool {
        let Candidate { phase, lo, .. } = self.candidates[place];
        let is_blocked = self
            .points_to_come
            .first()
            .is_some_and(|(start_by, _)| start_by.beside <= lo);
        phase == Phase::Asked && !is_blocked
    }

    fn start(&mut self, place: usize) {
        if self.candidates[place].phase == Phase::Begun {
            return;
        }
        self.end_hold();
        let candidate = &mut self.candidates[place];
        candidate.phase = Phase::Begun;
        let start_by = candidate
            .start_by
            .unwrap_or(Instant::new(NEVER, Side::AfterLast));
        self.cores_to_come.remove(&(start_by, place));
        self.points_to_come.remove(&(start_by, place));
        self.ready.remove(&(start_by, place));
        self.endless.remove(&place);
        self.entries.push(OrderEntry::operation(candidate.asked));
        self.holder = Some(place);
        self.serve();
    }

    fn end_hold(&mut self) {
        if let Some(holder) = self.holder.take() {
            let Candidate { asked, release, .. } = self.candidates[holder];
            self.entries
                .push(release.map_or(OrderEntry::revocation(asked), OrderEntry::operation));
        }
    }

    /// While somebody holds, every refusal under way is justified.
    fn serve(&mut self) {
        if self.holder.is_some() {
            let served = std::mem::take(&mut self.waiting);
            self.entries.extend(
                served
                    .iter()
                    .map(|refusal| OrderEntry::operation(self.lock.refusals[*refusal].invoke)),
            );
        }
    }
}
