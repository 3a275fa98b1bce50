//! What each fault did to those who held a lock: when they noticed, when somebody else was granted it, and for how long both believed.

use std::collections::BTreeMap;
use std::sync::Arc;

use history::fault::Window;
use history::{Event, Function, History, Kind, Process};

/// What a fault did to one holder. Times are in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Which fault of the schedule.
    pub id: u64,
    /// Its name.
    pub fault: String,
    /// When it was injected, since the run began.
    pub injected: u64,
    /// How long it lasted; nothing if the record ends before it heals.
    pub lasted: Option<u64>,
    /// How long after that the holder learned that it had lost the lock; nothing if it did not, or released it.
    pub noticed: Option<u64>,
    /// How long after that somebody else was granted the lock.
    pub granted: Option<u64>,
    /// For how long both believed to hold it.
    pub exposure: u64,
}

/// One hold, from grant to the end of belief.
#[derive(Debug)]
struct Hold {
    process: u32,
    key: Option<Arc<str>>,
    granted: u64,
    ended: Option<(u64, Ending)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Released,
    Lost,
}

/// The effects of all faults on those who held a lock when these were injected.
#[must_use]
pub fn effects(history: &History) -> Vec<Effect> {
    let holds = holds(history);
    let mut effects = Vec::new();
    let time = |place: usize| history.events()[place].time;
    for window in history.windows() {
        let injected = time(window.inject);
        let lasted = window.heal.map(|heal| time(heal) - injected);
        let is_hit = |hold: &&Hold| {
            let ended = hold.ended.map_or(u64::MAX, |(ended, _)| ended);
            window.targets.processes().contains(&hold.process)
                && hold.granted < injected
                && injected <= ended
        };
        for hold in holds.iter().filter(is_hit) {
            effects.push(effect(&holds, hold, &window, injected, lasted));
        }
    }
    effects
}

fn effect(
    holds: &[Hold],
    hit: &Hold,
    window: &Window,
    injected: u64,
    lasted: Option<u64>,
) -> Effect {
    let next = holds
        .iter()
        .filter(|other| {
            other.key == hit.key && other.process != hit.process && other.granted > injected
        })
        .map(|other| other.granted)
        .min();
    let noticed = hit.ended.filter(|(_, ending)| *ending == Ending::Lost);
    let exposure = match (hit.ended, next) {
        (Some((ended, _)), Some(granted)) => ended.saturating_sub(granted),
        _ => 0,
    };
    Effect {
        id: window.id,
        fault: window.name.to_string(),
        injected,
        lasted,
        noticed: noticed.map(|(at, _)| at - injected),
        granted: next.map(|at| at - injected),
        exposure,
    }
}

fn holds(history: &History) -> Vec<Hold> {
    let mut holds: Vec<Hold> = Vec::new();
    let mut open: BTreeMap<(u32, Option<Arc<str>>), usize> = BTreeMap::new();
    for event in history.events() {
        let Process::Client(process) = event.process else {
            continue;
        };
        if event.function == Function::Acquire && event.kind == Kind::Ok {
            open.insert((process, event.key.clone()), holds.len());
            holds.push(Hold {
                process,
                key: event.key.clone(),
                granted: event.time,
                ended: None,
            });
            continue;
        }
        let Some(ending) = ending(event) else {
            continue;
        };
        // Whoever is retired holds nothing any more, on any key.
        let is_over = |(owner, key): &(u32, Option<Arc<str>>)| {
            *owner == process && (event.kind == Kind::Info || *key == event.key)
        };
        let over: Vec<_> = open
            .keys()
            .filter(|entry| is_over(entry))
            .cloned()
            .collect();
        for entry in over {
            if let Some(hold) = open.remove(&entry) {
                holds[hold].ended = Some((event.time, ending));
            }
        }
    }
    holds
}

/// Whether an event ends belief, and how.
fn ending(event: &Event) -> Option<Ending> {
    let says_lost = event.value == history::Value::Answer(history::Answer::Lost);
    match (event.kind, &event.function) {
        (Kind::Invoke, Function::Release) => Some(Ending::Released),
        (Kind::Info, _) | (Kind::Ok, Function::Lost) => Some(Ending::Lost),
        (Kind::Ok, Function::Verify) if says_lost => Some(Ending::Lost),
        (Kind::Fail, Function::Verify) if event.observed => Some(Ending::Lost),
        _ => None,
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
        let expected = Effect {
            id: 0,
            fault: "cut".to_owned(),
            injected: 90,
            lasted: Some(310),
            noticed: Some(40),
            granted: Some(20),
            exposure: 20,
        };
        assert_eq!(effects(&history), [expected]);
    }

    #[test]
    fn whom_no_fault_was_aimed_at_is_left_out() {
        let elsewhere = RECORD.replace("{\"processes\":[0]}", "{\"processes\":[1]}");
        let history = history::jsonl::read(elsewhere.as_bytes()).expect("well-formed");
        assert!(effects(&history).is_empty());
    }
}
