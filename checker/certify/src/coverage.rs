//! `coverage`: the run puts something to the test.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use history::fault::{Class, Effect, Role};
use history::{Answer, Event, Function, History, Kind, Process, Value};

use super::error::{Flaw, ensure};
use super::fault::{Window, windows};
use super::file::Scope;
use super::record::{Hold, NEVER, Record};
use super::spell::{Spell, time_of};

pub(super) fn check(history: &History, record: &Record, scope: &Scope) -> Result<(), Flaw> {
    let run = Run {
        history,
        record,
        scope,
        usual_ns: OnceCell::new(),
    };
    let mut holds = record.holds.iter();
    ensure(holds.any(|hold| hold.granted < record.settled), || {
        Flaw::new("no lock was ever granted")
    })?;
    ensure(run.is_contended(), || {
        Flaw::new("no two workers wanted the same lock at the same time")
    })?;
    run.check_faults()
}

/// The acquires, holds and faults of a run, of which nothing counts after the last phase began.
struct Run<'a> {
    history: &'a History,
    record: &'a Record,
    scope: &'a Scope,
    /// The longest time of each function that no fault disturbed, once somebody asks.
    usual_ns: OnceCell<BTreeMap<&'a Function, u64>>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Leaves,
    Asks,
    Holds,
    /// A lease that was over is renewed.
    Returns,
}

impl Run<'_> {
    /// Whether somebody waited for a lock while so many others had or wanted it that not all could
    /// have it.
    fn is_contended(&self) -> bool {
        let holds = self.record.holds.iter().map(|hold| (hold.asked, hold));
        let granted: BTreeMap<usize, &Hold> = holds.collect();
        let mut changes = Vec::new();
        for (index, ask) in self.record.asks.iter().enumerate() {
            if !ask.was_sent {
                continue;
            }
            changes.push((ask.invoked, Change::Asks, index));
            let mut leaves = ask.ended;
            if let Some(hold) = granted.get(&ask.invoked) {
                changes.push((hold.granted, Change::Holds, index));
                for spell in &hold.spells {
                    if spell.from == hold.granted {
                        leaves = spell.until.0;
                        continue;
                    }
                    changes.push((spell.from, Change::Returns, index));
                    changes.push((spell.until.0, Change::Leaves, index));
                }
            }
            changes.push((leaves, Change::Leaves, index));
        }
        changes.sort_unstable();
        let mut crowds: BTreeMap<usize, Crowd> = BTreeMap::new();
        let mut counted = changes
            .into_iter()
            .take_while(|(place, ..)| *place < self.record.settled);
        counted.any(|(_, change, index)| {
            let ask = &self.record.asks[index];
            let crowd = crowds.entry(ask.key).or_default();
            let want = (self.scope.worker(ask.process), ask.shared);
            crowd.change(change, index, want);
            matches!(change, Change::Asks | Change::Returns)
                && crowd.is_too_large(self.scope.slots.get().into())
        })
    }
}

/// Who has or wants a lock.
#[derive(Default)]
struct Crowd {
    /// How many wants there are of each worker, those that are shared and those that are not.
    wants: BTreeMap<(u32, bool), u64>,
    /// The acquires that wait for their grant, with their workers and whether they are shared.
    waiting: BTreeSet<(usize, (u32, bool))>,
}

impl Crowd {
    fn change(&mut self, change: Change, ask: usize, want: (u32, bool)) {
        let wants = self.wants.entry(want).or_default();
        match change {
            Change::Asks | Change::Returns => *wants += 1,
            Change::Leaves => *wants -= 1,
            Change::Holds => {}
        }
        if change == Change::Asks {
            self.waiting.insert((ask, want));
        } else {
            self.waiting.remove(&(ask, want));
        }
    }

    /// Whether somebody waits beside so many others that not all can have the lock; readers can all
    /// have it.
    fn is_too_large(&self, slots: u64) -> bool {
        self.waiting.iter().any(|(_, (worker, shared))| {
            let others = || self.wants.iter().filter(|((other, _), _)| other != worker);
            let exclusive = || others().filter(|((_, shared), _)| !shared);
            let all: u64 = others().map(|(_, count)| count).sum();
            all >= slots && (!shared || exclusive().any(|(_, count)| *count > 0))
        })
    }
}

impl<'a> Run<'a> {
    /// Each selected fault had the effect that is due of it, and where a lock must have been taken
    /// away, one was that others wanted.
    fn check_faults(&self) -> Result<(), Flaw> {
        let selected = &self.scope.faults;
        if selected.is_empty() {
            return Ok(());
        }
        let mut windows = windows(self.history);
        windows.retain(|window| window.injected < self.record.settled);
        let sessions = self.sessions();
        let mut asked = selected
            .iter()
            .map(|fault| self.scope.effects.contains_key(fault));
        let mut takes_nothing = asked.any(|asked| asked);
        let mut was_taken = false;
        for fault in selected {
            let own = || windows.iter().filter(|window| window.fault == fault);
            let effects: Vec<_> = own().map(|window| self.effect(window, &sessions)).collect();
            let due = self.scope.effects.get(fault).copied();
            let due = due.or_else(|| own().map(due_of).max());
            let due = due.unwrap_or(Effect::Delayed);
            let landed = due == Effect::None || effects.iter().any(|(effect, _)| *effect >= due);
            ensure(landed, || {
                Flaw::new(format!("the fault {fault} never had the effect {due}"))
            })?;
            self.check_struck(fault, due, own(), &sessions)?;
            takes_nothing &= due != Effect::Revoked;
            was_taken |= effects.iter().any(|(_, was_wanted)| *was_wanted);
        }
        ensure(takes_nothing || was_taken, || {
            Flaw::new("no fault took a lock away that others wanted")
        })
    }

    /// A fault struck targets in each role as often as asked: where they held the lock, with the
    /// effect that is due of it.
    fn check_struck<'w>(
        &self,
        fault: &str,
        due: Effect,
        windows: impl Iterator<Item = &'w Window<'w>>,
        sessions: &Sessions<'_>,
    ) -> Result<(), Flaw> {
        let Some(asked) = self.scope.struck.get(fault) else {
            return Ok(());
        };
        let mut times: BTreeMap<Role, u64> = BTreeMap::new();
        for window in windows.filter(|window| self.is_on(window, sessions)) {
            for target in &BTreeSet::from_iter(window.targets) {
                let role = self.role(**target, window.injected);
                let alone = Window {
                    targets: std::slice::from_ref(*target),
                    ..*window
                };
                let counts = !role.holds() || self.effect(&alone, sessions).0 >= due;
                *times.entry(role).or_default() += u64::from(counts);
            }
        }
        for (role, least) in asked {
            let times = times.get(role).copied().unwrap_or_default();
            ensure(times >= *least, || {
                Flaw::new(format!(
                    "the fault {fault} struck targets that were {role} {times} times, not {least}"
                ))
            })?;
        }
        Ok(())
    }

    /// Whether a window was on for some time, and nothing disproves it.
    fn is_on(&self, window: &Window<'_>, sessions: &Sessions<'_>) -> bool {
        let window = &Window {
            healed: window.healed.min(self.record.settled),
            ..*window
        };
        let lasted = self.lasted(window.on, window.healed);
        !window.missed && lasted && !self.is_disproved(window, sessions)
    }

    /// What a process was about at a place of the record.
    fn role(&self, process: u32, at: usize) -> Role {
        let events = self.history.events().iter().enumerate().take(at);
        let mut own = events.filter(|(_, event)| event.process == Process::Client(process));
        let last = own
            .next_back()
            .filter(|(_, event)| event.kind == Kind::Invoke);
        let believed = |hold: &&Hold| hold.spell_at(at).is_some();
        let mut holds = self.record.holds.iter().filter(believed);
        match last.map(|(_, event)| (&event.function, &event.key)) {
            Some((Function::Acquire, key)) => {
                let is_others = |hold: &Hold| {
                    let name = self.record.key_name(hold.key);
                    hold.process != process && key == name
                };
                if holds.any(is_others) {
                    Role::Waiter
                } else {
                    Role::Acquiring
                }
            }
            Some((Function::Verify, _)) => Role::Verifying,
            Some((Function::Release, _)) => Role::Releasing,
            Some((function, _)) if function.is_administration() => Role::Administrator,
            _ if holds.any(|hold| hold.process == process) => Role::Holder,
            _ => Role::Idle,
        }
    }

    fn sessions(&self) -> BTreeMap<u32, Vec<Step<'a>>> {
        let mut sessions: BTreeMap<u32, Vec<Step<'a>>> = BTreeMap::new();
        for (invoked, event) in self.history.events().iter().enumerate() {
            if let (Process::Client(process), Kind::Invoke) = (event.process, event.kind) {
                let ended = self.history.partner(invoked);
                sessions.entry(process).or_default().push(Step {
                    invoked,
                    ended: ended.unwrap_or(NEVER),
                    function: &event.function,
                    end: ended.map(|ended| &self.history.events()[ended]),
                });
            }
        }
        sessions
    }

    /// What a fault did, and whether it took a lock away that others wanted.
    fn effect(&self, window: &Window<'_>, sessions: &Sessions<'_>) -> (Effect, bool) {
        if !self.is_on(window, sessions) {
            return (Effect::None, false);
        }
        let window = &Window {
            healed: window.healed.min(self.record.settled),
            ..*window
        };
        let holds = self.record.holds.iter();
        let struck = holds.filter(|hold| window.targets.contains(&hold.process));
        let held = struck.filter_map(|hold| Some((hold, hold.spell_at(window.injected)?)));
        let held: Vec<(&Hold, Spell)> = held.collect();
        let is_taken = |hold: &Hold, spell: Spell| {
            self.is_taken(hold, window) || self.is_kept_until_lapsed(hold, spell, window, sessions)
        };
        let taken: Vec<_> = held
            .iter()
            .filter(|(hold, spell)| is_taken(hold, *spell))
            .collect();
        if !taken.is_empty() && window.class != Class::Changing {
            let was_wanted = taken.iter().any(|(hold, _)| self.was_wanted(hold, window));
            return (Effect::Revoked, was_wanted);
        }
        if window.class == Class::Changing && self.has_changed_slots(window, sessions) {
            return (Effect::Changed, false);
        }
        if held
            .iter()
            .any(|(hold, spell)| is_delayed(self, hold, *spell, window, sessions))
        {
            return (Effect::Delayed, false);
        }
        (Effect::None, false)
    }

    /// Whether a worker that was struck made slots or removed some between the injection and the
    /// healing.
    fn has_changed_slots(&self, window: &Window<'_>, sessions: &Sessions<'_>) -> bool {
        let worker = |process: &u32| self.scope.worker(*process);
        let struck: BTreeSet<u32> = window.targets.iter().map(worker).collect();
        let is_change = |step: &Step<'_>| {
            let is_about_slots = matches!(step.function, Function::Grow | Function::Shrink);
            let listed = step.end.map(|end| (end.kind, &end.value));
            let is_done =
                matches!(listed, Some((Kind::Ok, Value::Slots(slots))) if !slots.is_empty());
            is_about_slots && is_done
        };
        let of_struck = sessions
            .iter()
            .filter(|(process, _)| struck.contains(&worker(process)));
        of_struck.flat_map(|(_, steps)| steps).any(|step| {
            window.injected < step.invoked && step.ended < window.healed && is_change(step)
        })
    }

    /// Whether time passes between two events of the record.
    fn lasted(&self, from: usize, until: usize) -> bool {
        let events = self.history.events();
        let time = |place: usize| events.get(place).map(|event| event.time);
        time(from)
            .zip(time(until))
            .is_some_and(|(from, until)| from < until)
    }

    /// Whether a worker that was struck, in whatever session, got an answer through what lets
    /// nothing pass, or did anything while it was made to stand still.
    fn is_disproved(&self, window: &Window<'_>, sessions: &Sessions<'_>) -> bool {
        let worker = |process: &u32| self.scope.worker(*process);
        let struck: BTreeSet<u32> = window.targets.iter().map(worker).collect();
        let of_struck = sessions
            .iter()
            .filter(|(process, _)| struck.contains(&worker(process)));
        let mut steps = of_struck.flat_map(|(_, steps)| steps);
        let is_in = |place: usize| window.on < place && place < window.healed;
        match window.class {
            Class::Isolating => {
                steps.any(|step| is_in(step.invoked) && is_in(step.ended) && step.is_answered())
            }
            Class::Halting => steps.any(|step| is_in(step.invoked) || is_in(step.ended)),
            Class::Breaking | Class::Slowing | Class::Changing => false,
        }
    }

    /// Whether, before the healing, its process was told that the hold is lost, or its session was
    /// over, and that is what ended its belief, or somebody else was granted it while the process
    /// believed in it.
    fn is_taken(&self, hold: &Hold, window: &Window<'_>) -> bool {
        let is_last = hold.spells.last().is_some_and(|spell| !spell.lapses);
        (is_last && self.is_told(hold, window))
            || self.is_given_away(hold, window, |place| hold.spell_at(place).is_some())
    }

    /// Whether the fault kept its process from renewing a lease or giving it back until it was over,
    /// and then its process was told, or somebody else was granted it before it was renewed.
    fn is_kept_until_lapsed(
        &self,
        hold: &Hold,
        spell: Spell,
        window: &Window<'_>,
        sessions: &Sessions<'_>,
    ) -> bool {
        let (lapsed, lapsed_ns) = spell.until;
        if !spell.lapses || window.on >= lapsed || lapsed > window.healed {
            return false;
        }
        let mut steps = sessions.get(&hold.process).into_iter().flatten();
        let was_kept = window.class == Class::Halting
            || steps.any(|step| {
                let since = time_of(self.history.events(), step.invoked.max(window.on));
                step.is_of_the_lock()
                    && step.end.is_some()
                    && step.invoked < lapsed
                    && step.ended >= lapsed
                    && since < lapsed_ns
            });
        let later = hold.spells.iter().find(|later| later.from >= lapsed);
        let renewed = later.map_or(NEVER, |later| later.from);
        let is_meanwhile = |place: usize| lapsed <= place && place < renewed;
        let is_told = is_meanwhile(hold.believed_until) && self.is_told(hold, window);
        was_kept && (is_told || self.is_given_away(hold, window, is_meanwhile))
    }

    /// Whether its process was told before the healing that the hold is lost, or its session was
    /// over.
    fn is_told(&self, hold: &Hold, window: &Window<'_>) -> bool {
        let end = self.history.events().get(hold.believed_until);
        let is_told = hold.revoked
            && end.is_some_and(|end| {
                let is_over = matches!(
                    kind_of_error(end),
                    "io" | "heartbeat-missed" | "not-sent" | "crashed"
                ) || kind_of_error(end).starts_with("connection");
                end.kind != Kind::Info || is_over
            });
        is_told && hold.believed_until < window.healed
    }

    /// Whether somebody else was granted it during the window, before its process gave it up or
    /// was told, at a place that is meant.
    fn is_given_away(
        &self,
        hold: &Hold,
        window: &Window<'_>,
        is_meant: impl Fn(usize) -> bool,
    ) -> bool {
        self.record.holds.iter().any(|other| {
            other.key == hold.key
                && other.process != hold.process
                && !(other.shared && hold.shared)
                && (self.scope.slots.get() == 1
                    || (other.slot.is_some() && other.slot == hold.slot))
                && window.injected < other.granted
                && other.granted < window.healed.min(hold.believed_until)
                && is_meant(other.granted)
        })
    }

    fn was_wanted(&self, hold: &Hold, window: &Window<'_>) -> bool {
        let worker = |process| self.scope.worker(process);
        self.record.asks.iter().any(|ask| {
            ask.key == hold.key
                && worker(ask.process) != worker(hold.process)
                && ask.invoked < window.healed
                && hold.granted < ask.ended
                && ask.was_sent
        })
    }
}

type Sessions<'a> = BTreeMap<u32, Vec<Step<'a>>>;

struct Step<'a> {
    invoked: usize,
    /// The position of the end, of whatever kind; `NEVER` if there is none.
    ended: usize,
    function: &'a Function,
    end: Option<&'a Event>,
}

/// The effect without which a fault put nothing to the test.
fn due_of(window: &Window<'_>) -> Effect {
    match window.class {
        Class::Isolating | Class::Breaking => Effect::Revoked,
        Class::Halting if !window.connection_lives => Effect::Revoked,
        Class::Halting | Class::Slowing => Effect::Delayed,
        Class::Changing => Effect::Changed,
    }
}

/// Whether the holder was made to stand still all the while, or something that it asked for while
/// it believed waited until the healing or came to no known end before.
fn is_delayed(
    run: &Run<'_>,
    hold: &Hold,
    spell: Spell,
    window: &Window<'_>,
    sessions: &Sessions<'_>,
) -> bool {
    if window.class == Class::Halting {
        let time = |place| time_of(run.history.events(), place);
        let still_until_ns = time(window.healed).min(spell.until.1);
        return window.on < spell.until.0 && time(window.on) < still_until_ns;
    }
    let mut steps = sessions.get(&hold.process).into_iter().flatten();
    steps.any(|step| {
        let is_unknown = step.end.is_some_and(|end| end.kind == Kind::Info);
        let waits = || {
            step.ended >= window.on
                && (step.ended > window.healed || is_unknown)
                && run.lasted(step.invoked.max(window.on), step.ended.min(window.healed))
        };
        step.is_of_the_lock()
            && step.end.is_some()
            && step.invoked <= spell.last()
            && match window.class {
                Class::Slowing => is_slowed(run, step, window),
                Class::Changing => false,
                Class::Isolating | Class::Breaking | Class::Halting => waits(),
            }
    })
}

/// Whether something that was begun under a slowing fault took longer than twice anything of the
/// same function that no fault disturbed.
fn is_slowed(run: &Run<'_>, step: &Step<'_>, window: &Window<'_>) -> bool {
    if step.invoked <= window.on || step.invoked >= window.healed {
        return false;
    }
    let usual_ns = run.usual_ns.get_or_init(|| run.usual_ns());
    let usual_ns = usual_ns.get(step.function);
    usual_ns.is_some_and(|usual_ns| run.took_ns(step) > usual_ns.saturating_mul(2))
}

impl<'a> Run<'a> {
    fn took_ns(&self, step: &Step<'_>) -> u64 {
        let time = |place| time_of(self.history.events(), place);
        time(step.ended) - time(step.invoked)
    }

    fn usual_ns(&self) -> BTreeMap<&'a Function, u64> {
        let broken = windows(self.history);
        let is_undisturbed = |step: &&Step<'_>| {
            let meets = |window: &Window<'_>| {
                let over = match window.over {
                    NEVER => window.healed,
                    over => over,
                };
                window.injected < step.ended && step.invoked <= over
            };
            step.ended < self.record.settled && !broken.iter().any(meets)
        };
        let mut usual_ns: BTreeMap<&Function, u64> = BTreeMap::new();
        let sessions = self.sessions();
        for step in sessions.values().flatten().filter(is_undisturbed) {
            let longest = usual_ns.entry(step.function).or_default();
            *longest = self.took_ns(step).max(*longest);
        }
        usual_ns
    }
}

impl Step<'_> {
    fn is_of_the_lock(&self) -> bool {
        !matches!(
            self.function,
            Function::Lost | Function::Read | Function::Write
        )
    }

    /// Only the other side can have said so; that a lock is lost a client may also conclude by
    /// itself, and the guarded resource is beyond all faults.
    fn is_answered(&self) -> bool {
        self.is_of_the_lock()
            && self.end.is_some_and(|end| {
                let is_lost = end.value == Value::Answer(Answer::Lost);
                end.observed || (end.kind == Kind::Ok && !is_lost)
            })
    }
}

fn kind_of_error(event: &Event) -> &str {
    event.error.as_ref().map_or("", |error| &*error.kind)
}
