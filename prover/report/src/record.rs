//! The record as the page embeds it for its timeline: columns of numbers, so that many events take
//! few bytes.
//!
//! A line of the history is its index, its time, its process, and the rest of the line, of which
//! there are few different ones: each is written once. Values are written where there are any.

use std::collections::BTreeMap;

use history::{Event, History, Process, Value};
use serde::Serialize;

use crate::overlaps::Incident;
use crate::scene::Scene;

/// So many events are embedded at most: those around the first incident, or else the first ones.
pub(crate) const EVENTS_MAX: usize = 500_000;
/// How many of them come before the first incident if there are more.
const BEFORE: usize = EVENTS_MAX / 2;

/// The processes that are no clients, as numbers.
const NEMESIS: i64 = -1;
const RUN: i64 = -2;

/// What a page embeds. Columns of times hold differences.
#[derive(Serialize)]
pub(crate) struct Record<'a> {
    workers: u32,
    end: u64,
    keys: Vec<&'a str>,
    /// The place of the first event, and how many there are in the history.
    first: usize,
    total: usize,
    events: Events,
    holds: Holds,
    faults: Vec<Fault<'a>>,
    incidents: Vec<Marked<'a>>,
}

#[derive(Default, Serialize)]
struct Events {
    /// The first index; all of them if they are not consecutive.
    index: Indices,
    time: Vec<u64>,
    process: Vec<i64>,
    rest: Vec<usize>,
    rests: Vec<String>,
    /// Where there is a value, and which.
    at: Vec<usize>,
    value: Vec<usize>,
    values: Vec<String>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Indices {
    From(u64),
    Each(Vec<u64>),
}

impl Default for Indices {
    fn default() -> Self {
        Self::From(0)
    }
}

/// In the order of the grants; lengths are counted from there.
#[derive(Default, Serialize)]
struct Holds {
    begin: Vec<u64>,
    length: Vec<u64>,
    confirmed: Vec<u64>,
    process: Vec<u32>,
    key: Vec<usize>,
}

#[derive(Serialize)]
struct Fault<'a> {
    name: &'a str,
    class: String,
    begin: u64,
    end: Option<u64>,
    workers: Vec<u32>,
}

#[derive(Serialize)]
struct Marked<'a> {
    name: &'a str,
    begin: u64,
    end: u64,
    event: Option<u64>,
}

impl<'a> Record<'a> {
    pub(crate) fn of(scene: &'a Scene, history: &History, incidents: &'a [Incident<'_>]) -> Self {
        let events = history.events();
        let first = first_embedded(events, incidents);
        let embedded = &events[first..events.len().min(first + EVENTS_MAX)];
        let (from, to) = match (embedded.first(), embedded.last()) {
            (Some(one), Some(other)) => (one.time, other.time),
            _ => (0, 0),
        };
        Self {
            workers: scene.workers,
            end: scene.end,
            keys: (0..scene.keys.len())
                .map(|key| crate::timeline::key_text(scene, key))
                .collect(),
            first,
            total: events.len(),
            events: Events::of(embedded),
            holds: Holds::of(scene, from, to),
            faults: scene
                .windows
                .iter()
                .map(|window| Fault {
                    name: &window.fault,
                    class: scene.fault_class(&window.fault),
                    begin: window.begin,
                    end: window.end,
                    workers: window
                        .targets
                        .iter()
                        .map(|process| scene.worker(*process))
                        .collect(),
                })
                .collect(),
            incidents: incidents
                .iter()
                .map(|incident| Marked {
                    name: &incident.violation.anomaly,
                    begin: incident.begin,
                    end: incident.end,
                    event: incident.at().map(|event| event.index),
                })
                .collect(),
        }
    }

    /// As JSON that may stand inside of a script element: nothing in it ends or begins one.
    pub(crate) fn to_json(&self) -> String {
        let json = serde_json::to_string(self).expect("numbers and texts are JSON");
        embeddable(&json)
    }
}

/// JSON without the characters that mean something to HTML; in JSON they stand in texts only.
fn embeddable(json: &str) -> String {
    let mut safe = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        match c {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                safe.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => safe.push(c),
        }
    }
    safe
}

fn first_embedded(events: &[Event], incidents: &[Incident<'_>]) -> usize {
    let incident = incidents
        .first()
        .and_then(|incident| incident.events.first());
    let place = incident.map_or(0, |event| {
        events.partition_point(|other| other.index < event.index)
    });
    let last = events.len().saturating_sub(EVENTS_MAX);
    place.saturating_sub(BEFORE).min(last)
}

impl Events {
    fn of(events: &[Event]) -> Self {
        let mut columns = Self::default();
        let (mut rests, mut values) = (Numbered::default(), Numbered::default());
        let mut before = 0;
        for (place, event) in events.iter().enumerate() {
            columns.time.push(event.time - before);
            before = event.time;
            columns.process.push(number(event.process));
            columns.rest.push(rests.number(rest(event)));
            if event.value != Value::None {
                columns.at.push(place);
                let text = serde_json::to_string(&event.value).unwrap_or_default();
                columns.value.push(values.number(text));
            }
        }
        columns.index = indices(events);
        columns.rests = rests.texts;
        columns.values = values.texts;
        columns
    }
}

fn indices(events: &[Event]) -> Indices {
    let first = events.first().map_or(0, |event| event.index);
    let is_consecutive = (first..)
        .zip(events)
        .all(|(index, event)| index == event.index);
    if is_consecutive {
        Indices::From(first)
    } else {
        Indices::Each(events.iter().map(|event| event.index).collect())
    }
}

fn number(process: Process) -> i64 {
    match process {
        Process::Client(number) => i64::from(number),
        Process::Nemesis => NEMESIS,
        Process::Run => RUN,
    }
}

/// What stands behind the process in the line of an event, without its value.
fn rest(event: &Event) -> String {
    let bare = Event {
        index: 0,
        time: 0,
        process: Process::Client(0),
        value: Value::None,
        ..event.clone()
    };
    let line = serde_json::to_string(&bare).unwrap_or_default();
    line.split_once("\"type\":")
        .map_or(String::new(), |(_, rest)| format!("\"type\":{rest}"))
}

/// Texts, each with its number, once.
#[derive(Default)]
struct Numbered {
    numbers: BTreeMap<String, usize>,
    texts: Vec<String>,
}

impl Numbered {
    fn number(&mut self, text: String) -> usize {
        if let Some(number) = self.numbers.get(&text) {
            return *number;
        }
        let number = self.texts.len();
        self.texts.push(text.clone());
        self.numbers.insert(text, number);
        number
    }
}

impl Holds {
    fn of(scene: &Scene, from: u64, to: u64) -> Self {
        let mut columns = Self::default();
        let mut before = 0;
        let mut holds: Vec<_> = scene
            .holds
            .iter()
            .filter(|hold| hold.begin <= to && hold.end >= from)
            .collect();
        holds.sort_by_key(|hold| hold.begin);
        for hold in holds {
            columns.begin.push(hold.begin - before);
            before = hold.begin;
            columns.length.push(hold.end - hold.begin);
            columns.confirmed.push(hold.confirmed - hold.begin);
            columns.process.push(hold.process);
            columns.key.push(hold.key);
        }
        columns
    }
}

#[cfg(test)]
mod tests {
    use history::{Draft, Function, HistoryBuilder, Kind};

    use super::*;

    #[test]
    fn a_line_can_be_put_together_again() {
        let mut builder = HistoryBuilder::default();
        let key = "a \"value\":null </script>";
        let drafts = [
            Draft::new(Process::Client(3), Kind::Invoke, Function::Write).on(key),
            Draft::new(Process::Client(3), Kind::Fail, Function::Write)
                .on(key)
                .with(Value::data(7.into()))
                .because("busy", "no\n")
                .observed(),
        ];
        for (time, draft) in [5, 9].into_iter().zip(drafts) {
            builder.push(time, draft).expect("well-formed");
        }
        let history = builder.finish();
        let scene = Scene::of(&history, 1);
        let record = Record::of(&scene, &history, &[]);
        let events = &record.events;
        assert_eq!(
            (&events.time[..], &events.process[..]),
            (&[5, 4][..], &[3, 3][..])
        );
        assert_eq!(
            (&events.at[..], &events.values[..]),
            (&[1][..], &["7".to_owned()][..])
        );
        let line = format!(
            "{{\"index\":1,\"time\":9,\"process\":3,{}",
            events.rests[events.rest[1]].replacen("\"value\":null", "\"value\":7", 1)
        );
        let expected = serde_json::to_string(&history.events()[1]).expect("an event is JSON");
        assert_eq!(line, expected);
        assert!(!record.to_json().contains('<'));
        let back: serde_json::Value = serde_json::from_str(&record.to_json()).expect("JSON");
        assert_eq!(back["keys"][0], key);
    }
}
