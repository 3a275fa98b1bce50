//! What pictures of a run show: who believed in a hold from when to when, what was in flight, and what was broken for whom.
//!
//! One pass over the history. Whether two holds contradict each other is not decided here: that is the checker's, and pictures mark
//! what it found.

use std::collections::BTreeMap;
use std::sync::Arc;

use history::fault;
use history::{Answer, Event, Function, History, Kind, Process, Value};

use crate::outcome::Outcome;

/// Everything that can be drawn. Times are nanoseconds since the run began.
#[derive(Debug, Default)]
pub(crate) struct Scene {
    /// Rows of a picture: one a worker.
    pub(crate) workers: u32,
    /// The time of the last event.
    pub(crate) end: u64,
    /// The locks, in the order in which they appear.
    pub(crate) keys: Vec<Option<Arc<str>>>,
    /// In the order of the grants.
    pub(crate) holds: Vec<Hold>,
    /// In the order of the invocations.
    pub(crate) flights: Vec<Flight>,
    /// In the order of time.
    pub(crate) losses: Vec<Loss>,
    /// In the order of the injections.
    pub(crate) windows: Vec<Window>,
}

/// A believed interval.
#[derive(Debug)]
pub(crate) struct Hold {
    pub(crate) process: u32,
    pub(crate) worker: u32,
    /// Its place in [`Scene::keys`].
    pub(crate) key: usize,
    pub(crate) begin: u64,
    /// The invocation of the last answer `held`, or of the successful release: up to here the service itself vouched for it.
    pub(crate) confirmed: u64,
    pub(crate) end: u64,
}

/// An operation from its invocation to its end.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) worker: u32,
    pub(crate) key: Option<usize>,
    pub(crate) begin: u64,
    pub(crate) end: u64,
    pub(crate) outcome: Outcome,
}

/// A moment at which a client had to give up a hold.
#[derive(Debug)]
pub(crate) struct Loss {
    pub(crate) worker: u32,
    pub(crate) key: Option<usize>,
    pub(crate) at: u64,
}

/// A fault from its injection to its healing.
#[derive(Debug)]
pub(crate) struct Window {
    pub(crate) fault: Arc<str>,
    /// The processes that it was aimed at.
    pub(crate) targets: Vec<u32>,
    /// Those of them that believed in a hold when it began.
    pub(crate) holders: Vec<u32>,
    pub(crate) begin: u64,
    /// None if the record does not show that it healed.
    pub(crate) end: Option<u64>,
}

impl Scene {
    /// What there is to draw of a history of so many workers.
    pub(crate) fn of(history: &History, workers: u32) -> Self {
        let end = history.events().last().map_or(0, |last| last.time);
        let workers = workers.max(1);
        let mut scan = Scan {
            scene: Self {
                workers,
                end,
                ..Self::default()
            },
            ..Scan::default()
        };
        let windows = history.windows();
        let mut windows = windows.iter().peekable();
        for (place, event) in history.events().iter().enumerate() {
            if let Process::Client(process) = event.process {
                scan.client(history, place, event, process);
            } else if let Some(window) = windows.next_if(|window| window.inject == place) {
                scan.window(history, window);
            }
        }
        scan.scene
    }

    /// The row of a process.
    pub(crate) fn worker(&self, process: u32) -> u32 {
        process % self.workers
    }

    /// The place of a lock in [`Scene::keys`].
    pub(crate) fn key(&self, key: Option<&Arc<str>>) -> Option<usize> {
        self.keys.iter().position(|known| known.as_ref() == key)
    }
}

#[derive(Default)]
struct Scan {
    scene: Scene,
    keys: BTreeMap<Option<Arc<str>>, usize>,
    /// For each process the holds that it believes in, the latest last.
    believed: BTreeMap<u32, Vec<usize>>,
}

impl Scan {
    fn client(&mut self, history: &History, place: usize, event: &Event, process: u32) {
        let key = self.key(event.key.as_ref());
        let end = history
            .partner(place)
            .map(|partner| &history.events()[partner]);
        match (event.kind, &event.function) {
            (Kind::Invoke, function) => {
                self.fly(event, end, process, key);
                self.invoked(function, event, end, process, key);
            }
            (Kind::Info, _) => self.retire(process, event.time),
            (Kind::Ok, Function::Acquire) => self.grant(process, key, event.time),
            (Kind::Ok, Function::Lost) => self.lose(process, key, event.time),
            (Kind::Ok, Function::Verify) if event.value == Value::Answer(Answer::Lost) => {
                self.lose(process, key, event.time);
            }
            _ => {}
        }
    }

    /// News of loss is not an operation that takes time.
    fn fly(&mut self, event: &Event, end: Option<&Event>, process: u32, key: usize) {
        if event.function == Function::Lost {
            return;
        }
        let flight = Flight {
            worker: self.scene.worker(process),
            key: Some(key),
            begin: event.time,
            end: end.map_or(self.scene.end, |end| end.time),
            outcome: Outcome::of(end),
        };
        self.scene.flights.push(flight);
    }

    fn invoked(
        &mut self,
        function: &Function,
        event: &Event,
        end: Option<&Event>,
        process: u32,
        key: usize,
    ) {
        let ok = end.is_some_and(|end| end.kind == Kind::Ok);
        let held = end.is_some_and(|end| end.value == Value::Answer(Answer::Held));
        match function {
            Function::Release => {
                let Some(hold) = self.disbelieve(process, key, event.time) else {
                    return;
                };
                if ok {
                    hold.confirmed = event.time;
                }
            }
            Function::Verify if ok && held => {
                if let Some(hold) = self.latest(process, key) {
                    self.scene.holds[hold].confirmed = event.time;
                }
            }
            _ => {}
        }
    }

    fn grant(&mut self, process: u32, key: usize, time: u64) {
        let (worker, end) = (self.scene.worker(process), self.scene.end);
        self.believed
            .entry(process)
            .or_default()
            .push(self.scene.holds.len());
        self.scene.holds.push(Hold {
            process,
            worker,
            key,
            begin: time,
            confirmed: time,
            end,
        });
    }

    fn lose(&mut self, process: u32, key: usize, time: u64) {
        let worker = self.scene.worker(process);
        if self.disbelieve(process, key, time).is_some() {
            self.scene.losses.push(Loss {
                worker,
                key: Some(key),
                at: time,
            });
        }
    }

    fn latest(&self, process: u32, key: usize) -> Option<usize> {
        let stack = self.believed.get(&process)?;
        stack
            .iter()
            .rev()
            .copied()
            .find(|hold| self.scene.holds[*hold].key == key)
    }

    fn disbelieve(&mut self, process: u32, key: usize, time: u64) -> Option<&mut Hold> {
        let latest = self.latest(process, key)?;
        self.believed
            .entry(process)
            .or_default()
            .retain(|hold| *hold != latest);
        let hold = &mut self.scene.holds[latest];
        hold.end = time;
        Some(hold)
    }

    /// Nobody knows how an operation ended: the process believes in nothing any more.
    fn retire(&mut self, process: u32, time: u64) {
        let holds = self.believed.remove(&process).unwrap_or_default();
        for hold in &holds {
            self.scene.holds[*hold].end = time;
        }
        if !holds.is_empty() {
            let worker = self.scene.worker(process);
            self.scene.losses.push(Loss {
                worker,
                key: None,
                at: time,
            });
        }
    }

    fn window(&mut self, history: &History, window: &fault::Window) {
        let holds = |process: &u32| {
            self.believed
                .get(process)
                .is_some_and(|holds| !holds.is_empty())
        };
        let time = |place: usize| history.events()[place].time;
        let targets = window.targets.processes();
        self.scene.windows.push(Window {
            fault: window.name.clone(),
            targets: targets.to_vec(),
            holders: targets.iter().copied().filter(holds).collect(),
            begin: time(window.inject),
            end: window.heal.map(time),
        });
    }

    fn key(&mut self, key: Option<&Arc<str>>) -> usize {
        if let Some(known) = self.keys.get(&key.cloned()) {
            return *known;
        }
        let place = self.scene.keys.len();
        self.keys.insert(key.cloned(), place);
        self.scene.keys.push(key.cloned());
        place
    }
}

#[cfg(test)]
mod tests {
    use history::fault::{Class, Note, Parameters, Targets};
    use history::{Draft, HistoryBuilder};

    use super::*;

    fn history(drafts: Vec<Draft>) -> History {
        let mut builder = HistoryBuilder::default();
        for (time, draft) in (0..).zip(drafts) {
            builder.push(time, draft).expect("well-formed");
        }
        builder.finish()
    }

    fn draft(process: u32, kind: Kind, function: Function) -> Draft {
        Draft::new(Process::Client(process), kind, function).on("lock-0")
    }

    fn grant() -> Vec<Draft> {
        vec![
            draft(0, Kind::Invoke, Function::Acquire),
            draft(0, Kind::Ok, Function::Acquire),
        ]
    }

    fn only_hold(after: Vec<Draft>) -> (u64, u64, u64) {
        let mut drafts = grant();
        drafts.extend(after);
        let scene = Scene::of(&history(drafts), 1);
        let hold = &scene.holds[0];
        (hold.begin, hold.confirmed, hold.end)
    }

    #[test]
    fn a_hold_ends_with_the_request_for_release() {
        let release = |kind| {
            vec![
                draft(0, Kind::Invoke, Function::Release),
                draft(0, kind, Function::Release),
            ]
        };
        assert_eq!(only_hold(release(Kind::Ok)), (1, 2, 2));
        assert_eq!(only_hold(release(Kind::Info)), (1, 1, 2));
    }

    #[test]
    fn a_held_answer_confirms_up_to_the_question_and_a_lost_one_ends() {
        let verify = |answer| {
            let ok = draft(0, Kind::Ok, Function::Verify).answering(answer);
            vec![draft(0, Kind::Invoke, Function::Verify), ok]
        };
        assert_eq!(only_hold(verify(Answer::Held)), (1, 2, 3));
        assert_eq!(only_hold(verify(Answer::Lost)), (1, 1, 3));
    }

    #[test]
    fn an_unknown_outcome_retires_and_an_open_hold_lasts_to_the_end() {
        let verify = vec![
            draft(0, Kind::Invoke, Function::Verify),
            draft(0, Kind::Info, Function::Verify),
        ];
        assert_eq!(only_hold(verify), (1, 1, 3));
        assert_eq!(
            only_hold(vec![draft(1, Kind::Invoke, Function::Acquire)]),
            (1, 1, 2)
        );
    }

    #[test]
    fn a_window_knows_who_held_when_it_began() {
        let mut drafts = grant();
        let inject = |id, targets| Note::Inject {
            id,
            class: Class::Breaking,
            targets: Targets::Processes(targets),
            parameters: Parameters::new(),
        };
        let notes = [
            inject(7, vec![0, 1]),
            Note::Heal { id: 7 },
            inject(8, vec![1]),
        ];
        drafts.extend(notes.map(|note| Draft::fault("cut", note)));
        let windows = Scene::of(&history(drafts), 2).windows;
        assert_eq!(
            (
                windows[0].begin,
                windows[0].end,
                windows[0].holders.as_slice()
            ),
            (2, Some(3), &[0][..])
        );
        assert_eq!((windows[1].end, windows[1].holders.len()), (None, 0));
    }
}
