//! Differences that are known, and why they stay.

use locks::ErrorKind;

use super::comparison::Divergence;
use super::script::{Action, Operation, Place, Step};
use super::transcript::{Entry, Notice, Source};

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
pub const ALL: &[Explained] = &[Explained {
    name: "crossing-closes",
    reason: "where the client closes a channel while the server's refusal of it is on its way, lapin may take the answer to its close for one on an \
             unknown channel and give the whole connection up, by the refusal's code; the simulated client does not",
    describes: is_crossing_closes,
}];

/// The explanation of a divergence, where there is one.
#[must_use]
pub fn of(divergence: &Divergence) -> Option<&'static Explained> {
    ALL.iter().find(|known| (known.describes)(divergence))
}

/// The end of a connection by a code that RabbitMQ closes no connection for, and only after a channel was closed behind a partition.
fn is_crossing_closes(divergence: &Divergence) -> bool {
    let Some(found) = divergence.found() else {
        return false;
    };
    let played = divergence.script.steps.iter().take(divergence.entry + 1);
    let played: Vec<_> = played.collect();
    ended_by_soft_code(found).is_some_and(|connection| {
        let expected = divergence.expected();
        let lives = expected.is_some_and(|expected| {
            !expected
                .notices
                .contains_key(&Source::Connection(connection))
        });
        lives && closes_behind_partition(&played, connection)
    })
}

fn ended_by_soft_code(entry: &Entry) -> Option<u8> {
    entry.notices.iter().find_map(|(source, notices)| {
        let Source::Connection(connection) = source else {
            return None;
        };
        let is_soft = |notice: &Notice| {
            matches!(
                notice,
                Notice::Closed(
                    "the server",
                    ErrorKind::NotFound
                        | ErrorKind::ResourceLocked
                        | ErrorKind::PreconditionFailed
                        | ErrorKind::AccessRefused
                )
            )
        };
        notices.iter().any(is_soft).then_some(*connection)
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::conform::script::Script;
    use crate::conform::transcript::{Outcome, Transcript};

    fn entry(notices: BTreeMap<Source, Vec<Notice>>) -> Entry {
        Entry {
            outcome: Outcome::Done,
            notices,
            queues: BTreeMap::new(),
        }
    }

    fn divergence(steps: Vec<Step>, kind: ErrorKind) -> Divergence {
        let ended = BTreeMap::from([(
            Source::Connection(0),
            vec![Notice::Closed("the server", kind)],
        )]);
        let transcript = |last: Entry, quiet: usize| Transcript {
            entries: std::iter::repeat_n(entry(BTreeMap::new()), quiet)
                .chain([last])
                .collect(),
            ..Transcript::default()
        };
        let last = steps.len() - 1;
        Divergence {
            script: Script {
                name: "test".to_owned(),
                heartbeat_secs: 60,
                steps,
            },
            entry: last,
            simulated: transcript(entry(BTreeMap::new()), last),
            real: transcript(entry(ended), last),
        }
    }

    #[test]
    fn crossing_closes_are_explained_and_nothing_beside_them() {
        let place = Place {
            connection: 0,
            channel: 0,
        };
        let crossing = vec![
            Step::With(0, Action::Partition),
            Step::On(place, Operation::Drop),
            Step::With(0, Action::Heal),
        ];
        let name = |divergence| of(&divergence).map(|known| known.name);
        let soft = divergence(crossing.clone(), ErrorKind::NotFound);
        assert_eq!(name(soft), Some("crossing-closes"));
        let hard = divergence(crossing.clone(), ErrorKind::NotAllowed);
        assert_eq!(name(hard), None);
        let open = divergence(crossing[1..].to_vec(), ErrorKind::NotFound);
        assert_eq!(name(open), None);
    }
}
