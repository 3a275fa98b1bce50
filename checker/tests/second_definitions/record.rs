//! A history in the words of `docs/guarantees.md`. A moment is named by the event before it.

use std::rc::Rc;

use history::{Answer, Function, Grant, History, Kind, Mark, Mode, Process, Value};

pub(crate) const NEVER: usize = usize::MAX;

/// An operation by the places of its events.
#[derive(Clone, Debug)]
pub(crate) struct Op {
    pub(crate) process: u32,
    pub(crate) key: Option<String>,
    pub(crate) function: Function,
    pub(crate) invoke: usize,
    /// Its end, of whatever kind.
    pub(crate) end: usize,
    pub(crate) kind: Kind,
    pub(crate) observed: bool,
    pub(crate) asked: Value,
    pub(crate) value: Value,
    pub(crate) error: String,
}

impl Op {
    pub(crate) fn is(&self, function: &Function) -> bool {
        self.function == *function
    }

    pub(crate) fn is_ok(&self, function: &Function) -> bool {
        self.is(function) && self.kind == Kind::Ok
    }

    pub(crate) fn is_unknown(&self) -> bool {
        self.kind == Kind::Info
    }

    pub(crate) fn is_refused(&self) -> bool {
        self.kind == Kind::Fail && self.observed
    }

    pub(crate) fn was_sent(&self) -> bool {
        self.kind != Kind::Fail || self.observed || self.error != "not-sent"
    }

    pub(crate) fn is_shared(&self) -> bool {
        match &self.asked {
            Value::Mode(mode) => *mode == Mode::Read,
            _ => self.value == Value::Mode(Mode::Read),
        }
    }

    pub(crate) fn says_held(&self) -> bool {
        let says = matches!(self.value, Value::Answer(answer) if answer.is_held());
        self.is_ok(&Function::Verify) && says
    }

    /// The lease that it tells, in nanoseconds.
    pub(crate) fn lease_ns(&self) -> Option<u64> {
        let lease = self.value.lease().filter(|_| self.kind == Kind::Ok);
        lease.map(history::Lease::ns)
    }

    pub(crate) fn tells_loss(&self) -> bool {
        let lost = self.is_ok(&Function::Verify) && self.value == Value::Answer(Answer::Lost);
        lost || (self.is(&Function::Verify) && self.is_refused()) || self.is_ok(&Function::Lost)
    }

    /// The moment by which it took effect, if it did.
    pub(crate) fn settled(&self) -> usize {
        if self.is_unknown() { NEVER } else { self.end }
    }

    pub(crate) fn slots(&self) -> Option<&[u32]> {
        match &self.value {
            Value::Slots(slots) if self.kind == Kind::Ok => Some(slots),
            _ => None,
        }
    }

    pub(crate) fn may_count(&self) -> bool {
        self.kind != Kind::Fail
    }

    pub(crate) fn is_change(&self) -> bool {
        use Function::{Create, Destroy, Grow, Overshoot, Shrink};
        self.may_count() && [Create, Destroy, Grow, Overshoot, Shrink].contains(&self.function)
    }

    pub(crate) fn is_finding(&self) -> bool {
        self.is(&Function::Count) && self.slots().is_some()
    }
}

/// Where a belief ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// With this event.
    Event(usize),
    /// At this time, when a lease is over.
    Lapse(u64),
    /// Not before the record.
    Open,
}

impl Reach {
    pub(crate) fn time(self, record: &Record) -> u64 {
        match self {
            Self::Event(place) => record.time(place),
            Self::Lapse(time) => time,
            Self::Open => record.time(NEVER),
        }
    }

    /// Whether an event is before the end.
    pub(crate) fn is_after(self, record: &Record, place: usize) -> bool {
        match self {
            Self::Event(end) => place < end,
            Self::Lapse(time) => record.time(place) < time,
            Self::Open => true,
        }
    }
}

/// What a grant begins.
#[derive(Clone, Debug)]
pub(crate) struct Hold {
    pub(crate) op: Op,
    pub(crate) grant: Grant,
    /// Where belief ends, but for leases.
    pub(crate) believed_until: usize,
    /// The grant and what renewed it, if the grant has a lease.
    promises: Vec<Op>,
    times: Rc<[u64]>,
    /// Whether its client asked for the release.
    pub(crate) was_let_go: bool,
    /// Confirmed until the invocation of the last of these.
    pub(crate) confirmations: Vec<Op>,
    /// It was over when the first of these ended.
    pub(crate) endings: Vec<Op>,
    /// The release that succeeded, or of which nobody knows.
    pub(crate) release: Option<Op>,
}

impl Hold {
    pub(crate) fn shared(&self) -> bool {
        self.op.is_shared()
    }

    pub(crate) fn slot(&self) -> Option<u32> {
        self.grant.slot.filter(|_| !self.shared())
    }

    /// Whether nothing but a lease has ended it at a moment.
    pub(crate) fn is_kept(&self, moment: usize) -> bool {
        self.op.end <= moment && moment < self.believed_until
    }

    /// Whether its client believes in it right after an event.
    pub(crate) fn is_believed(&self, moment: usize) -> bool {
        let mut overs = self.overs_by(moment);
        let runs = self.times.first() < self.times.last();
        let is_leased = !self.promises.is_empty();
        let is_on = !is_leased || (runs && overs.any(|over| self.times[moment] < over));
        self.is_kept(moment) && is_on
    }

    /// When what was promised by a moment is over.
    fn overs_by(&self, moment: usize) -> impl Iterator<Item = u64> {
        let told = self.promises.iter().filter(move |op| op.end <= moment);
        told.filter_map(|op| Some(self.times[op.invoke].saturating_add(op.lease_ns()?)))
    }

    /// Whether it is believed until an event, with no time before that without belief.
    fn is_believed_up_to(&self, place: usize) -> bool {
        let Some(before) = place.checked_sub(1) else {
            return false;
        };
        let mut overs = self.overs_by(before);
        let reaches = self.promises.is_empty() || overs.any(|over| over >= self.times[place]);
        self.is_believed(before) && reaches
    }

    /// Whether belief begins with an event, and was not there before.
    pub(crate) fn begins(&self, place: usize) -> bool {
        self.is_believed(place) && !self.is_believed_up_to(place)
    }

    /// Where belief ends that there is right after an event, step by step.
    pub(crate) fn reach(&self, moment: usize) -> Reach {
        for next in moment + 1..self.times.len() {
            let over = self.overs_by(next - 1).max().unwrap_or(0);
            if !self.is_believed_up_to(next) {
                return Reach::Lapse(over);
            }
            if next == self.believed_until {
                return Reach::Event(next);
            }
            if !self.is_believed(next) {
                return Reach::Lapse(over);
            }
        }
        Reach::Open
    }

    pub(crate) fn confirmed_until(&self) -> usize {
        let until = self.confirmations.iter().map(|op| op.invoke).max();
        until.unwrap_or(0)
    }

    pub(crate) fn is_certain(&self, moment: usize) -> bool {
        self.op.end <= moment && moment < self.confirmed_until()
    }

    pub(crate) fn over_by(&self) -> usize {
        self.endings.iter().map(|op| op.end).min().unwrap_or(NEVER)
    }

    /// What the service itself said of its end, whatever its client gave up for lost.
    pub(crate) fn endings_by_service(&self) -> impl Iterator<Item = &Op> {
        let is_told = |op: &&Op| op.is(&Function::Release) || op.kind == history::Kind::Fail;
        self.endings.iter().filter(is_told)
    }

    pub(crate) fn is_revived(&self) -> bool {
        self.confirmed_until() > self.over_by()
    }
}

pub(crate) struct Record {
    pub(crate) ops: Vec<Op>,
    pub(crate) holds: Vec<Hold>,
    /// Successful releases and answers `held` for who had no hold.
    pub(crate) unowned: usize,
    pub(crate) times: Vec<u64>,
    pub(crate) healed: Option<usize>,
    /// Where the last phase begins.
    settle: usize,
}

impl Record {
    pub(crate) fn new(history: &History) -> Self {
        let ops = ops(history);
        let mut record = Self {
            holds: Vec::new(),
            unowned: 0,
            times: history.events().iter().map(|event| event.time).collect(),
            healed: healed(history),
            settle: history.mark(Mark::Settle).unwrap_or(NEVER),
            ops,
        };
        record.find_holds();
        record
    }

    pub(crate) fn time(&self, place: usize) -> u64 {
        let last = self.times.last().copied().unwrap_or(0);
        self.times.get(place).copied().unwrap_or(last)
    }

    /// Whether there are leases of which nobody knows when they are over.
    pub(crate) fn lacks_clock(&self) -> bool {
        self.has_leases() && self.times.first() == self.times.last()
    }

    /// How long a lease is at most of which nobody knows: as long as that of every grant.
    pub(crate) fn any_lease_ns(&self) -> Option<u64> {
        let is_grant = |op: &&Op| op.is(&Function::Acquire) && op.kind == Kind::Ok;
        let mut leases = self.ops.iter().filter(is_grant).map(Op::lease_ns);
        let first = leases.next()??;
        let is_longer = |op: &Op| op.lease_ns() > Some(first);
        let is_one = leases.all(|lease| lease == Some(first)) && !self.ops.iter().any(is_longer);
        is_one.then_some(first)
    }

    pub(crate) fn has_leases(&self) -> bool {
        self.ops.iter().any(|op| op.lease_ns().is_some())
    }

    pub(crate) fn moments(&self) -> std::ops::Range<usize> {
        0..self.times.len()
    }

    pub(crate) fn keys(&self) -> Vec<Option<String>> {
        let mut keys: Vec<_> = self.ops.iter().map(|op| op.key.clone()).collect();
        keys.sort();
        keys.dedup();
        keys
    }

    pub(crate) fn ops_on(&self, key: &Option<String>) -> Vec<&Op> {
        self.ops.iter().filter(|op| op.key == *key).collect()
    }

    pub(crate) fn holds_on(&self, key: &Option<String>) -> Vec<&Hold> {
        self.holds
            .iter()
            .filter(|hold| hold.op.key == *key)
            .collect()
    }

    /// Acquires that asked for the lock.
    pub(crate) fn asks_on(&self, key: &Option<String>) -> Vec<&Op> {
        let ops = self.ops_on(key).into_iter();
        ops.filter(|op| op.is(&Function::Acquire) && op.was_sent())
            .collect()
    }

    /// Goes through all places in turn; at each at most one operation begins or ends.
    fn find_holds(&mut self) {
        for place in self.moments() {
            for op in self.ops.clone() {
                if op.invoke == place {
                    self.begin(&op, place);
                }
                if op.end == place {
                    self.end(&op, place);
                }
            }
        }
    }

    fn begin(&mut self, op: &Op, place: usize) {
        if !op.is(&Function::Release) {
            return;
        }
        if let Some(hold) = self.latest_believed(op) {
            self.holds[hold].believed_until = place;
            self.holds[hold].was_let_go = true;
        }
        if let (true, Some(hold)) = (op.is_unknown(), self.latest_unreleased(op)) {
            self.holds[hold].release = Some(op.clone());
        }
    }

    fn end(&mut self, op: &Op, place: usize) {
        if op.is_unknown() {
            for hold in &mut self.holds {
                if hold.op.process == op.process && hold.believed_until == NEVER {
                    hold.believed_until = place;
                }
            }
        }
        if op.is_ok(&Function::Acquire) {
            self.holds.push(Hold {
                op: op.clone(),
                grant: match &op.value {
                    Value::Grant(grant) => *grant,
                    _ => Grant::default(),
                },
                believed_until: NEVER,
                promises: Vec::from_iter(op.lease_ns().is_some().then(|| op.clone())),
                times: self.times.as_slice().into(),
                was_let_go: false,
                confirmations: Vec::new(),
                endings: Vec::new(),
                release: None,
            });
        }
        let hold = self.latest_unreleased(op);
        if op.tells_loss()
            && let Some(believed) = self.latest_believed(op)
        {
            self.holds[believed].believed_until = place;
        }
        if op.says_held()
            && op.lease_ns().is_some()
            && let Some(believed) = self.latest_believed(op)
            && !self.holds[believed].promises.is_empty()
        {
            self.holds[believed].promises.push(op.clone());
        }
        let affirms = op.says_held() || op.is_ok(&Function::Release);
        let Some(hold) = hold else {
            self.unowned += usize::from(affirms);
            return;
        };
        let hold = &mut self.holds[hold];
        if affirms {
            hold.confirmations.push(op.clone());
        }
        if op.is_ok(&Function::Release) {
            hold.release = Some(op.clone());
        }
        let is_refused = op.is(&Function::Release) && op.is_refused();
        if op.is_ok(&Function::Release) || op.tells_loss() || is_refused {
            hold.endings.push(op.clone());
        }
    }

    fn latest_believed(&self, op: &Op) -> Option<usize> {
        self.holds.iter().rposition(|hold| {
            let is_its = hold.op.process == op.process && hold.op.key == op.key;
            is_its && hold.believed_until == NEVER
        })
    }

    fn latest_unreleased(&self, op: &Op) -> Option<usize> {
        self.holds.iter().rposition(|hold| {
            let is_its = hold.op.process == op.process && hold.op.key == op.key;
            let was_released = hold.release.as_ref().is_some_and(|op| op.kind == Kind::Ok);
            is_its && !was_released
        })
    }

    /// Who has the lock at a moment, or asks for it: the process, and whether it would share it.
    pub(crate) fn wants(&self, key: &Option<String>, moment: usize) -> Vec<(u32, bool)> {
        let holds = self.holds_on(key).into_iter();
        let holds = holds.filter(|hold| hold.is_believed(moment));
        let asks = self.asks_on(key).into_iter();
        let asks = asks.filter(|op| op.invoke <= moment && moment < op.end);
        holds
            .map(|hold| (hold.op.process, hold.shared()))
            .chain(asks.map(|op| (op.process, op.is_shared())))
            .collect()
    }

    /// Whether not everybody who wants the lock can have it; in the last phase that shows nothing.
    pub(crate) fn is_crowded(&self, key: &Option<String>, moment: usize, slots: u32) -> bool {
        let wants = self.wants(key, moment);
        let is_too_much = if slots == 1 {
            wants.iter().any(|(process, _)| *process != wants[0].0)
        } else {
            wants.len() > slots as usize
        };
        moment < self.settle && is_too_much && !wants.iter().all(|(_, shared)| *shared)
    }
}

/// Whether some of these cannot be held at one time.
pub(crate) fn is_too_much(holds: &[&Hold], slots: u32) -> bool {
    let in_the_way = |one: &Hold, other: &Hold| match slots {
        1 => one.op.process != other.op.process && !(one.shared() && other.shared()),
        _ => one.shared() != other.shared(),
    };
    let mut pairs = holds
        .iter()
        .flat_map(|one| holds.iter().map(move |other| (one, other)));
    let exclusive = holds.iter().filter(|hold| !hold.shared()).count();
    pairs.any(|(one, other)| in_the_way(one, other)) || (slots > 1 && exclusive > slots as usize)
}

fn ops(history: &History) -> Vec<Op> {
    let mut ops = Vec::new();
    for (invoke, event) in history.events().iter().enumerate() {
        let (Process::Client(process), Kind::Invoke) = (event.process, event.kind) else {
            continue;
        };
        let end = history.partner(invoke);
        let last = end.map(|end| &history.events()[end]);
        let error = last.and_then(|last| last.error.as_ref());
        ops.push(Op {
            process,
            key: event.key.as_ref().map(ToString::to_string),
            function: event.function.clone(),
            invoke,
            end: end.unwrap_or(NEVER),
            kind: last.map_or(Kind::Info, |last| last.kind),
            observed: last.is_some_and(|last| last.observed),
            asked: event.value.clone(),
            value: last.map_or(Value::None, |last| last.value.clone()),
            error: error.map_or_else(String::new, |error| error.kind.to_string()),
        });
    }
    ops
}

/// Where the last healing was over; nothing if one was not.
fn healed(history: &History) -> Option<usize> {
    let all = history.windows().into_iter();
    let windows: Vec<_> = all.filter(|window| !window.missed).collect();
    if windows.iter().all(|window| window.healed.is_none()) {
        let heals: Option<Vec<usize>> = windows.iter().map(|window| window.heal).collect();
        return heals.map(|heals| heals.into_iter().max().unwrap_or(0));
    }
    let healed: Option<Vec<usize>> = windows.iter().map(|window| window.healed).collect();
    healed.and_then(|healed| healed.into_iter().max())
}
