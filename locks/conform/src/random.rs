//! Scripts drawn from a seed: few names, so that they meet often.

use std::collections::BTreeMap;

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::script::{
    Action, Condition, Consume, Declaration, Flags, Operation, Place, Script, Step, Then, Which,
};

/// Long enough that neither end gives the other up within a script.
const HEARTBEAT_SECS: u16 = 60;
/// What dies of old age does so after this: longer than all steps take together, shorter than a
/// wait.
const LIFE_MS: u64 = 3000;
const WAIT_MS: u64 = 4000;
const STEPS: std::ops::RangeInclusive<usize> = 5..=40;
const TAGS: &[&str] = &["x", "y", "z"];

/// The random script of a number, drawn from a seed of its own.
#[must_use]
pub fn draw(seed: [u8; 32], number: u32) -> Script {
    let mut draw = Draw::new(ChaCha8Rng::from_seed(seed));
    let count = draw.random.random_range(STEPS);
    draw.declare_some();
    while draw.steps.len() < count {
        draw.step();
    }
    draw.heal_all();
    Script {
        name: name(number),
        heartbeat_secs: HEARTBEAT_SECS,
        steps: draw.steps,
    }
}

/// The name of the random script of a number.
#[must_use]
pub fn name(number: u32) -> String {
    format!("random-{number}")
}

/// The number of a random script, by its name.
#[must_use]
pub fn number(name: &str) -> Option<u32> {
    name.strip_prefix("random-")?.parse().ok()
}

struct Draw {
    random: ChaCha8Rng,
    steps: Vec<Step>,
    connections: u8,
    /// How each queue is usually declared.
    queues: BTreeMap<&'static str, Declaration>,
    broken: Vec<u8>,
    /// Where something may be there to settle, to cancel, to commit.
    receiving: Vec<Place>,
    consuming: Vec<(Place, &'static str)>,
    transactional: Vec<Place>,
}

/// Draws a step of one kind.
type Kind = fn(&mut Draw) -> Step;

/// What a step may be, and how often it is.
const KINDS: &[(Kind, u32)] = &[
    (Draw::declare, 10),
    (Draw::delete, 4),
    (Draw::purge, 3),
    (Draw::publish, 24),
    (Draw::send, 5),
    (Draw::get, 12),
    (Draw::ack, 8),
    (Draw::reject, 9),
    (Draw::qos, 4),
    (Draw::consume, 12),
    (Draw::cancel, 4),
    (Draw::select, 3),
    (Draw::end_transaction, 5),
    (Draw::end_channel, 5),
    (Draw::end_connection, 3),
    (Draw::link, 4),
];
/// A wait costs whole seconds of real time.
const WAIT_CHANCE: f64 = 1.0 / 200.0;

impl Draw {
    fn new(mut random: ChaCha8Rng) -> Self {
        let names = &["a", "b", "c"][..random.random_range(1..=3)];
        let queues = names
            .iter()
            .map(|name| (*name, declaration(&mut random)))
            .collect();
        Self {
            connections: random.random_range(1..=3),
            random,
            steps: Vec::new(),
            queues,
            broken: Vec::new(),
            receiving: Vec::new(),
            consuming: Vec::new(),
            transactional: Vec::new(),
        }
    }

    /// Most scripts begin with queues to work on.
    fn declare_some(&mut self) {
        for (name, declaration) in self.queues.clone() {
            if self.chance(0.8) {
                let place = self.place();
                let operation = Operation::Declare(name.to_owned(), declaration);
                self.steps.push(Step::On(place, operation));
            }
        }
    }

    fn step(&mut self) {
        let step = if self.chance(WAIT_CHANCE) {
            Step::Wait { millis: WAIT_MS }
        } else {
            let (kind, _) = KINDS
                .choose_weighted(&mut self.random, |(_, weight)| *weight)
                .expect("there are kinds");
            kind(self)
        };
        self.steps.push(step);
    }

    /// What is held back shows itself only when it is let through.
    fn heal_all(&mut self) {
        let heal = |connection| Step::With(connection, Action::Heal);
        self.steps.extend(self.broken.drain(..).map(heal));
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.random.random_bool(probability)
    }

    fn place(&mut self) -> Place {
        Place {
            connection: self.random.random_range(0..self.connections),
            channel: u8::from(self.chance(0.3)),
        }
    }

    /// One of these usually, any other sometimes.
    fn place_of(&mut self, likely: fn(&Self) -> &[Place]) -> Place {
        let likely = likely(self).choose(&mut self.random.clone()).copied();
        match likely {
            Some(place) if self.chance(0.9) => place,
            _ => self.place(),
        }
    }

    fn queue(&mut self) -> String {
        let names: Vec<_> = self.queues.keys().copied().collect();
        let name = names.choose(&mut self.random);
        (*name.expect("there is a queue")).to_owned()
    }

    fn flags(&mut self) -> Flags {
        Flags {
            mandatory: self.chance(0.5),
            persistent: self.chance(0.2),
        }
    }

    fn declare(&mut self) -> Step {
        let queue = self.queue();
        let usual = self.queues[queue.as_str()];
        let declaration = match self.random.random_range(0..10) {
            0..6 => usual,
            6..9 => Declaration {
                passive: true,
                ..Declaration::default()
            },
            _ => declaration(&mut self.random),
        };
        Step::On(self.place(), Operation::Declare(queue, declaration))
    }

    fn delete(&mut self) -> Step {
        let conditions = [Condition::Always, Condition::IfUnused, Condition::IfEmpty];
        let condition = conditions[self.random.random_range(0..conditions.len())];
        Step::On(self.place(), Operation::Delete(self.queue(), condition))
    }

    fn purge(&mut self) -> Step {
        Step::On(self.place(), Operation::Purge(self.queue()))
    }

    fn publish(&mut self) -> Step {
        if self.transactional.is_empty() || self.chance(0.7) {
            return Step::On(self.place(), Operation::Publish(self.queue(), self.flags()));
        }
        let place = self.place_of(|draw| &draw.transactional);
        Step::On(place, Operation::Send(self.queue(), self.flags()))
    }

    fn send(&mut self) -> Step {
        Step::On(self.place(), Operation::Send(self.queue(), self.flags()))
    }

    fn get(&mut self) -> Step {
        let place = self.place();
        self.receiving.push(place);
        let no_ack = self.chance(0.2);
        let queue = self.queue();
        Step::On(place, Operation::Get { queue, no_ack })
    }

    fn which(&mut self) -> Which {
        match self.random.random_range(0..100) {
            0..60 => Which::Oldest,
            60..90 => Which::Newest,
            90..94 => Which::Settled,
            94..98 => Which::Zero,
            _ => Which::Unknown,
        }
    }

    fn ack(&mut self) -> Step {
        let place = self.place_of(|draw| &draw.receiving);
        Step::On(place, Operation::Ack(self.which()))
    }

    fn reject(&mut self) -> Step {
        let place = self.place_of(|draw| &draw.receiving);
        let then = if self.chance(0.7) {
            Then::Requeue
        } else {
            Then::Discard
        };
        let which = self.which();
        if self.chance(0.3) {
            let which = if self.chance(0.3) { Which::Zero } else { which };
            return Step::On(place, Operation::NackUpTo(which, then));
        }
        Step::On(place, Operation::Reject(which, then))
    }

    fn qos(&mut self) -> Step {
        let prefetch = self.random.random_range(0..=2);
        Step::On(self.place(), Operation::Qos(prefetch))
    }

    fn consume(&mut self) -> Step {
        let place = self.place();
        let tag = TAGS[self.random.random_range(0..TAGS.len())];
        self.receiving.push(place);
        self.consuming.push((place, tag));
        let consume = Consume {
            tag: tag.to_owned(),
            exclusive: self.chance(0.15),
            no_ack: self.chance(0.2),
            priority: self.chance(0.2).then(|| self.random.random_range(-1..=2)),
        };
        Step::On(place, Operation::Consume(self.queue(), consume))
    }

    fn cancel(&mut self) -> Step {
        let known = self.consuming.choose(&mut self.random).copied();
        let (place, tag) = known.unwrap_or_else(|| (self.place(), "x"));
        let tag = tag.to_owned();
        if self.chance(0.3) {
            return Step::On(place, Operation::Forget(tag));
        }
        Step::On(place, Operation::Cancel(tag))
    }

    fn select(&mut self) -> Step {
        let place = self.place();
        if self.chance(0.2) {
            return Step::On(place, Operation::ConfirmSelect);
        }
        self.transactional.push(place);
        Step::On(place, Operation::TxSelect)
    }

    fn end_transaction(&mut self) -> Step {
        if self.transactional.is_empty() {
            return self.select();
        }
        let place = self.place_of(|draw| &draw.transactional);
        if self.chance(0.6) {
            return Step::On(place, Operation::TxCommit);
        }
        Step::On(place, Operation::TxRollback)
    }

    fn end_channel(&mut self) -> Step {
        let operation = if self.chance(0.7) {
            Operation::Close
        } else {
            Operation::Drop
        };
        Step::On(self.place(), operation)
    }

    fn end_connection(&mut self) -> Step {
        let action = if self.chance(0.5) {
            Action::Close
        } else {
            Action::Drop
        };
        Step::With(self.random.random_range(0..self.connections), action)
    }

    fn link(&mut self) -> Step {
        if !self.broken.is_empty() && self.chance(0.6) {
            let number = self.random.random_range(0..self.broken.len());
            return Step::With(self.broken.swap_remove(number), Action::Heal);
        }
        let connection = self.random.random_range(0..self.connections);
        if !self.broken.contains(&connection) {
            self.broken.push(connection);
        }
        let action = if self.chance(0.5) {
            Action::Partition
        } else {
            Action::Cut
        };
        Step::With(connection, action)
    }
}

fn declaration(random: &mut ChaCha8Rng) -> Declaration {
    let max_length = random.random_bool(0.2).then(|| random.random_range(0..=3));
    let ttl_ms = match random.random_range(0..20) {
        0 => Some(0),
        1 => Some(LIFE_MS),
        _ => None,
    };
    Declaration {
        passive: false,
        durable: random.random_bool(0.3),
        exclusive: random.random_bool(0.2),
        auto_delete: random.random_bool(0.2),
        expires_ms: random.random_bool(0.05).then_some(LIFE_MS),
        ttl_ms,
        max_length,
        reject_publish: max_length.is_some() && random.random_bool(0.5),
        single_active: random.random_bool(0.1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_decides() {
        assert_eq!(draw([1; 32], 7), draw([1; 32], 7));
        assert_ne!(draw([1; 32], 7).steps, draw([2; 32], 7).steps);
        assert_eq!(number(&draw([1; 32], 7).name), Some(7));
    }

    #[test]
    fn everything_comes_up_and_is_healed() {
        let seed = |number: u8| [number; 32];
        let scripts: Vec<_> = (0..=255)
            .map(|number| draw(seed(number), number.into()))
            .collect();
        let lines: Vec<String> = scripts
            .iter()
            .flat_map(|script| script.steps.iter().map(ToString::to_string))
            .collect();
        let wanted = [
            "declare",
            "delete",
            "purge",
            "publish",
            "send",
            "get",
            "ack",
            "reject",
            "nack",
            "prefetch",
            "consume",
            "cancel",
            "drop consumer",
            "tx.commit",
            "tx.rollback",
            "close channel",
            "close connection",
            "partition",
            "cut",
            "heal",
            "wait",
        ];
        for word in wanted {
            assert!(lines.iter().any(|line| line.contains(word)), "{word}");
        }
        for script in &scripts {
            let mut broken: Vec<u8> = Vec::new();
            for step in &script.steps {
                match step {
                    Step::With(connection, Action::Heal) => broken.retain(|one| one != connection),
                    Step::With(connection, Action::Cut | Action::Partition) => {
                        broken.push(*connection);
                    }
                    _ => {}
                }
            }
            assert!(broken.is_empty(), "{}", script.name);
        }
    }
}
