//! Who believes to hold what at the moment, and how often too many did: what a look at a run shows
//! before anybody has judged it.
//!
//! A belief begins with the grant. It ends where a release is asked for, with the news or the
//! answer that the lock is lost, with an outcome that nobody knows, or when its lease is over. The
//! checker decides with more care; this only counts along.

use std::collections::BTreeMap;
use std::sync::Arc;

use history::{Answer, Event, Function, Kind, Process, Value};

/// What clients believe.
#[derive(Debug)]
pub(crate) struct Beliefs {
    /// How many may hold a lock at one time.
    slots: usize,
    /// The latest belief of each process in each lock, and when it ends by itself, if it does.
    held: BTreeMap<(Option<Arc<str>>, u32), Option<u64>>,
    /// When each process last asked for something.
    asked: BTreeMap<u32, u64>,
    overlaps: u64,
}

impl Beliefs {
    /// Of locks with so many slots.
    pub(crate) fn new(slots: u32) -> Self {
        Self {
            slots: slots.max(1) as usize,
            held: BTreeMap::new(),
            asked: BTreeMap::new(),
            overlaps: 0,
        }
    }

    pub(crate) fn see(&mut self, event: &Event) {
        let Process::Client(process) = event.process else {
            return;
        };
        if event.kind == Kind::Invoke {
            self.asked.insert(process, event.time);
        }
        let lock = (event.key.clone(), process);
        match (&event.function, event.kind) {
            (Function::Release, Kind::Invoke) | (Function::Lost, _) => self.give_up(&lock),
            // Its process is retired, with all that it held.
            (_, Kind::Info) => self.held.retain(|(_, holder), _| *holder != process),
            (Function::Acquire, Kind::Ok) => self.grant(lock, event),
            (Function::Verify, Kind::Ok) => match &event.value {
                Value::Answer(Answer::Lost) => self.give_up(&lock),
                value if value.lease().is_some() && self.held.contains_key(&lock) => {
                    let until = self.until(process, value);
                    self.held.insert(lock, until);
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn give_up(&mut self, lock: &(Option<Arc<str>>, u32)) {
        self.held.remove(lock);
    }

    fn grant(&mut self, lock: (Option<Arc<str>>, u32), event: &Event) {
        let others = self.held.iter().filter(|((key, process), until)| {
            *key == lock.0 && *process != lock.1 && until.is_none_or(|until| until > event.time)
        });
        self.overlaps += u64::from(others.count() >= self.slots);
        let until = self.until(lock.1, &event.value);
        self.held.insert(lock, until);
    }

    /// A lease counts from when it was asked for.
    fn until(&self, process: u32, value: &Value) -> Option<u64> {
        let asked = self.asked.get(&process).copied().unwrap_or_default();
        Some(asked.saturating_add(value.lease()?.ns()))
    }

    /// The processes that believe to hold something at this time of the record.
    pub(crate) fn holders(&self, now_ns: u64) -> impl Iterator<Item = u32> {
        let held = self.held.iter();
        let lasting = held.filter(move |(_, until)| until.is_none_or(|until| until > now_ns));
        lasting.map(|((_, process), _)| *process)
    }

    /// Grants that came while as many others as the lock has slots believed to hold it.
    pub(crate) fn overlaps(&self) -> u64 {
        self.overlaps
    }
}

#[cfg(test)]
mod tests {
    use history::{Draft, Grant, Lease};

    use super::*;

    /// What is believed after this, of locks with so many slots. Each step is a millisecond after
    /// the one before.
    fn after(slots: u32, steps: &[(u32, Kind, Function, Value)]) -> Beliefs {
        let mut beliefs = Beliefs::new(slots);
        for (index, (process, kind, function, value)) in (0..).zip(steps) {
            let draft = Draft::new(Process::Client(*process), *kind, function.clone());
            beliefs.see(&draft.with(value.clone()).at(index, index * 1_000_000));
        }
        beliefs
    }

    fn step(process: u32, kind: Kind, function: Function) -> (u32, Kind, Function, Value) {
        (process, kind, function, Value::None)
    }

    fn granted(process: u32) -> (u32, Kind, Function, Value) {
        step(process, Kind::Ok, Function::Acquire)
    }

    fn holders(beliefs: &Beliefs) -> Vec<u32> {
        beliefs.holders(1_000_000_000).collect()
    }

    #[test]
    fn a_grant_while_others_believe_is_an_overlap() {
        let both = after(1, &[granted(0), granted(1)]);
        assert_eq!((holders(&both), both.overlaps()), (vec![0, 1], 1));
        // One client cannot overlap with itself, and two slots have room for two.
        assert_eq!(after(1, &[granted(0), granted(0)]).overlaps(), 0);
        let three = after(2, &[granted(0), granted(1), granted(2)]);
        assert_eq!(three.overlaps(), 1);
    }

    #[test]
    fn a_belief_ends_where_nobody_believes_any_more() {
        use Function::{Lost, Release, Verify};
        let lost = (0, Kind::Ok, Verify, Value::Answer(Answer::Lost));
        for ending in [
            step(0, Kind::Invoke, Release),
            step(0, Kind::Ok, Lost),
            step(0, Kind::Info, Verify),
            lost,
        ] {
            let next = after(1, &[granted(0), ending.clone(), granted(1)]);
            assert_eq!(
                (holders(&next), next.overlaps()),
                (vec![1], 0),
                "{ending:?}"
            );
        }
        let held = step(0, Kind::Fail, Verify);
        assert_eq!(after(1, &[granted(0), held, granted(1)]).overlaps(), 1);
    }

    #[test]
    fn a_lease_counts_from_when_it_was_asked_for() {
        let leased = |ms| {
            let grant = Grant {
                lease: Lease::from_ms(ms),
                ..Grant::default()
            };
            (0, Kind::Ok, Function::Acquire, Value::Grant(grant))
        };
        let asked = step(0, Kind::Invoke, Function::Acquire);
        let over = after(1, &[asked.clone(), leased(2), granted(1)]);
        assert_eq!((holders(&over), over.overlaps()), (vec![1], 0));
        assert_eq!(after(1, &[asked, leased(3), granted(1)]).overlaps(), 1);
    }
}
