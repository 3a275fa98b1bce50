//! One fault as it strikes.

use std::time::Duration;

use async_trait::async_trait;
use history::fault::{Evidence, Parameters};
use serde_json::{Map, Value};

use crate::{LinkHarm, System, SystemError, Worker};

/// The time of the run.
#[async_trait]
pub trait Timer: Send + Sync {
    /// Waits for so long; false where what it was waited for is over before.
    async fn rest(&self, time: Duration) -> bool;
}

/// One fault as it strikes: what, whom, and with which parameters.
pub struct Strike<'a> {
    /// What is broken.
    pub system: &'a dyn System,
    /// Whom it strikes.
    pub targets: &'a [Worker],
    /// The fault's parameters, those that nobody gave included.
    pub parameters: &'a Parameters,
    /// The time until it is to be taken off.
    pub timer: &'a dyn Timer,
}

/// The moment at which a fault strikes, and whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// Whom.
    pub targets: Vec<Worker>,
    /// What shows that it has come.
    pub evidence: Evidence,
}

/// What came of an injection.
#[derive(Clone, Debug, PartialEq)]
pub enum Landing {
    /// The fault is in force, as this shows.
    InForce(Evidence),
    /// What it waited for did not come in time: nothing was broken.
    Missed,
}

impl Landing {
    /// In force, unless what it met is nothing: of this name, as the evidence says.
    #[must_use]
    pub fn if_met(evidence: Evidence, name: &str) -> Self {
        let met = match evidence.get(name) {
            Some(Value::Array(all)) => !all.is_empty(),
            Some(Value::Object(counts)) => !counts.is_empty(),
            _ => true,
        };
        match met {
            true => Self::InForce(evidence),
            false => Self::Missed,
        }
    }

    /// In force, as this shows, too.
    #[must_use]
    pub fn with(self, more: Evidence) -> Self {
        match self {
            Self::InForce(mut evidence) => {
                for (name, more) in more {
                    add(&mut evidence, name, more);
                }
                Self::InForce(evidence)
            }
            Self::Missed => Self::Missed,
        }
    }

    /// In force, and nothing shows it yet.
    #[must_use]
    pub fn unseen() -> Self {
        Self::InForce(Evidence::new())
    }
}

impl Strike<'_> {
    /// A time among the parameters.
    ///
    /// # Errors
    /// There is none of this name: the plan that was played was not checked.
    pub fn time(&self, name: &str) -> Result<Duration, SystemError> {
        let text = self.word(name)?;
        humantime::parse_duration(text).map_err(|_| unreadable(name, "time"))
    }

    /// A number among the parameters.
    ///
    /// # Errors
    /// As [`Self::time`].
    pub fn number(&self, name: &str) -> Result<u64, SystemError> {
        let number = self.parameters.get(name).and_then(Value::as_u64);
        number.ok_or_else(|| unreadable(name, "number"))
    }

    /// A word among the parameters.
    ///
    /// # Errors
    /// As [`Self::time`].
    pub fn word(&self, name: &str) -> Result<&str, SystemError> {
        let word = self.parameters.get(name).and_then(Value::as_str);
        word.ok_or_else(|| unreadable(name, "word"))
    }

    /// Does something to the links of all targets.
    ///
    /// # Errors
    /// A link cannot be harmed so.
    pub async fn harm_links(&self, harm: &LinkHarm) -> Result<(), SystemError> {
        for target in self.targets {
            self.system.harm_link(*target, harm).await?;
        }
        Ok(())
    }

    /// Heals the links of all targets.
    ///
    /// # Errors
    /// A link cannot be healed.
    pub async fn heal_links(&self) -> Result<Evidence, SystemError> {
        let mut all = Evidence::new();
        for target in self.targets {
            let own = self.system.heal(*target).await?;
            note(&mut all, *target, own);
        }
        Ok(all)
    }
}

/// Adds what was seen of one worker to what was seen of all.
pub(crate) fn note(all: &mut Evidence, worker: Worker, own: Evidence) {
    if !own.is_empty() {
        let own: Map<String, Value> = own.into_iter().collect();
        all.insert(format!("worker-{worker}"), Value::Object(own));
    }
}

/// What is known of the same in several ways is known beside each other.
fn add(evidence: &mut Evidence, name: String, more: Value) {
    match (evidence.get_mut(&name), more) {
        (Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
        (_, more) => {
            evidence.insert(name, more);
        }
    }
}

fn unreadable(name: &str, kind: &str) -> SystemError {
    SystemError(format!("the parameter {name} of the fault is no {kind}").into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_known_of_the_same_in_two_ways_stays_known() {
        let seen = |json| Evidence::from([("worker-1".to_owned(), json)]);
        let landing = Landing::InForce(seen(json!({"closed": 1}))).with(seen(json!({"seen": 2})));
        let both = seen(json!({"closed": 1, "seen": 2}));
        assert_eq!(landing, Landing::InForce(both));
    }

    #[test]
    fn what_met_nothing_has_missed() {
        let landing = |json| {
            let seen = Evidence::from([("closed".to_owned(), json)]);
            Landing::if_met(seen, "closed")
        };
        for nothing in [json!([]), json!({})] {
            assert_eq!(landing(nothing), Landing::Missed);
        }
        for something in [json!(["run-1"]), json!({"run.lock-0": 0})] {
            assert!(matches!(landing(something), Landing::InForce(_)));
        }
    }
}
