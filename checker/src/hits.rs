//! What each fault did to those who held a lock: when they noticed, when somebody else was granted
//! it, and for how long both believed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{End, Hold, Lock, locks};
use history::History;
use history::fault::Window;

/// What a fault did to one holder. Times are in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// Which fault of the schedule.
    pub id: u64,
    /// Its name.
    pub fault: String,
    /// When it was injected, since the run began.
    pub injected: u64,
    /// How long it lasted; nothing if the record ends before it heals.
    pub lasted: Option<u64>,
    /// How long after that the holder learned that it had lost the lock; nothing if it did not, or
    /// released it.
    pub noticed: Option<u64>,
    /// How long after that somebody else was granted the lock.
    pub granted: Option<u64>,
    /// For how long both believed to hold it.
    pub exposure: u64,
}

/// A hold in time, with the key of its lock.
struct Held<'a> {
    key: Option<&'a Arc<str>>,
    hold: &'a Hold,
    granted: u64,
    /// Where belief ends for another reason than that a lease is over, if it does.
    ended: Option<u64>,
    /// Where belief ends at last, if it does.
    believed: Option<u64>,
}

/// What all faults did to those who held a lock when these were injected. Where so many slots are
/// held by others at the same time, somebody else was granted the lock only if both grants name the
/// same slot.
#[must_use]
pub fn hits(history: &History, slots: u32) -> Vec<Hit> {
    let locks = locks(history);
    let holds = held(history, &locks);
    let mut hits = Vec::new();
    let time = |place: usize| history.events()[place].time;
    for window in history.windows() {
        let injected = time(window.inject);
        let lasted = window.heal.map(|heal| time(heal) - injected);
        let is_hit = |held: &&Held<'_>| {
            !window.missed
                && window.targets.processes().contains(&held.hold.process())
                && held.hold.is_believed_at(window.inject)
        };
        for held in holds.iter().filter(is_hit) {
            hits.push(hit(&holds, held, &window, (injected, lasted), slots));
        }
    }
    hits
}

/// All holds in the order of the grants.
fn held<'a>(history: &History, locks: &'a [Lock]) -> Vec<Held<'a>> {
    let time = |place: usize| history.events()[place].time;
    let of_lock = |lock: &'a Lock| {
        lock.holds().iter().map(move |hold| Held {
            key: lock.key(),
            hold,
            granted: time(hold.granted()),
            ended: hold.believed_until().map(time),
            believed: hold
                .beliefs()
                .last()
                .map_or(Some(0), |last| last.until_ns()),
        })
    };
    let mut holds: Vec<Held<'_>> = locks.iter().flat_map(of_lock).collect();
    holds.sort_by_key(|held| held.hold.granted());
    holds
}

fn hit(
    holds: &[Held<'_>],
    struck: &Held<'_>,
    window: &Window,
    (injected, lasted): (u64, Option<u64>),
    slots: u32,
) -> Hit {
    let slot = struck.hold.slot();
    let is_same = |other: &Held<'_>| slots == 1 || (slot.is_some() && other.hold.slot() == slot);
    let is_next = |other: &&Held<'_>| {
        other.key == struck.key
            && is_same(other)
            && other.hold.process() != struck.hold.process()
            && other.granted > injected
    };
    let next = holds
        .iter()
        .filter(is_next)
        .map(|other| other.granted)
        .min();
    let noticed = struck
        .ended
        .filter(|_| matches!(struck.hold.end(), End::Loss | End::Retired));
    let exposure = match (struck.believed, next) {
        (Some(ended), Some(granted)) => ended.saturating_sub(granted),
        _ => 0,
    };
    Hit {
        id: window.id,
        fault: window.name.to_string(),
        injected,
        lasted,
        noticed: noticed.map(|at| at - injected),
        granted: next.map(|at| at - injected),
        exposure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A holder that is cut off, and somebody else who is granted the lock before it notices.
    const RECORD: &str = r#"{"index":0,"time":10,"process":0,"type":"invoke","f":"acquire","key":"k","value":null}
{"index":1,"time":20,"process":0,"type":"ok","f":"acquire","key":"k","value":null}
{"index":2,"time":90,"process":"nemesis","type":"info","f":"cut","key":null,"value":{"phase":"inject","id":0,"class":"breaking","targets":{"processes":[0]}}}
{"index":3,"time":100,"process":"nemesis","type":"info","f":"cut","key":null,"value":{"phase":"on","id":0}}
{"index":4,"time":105,"process":1,"type":"invoke","f":"acquire","key":"k","value":null}
{"index":5,"time":110,"process":1,"type":"ok","f":"acquire","key":"k","value":null}
{"index":6,"time":120,"process":0,"type":"invoke","f":"verify","key":"k","value":null}
{"index":7,"time":130,"process":0,"type":"info","f":"verify","key":"k","value":null,"error":{"kind":"io","text":"gone"}}
{"index":8,"time":400,"process":"nemesis","type":"info","f":"cut","key":null,"value":{"phase":"heal","id":0}}
"#;

    #[test]
    fn a_fault_is_noticed_the_lock_goes_on_and_both_believe_in_between() {
        let history = history::jsonl::read(RECORD.as_bytes()).expect("well-formed");
        let expected = Hit {
            id: 0,
            fault: "cut".to_owned(),
            injected: 90,
            lasted: Some(310),
            noticed: Some(40),
            granted: Some(20),
            exposure: 20,
        };
        assert_eq!(hits(&history, 1), [expected]);
    }

    #[test]
    fn who_has_another_slot_has_not_what_the_holder_lost() {
        let granted = |first: u32, second: u32| {
            let mut lines: Vec<String> = RECORD.lines().map(str::to_owned).collect();
            for (line, slot) in [(1, first), (5, second)] {
                let grant = format!(r#""value":{{"slot":{slot}}}"#);
                lines[line] = lines[line].replace(r#""value":null"#, &grant);
            }
            let history = history::jsonl::read(lines.join("\n").as_bytes()).expect("well-formed");
            let hits = hits(&history, 3);
            (hits[0].granted, hits[0].exposure)
        };
        assert_eq!(granted(1, 2), (None, 0));
        assert_eq!(granted(1, 1), (Some(20), 20));
        let history = history::jsonl::read(RECORD.as_bytes()).expect("well-formed");
        assert_eq!(hits(&history, 3)[0].granted, None);
    }

    #[test]
    fn whom_no_fault_was_aimed_at_is_left_out() {
        let elsewhere = RECORD.replace("{\"processes\":[0]}", "{\"processes\":[1]}");
        let history = history::jsonl::read(elsewhere.as_bytes()).expect("well-formed");
        assert!(hits(&history, 1).is_empty());
    }
}
