//! What a run goes on until, where that is not a time.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use history::fault::Note;
use history::{Event, History, HistoryBuilder, Value};

use crate::observer::Observer;
use crate::watch::Watch;

/// What a run goes on until, unless its time is up before.
pub trait Goal: Send + Sync {
    /// Whether a run that has recorded this has come to it. Asked whenever the last fault that was
    /// on has been taken off.
    fn is_reached(&self, history: &History) -> bool;
}

/// Keeps what is recorded, to ask whether the goal is reached.
pub(crate) struct Pursuit {
    goal: Arc<dyn Goal>,
    seen: Mutex<Seen>,
    /// How often the last fault that was on has been taken off.
    calms: Watch<u64>,
}

#[derive(Default)]
struct Seen {
    events: Vec<Event>,
    /// The faults that are on, or may be.
    on: BTreeSet<u64>,
}

impl Pursuit {
    pub(crate) fn of(goal: Arc<dyn Goal>) -> Self {
        Self {
            goal,
            seen: Mutex::default(),
            calms: Watch::default(),
        }
    }

    /// Returns as soon as the goal is reached.
    pub(crate) async fn reached(&self) {
        let mut asked = 0;
        loop {
            self.calms.when(|calms| *calms > asked).await;
            asked = self.calms.see(|calms| *calms);
            if self.goal.is_reached(&self.history()) {
                return;
            }
        }
    }

    fn history(&self) -> History {
        let events = self.seen().events.clone();
        let mut builder = HistoryBuilder::default();
        for event in events {
            let pushed = builder.push_event(event);
            pushed.expect("the log takes nothing that breaks the rules");
        }
        builder.finish()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Pursuit {
    fn see(&self, event: &Event) {
        let mut seen = self.seen();
        seen.events.push(event.clone());
        let Value::Note(note) = &event.value else {
            return;
        };
        match &**note {
            Note::Inject { id, .. } => {
                seen.on.insert(*id);
            }
            Note::Healed { id, .. } => {
                seen.on.remove(id);
                if seen.on.is_empty() {
                    self.calms.change(|calms| *calms += 1);
                }
            }
            Note::On { .. } | Note::Heal { .. } => {}
        }
    }
}

impl fmt::Debug for Pursuit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pursuit").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt;
    use history::Draft;
    use history::fault::{Class, Parameters, Targets};

    use super::*;

    /// Reached with so many events; counts how often it was asked.
    struct Length(usize, AtomicUsize);

    impl Goal for Length {
        fn is_reached(&self, history: &History) -> bool {
            self.1.fetch_add(1, Ordering::Relaxed);
            history.events().len() >= self.0
        }
    }

    fn inject(id: u64) -> Note {
        Note::Inject {
            id,
            class: Class::Breaking,
            targets: Targets::Processes(vec![0]),
            parameters: Parameters::new(),
        }
    }

    #[test]
    fn the_goal_is_asked_for_when_no_fault_is_on_any_more() {
        let goal = Arc::new(Length(9, AtomicUsize::new(0)));
        let pursuit = Pursuit::of(goal.clone());
        let mut reached = std::pin::pin!(pursuit.reached());
        let notes = [
            inject(0),
            inject(1),
            Note::heal(0),
            Note::healed(0),
            Note::heal(1),
            Note::healed(1),
            inject(2),
            Note::heal(2),
            Note::healed(2),
        ];
        let mut asked = Vec::new();
        for (index, note) in (0..).zip(notes) {
            assert!(
                reached.as_mut().now_or_never().is_none(),
                "too early at {index}"
            );
            asked.push(goal.1.load(Ordering::Relaxed));
            pursuit.see(&Draft::fault("cut", note).at(index, index));
        }
        assert_eq!(asked, [0, 0, 0, 0, 0, 0, 1, 1, 1]);
        assert!(reached.now_or_never().is_some());
    }
}
