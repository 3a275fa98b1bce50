//! A stored schedule may be any text: it is read without a panic, and one that is accepted can be
//! written, reads back equal and strikes workers that exist; the faults of a lane come one after
//! another.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nemesis::Schedule;

const WORKERS: &[usize] = &[0, 1, 2, 3, 4];

fuzz_target!(|text: &str| {
    let Ok(schedule) = Schedule::parse(text) else {
        return;
    };
    let written = serde_json::to_string(&schedule).expect("a schedule is JSON");
    assert_eq!(
        Schedule::parse(&written).expect("what was written can be read"),
        schedule
    );
    for planned in &schedule.faults {
        let targets = planned.target.resolve(WORKERS, &[]);
        assert!(targets.iter().all(|target| WORKERS.contains(target)));
    }
    let lanes = schedule.lanes();
    assert_eq!(lanes.iter().map(Vec::len).sum::<usize>(), schedule.faults.len());
    for lane in lanes {
        let mut pairs = lane.windows(2).map(|pair| (&schedule.faults[pair[0]], &schedule.faults[pair[1]]));
        assert!(pairs.all(|(one, next)| one.ends_ms() <= next.at_ms));
    }
});
