//! What is said of a run, or of a step that takes long, while it goes on.

use std::time::Duration;

use checker::counted;
use run::{Moment, Struck};
use suite::Pace;

/// For so long nobody asks how long a step has taken.
const SHORT: Duration = Duration::from_secs(3);

/// When more workers are struck than these they are only counted.
const NAMED: usize = 3;

/// How long the workload of a run lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// So long.
    Fixed(Duration),
    /// Until each fault has had its effect, and so long at the longest.
    UntilCovered(Duration),
}

/// `pull rabbitmq:4.0-management (for 12 s)`; nothing as long as it is new.
pub(crate) fn of_step(text: &str, lasting: Duration) -> Option<String> {
    (lasting >= SHORT).then(|| format!("{text} (for {} s)", lasting.as_secs()))
}

/// `64 of 400 runs, about 2m 5s left`.
pub(crate) fn of_many(pace: Pace, noun: &str) -> String {
    format!("{} of {} {noun}, {pace}", pace.done, pace.done + pace.left)
}

/// `running 14/40 s · 310 operations · 310 operations · 22 grants · held by worker 2 · held by worker 2 · cut on worker 3 · next fault
/// in 4 s`.
pub(crate) fn of_run(moment: &Moment, length: Length) -> String {
    let [counts, scene] = parts(moment, length);
    [counts, scene].concat().join(" · ")
}

/// The same in two lines: how far it is, and what goes on.
pub(crate) fn of_run_on_terminal(moment: &Moment, length: Length) -> String {
    let [counts, scene] = parts(moment, length);
    format!("{}\n  {}", counts.join(" · "), scene.join(" · "))
}

fn parts(moment: &Moment, length: Length) -> [Vec<String>; 2] {
    let mut counts = vec![
        of_phase(moment, length),
        counted(moment.operations, "operation"),
        counted(moment.grants, "grant"),
    ];
    if moment.overlaps > 0 {
        counts.push(format!("{} so far", counted(moment.overlaps, "overlap")));
    }
    let held = match moment.holders.as_slice() {
        [] => "held by nobody".to_owned(),
        holders => format!("held by {}", of_workers(holders)),
    };
    let next = moment
        .next
        .map(|wait| match wait.as_millis().div_ceil(1_000) {
            0 => "next fault is due".to_owned(),
            seconds => format!("next fault in {seconds} s"),
        });
    let on = moment.on.iter().map(of_fault);
    [counts, [held].into_iter().chain(on).chain(next).collect()]
}

fn of_phase(moment: &Moment, length: Length) -> String {
    let elapsed = moment.elapsed.as_secs();
    match (moment.settling, length) {
        (Some(settling), _) => format!(
            "last phase, every lock is granted once more: {} s",
            settling.as_secs()
        ),
        (None, Length::Fixed(limit)) => format!("running {elapsed}/{} s", limit.as_secs()),
        (None, Length::UntilCovered(limit)) => {
            format!("until covered {elapsed}/{} s", limit.as_secs())
        }
    }
}

fn of_fault(struck: &Struck) -> String {
    let Struck { fault, workers } = struck;
    if workers.is_empty() {
        return fault.to_string();
    }
    format!("{fault} on {}", of_workers(workers))
}

fn of_workers(workers: &[usize]) -> String {
    match workers {
        [worker] => format!("worker {worker}"),
        few if few.len() <= NAMED => {
            let few: Vec<String> = few.iter().map(ToString::to_string).collect();
            format!("workers {}", few.join(", "))
        }
        many => counted(many.len() as u64, "worker"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Length = Length::Fixed(Duration::from_secs(40));

    fn struck(fault: &str, workers: &[usize]) -> Struck {
        Struck {
            fault: fault.into(),
            workers: workers.to_vec(),
        }
    }

    fn moment() -> Moment {
        Moment {
            elapsed: Duration::from_millis(14_900),
            settling: None,
            operations: 310,
            grants: 22,
            holders: vec![2],
            overlaps: 0,
            on: vec![struck("cut", &[3])],
            next: Some(Duration::from_millis(3_100)),
        }
    }

    #[test]
    fn a_run_is_told_in_one_line() {
        assert_eq!(
            of_run(&moment(), LIMIT),
            "running 14/40 s · 310 operations · 22 grants · held by worker 2 · cut on worker 3 · next fault in 4 s"
        );
        let covering = Length::UntilCovered(Duration::from_secs(600));
        assert_eq!(
            of_run(&moment(), covering),
            "until covered 14/600 s · 310 operations · 22 grants · held by worker 2 · cut on worker 3 · next fault in 4 s"
        );
    }

    #[test]
    fn a_terminal_has_two_lines_for_it() {
        let overlapping = Moment {
            holders: vec![0, 2],
            overlaps: 1,
            ..moment()
        };
        assert_eq!(
            of_run_on_terminal(&overlapping, LIMIT),
            "running 14/40 s · 310 operations · 22 grants · 1 overlap so far\n  \
             held by workers 0, 2 · cut on worker 3 · next fault in 4 s"
        );
    }

    #[test]
    fn what_is_not_there_is_not_told() {
        let quiet = Moment {
            grants: 1,
            holders: Vec::new(),
            on: Vec::new(),
            next: None,
            ..moment()
        };
        assert_eq!(
            of_run(&quiet, LIMIT),
            "running 14/40 s · 310 operations · 1 grant · held by nobody"
        );
        let late = Moment {
            next: Some(Duration::ZERO),
            ..quiet.clone()
        };
        assert_eq!(
            of_run(&late, LIMIT),
            "running 14/40 s · 310 operations · 1 grant · held by nobody · next fault is due"
        );
        let last = Moment {
            settling: Some(Duration::from_secs(3)),
            ..quiet
        };
        assert_eq!(
            of_run(&last, LIMIT),
            "last phase, every lock is granted once more: 3 s · 310 operations · 1 grant · held by nobody"
        );
    }

    #[test]
    fn several_faults_and_workers_are_told() {
        let several = Moment {
            on: vec![
                struck("pause", &[0, 2]),
                struck("restart", &[0, 1, 2, 3, 4]),
                struck("cut", &[]),
            ],
            next: None,
            ..moment()
        };
        assert_eq!(
            of_run(&several, LIMIT),
            "running 14/40 s · 310 operations · 22 grants · held by worker 2 · pause on workers 0, 2 · restart on 5 workers · cut"
        );
    }

    #[test]
    fn a_step_says_how_long_it_has_taken_once_that_is_long() {
        assert_eq!(of_step("pull it", Duration::from_secs(2)), None);
        let long = of_step("pull it", Duration::from_secs(12));
        assert_eq!(long.as_deref(), Some("pull it (for 12 s)"));
    }

    #[test]
    fn of_many_things_it_is_told_how_many_are_done_and_how_long_the_rest_takes() {
        let pace = Pace {
            done: 64,
            left: 336,
            time_left: Some(Duration::from_secs(125)),
        };
        assert_eq!(of_many(pace, "runs"), "64 of 400 runs, about 2m 5s left");
    }
}
