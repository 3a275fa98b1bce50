//! Who believes to hold a lock, and who administers one: what the nemesis chooses its targets by.

use std::sync::Arc;

use history::{Answer, Event, Function, Kind, Process, Value};
use nemesis::Target;

use crate::observer::Observer;
use crate::watch::Watch;

/// What one worker is about, as far as the record says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The lock that it believes to hold.
    holds: Option<Arc<str>>,
    /// What it has asked for and has no answer to yet, and of which lock.
    asks: Option<(Function, Arc<str>)>,
}

/// What all workers are about.
#[derive(Debug)]
pub(crate) struct Board(Watch<Vec<Standing>>);

impl Board {
    /// So many workers, none of which holds anything.
    pub(crate) fn new(workers: usize) -> Self {
        Self(Watch::new(vec![Standing::default(); workers]))
    }

    /// The workers that are now as a target wants them; nobody where it wants nothing.
    pub(crate) fn those(&self, target: &Target) -> Vec<usize> {
        self.0.see(|standings| wanted(target, standings).collect())
    }

    /// Returns as soon as somebody is as a target wants them.
    pub(crate) async fn somebody(&self, target: &Target) {
        let is_somebody = |standings: &Vec<Standing>| wanted(target, standings).next().is_some();
        self.0.when(is_somebody).await;
    }
}

fn wanted<'a>(target: &'a Target, standings: &'a [Standing]) -> impl Iterator<Item = usize> + 'a {
    let is_wanted = |worker: &usize| {
        let standing = &standings[*worker];
        match target {
            Target::Holder { .. } => standing.holds.is_some(),
            Target::Waiter { .. } => standing.waits_for_one_of(standings),
            Target::Acquiring { .. } => standing.is_at(&Function::Acquire),
            Target::Releasing { .. } => standing.is_at(&Function::Release),
            Target::Verifying { .. } => standing.is_at(&Function::Verify),
            Target::Administrator { .. } => standing.administers(),
            _ => false,
        }
    };
    (0..standings.len()).filter(is_wanted)
}

impl Observer for Board {
    fn see(&self, event: &Event) {
        let Process::Client(process) = event.process else {
            return;
        };
        self.0.change(|standings| {
            let worker = process as usize % standings.len();
            standings[worker].follow(event);
        });
    }
}

impl Standing {
    fn follow(&mut self, event: &Event) {
        let key = || event.key.clone().unwrap_or_default();
        let asked = || (event.function.clone(), key());
        self.asks = (event.kind == Kind::Invoke).then(asked);
        match (&event.function, event.kind) {
            (Function::Acquire, Kind::Ok) => self.holds = Some(key()),
            // Its process is retired, and gives up what it held.
            (_, Kind::Info) | (Function::Release | Function::Lost, Kind::Ok | Kind::Fail) => {
                self.holds = None;
            }
            (Function::Verify, Kind::Ok) => {
                let is_lost = event.value == Value::Answer(Answer::Lost);
                self.holds = (!is_lost).then(key);
            }
            _ => {}
        }
    }

    fn is_at(&self, function: &Function) -> bool {
        self.asks.as_ref().is_some_and(|(at, _)| at == function)
    }

    fn administers(&self) -> bool {
        self.asks
            .as_ref()
            .is_some_and(|(at, _)| at.is_administration())
    }

    fn waits_for_one_of(&self, all: &[Self]) -> bool {
        let Some((Function::Acquire, key)) = &self.asks else {
            return false;
        };
        all.iter().any(|other| other.holds.as_ref() == Some(key))
    }
}

#[cfg(test)]
mod tests {
    use history::Draft;

    use super::*;

    /// What a board of two workers says of the first, after process 2 (its second) did this.
    fn after(events: &[(Kind, Function, Value)]) -> Standing {
        let board = Board::new(2);
        for (index, (kind, function, value)) in (0..).zip(events) {
            let draft = Draft::new(Process::Client(2), *kind, function.clone());
            board.see(&draft.with(value.clone()).at(index, index));
        }
        assert_eq!(
            board.0.see(|standings| standings[1].clone()),
            Standing::default()
        );
        board.0.see(|standings| standings[0].clone())
    }

    fn holds_after(kind: Kind, function: Function, value: Value) -> bool {
        let granted = (Kind::Ok, Function::Acquire, Value::None);
        let invoked = (Kind::Invoke, function.clone(), Value::None);
        after(&[granted, invoked, (kind, function, value)])
            .holds
            .is_some()
    }

    #[test]
    fn a_hold_ends_with_its_release_its_loss_or_its_process() {
        use Function::{Acquire, Lost, Release, Verify};
        let (held, lost) = (Value::Answer(Answer::Held), Value::Answer(Answer::Lost));
        let table = [
            (Kind::Fail, Acquire, Value::None, true),
            (Kind::Info, Acquire, Value::None, false),
            (Kind::Ok, Verify, held, true),
            (Kind::Ok, Verify, lost, false),
            (Kind::Fail, Verify, Value::None, true),
            (Kind::Info, Verify, Value::None, false),
            (Kind::Ok, Release, Value::None, false),
            (Kind::Fail, Release, Value::None, false),
            (Kind::Ok, Lost, Value::None, false),
            (Kind::Ok, Function::Write, Value::None, true),
            (Kind::Info, Function::Write, Value::None, false),
        ];
        for (kind, function, value, holds) in table {
            let said = holds_after(kind, function.clone(), value.clone());
            assert_eq!(said, holds, "{kind:?} {function} {value:?}");
        }
    }

    #[test]
    fn a_hold_lasts_until_its_release_has_ended() {
        let granted = (Kind::Ok, Function::Acquire, Value::None);
        let asked = (Kind::Invoke, Function::Release, Value::None);
        assert!(after(&[granted, asked]).holds.is_some());
    }

    #[test]
    fn an_administrator_is_one_between_the_ends_of_its_action() {
        let asked = (Kind::Invoke, Function::Grow, Value::None);
        for kind in [Kind::Ok, Kind::Fail, Kind::Info] {
            let ended = (kind, Function::Grow, Value::None);
            assert!(after(std::slice::from_ref(&asked)).administers());
            assert!(!after(&[asked.clone(), ended]).administers());
        }
        let acquiring = (Kind::Invoke, Function::Acquire, Value::None);
        assert!(!after(&[acquiring]).administers());
    }

    #[test]
    fn whoever_is_in_the_middle_of_something_is_found_by_it() {
        let board = Board::new(3);
        let mut index = 0;
        let mut see = |process, kind, function, key: &str| {
            let draft = Draft::new(Process::Client(process), kind, function);
            board.see(&draft.on(key).at(index, index));
            index += 1;
        };
        use Function::{Acquire, Release, Verify};
        see(0, Kind::Invoke, Acquire, "a");
        assert_eq!(board.those(&Target::Acquiring { draw: 0 }), [0]);
        assert_eq!(board.those(&Target::Waiter { draw: 0 }), [] as [usize; 0]);
        see(0, Kind::Ok, Acquire, "a");
        see(1, Kind::Invoke, Acquire, "a");
        see(2, Kind::Invoke, Acquire, "b");
        assert_eq!(board.those(&Target::Acquiring { draw: 0 }), [1, 2]);
        assert_eq!(board.those(&Target::Waiter { draw: 0 }), [1]);
        see(0, Kind::Invoke, Verify, "a");
        assert_eq!(board.those(&Target::Verifying { draw: 0 }), [0]);
        see(0, Kind::Ok, Verify, "a");
        see(0, Kind::Invoke, Release, "a");
        assert_eq!(board.those(&Target::Releasing { draw: 0 }), [0]);
        assert_eq!(board.those(&Target::Holder { draw: 0 }), [0]);
        assert_eq!(board.those(&Target::Any { draw: 0 }), [] as [usize; 0]);
    }

    #[tokio::test]
    async fn whoever_waits_for_somebody_is_woken_by_the_event() {
        let board = Board::new(3);
        let granting = async {
            tokio::task::yield_now().await;
            let draft = Draft::new(Process::Client(7), Kind::Ok, Function::Acquire);
            board.see(&draft.at(0, 0));
        };
        let holder = Target::Holder { draw: 0 };
        tokio::join!(board.somebody(&holder), granting);
        assert_eq!(board.those(&holder), [1]);
    }
}
