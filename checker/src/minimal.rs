//! Counterexamples are minimal: alone they violate, and without any part of them they do not.
//! `docs/certificates.md` says what that means for which rule.

use std::cell::Cell;
use std::collections::BTreeSet;

use history::{Function, History, HistoryBuilder, Kind};

use crate::beginning::beginning;
use crate::finding::{Rule, Violation};
use crate::search::Limits;
use crate::search::properties::{
    CAS, EXISTENCE, LOCK, MODES, Operations, QUEUE, REGISTER, REMOVAL, SEQUENCE, SET, SLOTS,
    TOKENS, cases, for_histories, for_sequences,
};
use crate::{Finding, Scope, Verdict, judge, linearize, parse};

/// A guarantee or a model, and how many may hold at one time.
struct Subject {
    of: &'static str,
    slots: u32,
}

impl Subject {
    fn finding(&self, history: &History) -> Finding {
        if let Some(model) = self.of.strip_prefix("model ") {
            return linearize(history, model, Limits::none())
                .expect("known")
                .finding;
        }
        let scope = Scope {
            slots: self.slots.try_into().expect("not 0"),
            ..Scope::default()
        };
        judge(
            history,
            &scope,
            Limits::none(),
            &[parse(self.of).expect("known")],
        )
        .remove(0)
    }

    fn is_violated_by(&self, history: &History) -> bool {
        self.finding(history).verdict == Verdict::Violated
    }

    /// Whether the history still shows this violation or, for all rules but two, any. Without its
    /// grant what confirmed a revived hold is unowned, which `ownership` does not allow either;
    /// without the overshoot a gap is one in the end.
    fn is_still_violated_by(&self, history: &History, rule: Rule) -> bool {
        let violations = self.finding(history).violations;
        let mut violations = violations.iter();
        let is_own = matches!(rule, Rule::Revived | Rule::GapAfterOvershoot);
        violations.any(|violation| !is_own || violation.rule == rule)
    }

    fn check(&self, history: &History, violation: &Violation) {
        match violation.rule {
            Rule::NoOrder => self.check_beginning(history, violation),
            // It speaks of what did not happen in the whole record.
            Rule::NeverGranted => {}
            Rule::LostDecrement | Rule::DoubledDecrement => self.check_counted(history, violation),
            // The event that ends a belief ends the latest of its process: which one that is, a
            // grant may decide that is not shown.
            _ if is_about_beliefs(self.of) && holds_twice(history) => {}
            _ => self.check_operations(history, violation),
        }
    }

    fn check_beginning(&self, history: &History, violation: &Violation) {
        let place = |index| {
            history
                .events()
                .partition_point(|event| event.index < index)
        };
        let last = place(violation.witness[0]);
        let up_to = |last| beginning(history, &violation.key, last);
        assert!(
            self.is_violated_by(&up_to(last)),
            "{}: {violation:?} alone\n{}",
            self.of,
            text(history)
        );
        assert!(
            !self.is_violated_by(&up_to(last - 1)),
            "{}: {violation:?} is not the shortest\n{}",
            self.of,
            text(history)
        );
    }

    /// What was counted violates alone, but not without an operation that the rule names.
    fn check_counted(&self, history: &History, violation: &Violation) {
        let explained = operations(history, &violation.events);
        assert!(
            self.is_violated_by(&only(history, &explained)),
            "{}: {violation:?} explained\n{}",
            self.of,
            text(history)
        );
        for operation in operations(history, &violation.witness) {
            let mut fewer = explained.clone();
            fewer.remove(&operation);
            assert!(
                !self.is_violated_by(&only(history, &fewer)),
                "{}: {violation:?} does not need {operation}\n{}",
                self.of,
                text(history)
            );
        }
    }

    fn check_operations(&self, history: &History, violation: &Violation) {
        let explained = operations(history, &violation.events);
        // As above: without the later grant the release whose end is explained ends this belief, too.
        let is_ambiguous = self.of == "exclusion" && holds_twice(history);
        assert!(
            is_ambiguous || self.is_violated_by(&only(history, &explained)),
            "{}: {violation:?} explained\n{}",
            self.of,
            text(history)
        );
        let needed = if shows_what_it_needs(self.of, violation.rule) {
            explained
        } else {
            operations(history, &violation.witness)
        };
        assert!(
            self.is_violated_by(&only(history, &needed)),
            "{}: {violation:?} alone\n{}",
            self.of,
            text(history)
        );
        for operation in &needed {
            let mut fewer = needed.clone();
            fewer.remove(operation);
            assert!(
                !self.is_still_violated_by(&only(history, &fewer), violation.rule),
                "{}: {violation:?} does not need {operation}\n{}",
                self.of,
                text(history)
            );
        }
    }
}

/// Whether how long a belief lasted is part of what is wrong.
fn is_about_beliefs(of: &str) -> bool {
    of.starts_with("overlap") || of == "fencing"
}

/// Whether a process was granted a lock that it had and did not give back.
fn holds_twice(history: &History) -> bool {
    let mut held = BTreeSet::new();
    history.events().iter().any(|event| {
        let hold = (event.process, event.key.clone());
        match (&event.function, event.kind) {
            (Function::Acquire, Kind::Ok) => !held.insert(hold),
            (Function::Release, Kind::Invoke) => {
                held.remove(&hold);
                false
            }
            _ => false,
        }
    })
}

/// Whether the counterexample is all that the explanation shows, not only the events that the rule
/// names.
fn shows_what_it_needs(of: &str, rule: Rule) -> bool {
    of.starts_with("overlap")
        || matches!(
            rule,
            Rule::TooManyConfirmed | Rule::GrantedInside | Rule::Revived | Rule::TokenRegressed
        )
}

/// The operations (by the places of their first events) to which events of these indices belong.
fn operations(history: &History, indices: &[u64]) -> BTreeSet<usize> {
    let place = |index: &u64| {
        history
            .events()
            .partition_point(|event| event.index < *index)
    };
    let first = |place: usize| {
        history
            .partner(place)
            .map_or(place, |other| place.min(other))
    };
    indices.iter().map(place).map(first).collect()
}

/// The history with these operations only.
fn only(history: &History, operations: &BTreeSet<usize>) -> History {
    let mut builder = HistoryBuilder::default();
    for (place, event) in history.events().iter().enumerate() {
        let first = history
            .partner(place)
            .map_or(place, |other| place.min(other));
        if operations.contains(&first) {
            builder
                .push_event(event.clone())
                .expect("whole operations keep to the rules");
        }
    }
    builder.finish()
}

fn text(history: &History) -> String {
    let mut bytes = Vec::new();
    history::jsonl::write(history, &mut bytes).expect("a vector takes all");
    String::from_utf8(bytes).expect("it is JSON")
}

/// Checks the first violation that each random history shows; some must.
fn counterexamples_are_minimal(of: &'static str, slots: u32, operations: Operations) {
    first_violations_are_minimal(Subject { of, slots }, |check| {
        for_histories(operations, check);
    });
}

fn first_violations_are_minimal(subject: Subject, histories: impl Fn(&dyn Fn(&History))) {
    let of = subject.of;
    let violated = Cell::new(0);
    histories(&|history| {
        if let Some(violation) = subject.finding(history).violations.first() {
            violated.set(violated.get() + 1);
            subject.check(history, violation);
        }
    });
    assert!(
        violated.get() > cases() / 2_000,
        "{of}: the generator hardly violates it: {} times",
        violated.get()
    );
}

const COUNTED: &[(&str, &str)] = &[
    ("count", "ok [1,2]"),
    ("count", "ok [1,2]"),
    ("count", "ok [1,2]"),
    ("count", "ok [1,2]"),
    ("count", "ok [1]"),
    ("count", "ok [1,2,3]"),
    ("request", "ok"),
    ("request", "ok"),
    ("request", "ok"),
    ("request", "info"),
    ("shrink", "refused"),
    ("shrink", "refused"),
    ("shrink", "refused"),
    ("shrink", "ok [3]"),
    ("grow", "ok [3]"),
    ("overshoot", "ok [3]"),
    ("grow", "info"),
];

#[test]
fn decrements() {
    for of in ["no-lost-decrement", "no-doubled-decrement"] {
        first_violations_are_minimal(Subject { of, slots: 1 }, |check| {
            for_sequences(COUNTED, check);
        });
    }
}

/// The release at 6 ends the later hold of 0; its end without an outcome, the earlier one.
#[test]
fn a_belief_may_end_with_the_release_of_another_hold() {
    let history = crate::testing::history(
        "0:acquire 0:acquire! 0:acquire 0:acquire! 2:acquire 1:acquire 0:release 1:acquire! \
         2:acquire! 0:release?",
    );
    let subject = Subject {
        of: "exclusion",
        slots: 2,
    };
    let violation = &subject.finding(&history).violations[0];
    assert_eq!(violation.witness, [8, 7, 1]);
    assert_eq!(violation.events, [1, 7, 8, 9]);
    subject.check(&history, violation);
}

macro_rules! properties {
    ($($name:ident: $of:expr, $slots:expr, $operations:expr;)*) => {
        $(#[test]
        fn $name() {
            counterexamples_are_minimal($of, $slots, $operations);
        })*
    };
}

properties! {
    exclusion: "exclusion", 1, LOCK;
    exclusion_of_two: "exclusion", 2, LOCK;
    exclusion_of_readers: "exclusion", 1, MODES;
    confirmed_exclusion: "confirmed-exclusion", 1, LOCK;
    confirmed_exclusion_of_two: "confirmed-exclusion", 2, LOCK;
    confirmed_exclusion_of_readers: "confirmed-exclusion", 1, MODES;
    overlap: "overlap<=2ns", 1, LOCK;
    overlap_of_two: "overlap<=0s", 2, LOCK;
    ownership: "ownership", 1, LOCK;
    fencing: "fencing", 1, TOKENS;
    justified_refusal: "justified-refusal", 1, LOCK;
    justified_refusal_of_two: "justified-refusal", 2, LOCK;
    slot_exclusion: "slot-exclusion", 2, SLOTS;
    slot_existence: "slot-existence", 1, EXISTENCE;
    slot_removal: "slot-removal", 1, REMOVAL;
    slot_sequence: "slot-sequence", 1, SEQUENCE;
    no_lost_update_of_a_set: "no-lost-update", 1, SET;
    no_lost_update_of_a_counter: "no-lost-update", 1, REGISTER;
    mutex: "model mutex", 1, LOCK;
    owner_mutex: "model owner-mutex", 1, LOCK;
    semaphore: "model semaphore:2", 1, LOCK;
    owner_semaphore: "model owner-semaphore:2", 1, LOCK;
    rwlock: "model rwlock", 1, MODES;
    reentrant: "model reentrant:2", 1, LOCK;
    fenced: "model fenced", 1, TOKENS;
    reentrant_fenced: "model reentrant-fenced:2", 1, TOKENS;
    register: "model register:0", 1, REGISTER;
    cas_register: "model cas-register:0", 1, CAS;
    set: "model set", 1, SET;
    queue: "model queue", 1, QUEUE;
}
