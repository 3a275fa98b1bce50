//! No guarantee goes on when its time is up, and none then says more than it knows.

#[path = "../benches/adverse/histories.rs"]
mod histories;

use std::sync::atomic::{AtomicUsize, Ordering};

use checker::search::Limits;
use checker::{Case, Finding, Verdict, parse};
use histories::{ALL, Adverse};

/// Long enough for loops to ask in their midst.
const EVENTS: usize = 12_000;

/// What is found until `stop` says yes, and how often it was asked.
fn judged_until(adverse: &Adverse, stop_at: usize) -> (Finding, usize) {
    let (history, scope) = (adverse.history(EVENTS), adverse.scope(EVENTS));
    let asked = AtomicUsize::new(0);
    let stop = || asked.fetch_add(1, Ordering::Relaxed) + 1 >= stop_at;
    let limits = Limits {
        stop: &stop,
        ..Limits::none()
    };
    let guarantee = parse(adverse.guarantee).expect("it is in the list");
    let finding = guarantee.judge(&Case::new(&history, &scope, limits));
    (finding, asked.into_inner())
}

#[test]
fn every_guarantee_ends_when_its_time_is_up() {
    for entry in checker::guarantee::ALL {
        let stem = |name: &'static str| name.split("<=").next();
        let is_tried = ALL
            .iter()
            .any(|adverse| stem(adverse.guarantee) == stem(entry.pattern));
        assert!(is_tried, "{}", entry.pattern);
    }
    for adverse in ALL {
        let name = format!("{}: {}", adverse.guarantee, adverse.what);
        let (whole, asked) = judged_until(adverse, usize::MAX);
        assert!(asked > 0, "{name} never asks");
        for stop_at in [1, 2, asked / 2, asked].map(|at| at.clamp(1, asked)) {
            let (found, _) = judged_until(adverse, stop_at);
            assert_eq!(found.guarantee, whole.guarantee);
            assert_ne!(
                found.verdict,
                Verdict::Valid,
                "{name} at {stop_at} of {asked}"
            );
            if found.verdict == Verdict::Violated {
                assert_eq!(whole.verdict, Verdict::Violated, "{name}");
                let is_shown = |violation| whole.violations.contains(violation);
                assert!(found.violations.iter().all(is_shown), "{name}");
            } else {
                let reason = found.reason.expect("unknown has a reason");
                assert!(reason.contains("the time ran out"), "{name}: {reason}");
            }
            assert!(!found.evidence.is_empty());
        }
        let (found, _) = judged_until(adverse, asked + 1);
        assert_eq!(found, whole, "{name} had all the time that it took");
    }
}
