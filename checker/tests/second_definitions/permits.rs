//! Semaphores of which several permits are asked for at once, as `docs/histories.md` has them: every
//! order of a small history is tried, and the permits are counted.

use std::collections::BTreeMap;

use history::{Draft, Function, History, Kind as Phase, Value};

use super::Verdict;
use super::generator::Dice;
use super::record::{Op, Record};
use super::scribe::Scribe;

/// Who has how many permits. Nobody can tell who holds by an acquire of unknown outcome.
type Held = BTreeMap<Option<u32>, u32>;

pub(crate) fn semaphore(record: &Record, size: u32, has_owners: bool) -> Verdict {
    let ops: Vec<&Op> = record.ops.iter().filter(|op| says_something(op)).collect();
    if has_order(&ops, &Held::new(), size, has_owners) {
        Verdict::Valid
    } else {
        Verdict::Violated
    }
}

/// A failure that nobody observed says nothing.
fn says_something(op: &Op) -> bool {
    op.kind != Phase::Fail || op.observed
}

fn has_order(left: &[&Op], held: &Held, size: u32, has_owners: bool) -> bool {
    let must: Vec<&&Op> = left.iter().filter(|op| !op.is_unknown()).collect();
    if must.is_empty() {
        return true;
    }
    let first_end = must.iter().map(|op| op.end).min().unwrap_or(usize::MAX);
    (0..left.len()).any(|place| {
        let op = left[place];
        let mut rest = left.to_vec();
        rest.remove(place);
        op.invoke <= first_end
            && after(op, held, size, has_owners)
                .is_some_and(|held| has_order(&rest, &held, size, has_owners))
    })
}

/// Who has what after the operation; nothing if it cannot have been answered like that.
fn after(op: &Op, held: &Held, size: u32, has_owners: bool) -> Option<Held> {
    let permits = permits(op);
    let is_forgotten = op.is(&Function::Acquire) && op.is_unknown();
    let who = (has_owners && !is_forgotten).then_some(op.process);
    let own = held.get(&who).copied().unwrap_or(0);
    let free = size - held.values().sum::<u32>();
    let is_done = op.kind != Phase::Fail;
    let mut after = held.clone();
    match (op.is(&Function::Acquire), is_done) {
        (true, true) if permits <= free => after.insert(who, own + permits),
        (true, false) if permits > free => None,
        (false, true) if permits <= own => after.insert(who, own - permits),
        (false, false) if permits > own => None,
        _ => return None,
    };
    Some(after)
}

/// What was asked for, or else what was answered.
fn permits(op: &Op) -> u32 {
    match (&op.asked, &op.value) {
        (Value::Permits(permits), _) | (_, Value::Permits(permits)) => permits.get(),
        _ => 1,
    }
}

/// Three clients of a semaphore of this size that sometimes miscounts.
pub(crate) fn history(dice: &mut Dice, size: u32) -> History {
    let mut world = World {
        dice,
        scribe: Scribe::default(),
        clients: (0..3).map(Client::new).collect(),
        free: i64::from(size),
    };
    for _ in 0..14 {
        let client = world.dice.below(3) as usize;
        world.step(client);
    }
    world.scribe.finish()
}

struct Client {
    process: u32,
    has: u32,
    pending: Option<(Function, u32)>,
}

impl Client {
    fn new(process: u32) -> Self {
        Self {
            process,
            has: 0,
            pending: None,
        }
    }
}

struct World<'a> {
    dice: &'a mut Dice,
    scribe: Scribe,
    clients: Vec<Client>,
    free: i64,
}

impl World<'_> {
    fn step(&mut self, place: usize) {
        match self.clients[place].pending.take() {
            None => self.ask(place),
            Some((function, permits)) => self.answer(place, &function, permits),
        }
    }

    fn ask(&mut self, place: usize) {
        let permits = 1 + self.dice.below(3);
        let gives_back = self.clients[place].has > 0 && self.dice.below(3) > 0;
        let function = if gives_back {
            Function::Release
        } else {
            Function::Acquire
        };
        self.tell(place, Phase::Invoke, &function, permits, |draft| draft);
        self.clients[place].pending = Some((function, permits));
    }

    fn answer(&mut self, place: usize, function: &Function, permits: u32) {
        let change = i64::from(permits);
        let is_acquire = *function == Function::Acquire;
        let fits = if is_acquire {
            change <= self.free
        } else {
            permits <= self.clients[place].has
        };
        let is_done = fits != (self.dice.below(12) == 0);
        if is_done {
            self.free += if is_acquire { -change } else { change };
            let has = &mut self.clients[place].has;
            *has = if is_acquire {
                *has + permits
            } else {
                has.saturating_sub(permits)
            };
        }
        if self.dice.below(8) == 0 {
            self.tell(place, Phase::Info, function, permits, |draft| draft);
            let process = self.clients[place].process + 3;
            self.clients[place] = Client::new(process);
        } else if is_done {
            self.tell(place, Phase::Ok, function, permits, |draft| draft);
        } else {
            let observed = self.dice.below(6) > 0;
            self.tell(place, Phase::Fail, function, permits, |draft| {
                if observed { draft.observed() } else { draft }
            });
        }
    }

    /// Says how many, or leaves it to the other end, or to who takes one for granted.
    fn tell(
        &mut self,
        place: usize,
        phase: Phase,
        function: &Function,
        permits: u32,
        change: impl FnOnce(Draft) -> Draft,
    ) {
        self.scribe.pass(1);
        let is_said = phase == Phase::Invoke || self.dice.below(2) == 0;
        let value = match permits.try_into() {
            Ok(permits) if is_said => Value::Permits(permits),
            _ => Value::None,
        };
        let process = self.clients[place].process;
        self.scribe
            .tell(process, phase, (function, "lock"), |draft| {
                change(draft.with(value))
            });
    }
}
