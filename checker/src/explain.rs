//! A violation for people: its events in a table, and a picture of who believed what while which
//! faults were on.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use history::fault::Window;
use history::{Event, History, Process, Value};

use crate::finding::{Reach, Violation, show_ns};
use crate::hold::Hold;
use crate::holds::{self, Lock};
use crate::position::{NEVER, Position, position, position_or_never};

/// How wide the time between two events is drawn, in characters.
const STEP: usize = 4;

/// How many operations of a legal order are shown.
const SHOWN_MAX: usize = 10;

/// A table of the events of a violation and a picture of the time around them.
///
/// In the picture each column marked `|` is an event of the table or the edge of a fault. A process
/// asks for the lock where `?` stands, believes that it holds it where `#` stands, and a fault is
/// on where `=` stands.
#[must_use]
pub fn explain(history: &History, violation: &Violation) -> String {
    let scene = Scene::new(history, violation);
    let mut text = violation.anomaly.to_string();
    if let Some(key) = &violation.key {
        let _ = write!(text, " of {key}");
    }
    if let Some(exposure_ns) = violation.exposure_ns {
        let _ = write!(text, ", for {}", show_ns(exposure_ns));
    }
    text.push_str("\n\n");
    scene.table(&mut text);
    if let Some(reach) = &violation.reach {
        scene.reach(&mut text, reach);
    }
    scene.picture(&mut text);
    text
}

struct Scene<'a> {
    history: &'a History,
    /// The events of the table.
    events: Vec<Position>,
    /// The columns of the picture: those events, and the edges of faults between them.
    columns: Vec<Position>,
    lock: Option<Lock>,
    windows: Vec<Shown>,
}

/// The window of a fault, as far as it is drawn.
struct Shown {
    name: Arc<str>,
    inject: Position,
    heal: Position,
}

impl From<Window> for Shown {
    fn from(window: Window) -> Self {
        Self {
            name: window.name,
            inject: position(window.inject),
            heal: position_or_never(window.heal),
        }
    }
}

impl<'a> Scene<'a> {
    fn new(history: &'a History, violation: &Violation) -> Self {
        let place = |index: &u64| {
            history
                .events()
                .partition_point(|event| event.index < *index)
        };
        let named = violation.events.iter().map(|index| position(place(index)));
        let whole =
            named.flat_map(|event| [Some(event), history.partner(event as usize).map(position)]);
        let events: BTreeSet<Position> = whole
            .flatten()
            .filter(|event| (*event as usize) < history.events().len())
            .collect();
        let (first, last) = (
            events.first().copied().unwrap_or(0),
            events.last().copied().unwrap_or(0),
        );
        let windows: Vec<Shown> = history
            .windows()
            .into_iter()
            .map(Shown::from)
            .filter(|window| window.inject < last && window.heal > first)
            .collect();
        let edges = windows
            .iter()
            .flat_map(|window| [window.inject, window.heal]);
        let columns: BTreeSet<Position> = events
            .iter()
            .copied()
            .chain(edges.filter(|edge| (first..=last).contains(edge)))
            .collect();
        Self {
            history,
            events: events.into_iter().collect(),
            columns: columns.into_iter().collect(),
            lock: holds::locks(history)
                .into_iter()
                .find(|lock| lock.key == violation.key),
            windows,
        }
    }

    fn event(&self, position: Position) -> &Event {
        &self.history.events()[position as usize]
    }

    fn table(&self, text: &mut String) {
        let _ = writeln!(
            text,
            "{:>8}  {:>12}  {:>9}  event",
            "index", "time", "process"
        );
        for event in self.events.iter().map(|event| self.event(*event)) {
            let Event {
                index,
                time,
                process,
                ..
            } = event;
            let _ = writeln!(
                text,
                "{index:>8}  {:>12}  {process:>9}  {}",
                show_ns(*time),
                describe(event)
            );
        }
        text.push('\n');
    }

    /// The longest legal order that a search found, or the end of it, and what does not go on from
    /// there.
    fn reach(&self, text: &mut String, reach: &Reach) {
        let placed = crate::finding::counted(reach.placed, "operation");
        let _ = writeln!(text, "longest legal order: {placed}");
        let last = reach.prefix.len().saturating_sub(SHOWN_MAX);
        if reach.placed > SHOWN_MAX as u64 {
            let _ = writeln!(text, "          …");
        }
        for invoke in &reach.prefix[last..] {
            let _ = writeln!(text, "{invoke:>8}  {}", self.operation(*invoke));
        }
        let stuck = reach.stuck;
        let _ = writeln!(
            text,
            "cannot be placed:\n{stuck:>8}  {}\n",
            self.operation(stuck)
        );
    }

    /// The operation with an invocation of this index: `0 acquire ok`.
    fn operation(&self, invoke: u64) -> String {
        let events = self.history.events();
        let place = events.partition_point(|event| event.index < invoke);
        let Some(event) = events.get(place) else {
            return String::new();
        };
        let asked = shown(&event.value);
        let end = self
            .history
            .partner(place)
            .map(|end| describe(&events[end]));
        let end = end.unwrap_or_else(|| format!("{} without an end", event.function));
        format!(
            "{:>9}  {end}{}",
            event.process,
            if asked.is_empty() {
                asked
            } else {
                format!(", asked{asked}")
            }
        )
    }

    fn picture(&self, text: &mut String) {
        let processes: BTreeSet<Process> = self
            .events
            .iter()
            .map(|event| self.event(*event).process)
            .collect();
        for process in processes {
            let drawn = |from, to| self.believed(process, from, to);
            self.row(text, &format!("process {process}"), drawn, |event| {
                self.event(event).process == process
            });
        }
        for window in &self.windows {
            let is_on = |from, to| {
                if window.inject <= from && to <= window.heal {
                    '='
                } else {
                    ' '
                }
            };
            let is_edge = |event| event == window.inject || event == window.heal;
            self.row(text, &window.name, is_on, is_edge);
        }
    }

    /// What a process believes between two events.
    fn believed(&self, process: Process, from: Position, to: Position) -> char {
        let Some(lock) = &self.lock else { return '.' };
        let own = || {
            lock.holds
                .iter()
                .filter(|hold| Process::Client(hold.process) == process)
        };
        let asks = |asked: Position, until: Position| asked <= from && to <= until;
        let mut beliefs = own().flat_map(Hold::beliefs);
        if beliefs.any(|belief| belief.begin <= from && to <= belief.end.position) {
            return '#';
        }
        let refused = lock
            .refusals
            .iter()
            .chain(&lock.unknown)
            .filter(|span| Process::Client(span.process) == process);
        let mut pending = own()
            .map(|hold| (hold.asked, hold.granted))
            .chain(refused.map(|span| (span.invoke, span.end)));
        if pending.any(|(asked, until)| asks(asked, until)) {
            '?'
        } else {
            '.'
        }
    }

    fn row(
        &self,
        text: &mut String,
        name: &str,
        between: impl Fn(Position, Position) -> char,
        is_marked: impl Fn(Position) -> bool,
    ) {
        let _ = write!(text, "{name:>16}  ");
        for (place, column) in self.columns.iter().enumerate() {
            let next = self.columns.get(place + 1).copied().unwrap_or(NEVER);
            let filling = between(*column, next);
            text.push(if is_marked(*column) { '|' } else { filling });
            if next != NEVER {
                text.extend(std::iter::repeat_n(filling, STEP - 1));
            }
        }
        let kept = text.trim_end().len();
        text.truncate(kept);
        text.push('\n');
    }
}

/// `acquire ok`, `verify ok "held"`, `release fail (busy)`.
fn describe(event: &Event) -> String {
    let kind = format!("{:?}", event.kind).to_lowercase();
    let mut text = format!("{} {kind}{}", event.function, shown(&event.value));
    if let Some(error) = &event.error {
        let _ = write!(text, " ({})", error.kind);
    }
    text
}

/// A value after a space, if there is one.
fn shown(value: &Value) -> String {
    match value {
        Value::None => String::new(),
        value => format!(" {}", serde_json::to_string(value).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Limits;
    use crate::testing::history;
    use crate::{Scope, judge, linearize, parse};

    #[test]
    fn a_double_hold_is_drawn() {
        let text = "0:acquire 0:acquire! +cut:0 1:acquire 1:acquire! 1:release -cut 1:release! 0:lost 0:lost!";
        let history = history(text);
        let guarantees = [parse("exclusion").expect("known")];
        let findings = judge(&history, &Scope::default(), Limits::none(), &guarantees);
        insta::assert_snapshot!(explain(&history, &findings[0].violations[0]));
    }

    fn explained(guarantee: &str, slots: u32, text: &str) -> String {
        let history = history(text);
        let scope = Scope {
            slots: slots.try_into().expect("not 0"),
            ..Scope::default()
        };
        let guarantees = [parse(guarantee).expect("known")];
        let findings = judge(&history, &scope, Limits::none(), &guarantees);
        explain(&history, &findings[0].violations[0])
    }

    #[test]
    fn every_holder_of_a_full_semaphore_is_drawn() {
        let text = "0:acquire 0:acquire!s1 1:acquire 1:acquire!s2 2:acquire 2:acquire!s3 0:release 0:release!";
        insta::assert_snapshot!(explained("exclusion", 2, text));
    }

    #[test]
    fn the_use_of_a_removed_slot_is_drawn() {
        let text = "9:create 9:create![1,2] 0:acquire 0:acquire!s2 9:shrink 9:shrink![2] 9:wait 9:wait![2] 0:release 0:release!";
        insta::assert_snapshot!(explained("slot-removal", 1, text));
    }

    #[test]
    fn the_decrements_that_were_counted_are_shown() {
        let text = "9:create 9:create![1,2,3] 8:request 8:request! 9:shrink 9:shrinkXnothing-requested 9:count 9:count![1,2,3]";
        insta::assert_snapshot!(explained("no-lost-decrement", 1, text));
    }

    #[test]
    fn who_was_refused_is_drawn_asking() {
        let text = explained("justified-refusal", 1, "0:acquire 0:acquireX");
        let row = text.lines().find(|line| line.contains("process 0"));
        assert!(row.is_some_and(|row| row.contains("|???|")), "{text}");
    }

    #[test]
    fn the_end_of_a_long_order_is_shown() {
        for (writes, is_cut) in [(9, false), (10, false), (11, true)] {
            let text = "0 write 1; 0 ok; ".repeat(writes) + "0 read; 0 ok 9";
            let history = crate::model::testing::history(&text);
            let found = linearize(&history, "register:nil", Limits::none()).expect("known");
            let text = explain(&history, &found.finding.violations[0]);
            assert_eq!(text.contains("          …\n"), is_cut, "{text}");
            assert_eq!(text.matches("write ok").count(), writes.min(10), "{text}");
        }
    }

    #[test]
    fn how_far_a_search_came_is_told() {
        let history = crate::model::testing::history(
            "0 write 1; 0 ok; 1 cas [1,2]; 1 ok; 2 read; 2 ok 2; 0 read; 0 ok 1; 2 write 1; 2 info",
        );
        let found = linearize(&history, "cas-register:nil", Limits::none()).expect("known");
        let violation = &found.finding.violations[0];
        let reach = violation.reach.as_ref().expect("it was searched");
        assert_eq!(
            (&reach.prefix[..], reach.placed, reach.stuck),
            (&[0, 2, 4][..], 3, 6)
        );
        insta::assert_snapshot!(explain(&history, violation));
    }
}
