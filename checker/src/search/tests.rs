//! Bounds, long histories, and crashes in numbers.

use std::sync::atomic::{AtomicU32, Ordering};

use history::{Draft, Function, History, HistoryBuilder, Kind, Process, Value};

use super::{Decision, Limits, Reason, linearizable};
use crate::model::named;
use crate::model::testing::history;

fn decision(model: &str, history: &History, limits: &Limits<'_>) -> Decision {
    linearizable(&*named(model).expect("a model"), history, limits)
        .remove(0)
        .decision
}

struct Writer {
    builder: HistoryBuilder,
    time: u64,
}

impl Writer {
    fn new() -> Self {
        Self {
            builder: HistoryBuilder::default(),
            time: 0,
        }
    }

    fn push(&mut self, process: u32, kind: Kind, function: Function, value: Value) {
        self.time += 1;
        let draft = Draft::new(Process::Client(process), kind, function)
            .on("k")
            .with(value);
        self.builder.push(self.time, draft).expect("well-formed");
    }

    fn whole(&mut self, process: u32, function: Function, asked: Value, answered: Value) {
        self.push(process, Kind::Invoke, function.clone(), asked);
        self.push(process, Kind::Ok, function, answered);
    }
}

fn number(number: u32) -> Value {
    Value::data(number.into())
}

/// `crashed` writes of one value that never returned, then turns of writes and reads, and a read of
/// what nobody wrote.
fn crashed_writes(crashed: u32, value: impl Fn(u32) -> u32) -> History {
    let mut writer = Writer::new();
    for process in 0..crashed {
        writer.push(
            10 + process,
            Kind::Invoke,
            Function::Write,
            number(value(process)),
        );
    }
    for turn in 0..50 {
        writer.whole(0, Function::Write, number(100 + turn), Value::None);
        writer.whole(1, Function::Read, Value::None, number(value(0)));
    }
    writer.whole(1, Function::Read, Value::None, number(99));
    writer.builder.finish()
}

#[test]
fn equal_crashed_operations_do_not_multiply() {
    // A crashed write is needed for each of 50 reads, and there are 60 equal ones: 2^60 choices, or
    // 61.
    let steps = AtomicU32::new(0);
    let stop = || steps.fetch_add(1, Ordering::Relaxed) > 1_000;
    let limits = Limits {
        stop: &stop,
        memory_bytes: 64 << 20,
    };
    let Decision::Violated { prefix, .. } =
        decision("register:0", &crashed_writes(60, |_| 7), &limits)
    else {
        panic!("the last read is of a value that nobody wrote");
    };
    assert_eq!(
        prefix.len(),
        150,
        "50 writes, 50 reads, and a crashed write for each read"
    );
}

#[test]
fn the_bounds_are_honoured() {
    // Crashed writes of different values that are never read: every subset and order could be.
    let hard = crashed_writes(40, |process| process + 200);
    let asked = AtomicU32::new(0);
    let stop = || asked.fetch_add(1, Ordering::Relaxed) >= 3;
    let stopped = decision(
        "register:0",
        &hard,
        &Limits {
            stop: &stop,
            memory_bytes: usize::MAX,
        },
    );
    assert_eq!(stopped, Decision::Unknown(Reason::Stopped));
    assert_eq!(asked.into_inner(), 4);
    let memory_bytes = 1 << 20;
    let limits = Limits {
        stop: &|| false,
        memory_bytes,
    };
    assert_eq!(
        decision("register:0", &hard, &limits),
        Decision::Unknown(Reason::Memory { memory_bytes })
    );
}

#[test]
fn a_long_history_needs_no_deep_stack() {
    let mut writer = Writer::new();
    for turn in 0..100_000 {
        writer.push(0, Kind::Invoke, Function::Write, number(turn));
        writer.whole(1, Function::Write, number(turn + 1), Value::None);
        writer.push(0, Kind::Ok, Function::Write, Value::None);
        writer.whole(1, Function::Read, Value::None, number(turn));
    }
    let history = writer.builder.finish();
    let small_stack = std::thread::Builder::new().stack_size(64 << 10);
    let search = move || decision("register:0", &history, &Limits::none());
    let decision = small_stack
        .spawn(search)
        .expect("a thread")
        .join()
        .expect("no panic");
    assert!(matches!(decision, Decision::Valid { order } if order.len() == 300_000));
}

#[test]
fn keys_are_independent_and_foreign_ones_left_out() {
    let mut builder = HistoryBuilder::default();
    let draft = |process, kind, function| Draft::new(Process::Client(process), kind, function);
    for (process, function, key) in [
        (0, Function::Acquire, "a"),
        (1, Function::Acquire, "b"),
        (2, Function::Acquire, "b"),
        (3, Function::Write, "c"),
    ] {
        builder
            .push(0, draft(process, Kind::Invoke, function.clone()).on(key))
            .expect("well-formed");
        builder
            .push(0, draft(process, Kind::Ok, function).on(key))
            .expect("well-formed");
    }
    let history = builder.finish();
    let decisions = linearizable(
        &*named("mutex").expect("a model"),
        &history,
        &Limits::none(),
    );
    let keys: Vec<_> = decisions
        .iter()
        .map(|decision| decision.key.as_deref())
        .collect();
    assert_eq!(keys, [Some("a"), Some("b")]);
    assert!(matches!(decisions[0].decision, Decision::Valid { .. }));
    assert!(matches!(
        decisions[1].decision,
        Decision::Violated { stuck: 4, .. }
    ));
    let foreign = decision("queue", &history, &Limits::none());
    assert_eq!(
        foreign,
        Decision::Unknown(Reason::UnknownOperation {
            function: Function::Acquire
        })
    );
}

#[test]
fn a_key_with_a_foreign_operation_is_unknown() {
    let mixed = history("0 acquire; 0 ok; 0 count; 0 ok [3]");
    let unknown = Decision::Unknown(Reason::UnknownOperation {
        function: Function::Count,
    });
    assert_eq!(decision("mutex", &mixed, &Limits::none()), unknown);
    assert!(
        linearizable(
            &*named("mutex").expect("a model"),
            &History::default(),
            &Limits::none()
        )
        .is_empty()
    );
}
