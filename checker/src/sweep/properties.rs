//! Every sweep against the search, on random small histories. `PROPTEST_CASES` sets how many.

use history::{
    Answer, Draft, Event, Function, Grant, History, HistoryBuilder, Kind, Mode, Process, Value,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::lazy::{Revocation, justify};
use super::literal::{self, LockModel, Swept};
use super::replay;
use super::revocable::revocable_order;
use crate::guarantee::confirmed;
use crate::holds::{self, Lock, Said};
use crate::model::*;
use crate::overlap::Capacity;
use crate::search::{self, Decision, Limits};
use crate::{Case, Scope};

/// A step of one of three workers: which, and two dice.
type Step = (usize, u8, u8);

/// What the generator may put into a history.
#[derive(Clone, Copy)]
struct Flavour {
    modes: bool,
    tokens: bool,
    verify: bool,
    refusals: bool,
    /// How many of 16 answers are drawn without looking at the lock.
    wild: u8,
    permits: u32,
    owners: bool,
    deep: bool,
    /// Whether lies about acquires are always refusals.
    refusing: bool,
}

const PLAIN: Flavour = Flavour {
    modes: false,
    tokens: false,
    verify: true,
    refusals: true,
    wild: 1,
    permits: 1,
    owners: true,
    deep: false,
    refusing: false,
};

/// One worker: its present process, what it is doing, and whether it thinks that it holds.
#[derive(Clone, Default)]
struct Worker {
    process: u32,
    pending: Option<(Function, Value)>,
    /// What the lock answered already; it may take effect any time before the end.
    answered: Option<bool>,
    holds: u32,
}

/// A lock that works most of the time.
#[derive(Default)]
struct Service {
    holders: Vec<(u32, bool)>,
    token: u64,
}

impl Service {
    fn may_grant(&self, process: u32, shared: bool, flavour: Flavour) -> bool {
        if flavour.deep {
            return self.holders.iter().all(|(holder, _)| *holder == process)
                && self.holders.len() < 2;
        }
        let alone = self.holders.iter().filter(|(_, shared)| !shared).count();
        if shared {
            alone == 0
        } else {
            alone < flavour.permits as usize && alone == self.holders.len()
        }
    }

    fn release(&mut self, process: u32, owners: bool) -> bool {
        let found = self
            .holders
            .iter()
            .rposition(|(holder, _)| !owners || *holder == process);
        found.map(|place| self.holders.remove(place)).is_some()
    }

    /// Whether what is asked for succeeds; if so it takes effect.
    fn ask(&mut self, process: u32, function: &Function, shared: bool, flavour: Flavour) -> bool {
        match function {
            Function::Acquire if self.may_grant(process, shared, flavour) => {
                self.holders.push((process, shared));
                true
            }
            Function::Acquire => false,
            Function::Release => self.release(process, flavour.owners),
            _ => self.holders.iter().any(|(holder, _)| *holder == process),
        }
    }
}

/// Turns dice into a history: three workers use a lock that mostly works, may lose holds, and lies
/// now and then.
fn history_of(steps: &[Step], flavour: Flavour) -> History {
    let mut workers: Vec<Worker> = (0..3)
        .map(|process| Worker {
            process,
            ..Worker::default()
        })
        .collect();
    let mut service = Service::default();
    let mut builder = HistoryBuilder::default();
    for (time, (who, what, how)) in (0u64..).zip(steps) {
        if let Some(draft) = workers[*who].step(&mut service, *what, *how, flavour) {
            builder
                .push(time, draft)
                .expect("the generator keeps to the rules");
        }
    }
    builder.finish()
}

impl Worker {
    fn step(
        &mut self,
        service: &mut Service,
        what: u8,
        how: u8,
        flavour: Flavour,
    ) -> Option<Draft> {
        let Some((function, asked)) = self.pending.clone() else {
            return Some(self.invoke(what, how, flavour));
        };
        let shared = asked == Value::Mode(Mode::Read);
        if self.answered.is_none() {
            let wild = how % 16 < flavour.wild;
            let lie =
                what.is_multiple_of(2) && !(flavour.refusing && function == Function::Acquire);
            let told = if wild {
                lie
            } else {
                service.ask(self.process, &function, shared, flavour)
            };
            self.answered = Some(told);
            if what < 128 {
                return None;
            }
        }
        let told = self.answered.take().unwrap_or_default();
        self.pending = None;
        if loses_a_hold(how) && flavour.verify {
            service.release(self.process, true);
        }
        Some(self.end(service, function, told, how, flavour))
    }

    fn invoke(&mut self, what: u8, how: u8, flavour: Flavour) -> Draft {
        let function = match what % 8 {
            0..=1 if self.holds > 0 && flavour.verify => Function::Verify,
            2 if flavour.verify && how.is_multiple_of(4) => Function::Verify,
            3..=6 if self.holds > 0 => Function::Release,
            7 if how.is_multiple_of(4) => Function::Release,
            _ => Function::Acquire,
        };
        let value = match &function {
            Function::Acquire if flavour.modes => Value::Mode(if how.is_multiple_of(3) {
                Mode::Write
            } else {
                Mode::Read
            }),
            _ => Value::None,
        };
        self.pending = Some((function.clone(), value.clone()));
        self.draft(Kind::Invoke, function).with(value)
    }

    fn draft(&self, kind: Kind, function: Function) -> Draft {
        Draft::new(Process::Client(self.process), kind, function).on("lock-0")
    }

    fn end(
        &mut self,
        service: &mut Service,
        function: Function,
        told: bool,
        how: u8,
        flavour: Flavour,
    ) -> Draft {
        if how > 235 {
            let draft = self.draft(Kind::Info, function);
            *self = Self {
                process: self.process + 3,
                ..Self::default()
            };
            return draft;
        }
        let fail = self.draft(Kind::Fail, function.clone());
        match (&function, told) {
            (Function::Verify, told) => {
                let answer = if told { Answer::Held } else { Answer::Lost };
                self.draft(Kind::Ok, function).answering(answer)
            }
            (Function::Acquire, true) => {
                self.holds += 1;
                service.token += u64::from(how % 5);
                let token = if flavour.tokens && how.is_multiple_of(2) {
                    service.token
                } else {
                    0
                };
                self.draft(Kind::Ok, function).with(Value::Grant(Grant {
                    token,
                    slot: None,
                    ..Grant::default()
                }))
            }
            (_, true) => {
                self.holds = self.holds.saturating_sub(1);
                self.draft(Kind::Ok, function)
            }
            (_, false) if flavour.refusals && how.is_multiple_of(2) => {
                self.holds = if function == Function::Release {
                    0
                } else {
                    self.holds
                };
                fail.observed()
            }
            (_, false) => fail,
        }
    }
}

/// Whether the service loses a hold now.
fn loses_a_hold(how: u8) -> bool {
    (200..212).contains(&how)
}

/// How many cases have each verdict.
#[derive(Debug, Default)]
struct Tally {
    valid: u32,
    violated: u32,
    unknown: u32,
}

impl Tally {
    fn is_varied(&self) -> bool {
        let all = self.valid + self.violated + self.unknown;
        self.valid >= all / 15 && self.violated >= all / 15
    }
}

fn run(name: &str, flavour: Flavour, mut judge: impl FnMut(&History, &mut Tally)) {
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(cases())
    };
    let tally = std::cell::RefCell::new(Tally::default());
    let judge = std::cell::RefCell::new(&mut judge);
    let steps = prop::collection::vec((0..3usize, any::<u8>(), any::<u8>()), 4..44);
    let result = TestRunner::new(config).run(&steps, |steps| {
        let history = history_of(&steps, flavour);
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            judge.borrow_mut()(&history, &mut tally.borrow_mut());
        }));
        caught.map_err(|panic| {
            let said = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            TestCaseError::fail(format!("{said}\n{}", show(&history)))
        })
    });
    if let Err(error) = result {
        panic!("{name}: {error}");
    }
    let tally = tally.into_inner();
    eprintln_tally(name, &tally);
    assert!(tally.is_varied(), "{name}: {tally:?}");
}

#[expect(
    clippy::print_stderr,
    reason = "the figures are read when the tests are run by hand"
)]
fn eprintln_tally(name: &str, tally: &Tally) {
    eprintln!("{name}: {tally:?}");
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(5_000)
}

fn show(history: &History) -> String {
    let mut bytes = Vec::new();
    history::jsonl::write(history, &mut bytes).expect("a vector takes all");
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

fn lock_of(history: &History) -> Lock {
    holds::locks(history).pop().unwrap_or_default()
}

/// Whether the search finds an order.
fn searched<R: Reference>(object: &R, history: &History) -> bool {
    let operations: Vec<_> = history.operations().collect();
    match search::search(object, &operations, &Limits::none()) {
        Decision::Valid { .. } => true,
        Decision::Violated { .. } => false,
        Decision::Unknown(reason) => panic!("no bound was set, but: {reason}"),
    }
}

fn agrees<R: Reference>(object: &R, model: LockModel, history: &History, tally: &mut Tally) {
    let expected = searched(object, history);
    match literal::check(model, &lock_of(history)) {
        Swept::Legal(order) => {
            assert!(
                expected,
                "the search finds no order, but the sweep: {order:?}"
            );
            assert_eq!(
                replay::objection(object, history, &order),
                None,
                "{order:?}"
            );
            tally.valid += 1;
        }
        Swept::Illegal(contradiction) => {
            assert!(
                !expected,
                "the search finds an order, but the sweep says {contradiction:?}"
            );
            tally.violated += 1;
        }
        Swept::NotCovered => tally.unknown += 1,
    }
}

#[test]
fn owner_mutex() {
    run("owner-mutex", PLAIN, |history, tally| {
        agrees(&OwnerMutex, LockModel::OwnerMutex, history, tally);
    });
}

#[test]
fn mutex() {
    let flavour = Flavour {
        owners: false,
        verify: false,
        refusals: false,
        wild: 3,
        ..PLAIN
    };
    run("mutex", flavour, |history, tally| {
        agrees(&Mutex, LockModel::Mutex, history, tally);
    });
}

#[test]
fn semaphore() {
    for permits in [2, 3] {
        let flavour = Flavour {
            owners: false,
            verify: false,
            refusals: false,
            permits,
            wild: 4,
            ..PLAIN
        };
        let object = Semaphore { permits };
        run("semaphore", flavour, |history, tally| {
            agrees(&object, LockModel::Semaphore(permits), history, tally);
        });
    }
}

#[test]
fn owner_semaphore() {
    let flavour = Flavour {
        refusals: false,
        permits: 2,
        wild: 2,
        ..PLAIN
    };
    let object = OwnerSemaphore { permits: 2 };
    run("owner-semaphore", flavour, |history, tally| {
        agrees(&object, LockModel::OwnerSemaphore(2), history, tally);
    });
}

#[test]
fn rwlock() {
    let flavour = Flavour {
        refusals: false,
        modes: true,
        wild: 2,
        ..PLAIN
    };
    run("rwlock", flavour, |history, tally| {
        agrees(&RwLock, LockModel::RwLock, history, tally);
    });
}

#[test]
fn reentrant() {
    let flavour = Flavour {
        refusals: false,
        deep: true,
        ..PLAIN
    };
    let object = Reentrant { limit: 2 };
    run("reentrant", flavour, |history, tally| {
        agrees(&object, LockModel::Reentrant(2), history, tally);
    });
}

#[test]
fn fenced() {
    let flavour = Flavour {
        tokens: true,
        ..PLAIN
    };
    run("fenced", flavour, |history, tally| {
        agrees(&Fenced, LockModel::Fenced, history, tally);
    });
}

#[test]
fn reentrant_fenced() {
    let flavour = Flavour {
        refusals: false,
        tokens: true,
        deep: true,
        ..PLAIN
    };
    let object = ReentrantFenced { limit: 2 };
    run("reentrant-fenced", flavour, |history, tally| {
        agrees(&object, LockModel::ReentrantFenced(2), history, tally);
    });
}

/// The history without what says nothing about a hold, and without refusals unless they count.
fn about_holds(history: &History, refusals: bool) -> History {
    let lock = lock_of(history);
    let stray = lock
        .statements
        .iter()
        .filter(|statement| statement.hold.is_none())
        .map(|statement| statement.span);
    let refused = lock.refusals.iter().filter(|_| !refusals).copied();
    let dropped: Vec<u32> = stray
        .chain(refused)
        .flat_map(|span| [span.invoke, span.end])
        .collect();
    let kept =
        |(place, _): &(usize, &Event)| !dropped.contains(&u32::try_from(*place).expect("small"));
    let mut builder = HistoryBuilder::default();
    for (_, event) in history.events().iter().enumerate().filter(kept) {
        builder
            .push_event(event.clone())
            .expect("whole operations were left out");
    }
    builder.finish()
}

#[test]
fn confirmed_exclusion() {
    for permits in [1, 2] {
        let flavour = Flavour {
            permits,
            wild: 14,
            ..PLAIN
        };
        let object = Revocable(OwnerSemaphore { permits });
        run("confirmed-exclusion", flavour, |history, tally| {
            let history = about_holds(history, false);
            let expected = searched(&object, &history);
            let scope = Scope {
                slots: permits.try_into().expect("not 0"),
                ..Scope::default()
            };
            let case = Case::new(&history, &scope, Limits::none());
            let lock = lock_of(&history);
            let capacity = Capacity::Grants(permits as usize);
            let violations = confirmed::violations(&case, &lock, capacity);
            let violations = violations.expect("nobody stops it");
            assert_eq!(violations.is_empty(), expected, "{violations:?}");
            if !expected {
                tally.violated += 1;
                return;
            }
            let order = revocable_order(&lock, capacity);
            assert_eq!(
                replay::objection(&object, &history, &order),
                None,
                "{order:?}"
            );
            tally.valid += 1;
        });
    }
}

#[test]
fn justified_refusals() {
    let flavour = Flavour {
        wild: 9,
        refusing: true,
        ..PLAIN
    };
    let object = Revocable(OwnerMutex);
    run("justified-refusal", flavour, |history, tally| {
        let history = about_holds(history, true);
        let case = lock_of(&history);
        let scope = Scope::default();
        if !confirmed::violations(
            &Case::new(&history, &scope, Limits::none()),
            &case,
            Capacity::Grants(1),
        )
        .expect("nobody stops it")
        .is_empty()
        {
            return;
        }
        let expected = searched(&object, &history);
        match justify(&case, Revocation::Possible) {
            Ok(order) => {
                assert!(
                    expected,
                    "the search finds no order, but the sweep: {order:?}"
                );
                assert_eq!(
                    replay::objection(&object, &history, &order),
                    None,
                    "{order:?}"
                );
                tally.valid += 1;
            }
            Err(unjustified) if unjustified.doubtful => {
                let lost = |statement: &holds::Statement| {
                    matches!(statement.said, Said::Lost | Said::NotReleased)
                };
                assert!(
                    case.statements.iter().any(lost),
                    "only a reported loss makes it doubtful"
                );
                tally.unknown += 1;
            }
            Err(unjustified) => {
                assert!(
                    !expected,
                    "the search finds an order, but the sweep rejects {unjustified:?}"
                );
                tally.violated += 1;
            }
        }
    });
}

/// Whether more than `slots` believe at some instant, by looking at every event in turn. With one
/// slot a client counts once.
fn too_many_believe(history: &History, slots: usize) -> bool {
    let mut believers: Vec<u32> = Vec::new();
    for event in history.events() {
        let Process::Client(process) = event.process else {
            continue;
        };
        let learns = event.value == Value::Answer(Answer::Lost) || event.observed;
        match (&event.function, event.kind) {
            (Function::Acquire, Kind::Ok) => believers.push(process),
            (_, Kind::Info) => believers.retain(|believer| *believer != process),
            (Function::Verify, Kind::Ok | Kind::Fail) if !learns => {}
            (Function::Release, Kind::Invoke)
            | (Function::Verify, Kind::Ok | Kind::Fail)
            | (Function::Lost, Kind::Ok) => {
                if let Some(place) = believers.iter().rposition(|believer| *believer == process) {
                    believers.remove(place);
                }
            }
            _ => {}
        }
        let mut believing = believers.clone();
        if slots == 1 {
            believing.sort_unstable();
            believing.dedup();
        }
        if believing.len() > slots {
            return true;
        }
    }
    false
}

#[test]
fn exclusion() {
    for slots in [1, 2] {
        let flavour = Flavour {
            permits: slots,
            wild: 6,
            ..PLAIN
        };
        run("exclusion", flavour, |history, tally| {
            let scope = Scope {
                slots: slots.try_into().expect("not 0"),
                ..Scope::default()
            };
            let finding = crate::judge(
                history,
                &scope,
                Limits::none(),
                &[Box::new(crate::guarantee::Exclusion)],
            )
            .remove(0);
            let expected = too_many_believe(history, slots as usize);
            assert_eq!(
                finding.verdict == crate::Verdict::Violated,
                expected,
                "{finding:?}"
            );
            if expected {
                tally.violated += 1;
            } else {
                tally.valid += 1;
            }
        });
    }
}

/// The history of the operations that `events` belong to, but for one.
fn only(history: &History, events: &[u64], but: Option<u64>) -> History {
    let mut builder = HistoryBuilder::default();
    let whole = |place: usize| {
        let partner = history
            .partner(place)
            .map(|partner| history.events()[partner].index);
        let own = history.events()[place].index;
        let is_named =
            events.contains(&own) || partner.is_some_and(|partner| events.contains(&partner));
        is_named && but.is_none_or(|but| own != but && partner != Some(but))
    };
    for (place, event) in history.events().iter().enumerate() {
        if whole(place) {
            builder
                .push_event(event.clone())
                .expect("whole operations were kept");
        }
    }
    builder.finish()
}

/// The violation alone is illegal, and without any one of its operations it is not.
#[test]
fn counterexamples_are_minimal() {
    let flavour = Flavour { wild: 13, ..PLAIN };
    run("counterexamples", flavour, |history, tally| {
        let scope = Scope::default();
        let violations = |history: &History| {
            let case = Case::new(history, &scope, Limits::none());
            case.locks
                .iter()
                .map(|lock| confirmed::violations(&case, lock, case.scope.capacity()))
                .flat_map(|found| found.expect("nobody stops it"))
                .collect::<Vec<_>>()
        };
        let found = violations(history);
        let Some(violation) = found.first() else {
            tally.valid += 1;
            return;
        };
        tally.violated += 1;
        assert!(
            !violations(&only(history, &violation.events, None)).is_empty(),
            "{violation:?} is not enough"
        );
        for event in &violation.events {
            let fewer = only(history, &violation.events, Some(*event));
            assert!(
                violations(&fewer).is_empty(),
                "{violation:?} does not need {event}"
            );
        }
    });
}
