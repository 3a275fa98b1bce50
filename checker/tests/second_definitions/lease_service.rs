//! A service that grants leases, its clients, and a network that delays what they say: whatever the
//! schedule, a service that keeps what it promises is never said to break it, and one that does not
//! is found out.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::num::NonZeroU32;

use checker::{Scope, Verdict};
use history::{
    Answer, Draft, Function, Grant, History, HistoryBuilder, Kind, Lease, Process, Value,
};

use super::generator::Dice;
use super::{WORKERS, cases, found, text};

/// Half a millisecond, so that leases are over with events and between them.
const TICK_NS: u64 = 500_000;

/// The longest that anything waits in the network, and that a client stands still, in ticks.
const DELAY_MAX: u32 = 60;

/// How long a client waits for an answer, in ticks.
const PATIENCE: u64 = 70;

/// What a service does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mistake {
    None,
    /// It grants what another has for half a lease yet.
    GrantsEarly,
    /// It answers renewals, and forgets them.
    ForgetsRenewals,
    /// It tells longer leases than it keeps.
    TellsTooMuch,
}

/// What happens, each at a tick; what ties is in an order by chance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// A worker may ask for something.
    Turn(usize),
    /// A request comes to the service.
    Arrives(Request),
    /// The answer comes to the worker, if it still waits.
    Answered(Request, Option<Reply>),
    /// The worker waits no longer.
    GivesUp(Request),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Request {
    number: u64,
    worker: usize,
    process: u32,
    asks: Asks,
    asked_at: u64,
    lease_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asks {
    Acquire,
    Verify,
    Release,
}

/// A yes with what it tells, the slot of a grant and a lease; else it is no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Reply {
    slot: Option<u32>,
    lease_ms: Option<u64>,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    holder: Option<u32>,
    /// The request that was granted it.
    granted_by: u64,
    /// The tick at which its lease is over.
    until: u64,
}

#[derive(Clone)]
struct Worker {
    process: u32,
    holds: bool,
    /// The tick at which it knows its lease to be over.
    until: u64,
    waits_for: Option<u64>,
}

struct World<'a> {
    dice: &'a mut Dice,
    mistake: Mistake,
    builder: HistoryBuilder,
    now: u64,
    steps: BinaryHeap<Reverse<(u64, u32, Step)>>,
    slots: Vec<Slot>,
    workers: Vec<Worker>,
    asked: u64,
    lease_ms: u64,
    /// Whether it renews a lease that is over if nobody has it.
    revives: bool,
    is_slow: bool,
    /// Whether leases differ.
    varies: bool,
}

/// What happens, and whether leases differ.
fn play(dice: &mut Dice, slots: u32, mistake: Mistake) -> (History, bool) {
    let worker = |process| Worker {
        process,
        holds: false,
        until: 0,
        waits_for: None,
    };
    // Some stay for longer with who is gone than progress may take.
    let most = if dice.rarely(3) { 400 } else { 40 };
    let mut world = World {
        mistake,
        builder: HistoryBuilder::default(),
        now: 0,
        steps: BinaryHeap::new(),
        slots: vec![Slot::default(); slots as usize],
        workers: (0..WORKERS).map(worker).collect(),
        asked: 0,
        lease_ms: u64::from(1 + dice.below(most)),
        revives: dice.rarely(2),
        is_slow: dice.rarely(2),
        varies: dice.rarely(2),
        dice,
    };
    for worker in 0..WORKERS as usize {
        world.after(0, Step::Turn(worker));
    }
    while let Some(Reverse((now, _, step))) = world.steps.pop() {
        world.now = now;
        world.go(step);
    }
    (world.builder.finish(), world.varies)
}

impl World<'_> {
    fn after(&mut self, ticks: u32, step: Step) {
        let tie = self.dice.below(1_000);
        let at = self.now + u64::from(ticks);
        self.steps.push(Reverse((at, tie, step)));
    }

    /// Mostly a short time, now and then a long one.
    fn delay(&mut self) -> u32 {
        let most = match (self.is_slow, self.dice.below(6)) {
            (true, 0 | 1) | (false, 0) => DELAY_MAX,
            _ => 4,
        };
        self.dice.below(most)
    }

    fn go(&mut self, step: Step) {
        match step {
            Step::Turn(worker) => self.ask(worker),
            Step::Arrives(request) => {
                let reply = self.serve(&request);
                let delay = self.delay();
                self.after(delay, Step::Answered(request, reply));
            }
            Step::Answered(request, reply) => self.end(&request, Some(reply)),
            Step::GivesUp(request) => self.end(&request, None),
        }
    }

    fn record(
        &mut self,
        process: u32,
        kind: Kind,
        asks: Asks,
        change: impl FnOnce(Draft) -> Draft,
    ) {
        let function = match asks {
            Asks::Acquire => Function::Acquire,
            Asks::Verify => Function::Verify,
            Asks::Release => Function::Release,
        };
        let draft = Draft::new(Process::Client(process), kind, function).on("k");
        self.builder
            .push(self.now * TICK_NS, change(draft))
            .expect("the world keeps to the rules");
    }

    fn ask(&mut self, worker: usize) {
        if self.asked >= 60 {
            return;
        }
        let is_over = self.workers[worker].until <= self.now;
        let asks = match (self.workers[worker].holds, self.dice.below(8)) {
            (false, _) => Asks::Acquire,
            (true, 0 | 3) if is_over => Asks::Acquire,
            (true, 1 | 2) => Asks::Release,
            _ => Asks::Verify,
        };
        let process = self.workers[worker].process;
        let request = Request {
            number: self.asked,
            worker,
            process,
            asks,
            asked_at: self.now,
            lease_ms: match self.dice.below(4) {
                0 if self.varies => 1 + u64::from(self.dice.below(60)),
                _ => self.lease_ms,
            },
        };
        self.asked += 1;
        self.workers[worker].waits_for = Some(request.number);
        self.record(process, Kind::Invoke, asks, |draft| draft);
        let delay = self.delay();
        self.after(delay, Step::Arrives(request.clone()));
        self.after(PATIENCE as u32, Step::GivesUp(request));
    }

    /// What the service does when a request arrives; a lease counts from then.
    fn serve(&mut self, request: &Request) -> Option<Reply> {
        let (now, process) = (self.now, request.process);
        let over = now + 2 * request.lease_ms;
        let early = match self.mistake {
            Mistake::GrantsEarly => self.lease_ms,
            _ => 0,
        };
        let is_free =
            |slot: &Slot| slot.holder.is_none() || now >= slot.until.saturating_sub(early);
        let is_own = |slot: &Slot| slot.holder == Some(process);
        let own = (0..self.slots.len()).filter(|place| is_own(&self.slots[*place]));
        let latest = own.max_by_key(|place| self.slots[*place].granted_by);
        let revives = self.revives;
        let latest_on = latest.filter(|place| now < self.slots[*place].until || revives);
        let told = match self.mistake {
            Mistake::TellsTooMuch => 2 * request.lease_ms,
            _ => request.lease_ms,
        };
        match request.asks {
            Asks::Acquire => {
                let place = self.slots.iter().position(is_free);
                let place = place.or_else(|| self.slots.iter().position(is_own))?;
                let slot = &mut self.slots[place];
                let kept = if is_own(slot) { slot.until } else { 0 };
                slot.until = over.max(kept);
                (slot.holder, slot.granted_by) = (Some(process), request.number);
                Some(Reply {
                    slot: u32::try_from(place + 1).ok(),
                    lease_ms: Some(told),
                })
            }
            Asks::Verify => {
                let place = latest_on?;
                let renews = !self.dice.rarely(4);
                let slot = &mut self.slots[place];
                if renews && self.mistake != Mistake::ForgetsRenewals {
                    slot.until = over.max(slot.until);
                }
                Some(Reply {
                    slot: None,
                    lease_ms: renews.then_some(told),
                })
            }
            Asks::Release => {
                let place = latest_on?;
                self.slots[place] = Slot::default();
                Some(Reply {
                    slot: None,
                    lease_ms: None,
                })
            }
        }
    }

    /// An answer, or none for too long.
    fn end(&mut self, request: &Request, reply: Option<Option<Reply>>) {
        let worker = &mut self.workers[request.worker];
        if worker.waits_for != Some(request.number) {
            return;
        }
        worker.waits_for = None;
        let (process, asks) = (request.process, request.asks);
        match (reply, asks) {
            (None, _) => {
                worker.process += WORKERS;
                worker.holds = false;
                self.record(process, Kind::Info, asks, |draft| {
                    draft.because("timeout", "no answer")
                });
            }
            (Some(Some(reply)), Asks::Acquire) => {
                worker.holds = true;
                worker.until = request.asked_at + 2 * reply.lease_ms.unwrap_or(0);
                let grant = Grant {
                    slot: reply.slot.filter(|_| self.slots.len() > 1),
                    token: 0,
                    lease: reply.lease_ms.and_then(Lease::from_ms),
                };
                self.record(process, Kind::Ok, asks, |draft| {
                    draft.with(Value::Grant(grant))
                });
            }
            (Some(Some(reply)), Asks::Verify) => {
                let over = request.asked_at + 2 * reply.lease_ms.unwrap_or(0);
                worker.until = worker.until.max(over);
                let lease = reply.lease_ms.and_then(Lease::from_ms);
                let answer = lease.map_or(Answer::Held, Answer::Leased);
                self.record(process, Kind::Ok, asks, |draft| draft.answering(answer));
            }
            (Some(None), Asks::Verify) => {
                worker.holds = false;
                self.record(process, Kind::Ok, asks, |draft| {
                    draft.answering(Answer::Lost)
                });
            }
            (Some(Some(_)), Asks::Release) => {
                worker.holds = false;
                self.record(process, Kind::Ok, asks, |draft| draft);
            }
            (Some(None), _) => {
                worker.holds &= asks == Asks::Acquire;
                self.record(process, Kind::Fail, asks, |draft| {
                    draft.because("busy", "").observed()
                });
            }
        }
        let delay = self.delay();
        self.after(delay, Step::Turn(request.worker));
    }
}

/// The longest wait that the network may be to blame for.
const WAIT: &str = "progress<=100ms";

fn verdicts(
    seed: u64,
    mistake: Mistake,
    guarantees: &[&'static str],
) -> BTreeMap<&'static str, Verdict> {
    let mut dice = Dice::new(seed);
    let slots = if dice.rarely(3) { 1 + dice.below(3) } else { 1 };
    let (history, varies) = play(&mut dice, slots, mistake);
    let scope = Scope {
        slots: NonZeroU32::new(slots).expect("not 0"),
        workers: NonZeroU32::new(WORKERS),
        ..Scope::default()
    };
    let verdict = |guarantee: &&'static str| {
        let found = found(guarantee, &history, &scope);
        let longest_ns = found.exposures_ns.iter().max().copied().unwrap_or(0);
        if let Some(by_answers) = &found.counts.by_answers {
            assert!(by_answers.longest_ns >= longest_ns, "{found:?}");
            let misses = found.counts.overlaps > 0 && by_answers.overlaps == 0;
            assert!(!misses, "{found:?}");
        }
        // Of a lease that nobody was told, nobody can know that it is longer than all others.
        let is_free = mistake != Mistake::None || (varies && *guarantee == WAIT);
        let may_break = is_free || found.verdict != Verdict::Violated;
        assert!(may_break, "seed {seed}: {found:?}\n{}", text(&history));
        (*guarantee, found.verdict)
    };
    guarantees.iter().map(verdict).collect()
}

#[test]
fn who_keeps_its_leases_breaks_nothing() {
    let guarantees = [
        "exclusion",
        "overlap<=0s",
        "confirmed-exclusion",
        "ownership",
        "justified-refusal",
        WAIT,
    ];
    let mut valid: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..cases() {
        for (guarantee, verdict) in verdicts(seed, Mistake::None, &guarantees) {
            *valid.entry(guarantee).or_default() += u64::from(verdict == Verdict::Valid);
        }
    }
    let enough = |guarantee: &str| valid[guarantee] >= cases() / 20;
    assert!(
        guarantees.iter().all(|guarantee| enough(guarantee)),
        "{valid:?}"
    );
}

#[test]
fn who_breaks_its_leases_is_found_out() {
    for mistake in [
        Mistake::GrantsEarly,
        Mistake::ForgetsRenewals,
        Mistake::TellsTooMuch,
    ] {
        let guarantees = ["exclusion", "overlap<=1ms"];
        let mut violated: BTreeMap<&str, u64> = BTreeMap::new();
        for seed in 0..cases() {
            for (guarantee, verdict) in verdicts(seed, mistake, &guarantees) {
                *violated.entry(guarantee).or_default() += u64::from(verdict == Verdict::Violated);
            }
        }
        let enough = |guarantee: &&str| violated[*guarantee] >= cases() / 10;
        assert!(guarantees.iter().all(enough), "{mistake:?}: {violated:?}");
    }
}
