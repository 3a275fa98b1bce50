//! The search itself: depth first, with its stack on the heap.

use history::{Function, Operation};

use super::configurations::{Configuration, Configurations, Move, Origin};
use super::limits::{Budget, Share};
use super::states::States;
use super::timeline::{Cursor, Timeline};
use super::{Decision, Placed, Placement, Reason};
use crate::model::Reference;

/// Searches for an order of the operations of one key, given in the order of their invocations,
/// that the object could have gone through.
pub fn explore<R: Reference>(
    object: &R,
    operations: &[Operation<'_>],
    budget: &Budget<'_>,
) -> Decision {
    let searched = Timeline::new(object, operations)
        .and_then(|timeline| Explorer::new(object, &timeline, budget)?.run(operations));
    searched.unwrap_or_else(Decision::Unknown)
}

/// Steps between two questions whether to stop.
const STEPS_BETWEEN_STOPS: u32 = 1 << 10;

struct Explorer<'a, R: Reference> {
    object: &'a R,
    timeline: &'a Timeline<R::Call>,
    cursor: Cursor,
    states: States<R::State>,
    seen: Configurations,
    budget: &'a Budget<'a>,
    share: Share<'a>,
    stack: Vec<Frame>,
    /// The configuration that passed the most ends.
    best: u32,
    steps: u32,
}

/// A configuration whose moves are being tried.
struct Frame {
    configuration: u32,
    next: Next,
}

/// Which move of a configuration is to be tried next.
#[derive(Clone, Copy)]
enum Next {
    /// The operation whose end cannot be passed.
    Forced,
    /// The operations in the slots from this one on.
    Slot(u32),
    /// What the object may do by itself, from this on.
    Revoke(u32),
}

/// What became of a configuration on its way to the next end that it cannot pass.
enum Settled {
    Done,
    Stuck,
}

impl<'a, R: Reference> Explorer<'a, R> {
    fn new(
        object: &'a R,
        timeline: &'a Timeline<R::Call>,
        budget: &'a Budget<'a>,
    ) -> Result<Self, Reason> {
        let mut share = Share::of(budget);
        share.take(
            size_of_val(timeline.operations.as_slice()) + size_of_val(timeline.ends.as_slice()),
        )?;
        let (states, seen) = (States::new(), Configurations::new(timeline.slots));
        let cursor = Cursor::new(timeline.slots);
        let stack = Vec::new();
        Ok(Self {
            object,
            timeline,
            cursor,
            states,
            seen,
            budget,
            share,
            stack,
            best: 0,
            steps: 0,
        })
    }

    fn run(mut self, operations: &[Operation<'_>]) -> Result<Decision, Reason> {
        let mut here = self.root()?;
        if let Settled::Done = self.settle(&mut here, &mut |_, _| {})? {
            let order = self.retrace(&[])?;
            return Ok(Decision::Valid { order });
        }
        self.push(&here, None)?;
        while let Some(frame) = self.stack.last() {
            let parent = frame.configuration;
            self.seen.load(parent, &mut here);
            let Some(by) = self.next_move(&mut here)? else {
                self.pop();
                continue;
            };
            self.count_step()?;
            match self.settle(&mut here, &mut |_, _| {})? {
                Settled::Stuck => self.push(&here, Some(Origin { parent, by }))?,
                Settled::Done => {
                    let mut way = self.seen.way(parent);
                    way.push(by);
                    return Ok(Decision::Valid {
                        order: self.retrace(&way)?,
                    });
                }
            }
        }
        self.violated(operations)
    }

    fn root(&mut self) -> Result<Configuration, Reason> {
        let state = self.number(self.object.initial())?;
        Ok(Configuration {
            passed: 0,
            state,
            taken: vec![0; self.timeline.slots.div_ceil(64)],
        })
    }

    fn number(&mut self, state: R::State) -> Result<u32, Reason> {
        let bytes = self.object.state_bytes(&state);
        self.states.number(state, bytes, &mut self.share)
    }

    fn push(
        &mut self,
        configuration: &Configuration,
        origin: Option<Origin>,
    ) -> Result<(), Reason> {
        let Some(number) = self.seen.insert(configuration, origin, &mut self.share)? else {
            return Ok(());
        };
        if self.seen.passed(self.best) < configuration.passed {
            self.best = number;
        }
        if self.stack.len() == self.stack.capacity() {
            let more = self.stack.len().max(1024);
            self.share.take(more * size_of::<Frame>())?;
            self.stack.reserve_exact(more);
        }
        self.stack.push(Frame {
            configuration: number,
            next: Next::Forced,
        });
        Ok(())
    }

    fn pop(&mut self) {
        self.stack.pop();
    }

    fn count_step(&mut self) -> Result<(), Reason> {
        self.steps += 1;
        if self.steps < STEPS_BETWEEN_STOPS {
            return Ok(());
        }
        self.steps = 0;
        self.budget.check_stop()
    }

    /// Passes every end that can be passed without a choice.
    ///
    /// An operation that only observes, and that the state allows, is taken at once. That loses
    /// nothing: in any order that goes on from here it could be moved to the front, since whatever
    /// must come before it has been linearized, and taking it away from where it was changes
    /// nothing for the others. (It must leave every state as it is, not just this one: a write of
    /// the value that is there already may be needed later.)
    fn settle(
        &mut self,
        here: &mut Configuration,
        note: &mut dyn FnMut(u32, u32),
    ) -> Result<Settled, Reason> {
        loop {
            self.cursor.seek(self.timeline, here.passed);
            let Some(end) = self.timeline.ends.get(here.passed as usize) else {
                return Ok(Settled::Done);
            };
            let slot = self.timeline.operations[end.operation as usize].slot;
            if !is_taken(here, slot) {
                self.take_idle(here, note);
            }
            if !is_taken(here, slot) {
                return Ok(Settled::Stuck);
            }
            drop_taken(here, slot);
            here.passed += 1;
        }
    }

    fn take_idle(&self, here: &mut Configuration, note: &mut dyn FnMut(u32, u32)) {
        let state = self.states.get(here.state);
        let mut from = 0;
        while let Some(slot) = self.cursor.next_open(from, &here.taken) {
            from = slot + 1;
            let number = self.cursor.occupant(slot);
            let operation = &self.timeline.operations[number as usize];
            if operation.observes
                && operation.must
                && self.object.step(state, &operation.call).is_some()
            {
                take(here, slot);
                note(number, here.passed);
            }
        }
    }

    /// Makes the next move of the frame on top of the stack.
    fn next_move(&mut self, here: &mut Configuration) -> Result<Option<Move>, Reason> {
        self.cursor.seek(self.timeline, here.passed);
        let Some(top) = self.stack.len().checked_sub(1) else {
            return Ok(None);
        };
        let forced = self.timeline.ends[here.passed as usize].operation;
        loop {
            match self.stack[top].next {
                Next::Forced => {
                    self.stack[top].next = Next::Slot(0);
                    if self.make(here, Move::Take(forced))? {
                        return Ok(Some(Move::Take(forced)));
                    }
                }
                Next::Slot(from) => {
                    let Some(slot) = self.cursor.next_open(from, &here.taken) else {
                        self.stack[top].next = Next::Revoke(0);
                        continue;
                    };
                    self.stack[top].next = Next::Slot(slot + 1);
                    let operation = self.cursor.occupant(slot);
                    if operation != forced && self.make(here, Move::Take(operation))? {
                        return Ok(Some(Move::Take(operation)));
                    }
                }
                Next::Revoke(choice) => {
                    self.stack[top].next = Next::Revoke(choice + 1);
                    let revoked = Move::Revoke(choice);
                    return Ok(self.make(here, revoked)?.then_some(revoked));
                }
            }
        }
    }

    /// Makes a move if the object allows it.
    fn make(&mut self, here: &mut Configuration, by: Move) -> Result<bool, Reason> {
        let next = match by {
            Move::Take(number) => self.taken(here, number),
            Move::Revoke(choice) => self.revoked(here, choice).map(|(_, state)| state),
        };
        let Some(next) = next else { return Ok(false) };
        here.state = self.number(next)?;
        if let Move::Take(number) = by {
            take(here, self.timeline.operations[number as usize].slot);
        }
        Ok(true)
    }

    fn taken(&self, here: &Configuration, number: u32) -> Option<R::State> {
        let operation = &self.timeline.operations[number as usize];
        if operation
            .after
            .is_some_and(|earlier| !is_taken(here, earlier))
        {
            return None;
        }
        let state = self.states.get(here.state);
        // What need not happen and changes nothing, need not happen.
        self.object
            .step(state, &operation.call)
            .filter(|next| operation.must || next != state)
    }

    fn revoked(
        &self,
        here: &Configuration,
        choice: u32,
    ) -> Option<(crate::model::Revocation, R::State)> {
        self.object
            .revocations(self.states.get(here.state))
            .into_iter()
            .nth(choice as usize)
    }

    /// Goes a way again, and notes what takes effect when.
    fn retrace(&mut self, way: &[Move]) -> Result<Vec<Placement>, Reason> {
        let timeline = self.timeline;
        let before = |passed: u32| timeline.ends[passed as usize].index;
        let placed = |number: u32| Placed::Operation(timeline.operations[number as usize].invoke);
        let mut order = Vec::new();
        let mut here = self.root()?;
        let mut idle = Vec::new();
        let mut moves = way.iter();
        loop {
            self.settle(&mut here, &mut |number, passed| idle.push((number, passed)))?;
            let taken = idle.drain(..).map(|(number, passed)| Placement {
                placed: placed(number),
                before: before(passed),
            });
            order.extend(taken);
            let Some(by) = moves.next() else {
                return Ok(order);
            };
            let placed = match *by {
                Move::Take(number) => placed(number),
                Move::Revoke(choice) => match self.revoked(&here, choice) {
                    Some((revocation, _)) => Placed::Revocation(revocation),
                    None => unreachable!("the way was gone before"),
                },
            };
            order.push(Placement {
                placed,
                before: before(here.passed),
            });
            self.make(&mut here, *by)?;
        }
    }

    fn violated(mut self, operations: &[Operation<'_>]) -> Result<Decision, Reason> {
        let way = self.seen.way(self.best);
        let end = self.timeline.ends[self.seen.passed(self.best) as usize];
        let stuck = self.timeline.operations[end.operation as usize].invoke;
        let prefix = self.retrace(&way)?;
        Ok(Decision::Violated {
            prefix,
            stuck,
            function: function(operations, stuck),
        })
    }
}

fn function(operations: &[Operation<'_>], invoke: u64) -> Function {
    let place = operations.partition_point(|operation| operation.invoke.index < invoke);
    operations[place].invoke.function.clone()
}

fn is_taken(here: &Configuration, slot: u32) -> bool {
    here.taken[slot as usize / 64] >> (slot % 64) & 1 == 1
}

fn take(here: &mut Configuration, slot: u32) {
    here.taken[slot as usize / 64] |= 1 << (slot % 64);
}

fn drop_taken(here: &mut Configuration, slot: u32) {
    here.taken[slot as usize / 64] &= !(1 << (slot % 64));
}
