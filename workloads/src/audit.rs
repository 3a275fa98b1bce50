//! What all clients of a run show together at its end: that all slots of every key can be held at
//! the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// The keys, and who holds them at the end of the run.
#[derive(Debug)]
pub(crate) struct Audit(Mutex<BTreeMap<Arc<str>, KeyAudit>>);

#[derive(Debug, Default)]
struct KeyAudit {
    /// How many slots there are to be held; not known of a lock that is administered before they
    /// were counted.
    slots: Option<u32>,
    holders: BTreeSet<usize>,
    is_proven: bool,
}

impl Audit {
    /// Of these keys, each with so many slots if that is known.
    pub(crate) fn new(keys: impl IntoIterator<Item = Arc<str>>, slots: Option<u32>) -> Arc<Self> {
        let entry = |key| {
            let entry = KeyAudit {
                slots,
                ..KeyAudit::default()
            };
            (key, entry)
        };
        Arc::new(Self(Mutex::new(keys.into_iter().map(entry).collect())))
    }

    /// The place of one client.
    pub(crate) fn seat(self: &Arc<Self>, client: usize) -> Seat {
        Seat {
            audit: self.clone(),
            client,
        }
    }

    fn with<T>(&self, look: impl FnOnce(&mut BTreeMap<Arc<str>, KeyAudit>) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One client's place in the audit.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    audit: Arc<Audit>,
    client: usize,
}

impl Seat {
    /// Whether every key was held in all of its slots.
    pub(crate) fn is_all_proven(&self) -> bool {
        self.audit
            .with(|keys| keys.values().all(|entry| entry.is_proven))
    }

    /// Whether this key was.
    pub(crate) fn is_proven(&self, key: &str) -> bool {
        self.audit
            .with(|keys| keys.get(key).is_some_and(|entry| entry.is_proven))
    }

    /// The first key that was not, of those whose slots are known.
    pub(crate) fn first_unproven(&self) -> Option<Arc<str>> {
        self.audit.with(|keys| {
            let unproven = keys
                .iter()
                .find(|(_, entry)| !entry.is_proven && entry.slots.is_some());
            unproven.map(|(key, _)| key.clone())
        })
    }

    /// The client holds the key. What it holds before the slots were counted shows nothing: they
    /// may change yet.
    pub(crate) fn hold(&self, key: &str) {
        self.audit.with(|keys| {
            if let Some(entry) = keys.get_mut(key)
                && let Some(slots) = entry.slots
            {
                entry.holders.insert(self.client);
                entry.is_proven |= entry.holders.len() >= slots as usize;
            }
        });
    }

    /// Whether the client holds the key.
    pub(crate) fn holds(&self, key: &str) -> bool {
        let holds = |entry: &KeyAudit| entry.holders.contains(&self.client);
        self.audit.with(|keys| keys.get(key).is_some_and(holds))
    }

    /// The client holds nothing.
    pub(crate) fn leave(&self) {
        self.audit.with(|keys| {
            for entry in keys.values_mut() {
                entry.holders.remove(&self.client);
            }
        });
    }

    /// How many slots a key has from now on.
    pub(crate) fn counted(&self, key: &str, slots: u32) {
        self.audit.with(|keys| {
            if let Some(entry) = keys.get_mut(key) {
                entry.slots = Some(slots);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_proven_when_all_its_slots_are_held_at_once() {
        let audit = Audit::new(["a".into(), "b".into()], Some(2));
        let (one, other) = (audit.seat(0), audit.seat(1));
        one.hold("a");
        one.leave();
        other.hold("a");
        assert!(!one.is_proven("a"));
        one.hold("a");
        assert!(one.is_proven("a") && !one.is_all_proven());
        one.leave();
        assert!(one.is_proven("a"), "what was shown stays shown");
        assert_eq!(one.first_unproven().as_deref(), Some("b"));
    }

    #[test]
    fn what_was_held_before_the_slots_were_counted_shows_nothing() {
        let audit = Audit::new(["a".into()], None);
        let (one, other) = (audit.seat(0), audit.seat(1));
        one.hold("a");
        other.counted("a", 2);
        assert!(!one.holds("a"));
        other.hold("a");
        assert!(!other.is_proven("a"));
        one.hold("a");
        assert!(other.is_proven("a"));
    }

    #[test]
    fn what_was_not_counted_is_not_gone_for() {
        let audit = Audit::new(["a".into()], None);
        let seat = audit.seat(0);
        seat.hold("a");
        assert!(!seat.is_proven("a") && seat.first_unproven().is_none());
        seat.counted("a", 1);
        assert_eq!(seat.first_unproven().as_deref(), Some("a"));
        seat.hold("a");
        assert!(seat.is_all_proven());
    }
}
