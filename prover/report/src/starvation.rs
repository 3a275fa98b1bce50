//! A lock that nobody gets any more: who waited for it, who had it last, and what struck that one
//! meanwhile.

use checker::{End as Why, Hold, Lock, Violation, counted, show_ns};
use history::fault::{Class, Window};
use history::{Event, Function, History, Kind, Process};

use crate::proof::{Evidence, client};
use crate::story::{capital, fault, seconds, until};

/// How many faults are told of.
const FAULTS_MAX: usize = 3;

/// Who stands in the way: the last to hold the lock, or to ask for it without an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blocker<'a> {
    pub(crate) process: u32,
    /// Its grant, or where it asked.
    pub(crate) from: usize,
    /// Where it gave the lock back, lost it or gave up; nowhere where it never did.
    pub(crate) until: Option<usize>,
    /// Nothing where nobody knows whether it was granted the lock.
    pub(crate) hold: Option<&'a Hold>,
}

impl<'a> Blocker<'a> {
    /// The one before a client asked in vain. Of a lock with several slots it is rather one that did
    /// not give its slot back.
    pub(crate) fn of(
        history: &History,
        lock: Option<&'a Lock>,
        violation: &Violation,
        slots: usize,
    ) -> Option<Self> {
        let asked = asked(history, violation)?;
        let holds = || {
            let all = lock.into_iter().flat_map(Lock::holds);
            all.filter(|hold| hold.granted() < asked)
        };
        let kept = || holds().filter(|hold| slots > 1 && hold.end() != Why::Release);
        let last = kept().max_by_key(|hold| hold.granted());
        let last = last.or_else(|| holds().max_by_key(|hold| hold.granted()));
        let held = last.map(|hold| Self {
            process: hold.process(),
            from: hold.granted(),
            until: hold.believed_until(),
            hold: Some(hold),
        });
        let perhaps = unanswered(history, violation, asked);
        match (held, perhaps) {
            (Some(held), Some(perhaps)) if perhaps.from < held.from => Some(held),
            (held, perhaps) => perhaps.or(held),
        }
    }

    fn meets(&self, window: &Window) -> bool {
        let end = window.healed.or(window.heal);
        self.until.is_none_or(|until| window.inject <= until)
            && end.is_none_or(|end| self.from <= end)
    }
}

/// Where the client asked that waited in vain.
fn asked(history: &History, violation: &Violation) -> Option<usize> {
    let events = history.events();
    let index = violation.events.first()?;
    let place = events
        .binary_search_by_key(index, |event| event.index)
        .ok()?;
    match events[place].kind {
        Kind::Invoke => Some(place),
        _ => history.partner(place),
    }
}

fn is_ask(event: &Event, violation: &Violation) -> bool {
    event.kind == Kind::Invoke && event.function == Function::Acquire && event.key == violation.key
}

/// The last that asked before, gave up, and may have been granted the lock all the same.
fn unanswered<'a>(history: &History, violation: &Violation, asked: usize) -> Option<Blocker<'a>> {
    let events = history.events();
    let places = (0..asked).rev();
    let mut asks = places.filter(|place| is_ask(&events[*place], violation));
    asks.find_map(|from| {
        let until = history.partner(from)?;
        let is_open = events[until].kind == Kind::Info && until < asked;
        let process = client(&events[from]).filter(|_| is_open)?;
        Some(Blocker {
            process,
            from,
            until: Some(until),
            hold: None,
        })
    })
}

/// The story, a sentence each.
pub(crate) fn starvation(evidence: &Evidence<'_>) -> Vec<String> {
    let Some(asked) = asked(evidence.history, evidence.violation) else {
        return Vec::new();
    };
    let mut story = vec![blocked(evidence)];
    story.extend(struck(evidence, asked));
    story.push(waited(evidence, asked));
    story.push(outcome(evidence, asked));
    story
}

/// Who had it last, and how that ended.
fn blocked(evidence: &Evidence<'_>) -> String {
    let key = evidence.key();
    let Some(blocker) = &evidence.blocker else {
        return format!("Nobody had held {key} before.");
    };
    let who = evidence.worker(blocker.process);
    let from = seconds(evidence.time(blocker.from));
    match (blocker.hold, blocker.until) {
        (Some(hold), _) => format!(
            "The last to hold {key} was {who}: it was granted {key} at {from} and believed in it {}.",
            until(evidence, hold)
        ),
        (None, Some(until)) => format!(
            "The last to ask for {key} before was {who}, at {from}; it gave up at {}, and nobody knows whether it was granted {key}.",
            seconds(evidence.time(until))
        ),
        (None, None) => format!("The last to ask for {key} before was {who}, at {from}."),
    }
}

/// The faults in whose windows that was: those that struck who had it, else those that struck the
/// service, else the last one before.
fn struck(evidence: &Evidence<'_>, asked: usize) -> Vec<String> {
    let windows = evidence.history.windows();
    let Some(blocker) = &evidence.blocker else {
        return before(evidence, &windows, asked);
    };
    let met = || windows.iter().filter(|window| blocker.meets(window));
    let is_aimed = |window: &&Window| window.targets.processes().contains(&blocker.process);
    let meanwhile = match blocker.hold {
        Some(_) => "while it held the lock",
        None => "while it asked for the lock",
    };
    let of_it: Vec<String> = met()
        .filter(is_aimed)
        .take(FAULTS_MAX)
        .map(|window| {
            let (began, who) = (fault(evidence, window), evidence.worker(blocker.process));
            format!("{began} {} {}, {meanwhile}.", capital(&who), harm(window))
        })
        .collect();
    if !of_it.is_empty() {
        return of_it;
    }
    let broad = met().filter(|window| window.targets.processes().is_empty());
    let broad: Vec<String> = broad
        .take(FAULTS_MAX)
        .map(|window| fault(evidence, window))
        .collect();
    if broad.is_empty() {
        return before(evidence, &windows, asked);
    }
    broad
}

/// The last fault before somebody waited.
fn before(evidence: &Evidence<'_>, windows: &[Window], asked: usize) -> Vec<String> {
    let last = windows.iter().rfind(|window| window.inject < asked);
    let none = "No fault was on record before.".to_owned();
    vec![last.map_or(none, |window| fault(evidence, window))]
}

/// What a fault does to the client that it strikes.
fn harm(window: &Window) -> &'static str {
    match (&*window.name, window.class) {
        ("crash", _) => "died of it",
        (_, Class::Halting) => "stood still",
        (_, Class::Isolating) => "was cut off from the service",
        (_, Class::Breaking) => "lost its connection",
        (_, Class::Slowing) => "was slowed down",
        (_, Class::Changing) => "changed the slots",
    }
}

/// Who waited, and how it was answered.
fn waited(evidence: &Evidence<'_>, asked: usize) -> String {
    let (key, ask) = (evidence.key(), evidence.event(asked));
    let who = who(evidence, ask);
    let answer = evidence.history.partner(asked);
    let answer = answer.map(|place| evidence.event(place));
    let at = |event: &Event| seconds(event.time);
    let answered = match answer {
        None => "got no answer any more".to_owned(),
        Some(end) => match (end.kind, &end.error) {
            (Kind::Ok, _) => format!("was granted it only at {}", at(end)),
            (Kind::Info, _) => format!("gave up without an answer at {}", at(end)),
            (_, Some(error)) => format!("was refused at {} ({})", at(end), error.kind),
            (_, None) => format!("was refused at {}", at(end)),
        },
    };
    format!(
        "{} waited: it asked for {key} at {}, {}, and {answered}{}.",
        capital(&who),
        at(ask),
        meanwhile(evidence, asked),
        again(evidence, asked, ask)
    )
}

/// The fault in whose window somebody asked.
fn meanwhile(evidence: &Evidence<'_>, asked: usize) -> String {
    let windows = evidence.history.windows();
    let is_on = |window: &&Window| {
        let end = window.healed.or(window.heal);
        window.inject <= asked && end.is_none_or(|end| asked <= end)
    };
    let on: Vec<&str> = windows.iter().filter(is_on).map(|it| &*it.name).collect();
    match (on.as_slice(), windows.as_slice()) {
        ([], []) => "with nothing broken".to_owned(),
        ([], _) => "when no fault was on".to_owned(),
        (names, _) => format!("in the window of {}", names.join(" and ")),
    }
}

/// How often it asked since nobody held the lock any more.
fn again(evidence: &Evidence<'_>, asked: usize, ask: &Event) -> String {
    let worker = |event: &Event| client(event).map(|process| evidence.scene.worker(process));
    let blocker = evidence.blocker.as_ref();
    let since = blocker.map_or(asked, |it| it.until.unwrap_or(it.from));
    let events = &evidence.history.events()[since.min(asked)..];
    let mut asks = events
        .iter()
        .filter(|event| is_ask(event, evidence.violation) && worker(event) == worker(ask));
    let first = asks.next().map_or(ask.time, |event| event.time);
    match asks.count() + 1 {
        1 => String::new(),
        all => format!(
            "; since {} it asked {}",
            seconds(first),
            counted(all as u64, "time")
        ),
    }
}

/// Whether and when it was granted again.
fn outcome(evidence: &Evidence<'_>, asked: usize) -> String {
    let key = evidence.key();
    let events = evidence.history.events();
    let is_grant = |event: &&Event| {
        event.kind == Kind::Ok
            && event.function == Function::Acquire
            && event.key == evidence.violation.key
    };
    let end = events.last().map_or(0, |last| last.time);
    match events[asked..].iter().find(is_grant) {
        Some(grant) => format!(
            "{} was the next to be granted {key}, at {}: {} after that.",
            capital(&who(evidence, grant)),
            seconds(grant.time),
            show_ns(grant.time - events[asked].time)
        ),
        None => format!(
            "Nobody was granted {key} any more, to the end of the record at {}.",
            seconds(end)
        ),
    }
}

fn who(evidence: &Evidence<'_>, event: &Event) -> String {
    match event.process {
        Process::Client(number) => evidence.worker(number),
        process => process.to_string(),
    }
}
