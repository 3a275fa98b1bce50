//! Differences that are known, and why they stay.

use std::collections::BTreeMap;

use locks::ErrorKind;

use crate::act::{Act, Ending};
use crate::comparison::Divergence;
use crate::script::{Action, Operation, Place, Step};
use crate::transcript::{Notice, Seen, Source, StepOutcome, StepRecord};

/// A difference that is known.
#[derive(Clone, Copy, Debug)]
pub struct Explained {
    /// Its name in reports.
    pub name: &'static str,
    /// Why it is there, and why it stays.
    pub reason: &'static str,
    /// Whether a divergence is this one and nothing else.
    pub describes: fn(&Divergence) -> bool,
}

/// Every known difference.
pub const ALL: &[Explained] = &[
    Explained {
        name: "crossing-closes",
        reason: "where the client closes a channel while the server's refusal of it is on its way, lapin may take the answer to its close for one on \
                 an unknown channel and give the whole connection up; the simulated client does not",
        describes: is_crossing_closes,
    },
    Explained {
        name: "end-before-its-reason",
        reason: "a broker that stops ends the stream as soon as it has said why, and lapin may see the end before it has read the reason; the simulated \
                 client always reads it",
        describes: is_end_before_reason,
    },
    Explained {
        name: "order-of-ending-channels",
        reason: "RabbitMQ ends the channels of a connection side by side, and lapin closes a channel later where it has a consumer to stop, so that \
                 what they give back may be delivered again in another order; the simulation ends them one after the other",
        describes: is_order_of_ending,
    },
    Explained {
        name: "single-active-consumer-cancelled",
        reason: "in RabbitMQ 3.10 the consumer that follows a cancelled single active consumer gets what is ready only when something else happens to the \
                 queue; in 4.0, and in the simulation, it gets it at once",
        describes: is_cancelled_single_active,
    },
    Explained {
        name: "transaction-to-a-queue-that-comes-or-goes",
        reason: "RabbitMQ 3.10 looks for the queue of a transactional publish at the commit; 4.0, and the simulation, when it is sent, and a queue that is \
                 gone at the commit fails it",
        describes: is_late_routing,
    },
];

/// The explanation of a divergence, where there is one.
#[must_use]
pub fn of(divergence: &Divergence) -> Option<&'static Explained> {
    ALL.iter().find(|known| (known.describes)(divergence))
}

/// The end of a connection for a reason that RabbitMQ gives for channels only, and only after a
/// channel was closed behind a partition.
fn is_crossing_closes(divergence: &Divergence) -> bool {
    let Some(found) = divergence.found() else {
        return false;
    };
    let played = divergence.script.steps.iter().take(divergence.entry + 1);
    let played: Vec<_> = played.collect();
    let ended = ended_like_a_channel(found).or_else(|| close_failed(&played, found));
    ended.is_some_and(|connection| {
        let expected = divergence.expected();
        let lives = expected.is_some_and(|expected| {
            !expected
                .notices
                .contains_key(&Source::Connection(connection))
        });
        lives && closes_behind_partition(&played, connection)
    })
}

fn ended_like_a_channel(entry: &StepRecord) -> Option<u8> {
    entry.notices.iter().find_map(|(source, notices)| {
        let Source::Connection(connection) = source else {
            return None;
        };
        let is_channels = |notice: &Notice| {
            matches!(
                notice,
                Notice::Closed(
                    "the server" | "the transport",
                    ErrorKind::NotFound
                        | ErrorKind::ResourceLocked
                        | ErrorKind::PreconditionFailed
                        | ErrorKind::AccessRefused
                        | ErrorKind::ChannelClosed
                )
            )
        };
        notices.iter().any(is_channels).then_some(*connection)
    })
}

/// The connection whose close is answered by an error of a channel.
fn close_failed(steps: &[&Step], entry: &StepRecord) -> Option<u8> {
    let failed = Notice::Answer(StepOutcome::Failed(ErrorKind::ChannelClosed));
    entry.notices.iter().find_map(|(source, notices)| {
        let Source::Step(number) = source else {
            return None;
        };
        match steps.get(number - 1) {
            Some(Step::With(connection, Action::Close)) if *notices == [failed.clone()] => {
                Some(*connection)
            }
            _ => None,
        }
    })
}

fn closes_behind_partition(steps: &[&Step], of: u8) -> bool {
    let mut is_held = false;
    let mut has_closed = false;
    for step in steps {
        match step {
            Step::With(connection, Action::Partition) if *connection == of => is_held = true,
            Step::With(connection, Action::Heal) if *connection == of && has_closed => return true,
            Step::With(connection, Action::Heal) if *connection == of => is_held = false,
            Step::On(Place { connection, .. }, Operation::Close | Operation::Drop)
                if *connection == of && is_held =>
            {
                has_closed = true;
            }
            _ => {}
        }
    }
    false
}

/// Nothing differs but that some of those who are told that the broker stops see the end of the stream
/// alone.
fn is_end_before_reason(divergence: &Divergence) -> bool {
    let step = divergence.script.steps.get(divergence.entry);
    let stops = matches!(step, Some(Step::To(Act::Restart(Ending::Stopped))));
    let (Some(expected), Some(found)) = (divergence.expected(), divergence.found()) else {
        return false;
    };
    stops && without_reasons(expected) == without_reasons(found)
}

/// As told by somebody who does not know why the broker ends a connection.
fn without_reasons(entry: &StepRecord) -> StepRecord {
    let mut entry = entry.clone();
    for notice in entry.notices.values_mut().flatten() {
        match notice {
            Notice::Closed("the server", ErrorKind::ConnectionForced) => {
                *notice = Notice::Closed("the transport", ErrorKind::Io);
            }
            Notice::Died(kind) if *kind == ErrorKind::ConnectionForced => *kind = ErrorKind::Io,
            _ => {}
        }
    }
    entry
}

/// Nothing differs but which of the messages that an ending connection gives back a consumer gets.
fn is_order_of_ending(divergence: &Divergence) -> bool {
    let ends = matches!(
        divergence.script.steps.get(divergence.entry),
        Some(Step::With(_, Action::Close | Action::Drop | Action::Cut) | Step::To(Act::Close(_)))
    );
    let (Some(expected), Some(found)) = (divergence.expected(), divergence.found()) else {
        return false;
    };
    ends && without_bodies(expected) == without_bodies(found)
}

/// As told by somebody who does not look at what is delivered again.
fn without_bodies(entry: &StepRecord) -> StepRecord {
    let mut entry = entry.clone();
    for notice in entry.notices.values_mut().flatten() {
        if let Notice::Delivery(delivery) = notice
            && delivery.redelivered
        {
            delivery.body.clear();
        }
    }
    entry
}

fn is_3_10(divergence: &Divergence) -> bool {
    let version = divergence.version.as_ref();
    version.is_some_and(|version| version.starts_with("3.10."))
}

/// A commit, and before it a publish in that transaction to a queue that was there then and is not
/// now, or the other way round.
fn is_late_routing(divergence: &Divergence) -> bool {
    let entry = divergence.entry;
    let Some(Step::On(place, Operation::TxCommit)) = divergence.script.steps.get(entry) else {
        return false;
    };
    let (Some(expected), Some(found)) = (divergence.expected(), divergence.found()) else {
        return false;
    };
    let failed = StepOutcome::Failed(ErrorKind::PreconditionFailed);
    let differs_in_kind = matches!(
        (&expected.outcome, &found.outcome),
        (expected, StepOutcome::Committed(_)) if *expected == failed || matches!(expected, StepOutcome::Committed(_))
    );
    is_3_10(divergence)
        && differs_in_kind
        && published_since_last(divergence, *place).any(|(sent, queue)| {
            is_there(divergence, sent, queue) != is_there(divergence, entry - 1, queue)
        })
}

/// The publishes on a channel since its last transaction ended, as steps and queues.
fn published_since_last(
    divergence: &Divergence,
    place: Place,
) -> impl Iterator<Item = (usize, &str)> {
    let steps = divergence.script.steps[..divergence.entry].iter();
    let here = steps
        .enumerate()
        .rev()
        .filter_map(move |(number, step)| match step {
            Step::On(other, operation) if *other == place => Some((number, operation)),
            _ => None,
        });
    here.take_while(|(_, operation)| {
        !matches!(
            operation,
            Operation::TxCommit | Operation::TxRollback | Operation::TxSelect
        )
    })
    .filter_map(|(number, operation)| match operation {
        Operation::Send(queue, _) => Some((number, queue.as_str())),
        _ => None,
    })
}

fn is_there(divergence: &Divergence, entry: usize, queue: &str) -> bool {
    let seen = divergence.simulated.entries.get(entry);
    let seen = seen.and_then(|entry| entry.queues.get(queue));
    seen.is_some_and(|seen| *seen != Seen::Absent)
}

/// Nothing but deliveries is missing after a consumer was stopped, and nothing but these are still
/// in the queue.
fn is_cancelled_single_active(divergence: &Divergence) -> bool {
    let step = divergence.script.steps.get(divergence.entry);
    let stops = matches!(
        step,
        Some(Step::On(_, Operation::Cancel(_) | Operation::Forget(_)))
    );
    let (Some(expected), Some(found)) = (divergence.expected(), divergence.found()) else {
        return false;
    };
    is_3_10(divergence)
        && stops
        && expected.outcome == found.outcome
        && without_deliveries(expected) == found.notices
        && deliveries(expected) > 0
        && left_in_single_active(divergence, expected, found) == Some(deliveries(expected))
}

fn is_delivery(notice: &Notice) -> bool {
    matches!(notice, Notice::Delivery(_))
}

fn deliveries(entry: &StepRecord) -> u32 {
    let count = entry
        .notices
        .values()
        .flatten()
        .filter(|notice| is_delivery(notice))
        .count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn without_deliveries(entry: &StepRecord) -> BTreeMap<Source, Vec<Notice>> {
    let mut notices = entry.notices.clone();
    for told in notices.values_mut() {
        told.retain(|notice| !is_delivery(notice));
    }
    notices.retain(|_, told| !told.is_empty());
    notices
}

/// How many more messages are in a queue for a single active consumer; none where the queues differ
/// in something else.
fn left_in_single_active(
    divergence: &Divergence,
    expected: &StepRecord,
    found: &StepRecord,
) -> Option<u32> {
    let differing: Vec<_> = expected
        .queues
        .iter()
        .filter(|(name, seen)| found.queues.get(*name) != Some(seen))
        .collect();
    let [
        (
            name,
            Seen::There {
                messages,
                consumers,
            },
        ),
    ] = differing[..]
    else {
        return None;
    };
    let Some(Seen::There {
        messages: more,
        consumers: same,
    }) = found.queues.get(name)
    else {
        return None;
    };
    let is_single_active = divergence.script.steps.iter().any(|step| {
        matches!(step, Step::On(_, Operation::Declare(queue, declaration))
            if queue == name && declaration.single_active)
    });
    (is_single_active && consumers == same).then(|| more.checked_sub(*messages))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{Condition, Declaration, Flags, Script};
    use crate::transcript::{Delivery, Transcript};

    fn entry(notices: BTreeMap<Source, Vec<Notice>>) -> StepRecord {
        StepRecord {
            outcome: StepOutcome::Done,
            notices,
            queues: BTreeMap::new(),
        }
    }

    const PLACE: Place = Place {
        connection: 0,
        channel: 0,
    };

    /// A divergence at the last step.
    fn divergence(steps: Vec<Step>, expected: StepRecord, found: StepRecord) -> Divergence {
        let last = steps.len() - 1;
        let transcript = |entry: StepRecord| Transcript {
            entries: vec![entry; last + 1],
            ..Transcript::default()
        };
        Divergence {
            version: Some("3.10.8".to_owned()),
            script: Script {
                name: "test".to_owned(),
                heartbeat_secs: 60,
                steps,
            },
            entry: last,
            simulated: transcript(expected),
            real: transcript(found),
        }
    }

    fn name(divergence: &Divergence) -> Option<&'static str> {
        of(divergence).map(|known| known.name)
    }

    #[test]
    fn the_documentation_tells_them_all() {
        let page = include_str!("../../../docs/simulation.md");
        for known in ALL {
            let line = format!("| `{}` | {} |", known.name, known.reason);
            assert!(page.contains(&line), "docs/simulation.md lacks: {line}");
        }
        let lines = page
            .lines()
            .skip_while(|line| !line.starts_with("| name | reason |"));
        assert_eq!(
            lines.take_while(|line| line.starts_with('|')).count(),
            ALL.len() + 2
        );
    }

    #[test]
    fn crossing_closes_are_explained_and_nothing_beside_them() {
        let crossing = [
            Step::With(0, Action::Partition),
            Step::On(PLACE, Operation::Drop),
            Step::With(0, Action::Heal),
        ];
        let ended = |kind| {
            let notice = Notice::Closed("the server", kind);
            entry(BTreeMap::from([(Source::Connection(0), vec![notice])]))
        };
        let explain = |steps: &[Step], kind| {
            name(&divergence(
                steps.to_vec(),
                entry(BTreeMap::new()),
                ended(kind),
            ))
        };
        assert_eq!(
            explain(&crossing, ErrorKind::NotFound),
            Some("crossing-closes")
        );
        assert_eq!(explain(&crossing, ErrorKind::NotAllowed), None);
        assert_eq!(explain(&crossing[1..], ErrorKind::NotFound), None);
    }

    #[test]
    fn an_end_without_its_reason_is_explained_where_the_broker_stops() {
        let told = |by, kind| {
            let notice = Notice::Closed(by, kind);
            entry(BTreeMap::from([(Source::Connection(0), vec![notice])]))
        };
        let explain = |ending, kind| {
            let step = Step::To(Act::Restart(ending));
            let expected = told("the server", ErrorKind::ConnectionForced);
            name(&divergence(
                vec![step],
                expected,
                told("the transport", kind),
            ))
        };
        let known = Some("end-before-its-reason");
        assert_eq!(explain(Ending::Stopped, ErrorKind::Io), known);
        assert_eq!(explain(Ending::Stopped, ErrorKind::HeartbeatMissed), None);
        assert_eq!(explain(Ending::Killed, ErrorKind::Io), None);
    }

    #[test]
    fn what_ending_channels_give_back_may_come_in_another_order() {
        let told = |bodies: [&str; 2], redelivered| {
            let delivery = |body: &str| {
                Notice::Delivery(Delivery {
                    body: body.to_owned(),
                    redelivered,
                })
            };
            let source = Source::Consumer(PLACE, "x".to_owned());
            entry(BTreeMap::from([(source, bodies.map(delivery).to_vec())]))
        };
        let explain = |step, redelivered| {
            let [one, other] = [["m1", "m2"], ["m2", "m1"]].map(|bodies| told(bodies, redelivered));
            name(&divergence(vec![step], one, other))
        };
        let known = Some("order-of-ending-channels");
        assert_eq!(explain(Step::With(0, Action::Drop), true), known);
        assert_eq!(explain(Step::With(0, Action::Drop), false), None);
        assert_eq!(explain(Step::With(0, Action::Heal), true), None);
    }

    #[test]
    fn what_a_cancelled_single_active_consumer_leaves_is_explained_for_3_10_only() {
        let single = Declaration {
            single_active: true,
            ..Declaration::default()
        };
        let steps = vec![
            Step::On(PLACE, Operation::Declare("a".to_owned(), single)),
            Step::On(PLACE, Operation::Cancel("x".to_owned())),
        ];
        let seen = |entry: StepRecord, messages| StepRecord {
            queues: BTreeMap::from([(
                "a".to_owned(),
                Seen::There {
                    messages,
                    consumers: 1,
                },
            )]),
            ..entry
        };
        let delivery = Notice::Delivery(Delivery {
            body: "m1".to_owned(),
            redelivered: false,
        });
        let source = Source::Consumer(PLACE, "y".to_owned());
        let expected = seen(entry(BTreeMap::from([(source, vec![delivery])])), 0);
        let found = |messages| seen(entry(BTreeMap::new()), messages);
        let known = divergence(steps.clone(), expected.clone(), found(1));
        assert_eq!(name(&known), Some("single-active-consumer-cancelled"));
        let newer = Divergence {
            version: Some("4.0.5".to_owned()),
            ..known
        };
        assert_eq!(name(&newer), None);
        assert_eq!(name(&divergence(steps, expected, found(2))), None);
    }

    #[test]
    fn a_queue_that_goes_before_the_commit_is_explained_for_3_10_only() {
        let send = Operation::Send("a".to_owned(), Flags::default());
        let delete = Operation::Delete("a".to_owned(), Condition::Always);
        let operations = [Operation::TxSelect, send, delete, Operation::TxCommit];
        let steps: Vec<_> = operations
            .into_iter()
            .map(|one| Step::On(PLACE, one))
            .collect();
        let seen = |entry: StepRecord, seen| StepRecord {
            queues: BTreeMap::from([("a".to_owned(), seen)]),
            ..entry
        };
        let outcome = |outcome| StepRecord {
            outcome,
            ..entry(BTreeMap::new())
        };
        let failed = seen(
            outcome(StepOutcome::Failed(ErrorKind::PreconditionFailed)),
            Seen::Absent,
        );
        let found = outcome(StepOutcome::Committed(Vec::new()));
        let mut known = divergence(steps, failed, found);
        assert_eq!(name(&known), None, "nothing came or went");
        let there = Seen::There {
            messages: 0,
            consumers: 0,
        };
        known.simulated.entries[1] = seen(outcome(StepOutcome::Done), there);
        assert_eq!(
            name(&known),
            Some("transaction-to-a-queue-that-comes-or-goes")
        );
        known.version = Some("4.0.5".to_owned());
        assert_eq!(name(&known), None);
    }
}
