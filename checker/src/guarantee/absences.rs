//! The times in which one slot of a lock does not exist, and who uses it then.

use super::slot_removal::Removal;
use crate::earliest::Earliest;
use crate::hold::Hold;
use crate::holds::{Lock, Said, Statement};
use crate::position::Position;
use crate::search::Reason;
use crate::steps::Steps;

/// The times in which a slot does not exist, in the order of the invocations of its removals, and
/// the answers that its holder is gone.
pub(super) struct Absences<'a> {
    removals: &'a [Removal],
    gone: Gone,
}

/// Something that lies in a time without the slot and begins only after its removal was through.
struct Use {
    /// Of the removals those from this one on lasted beyond its end.
    first: usize,
    /// The removal must have been through between these two positions.
    through: (Position, Position),
    shown: Shown,
}

/// What shows it, besides the removal.
#[derive(Clone, Copy)]
enum Shown {
    Grant(Position),
    /// A grant, and an answer that it is still held.
    Held(Position, Position),
    /// A grant, and the end of a release after a wait.
    Released(Position, Position),
}

impl<'a> Absences<'a> {
    /// `waits` are the invocations and the ends of the answers that the holder is gone.
    pub(super) fn new(removals: &'a [Removal], waits: &[(Position, Position)]) -> Self {
        let gone = Gone::new(waits);
        Self { removals, gone }
    }

    /// The events of each use: the removal, the grant, and what else shows it. Of several removals
    /// that show it the first is told.
    pub(super) fn uses(
        &self,
        slot: &Lock,
        steps: &mut Steps<'_>,
    ) -> Result<Vec<Vec<Position>>, Reason> {
        let granted = slot.holds.iter().map(|hold| self.granted(hold));
        let told = slot.statements.iter();
        let told = told.filter_map(|statement| self.told(slot, statement));
        let mut uses: Vec<Use> = granted.chain(told).collect();
        uses.sort_unstable_by_key(|one| one.first);
        let mut through = Earliest::new(self.removals.iter().map(|removal| removal.begin));
        let mut entered = self.removals.len();
        let mut found = Vec::new();
        for one in uses.iter().rev() {
            steps.step()?;
            while entered > one.first {
                entered -= 1;
                through.enter(self.removals[entered].begin, entered);
            }
            let (from, until) = one.through;
            let removal = through.within(from, until);
            found.extend(removal.map(|place| self.events(self.removals[place], one.shown)));
        }
        Ok(found)
    }

    fn granted(&self, hold: &Hold) -> Use {
        Use {
            first: self.first_beyond(hold.granted),
            through: (0, hold.asked),
            shown: Shown::Grant(hold.granted),
        }
    }

    /// Who was granted the slot after it was removed is told of once: then the removal must have
    /// been through only after that grant was asked for.
    fn told(&self, slot: &Lock, statement: &Statement) -> Option<Use> {
        let hold = &slot.holds[statement.hold? as usize];
        let span = statement.span;
        let (until, within, shown) = match statement.said {
            Said::Held => (span.invoke, span.end, Shown::Held(hold.granted, span.end)),
            // Who was gone has nothing to give back, whatever may have been made meanwhile.
            Said::Released => {
                let waited = self.gone.last_begun(span.invoke)?;
                (waited, span.invoke, Shown::Released(hold.granted, span.end))
            }
            Said::Lost | Said::NotReleased => return None,
        };
        Some(Use {
            first: self.first_beyond(within),
            through: (hold.asked, until),
            shown,
        })
    }

    /// The first removal after which nothing may have made the slot again up to a position.
    fn first_beyond(&self, end: Position) -> usize {
        self.removals.partition_point(|removal| removal.end <= end)
    }

    fn events(&self, removal: Removal, shown: Shown) -> Vec<Position> {
        match shown {
            Shown::Grant(grant) => vec![removal.begin, grant],
            Shown::Held(grant, told) => vec![removal.begin, grant, told],
            Shown::Released(grant, told) => {
                let gone = self.gone.first_told(removal.begin);
                let gone = gone.expect("a wait began after the removal");
                vec![removal.begin, grant, gone, told]
            }
        }
    }
}

/// The answers that the holder of a slot is gone.
struct Gone {
    /// When each was asked for, and the first end of it and of those that were asked for later.
    asked: Vec<(Position, Position)>,
    /// When each came, and the last invocation of it and of those that came earlier.
    came: Vec<(Position, Position)>,
}

impl Gone {
    fn new(waits: &[(Position, Position)]) -> Self {
        let mut asked = waits.to_vec();
        asked.sort_unstable();
        let mut first = Position::MAX;
        for (_, end) in asked.iter_mut().rev() {
            first = first.min(*end);
            *end = first;
        }
        let came = waits.iter().map(|(invoke, end)| (*end, *invoke));
        let mut came: Vec<_> = came.collect();
        came.sort_unstable();
        let mut last = 0;
        for (_, invoke) in &mut came {
            last = last.max(*invoke);
            *invoke = last;
        }
        Self { asked, came }
    }

    /// The end of the first that was asked for after a position.
    fn first_told(&self, begin: Position) -> Option<Position> {
        let after = self.asked.partition_point(|(invoke, _)| *invoke <= begin);
        self.asked.get(after).map(|(_, end)| *end)
    }

    /// When the last was asked for of those that came before a position.
    fn last_begun(&self, end: Position) -> Option<Position> {
        let before = self.came.partition_point(|(came, _)| *came < end);
        before.checked_sub(1).map(|last| self.came[last].1)
    }
}
