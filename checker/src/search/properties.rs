//! The search against brute force, on random small histories.

use history::{History, Operation};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{Decision, Limits, Placed, brute_force, linearizable};
use crate::model::testing::history;
use crate::model::*;

/// One step of a process: what it does if it is idle (function and value), how it ends if it is
/// not.
type Step = (u32, prop::sample::Index, prop::sample::Index);

/// What can be invoked, and the values that `ok` can bring.
pub(crate) type Operations = &'static [(&'static str, &'static [&'static str])];

const ENDS: &[&str] = &[
    "ok", "ok", "ok", "ok", "ok", "refused", "refused", "info", "fail",
];
pub(crate) const LOCK: Operations = &[
    ("acquire", &[""]),
    ("acquire", &[""]),
    ("release", &[""]),
    ("verify", &["\"held\"", "\"lost\""]),
];
pub(crate) const MODES: Operations = &[
    ("acquire \"read\"", &[""]),
    ("acquire \"write\"", &[""]),
    ("release", &[""]),
    ("verify", &["\"held\"", "\"lost\""]),
];
pub(crate) const TOKENS: Operations = &[
    (
        "acquire",
        &["{\"token\":1}", "{\"token\":2}", "{\"token\":3}", ""],
    ),
    ("acquire", &[""]),
    ("release", &[""]),
    ("release", &[""]),
];
pub(crate) const SLOTS: Operations = &[
    ("acquire", &["{\"slot\":1}"]),
    ("acquire", &["{\"slot\":1}", "{\"slot\":2}"]),
    ("release", &[""]),
    ("verify", &["\"held\""]),
    ("verify", &["\"held\"", "\"lost\""]),
];
pub(crate) const REMOVAL: Operations = &[
    ("acquire", &["{\"slot\":1}"]),
    ("verify", &["\"held\""]),
    ("release", &[""]),
    ("shrink", &["[1]"]),
    ("wait", &["[1]"]),
    ("grow", &["[1]", "[2]"]),
];
pub(crate) const EXISTENCE: Operations = &[
    ("count", &["[]", "[1]", "[1,2]"]),
    ("create", &["[1]", "[1,2]"]),
    ("grow", &["[1]", "[2]"]),
    ("shrink", &["[1]", "[2]"]),
    ("destroy", &["[1]", "[1,2]"]),
    ("acquire", &["{\"slot\":1}", "{\"slot\":2}"]),
];
pub(crate) const SEQUENCE: Operations = &[
    ("count", &["[1]", "[2]"]),
    ("overshoot", &["[]"]),
    ("grow", &["[1]"]),
];
pub(crate) const REGISTER: Operations = &[
    ("read", &["0", "1", "2", ""]),
    ("write 1", &[""]),
    ("write 2", &[""]),
];
pub(crate) const CAS: Operations = &[
    ("read", &["0", "1"]),
    ("write 1", &[""]),
    ("cas [0,1]", &[""]),
    ("cas [1,0]", &[""]),
];
pub(crate) const SET: Operations = &[
    ("add 1", &[""]),
    ("add 2", &[""]),
    ("read", &["[]", "[1]", "[1,2]", ""]),
];
pub(crate) const QUEUE: Operations = &[
    ("enqueue 1", &[""]),
    ("enqueue 2", &[""]),
    ("dequeue", &["1", "2", ""]),
];

/// The script of a history: each step is the next event of its process. A process whose operation
/// ended in `info` goes on under a new name.
fn script(steps: &[Step], operations: Operations) -> String {
    let mut names = [0, 1, 2];
    let mut pending: [Option<&[&str]>; 3] = [None; 3];
    let mut events = Vec::new();
    for (worker, what, value) in steps {
        let worker = *worker as usize;
        let name = names[worker];
        let event = match pending[worker].take() {
            None => {
                let (invocation, answers) = operations[what.index(operations.len())];
                pending[worker] = Some(answers);
                invocation.to_owned()
            }
            Some(answers) => match ENDS[what.index(ENDS.len())] {
                "ok" => format!("ok {}", answers[value.index(answers.len())]),
                "info" => {
                    names[worker] += 3;
                    "info".to_owned()
                }
                end => end.to_owned(),
            },
        };
        events.push(format!("{name} {}", event.trim_end()));
    }
    events.join("; ")
}

/// How many cases have each verdict.
#[derive(Debug, Default)]
struct Tally {
    valid: u32,
    violated: u32,
}

fn agree<R: Reference>(object: &R, history: &History, tally: &mut Tally) {
    let operations: Vec<Operation<'_>> = history.operations().collect();
    let expected = brute_force::linearizable(object, &operations);
    let found = linearizable(object, history, &Limits::none())
        .remove(0)
        .decision;
    match &found {
        Decision::Valid { order } => {
            tally.valid += 1;
            assert!(
                expected,
                "brute force finds no order, but the search: {order:?}"
            );
            check_order(object, &operations, &found);
        }
        Decision::Violated { stuck, .. } => {
            tally.violated += 1;
            assert!(
                !expected,
                "brute force finds an order, but the search is stuck at {stuck}"
            );
            check_order(object, &operations, &found);
        }
        Decision::Unknown(reason) => panic!("there are no bounds, but: {reason}"),
    }
}

/// The order is what the decision says: every instant lies within its operation, and the object can
/// go through it.
fn check_order<R: Reference>(object: &R, operations: &[Operation<'_>], decision: &Decision) {
    let (order, complete) = match decision {
        Decision::Valid { order } => (order, true),
        Decision::Violated { prefix, .. } => (prefix, false),
        Decision::Unknown(_) => return,
    };
    assert!(order.is_sorted_by_key(|placement| placement.before));
    let mut state = object.initial();
    let mut placed = Vec::new();
    for placement in order {
        state = match placement.placed {
            Placed::Operation(invoke) => {
                let operation = operations
                    .iter()
                    .find(|operation| operation.invoke.index == invoke)
                    .expect("it exists");
                assert!(invoke < placement.before);
                assert!(operation.end.is_none_or(
                    |end| end.kind == history::Kind::Info || placement.before <= end.index
                ));
                assert!(!placed.contains(&invoke));
                placed.push(invoke);
                let call = object
                    .call(operation)
                    .expect("it fits")
                    .expect("it means something");
                let next = object.step(&state, &call).expect("the object allows it");
                assert!(!object.observes(&call) || next == state);
                next
            }
            Placed::Revocation(revocation) => {
                let mut ways = object.revocations(&state).into_iter();
                ways.find(|(possible, _)| *possible == revocation)
                    .expect("the object allows it")
                    .1
            }
        };
    }
    let must = |operation: &&Operation<'_>| match operation.end {
        Some(end) => end.kind == history::Kind::Ok || end.observed,
        None => false,
    };
    let constrains =
        |operation: &&Operation<'_>| object.call(operation).expect("it fits").is_some();
    let missing = operations
        .iter()
        .filter(must)
        .filter(constrains)
        .any(|operation| !placed.contains(&operation.invoke.index));
    assert_eq!(complete, !missing);
}

/// How many histories a property is tried on: 5,000, or PROPTEST_CASES.
pub(crate) fn cases() -> u32 {
    let cases = std::env::var("PROPTEST_CASES").ok();
    cases.and_then(|cases| cases.parse().ok()).unwrap_or(5_000)
}

/// Runs a property over random histories of these operations.
pub(crate) fn for_histories(operations: Operations, property: impl Fn(&History)) {
    for_histories_up_to(16, operations, property);
}

/// The same over histories of fewer than so many events.
pub(crate) fn for_histories_up_to(
    events: usize,
    operations: Operations,
    property: impl Fn(&History),
) {
    let step = (
        0..3_u32,
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
    );
    let steps = prop::collection::vec(step, 1..events);
    let scripts = steps.prop_map(|steps| script(&steps, operations));
    for_scripts(&scripts, |script| property(&history(script)));
}

/// Runs a property over random histories in which one thing is done after the other, each by a
/// process of its own: an invocation and its end.
pub(crate) fn for_sequences(operations: &'static [(&str, &str)], property: impl Fn(&History)) {
    let one = prop::sample::select(operations);
    let script = |operations: Vec<(&str, &str)>| {
        let operations = operations.iter().enumerate();
        let events =
            operations.map(|(process, (what, end))| format!("{process} {what}; {process} {end}"));
        events.collect::<Vec<_>>().join("; ")
    };
    let scripts = prop::collection::vec(one, 1..12).prop_map(script);
    for_scripts(&scripts, |script| property(&history(script)));
}

fn for_scripts(scripts: &impl Strategy<Value = String>, property: impl Fn(&str)) {
    let mut runner = TestRunner::new(Config {
        cases: cases(),
        failure_persistence: None,
        ..Config::default()
    });
    let run = |script: String| {
        property(&script);
        Ok(())
    };
    let decision = runner.run(scripts, run);
    decision.unwrap_or_else(|error| panic!("{error}"));
}

fn search_agrees_with_brute_force<R: Reference>(object: &R, operations: Operations) {
    let tally = std::cell::RefCell::new(Tally::default());
    for_histories(operations, |history| {
        agree(object, history, &mut tally.borrow_mut());
    });
    let Tally { valid, violated } = tally.into_inner();
    let sizeable = cases() / 10;
    assert!(
        valid > sizeable && violated > sizeable,
        "valid {valid}, violated {violated}: the generator is lopsided"
    );
}

macro_rules! properties {
    ($($name:ident: $object:expr, $operations:expr;)*) => {
        $(#[test]
        fn $name() {
            search_agrees_with_brute_force(&$object, $operations);
        })*
    };
}

properties! {
    mutex: Mutex, LOCK;
    revocable_mutex: Revocable(Mutex), LOCK;
    owner_mutex: OwnerMutex, LOCK;
    revocable_owner_mutex: Revocable(OwnerMutex), LOCK;
    semaphore: Semaphore { permits: 2 }, LOCK;
    revocable_semaphore: Revocable(Semaphore { permits: 2 }), LOCK;
    owner_semaphore: OwnerSemaphore { permits: 2 }, LOCK;
    revocable_owner_semaphore: Revocable(OwnerSemaphore { permits: 2 }), LOCK;
    rwlock: RwLock, MODES;
    revocable_rwlock: Revocable(RwLock), MODES;
    reentrant: Reentrant { limit: 2 }, LOCK;
    revocable_reentrant: Revocable(Reentrant { limit: 2 }), LOCK;
    fenced: Fenced, TOKENS;
    revocable_fenced: Revocable(Fenced), TOKENS;
    reentrant_fenced: ReentrantFenced { limit: 2 }, TOKENS;
    revocable_reentrant_fenced: Revocable(ReentrantFenced { limit: 2 }), TOKENS;
    register: Register { initial: 0.into() }, REGISTER;
    cas_register: CasRegister { initial: 0.into() }, CAS;
    set: Set, SET;
    queue: Queue, QUEUE;
}
