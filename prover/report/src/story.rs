//! A violation in the words of people: who was granted the lock when, what broke, who was granted
//! it next, and for how long both believed.

use checker::{End as Why, Hold, Rule, show_ns};
use history::fault::Window;
use history::{Event, Function, Kind, Value};

use crate::proof::{End, Evidence, read_before};
use crate::starvation::starvation;
use crate::words::{did, struck};

/// How many faults and events are told of.
const FAULTS_MAX: usize = 3;
const EVENTS_MAX: usize = 12;

/// The story, a sentence each.
pub(crate) fn story(evidence: &Evidence<'_>) -> Vec<String> {
    match evidence.violation.rule {
        Rule::TooManyBelieve | Rule::TooManyConfirmed | Rule::GrantedInside | Rule::TooManyHold => {
            double_hold(evidence)
        }
        Rule::LostUpdate => lost_update(evidence),
        Rule::NeverGranted => starvation(evidence),
        Rule::TokenRegressed | Rule::OrderOfTokens => tokens(evidence),
        _ => events(evidence),
    }
}

/// Grants and faults in the order of time, then the overlap.
fn double_hold(evidence: &Evidence<'_>) -> Vec<String> {
    let mut told: Vec<(usize, String)> = Vec::new();
    for (number, hold) in evidence.holds.iter().enumerate() {
        told.push((hold.granted(), granted(evidence, hold, number)));
    }
    told.extend(faults(evidence));
    told.sort_by_key(|(place, _)| *place);
    let mut story: Vec<String> = told.into_iter().map(|(_, sentence)| sentence).collect();
    story.extend(overlap(evidence));
    story
}

fn faults(evidence: &Evidence<'_>) -> impl Iterator<Item = (usize, String)> {
    let windows = evidence.windows.iter().filter(|window| {
        evidence.strikes_who_took_part(window) || window.targets.processes().is_empty()
    });
    windows
        .take(FAULTS_MAX)
        .map(|window| (window.inject, fault(evidence, window)))
}

pub(crate) fn fault(evidence: &Evidence<'_>, window: &Window) -> String {
    let began = evidence.time(window.inject);
    let lasted = window.heal.map_or(
        "the record does not show that it healed".to_owned(),
        |heal| format!("it lasted {}", show_ns(evidence.time(heal) - began)),
    );
    let struck = struck(evidence, window);
    format!(
        "At {} {} began{struck}; {lasted}.",
        seconds(began),
        window.name
    )
}

fn granted(evidence: &Evidence<'_>, hold: &Hold, number: usize) -> String {
    let who = capital(&evidence.worker(hold.process()));
    let key = if number == 0 {
        evidence.key().to_owned()
    } else {
        format!("{} too", evidence.key())
    };
    let at = seconds(evidence.time(hold.granted()));
    format!(
        "{who} was granted {key} at {at} and believed in it {}.",
        until(evidence, hold)
    )
}

/// `until it asked to give it back, at 3.200 s`.
pub(crate) fn until(evidence: &Evidence<'_>, hold: &Hold) -> String {
    let place = match evidence.end(hold) {
        End::Lease(time) => return format!("until its lease was over, at {}", seconds(time)),
        End::Never => return "to the end of the record".to_owned(),
        End::Event(place) => place,
    };
    let event = evidence.event(place);
    let at = seconds(event.time);
    match hold.end() {
        Why::Release => format!("until it asked to give it back, at {at}"),
        Why::Loss => format!("until it learned that it was lost, at {at}"),
        Why::Retired => format!(
            "until it gave up at {at}: nobody knows how its {} ended{}",
            event.function,
            why(event)
        ),
        Why::Open => "to the end of the record".to_owned(),
    }
}

fn why(event: &Event) -> String {
    event
        .error
        .as_ref()
        .map_or(String::new(), |error| format!(" ({})", error.kind))
}

fn overlap(evidence: &Evidence<'_>) -> Option<String> {
    let length = show_ns(evidence.violation.exposure_ns?);
    let who = match evidence.processes.len() {
        0 | 1 => "more clients than the lock has slots".to_owned(),
        2 => "both".to_owned(),
        count => format!("all {count}"),
    };
    Some(match evidence.violation.rule {
        Rule::TooManyBelieve => format!("For {length} {who} believed that they held it."),
        _ => format!(
            "For {length} {who} certainly held it: the service confirmed each of these holds later."
        ),
    })
}

/// What was written and acknowledged, and what shows that it is gone, with the numbers.
fn lost_update(evidence: &Evidence<'_>) -> Vec<String> {
    let ends = ends(evidence);
    let mut told: Vec<&Event> = ends.iter().copied().chain(reads(evidence, &ends)).collect();
    told.sort_by_key(|event| event.index);
    let mut story: Vec<String> = told
        .iter()
        .map(|event| acknowledged(evidence, event))
        .collect();
    let written = |event: &&&Event| matches!(event.function, Function::Write | Function::Add);
    let updates: Vec<&&Event> = ends.iter().filter(written).collect();
    let value = |event: &Event| value(evidence, event);
    story.push(match updates.as_slice() {
        [one, other] => format!(
            "Both wrote {}: the later one knew nothing of the earlier, so that one of the two updates is lost.",
            if value(one) == value(other) { value(one) } else { "the same".to_owned() }
        ),
        [one] => format!("The acknowledged update {} is lost.", value(one)),
        _ => "An acknowledged update is lost.".to_owned(),
    });
    let mut faults: Vec<String> = faults(evidence).map(|(_, sentence)| sentence).collect();
    story.append(&mut faults);
    story
}

/// What the writers had read before.
fn reads<'a>(evidence: &Evidence<'a>, ends: &[&Event]) -> Vec<&'a Event> {
    let place = |event: &&Event| {
        let events = evidence.history.events();
        events.partition_point(|other| other.index < event.index)
    };
    let reads = ends
        .iter()
        .filter_map(|event| read_before(evidence.history, place(event)));
    reads.map(|place| evidence.event(place)).collect()
}

/// `Worker 1 wrote 5 to counter at 3.100 s, and that was acknowledged.`
fn acknowledged(evidence: &Evidence<'_>, event: &Event) -> String {
    let (who, at, value) = (
        whose(evidence, event),
        seconds(event.time),
        value(evidence, event),
    );
    let key = evidence.key();
    match event.function {
        Function::Write => format!("{who} wrote {value} to {key}, which was acknowledged at {at}."),
        Function::Add => format!("{who} added {value} to {key}, which was acknowledged at {at}."),
        Function::Read => format!("{who} read {value} from {key} at {at}."),
        _ => format!("{who} {} at {at}.", did(key, event)),
    }
}

/// What an operation wrote or read: its answer, or else what was asked.
fn value(evidence: &Evidence<'_>, end: &Event) -> String {
    let place = evidence
        .history
        .events()
        .partition_point(|event| event.index < end.index);
    let asked = evidence
        .history
        .partner(place)
        .map(|place| &evidence.event(place).value);
    let values = [Some(&end.value), asked];
    let known = values
        .into_iter()
        .flatten()
        .find(|value| **value != Value::None);
    let text = known.map(|value| serde_json::to_string(value).unwrap_or_default());
    text.map_or("nothing".to_owned(), |text| {
        crate::chart::clipped(&text, 120)
    })
}

fn tokens(evidence: &Evidence<'_>) -> Vec<String> {
    let mut story: Vec<String> = ends(evidence)
        .iter()
        .map(|event| match &event.value {
            Value::Grant(grant) => format!(
                "{} was granted {} at {} with token {}.",
                whose(evidence, event),
                evidence.key(),
                seconds(event.time),
                grant.token
            ),
            _ => acknowledged(evidence, event),
        })
        .collect();
    story.push("The later token is not greater, so a resource that checks tokens cannot tell who comes last.".to_owned());
    story
}

/// What happened, one event after the other.
fn events(evidence: &Evidence<'_>) -> Vec<String> {
    let mut story: Vec<String> = ends(evidence)
        .iter()
        .take(EVENTS_MAX)
        .map(|event| {
            let what = did(evidence.key(), event);
            format!(
                "{} {what}, at {}.",
                whose(evidence, event),
                seconds(event.time)
            )
        })
        .collect();
    story.extend(faults(evidence).map(|(_, sentence)| sentence));
    story
}

/// The ends of the operations that the violation names; the invocations of those that have none.
fn ends<'a>(evidence: &Evidence<'a>) -> Vec<&'a Event> {
    let events = evidence.history.events();
    let places = evidence
        .violation
        .events
        .iter()
        .filter_map(|index| events.binary_search_by_key(index, |event| event.index).ok());
    let mut ends: Vec<usize> = places
        .map(|place| match events[place].kind {
            Kind::Invoke => evidence.history.partner(place).unwrap_or(place),
            _ => place,
        })
        .collect();
    ends.sort_unstable();
    ends.dedup();
    ends.into_iter()
        .map(|place| evidence.event(place))
        .collect()
}

fn whose(evidence: &Evidence<'_>, event: &Event) -> String {
    match event.process {
        history::Process::Client(number) => capital(&evidence.worker(number)),
        process => capital(&process.to_string()),
    }
}

pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

pub(crate) fn seconds(time: u64) -> String {
    format!("{:.3} s", time as f64 / 1e9)
}
