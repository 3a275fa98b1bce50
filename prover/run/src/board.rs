//! Who believes to hold a lock, and who administers one: what the nemesis chooses its targets by.

use history::{Answer, Event, Function, Kind, Process, Value};

use crate::observer::Observer;
use crate::watch::Watch;

/// What one worker is about, as far as the record says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Whether it believes to hold a lock.
    pub holds: bool,
    /// Whether it is in the middle of administering one.
    pub administers: bool,
}

/// What all workers are about.
#[derive(Debug)]
pub(crate) struct Board(Watch<Vec<Standing>>);

impl Board {
    /// So many workers, none of which holds anything.
    pub(crate) fn new(workers: usize) -> Self {
        Self(Watch::new(vec![Standing::default(); workers]))
    }

    /// The workers of which something is so now.
    pub(crate) fn those(&self, is_so: fn(&Standing) -> bool) -> Vec<usize> {
        self.0.see(|standings| {
            (0..standings.len())
                .filter(|worker| is_so(&standings[*worker]))
                .collect()
        })
    }

    /// Returns as soon as it is so of somebody.
    pub(crate) async fn somebody(&self, is_so: fn(&Standing) -> bool) {
        self.0.when(|standings| standings.iter().any(is_so)).await;
    }
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
        self.administers = event.kind == Kind::Invoke && event.function.is_administration();
        self.holds = match (&event.function, event.kind) {
            (_, Kind::Invoke) => self.holds,
            // Its process is retired, and gives up what it held.
            (_, Kind::Info) => false,
            (Function::Acquire, Kind::Ok) => true,
            (Function::Release | Function::Lost, _) => false,
            (Function::Verify, Kind::Ok) => event.value != Value::Answer(Answer::Lost),
            _ => self.holds,
        };
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
        assert_eq!(board.0.see(|standings| standings[1]), Standing::default());
        board.0.see(|standings| standings[0])
    }

    fn holds_after(kind: Kind, function: Function, value: Value) -> bool {
        let granted = (Kind::Ok, Function::Acquire, Value::None);
        let invoked = (Kind::Invoke, function.clone(), Value::None);
        after(&[granted, invoked, (kind, function, value)]).holds
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
        assert!(after(&[granted, asked]).holds);
    }

    #[test]
    fn an_administrator_is_one_between_the_ends_of_its_action() {
        let asked = (Kind::Invoke, Function::Grow, Value::None);
        for kind in [Kind::Ok, Kind::Fail, Kind::Info] {
            let ended = (kind, Function::Grow, Value::None);
            assert!(after(std::slice::from_ref(&asked)).administers);
            assert!(!after(&[asked.clone(), ended]).administers);
        }
        let acquiring = (Kind::Invoke, Function::Acquire, Value::None);
        assert!(!after(&[acquiring]).administers);
    }

    #[tokio::test]
    async fn whoever_waits_for_somebody_is_woken_by_the_event() {
        let board = Board::new(3);
        let granting = async {
            tokio::task::yield_now().await;
            let draft = Draft::new(Process::Client(7), Kind::Ok, Function::Acquire);
            board.see(&draft.at(0, 0));
        };
        tokio::join!(board.somebody(|standing| standing.holds), granting);
        assert_eq!(board.those(|standing| standing.holds), [1]);
    }
}
