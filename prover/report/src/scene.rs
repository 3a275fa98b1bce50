//! What pictures of a run show: who believed in a hold from when to when, what was in flight, and
//! what was broken for whom.
//!
//! What a hold is, and whether two contradict each other, is not decided here: that is the
//! checker's, and pictures mark what it found.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use checker::End;
use history::{Event, Function, History, Kind, Process, fault};

use crate::ending::Ending;
use crate::hue::Hues;

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
    /// The colours of its faults.
    pub(crate) hues: Hues,
}

/// A believed interval.
#[derive(Debug)]
pub(crate) struct Hold {
    pub(crate) process: u32,
    pub(crate) worker: u32,
    /// Its place in [`Scene::keys`].
    pub(crate) key: usize,
    pub(crate) begin: u64,
    /// The invocation of the last answer `held`, or of the successful release: up to here the
    /// service itself vouched for it.
    pub(crate) confirmed: u64,
    pub(crate) end: u64,
}

/// An operation from its invocation to its end.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) worker: u32,
    pub(crate) begin: u64,
    pub(crate) end: u64,
    pub(crate) ending: Ending,
}

/// A moment at which a client had to give up a hold.
#[derive(Debug)]
pub(crate) struct Loss {
    pub(crate) worker: u32,
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
    /// The index of the event that it begins with.
    pub(crate) event: u64,
    /// What shows it from outside.
    pub(crate) evidence: String,
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
        for (place, event) in history.events().iter().enumerate() {
            if let (Process::Client(process), Kind::Invoke) = (event.process, event.kind) {
                scan.invoked(history, place, event, process);
            }
        }
        let locks = checker::locks(history);
        let mut holds: Vec<Held<'_>> = locks.iter().flat_map(held).collect();
        holds.sort_by_key(|(_, hold)| hold.granted());
        scan.hold(history, &holds);
        scan.lose(history, &holds);
        for window in history.windows() {
            scan.window(history, &holds, &window);
        }
        scan.scene.hues = hues(&scan.scene.windows, history);
        scan.scene
    }

    /// The class of a fault in the palette.
    pub(crate) fn fault_class(&self, fault: &str) -> String {
        self.hues.class(fault)
    }

    /// The row of a process.
    pub(crate) fn worker(&self, process: u32) -> u32 {
        process % self.workers
    }
}

/// Those of the faults that happened, and then of those that were to.
fn hues(windows: &[Window], history: &History) -> Hues {
    let happened = windows.iter().map(|window| &*window.fault);
    let planned = history.outline().into_iter().flat_map(|it| &it.faults);
    Hues::of(happened.chain(planned.map(String::as_str)))
}

/// A hold and the key of its lock.
type Held<'a> = (Option<&'a Arc<str>>, &'a checker::Hold);

fn held(lock: &checker::Lock) -> impl Iterator<Item = Held<'_>> {
    lock.holds().iter().map(|hold| (lock.key(), hold))
}

#[derive(Default)]
struct Scan {
    scene: Scene,
    keys: BTreeMap<Option<Arc<str>>, usize>,
}

impl Scan {
    /// An operation takes time, but for a loss notification.
    fn invoked(&mut self, history: &History, place: usize, event: &Event, process: u32) {
        self.key(event.key.as_ref());
        if event.function == Function::Lost {
            return;
        }
        let end = history
            .partner(place)
            .map(|partner| &history.events()[partner]);
        let flight = Flight {
            worker: self.scene.worker(process),
            begin: event.time,
            end: end.map_or(self.scene.end, |end| end.time),
            ending: Ending::of(end),
        };
        self.scene.flights.push(flight);
    }

    fn hold(&mut self, history: &History, holds: &[Held<'_>]) {
        let time = |place: usize| history.events()[place].time;
        for (key, hold) in holds {
            for belief in hold.beliefs() {
                let begin = time(belief.begin());
                let end = belief.until_ns().unwrap_or(self.scene.end);
                let confirmed = hold.confirmed_until().map_or(begin, time);
                let drawn = Hold {
                    process: hold.process(),
                    worker: self.scene.worker(hold.process()),
                    key: self.key(*key),
                    begin,
                    confirmed: confirmed.max(begin),
                    end,
                };
                self.scene.holds.push(drawn);
            }
        }
    }

    /// Whoever is retired gives up all that it holds at one moment.
    fn lose(&mut self, history: &History, holds: &[Held<'_>]) {
        let lost = holds
            .iter()
            .filter(|(_, hold)| matches!(hold.end(), End::Loss | End::Retired));
        let losses: BTreeSet<(Option<usize>, u32)> = lost
            .map(|(_, hold)| (hold.believed_until(), self.scene.worker(hold.process())))
            .collect();
        let loss = |(place, worker): (Option<usize>, u32)| {
            place.map(|place| Loss {
                worker,
                at: history.events()[place].time,
            })
        };
        self.scene.losses = losses.into_iter().filter_map(loss).collect();
    }

    fn window(&mut self, history: &History, holds: &[Held<'_>], window: &fault::Window) {
        let believes = |process: &u32| {
            let mut own = holds.iter().filter(|(_, hold)| hold.process() == *process);
            own.any(|(_, hold)| hold.is_believed_at(window.inject))
        };
        let time = |place: usize| history.events()[place].time;
        let targets = window.targets.processes();
        self.scene.windows.push(Window {
            fault: window.name.clone(),
            targets: targets.to_vec(),
            holders: targets.iter().copied().filter(believes).collect(),
            begin: time(window.inject),
            end: window.heal.map(time),
            event: history.events()[window.inject].index,
            evidence: crate::evidence::line(&window.evidence),
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
    use history::{Answer, Draft, HistoryBuilder};

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
        let notes = [inject(7, vec![0, 1]), Note::heal(7), inject(8, vec![1])];
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
