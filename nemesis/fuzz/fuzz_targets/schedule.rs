//! A stored schedule may be any text: it is read without a panic, and one that is accepted can be written, reads back equal and
//! strikes somebody, one fault after another.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nemesis::Schedule;

const WORKERS: usize = 5;

fuzz_target!(|text: &str| {
    let Ok(schedule) = Schedule::parse(text) else {
        return;
    };
    let written = serde_json::to_string(&schedule).expect("a schedule is JSON");
    assert_eq!(
        Schedule::parse(&written).expect("what was written can be read"),
        schedule
    );
    assert!(schedule.faults.is_sorted_by_key(|planned| planned.at_ms));
    for planned in &schedule.faults {
        let targets = planned.target.resolve(WORKERS, &[]);
        assert!(!targets.is_empty() && targets.iter().all(|target| *target < WORKERS));
    }
});
