//! Which shard a machine is, as the system says that started it: a CI server's matrix, a Kubernetes
//! Indexed Job, a batch system's job array.

use std::collections::BTreeMap;

use crate::shard::Shard;

/// Our own variables: the shard as `--shard` takes it, and how many there are where a system does not
/// say that.
const SHARD: &str = "PROVER_SHARD";
const SHARDS: &str = "PROVER_SHARDS";

/// How a system numbers those whom it gives parts of one job.
struct System {
    /// The variable that says which one this is.
    index: &'static str,
    /// What the first one is called: a number, or the variable that says it.
    first: First,
    /// The variable that says how many there are, where there is one.
    count: Option<&'static str>,
}

enum First {
    Is(u64),
    SaidBy(&'static str),
}

/// The systems that are known.
const SYSTEMS: &[System] = &[
    // Kubernetes does not say how many there are.
    System {
        index: "JOB_COMPLETION_INDEX",
        first: First::Is(0),
        count: None,
    },
    // GitLab.
    System {
        index: "CI_NODE_INDEX",
        first: First::Is(1),
        count: Some("CI_NODE_TOTAL"),
    },
    System {
        index: "CIRCLE_NODE_INDEX",
        first: First::Is(0),
        count: Some("CIRCLE_NODE_TOTAL"),
    },
    System {
        index: "BUILDKITE_PARALLEL_JOB",
        first: First::Is(0),
        count: Some("BUILDKITE_PARALLEL_JOB_COUNT"),
    },
    System {
        index: "SLURM_ARRAY_TASK_ID",
        first: First::SaidBy("SLURM_ARRAY_TASK_MIN"),
        count: Some("SLURM_ARRAY_TASK_COUNT"),
    },
    System {
        index: "AWS_BATCH_JOB_ARRAY_INDEX",
        first: First::Is(0),
        count: Some("AWS_BATCH_JOB_ARRAY_SIZE"),
    },
];

/// What the environment says makes no shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEnvironment {
    /// A variable has no number.
    #[error("{name}=\"{value}\" is no whole number from 0 on: correct it, or give --shard I/N")]
    NoNumber {
        /// Its name.
        name: String,
        /// What it says.
        value: String,
    },
    /// Our own variable names no shard.
    #[error("PROVER_SHARD=\"{0}\" is no shard: write I/N, with I from 1 to N, as in 2/4")]
    NoShard(String),
    /// Nobody says how many shards there are.
    #[error(
        "{index} says which shard this is, and {missing} is missing: set {missing}, or give --shard I/N"
    )]
    NoCount {
        /// The variable that says which.
        index: String,
        /// What would complete it.
        missing: String,
    },
    /// There are so many shards, and nobody says which this is.
    #[error(
        "{name} says that there are {count} shards, and nothing says which this is: set PROVER_SHARD=I/N, or give --shard I/N"
    )]
    NoIndex {
        /// The variable that says how many.
        name: String,
        /// So many.
        count: u64,
    },
    /// The index is beyond the count.
    #[error(
        "{index} is shard {place} of {count}: there is no such shard; set PROVER_SHARDS to the number of shards, or give --shard I/N"
    )]
    Beyond {
        /// The variable.
        index: String,
        /// Which shard, counted from 1.
        place: i128,
        /// How many there are.
        count: u64,
    },
    /// Two say different things.
    #[error(
        "{first} and {other} do not agree on the shard: unset one of them, or give --shard I/N"
    )]
    Conflict {
        /// One variable.
        first: String,
        /// The other.
        other: String,
    },
}

impl Shard {
    /// The shard that these variables of the environment name; nothing where none speaks of shards. A
    /// variable that is empty says nothing.
    ///
    /// # Errors
    /// They do not name one shard, but none or several.
    pub fn from_environment(
        variables: &BTreeMap<String, String>,
    ) -> Result<Option<Self>, BadEnvironment> {
        let variables = Variables(variables);
        let mut found: Option<(&str, Self)> = None;
        let own = variables.own().transpose();
        let own = own.map(|shard| shard.map(|shard| (SHARD, shard)));
        let others = SYSTEMS.iter();
        let others = others.filter_map(|system| {
            let shard = system.shard(variables).transpose()?;
            Some(shard.map(|shard| (system.index, shard)))
        });
        for named in own.into_iter().chain(others) {
            let (name, shard) = named?;
            match found {
                Some((first, other)) if other != shard => {
                    return Err(conflict(first, name));
                }
                _ => found = found.or(Some((name, shard))),
            }
        }
        match (found, variables.number(SHARDS)?) {
            (Some((name, shard)), Some(count)) if shard.count != count => {
                return Err(conflict(name, SHARDS));
            }
            (None, Some(count)) if count > 1 => return Err(no_index(SHARDS, count)),
            _ => {}
        }
        for system in SYSTEMS {
            system.check_alone(variables, found)?;
        }
        Ok(found.map(|(_, shard)| shard))
    }
}

fn no_index(name: &str, count: u64) -> BadEnvironment {
    BadEnvironment::NoIndex {
        name: name.to_owned(),
        count,
    }
}

fn conflict(first: &str, other: &str) -> BadEnvironment {
    BadEnvironment::Conflict {
        first: first.to_owned(),
        other: other.to_owned(),
    }
}

impl System {
    /// Fails where the system says how many there are, and not which this is. One is the whole: GitLab
    /// says that of every job.
    fn check_alone(
        &self,
        variables: Variables<'_>,
        found: Option<(&str, Shard)>,
    ) -> Result<(), BadEnvironment> {
        let Some(name) = self.count.filter(|_| variables.text(self.index).is_none()) else {
            return Ok(());
        };
        match (variables.number(name)?, found) {
            (Some(0 | 1) | None, _) => Ok(()),
            (Some(count), Some((_, shard))) if shard.count == count => Ok(()),
            (Some(_), Some((other, _))) => Err(conflict(other, name)),
            (Some(count), None) => Err(no_index(name, count)),
        }
    }

    fn shard(&self, variables: Variables<'_>) -> Result<Option<Shard>, BadEnvironment> {
        let Some(index) = variables.number(self.index)? else {
            return Ok(None);
        };
        let first = match self.first {
            First::Is(first) => first,
            First::SaidBy(name) => variables.needed(name, self.index)?,
        };
        let said = match self.count {
            Some(name) => variables.number(name)?,
            None => None,
        };
        let count = match said {
            Some(count) => count,
            None => variables.count_of(self)?,
        };
        let place = i128::from(index) - i128::from(first) + 1;
        let shard = u64::try_from(place)
            .ok()
            .and_then(|place| Shard::new(place, count).ok());
        shard.map(Some).ok_or_else(|| BadEnvironment::Beyond {
            index: self.index.to_owned(),
            place,
            count,
        })
    }
}

#[derive(Clone, Copy)]
struct Variables<'a>(&'a BTreeMap<String, String>);

impl<'a> Variables<'a> {
    fn text(self, name: &str) -> Option<&'a str> {
        let text = self.0.get(name)?.trim();
        (!text.is_empty()).then_some(text)
    }

    fn number(self, name: &str) -> Result<Option<u64>, BadEnvironment> {
        let wrong = |text: &str| BadEnvironment::NoNumber {
            name: name.to_owned(),
            value: text.to_owned(),
        };
        let text = self.text(name);
        text.map(|text| text.parse().map_err(|_| wrong(text)))
            .transpose()
    }

    fn needed(self, name: &str, index: &str) -> Result<u64, BadEnvironment> {
        self.number(name)?.ok_or_else(|| BadEnvironment::NoCount {
            index: index.to_owned(),
            missing: name.to_owned(),
        })
    }

    /// Our own variable, where the system does not say how many there are; what is missing is the
    /// system's own, where it has one.
    fn count_of(self, system: &System) -> Result<u64, BadEnvironment> {
        match self.number(SHARDS)? {
            Some(count) => Ok(count),
            None => self.needed(system.count.unwrap_or(SHARDS), system.index),
        }
    }

    fn own(self) -> Result<Option<Shard>, BadEnvironment> {
        let wrong = |text: &str| BadEnvironment::NoShard(text.to_owned());
        let text = self.text(SHARD);
        text.map(|text| text.parse().map_err(|_| wrong(text)))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &str) -> Result<Option<String>, String> {
        let pairs = variables
            .split_whitespace()
            .filter_map(|it| it.split_once('='));
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let shard = Shard::from_environment(&pairs.collect());
        shard
            .map(|shard| shard.map(|it| it.to_string()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn each_system_names_its_shards() {
        for variables in [
            "PROVER_SHARD=2/4",
            "JOB_COMPLETION_INDEX=1 PROVER_SHARDS=4",
            "CI_NODE_INDEX=2 CI_NODE_TOTAL=4",
            "CIRCLE_NODE_INDEX=1 CIRCLE_NODE_TOTAL=4",
            "BUILDKITE_PARALLEL_JOB=1 BUILDKITE_PARALLEL_JOB_COUNT=4",
            "SLURM_ARRAY_TASK_ID=11 SLURM_ARRAY_TASK_MIN=10 SLURM_ARRAY_TASK_COUNT=4",
            "AWS_BATCH_JOB_ARRAY_INDEX=1 AWS_BATCH_JOB_ARRAY_SIZE=4",
            "AWS_BATCH_JOB_ARRAY_INDEX=1 PROVER_SHARDS=4",
            "PROVER_SHARD=2/4 CI_NODE_INDEX=2 CI_NODE_TOTAL=4 PROVER_SHARDS=4",
            "PROVER_SHARD=2/4 CI_NODE_TOTAL=4",
            "PROVER_SHARD=2/4 CI_NODE_TOTAL=1",
        ] {
            assert_eq!(of(variables), Ok(Some("2/4".to_owned())), "{variables}");
        }
    }

    #[test]
    fn who_says_nothing_of_shards_does_all() {
        // GitLab says this of every job.
        for variables in [
            "",
            "CI_NODE_TOTAL=1",
            "CIRCLE_NODE_TOTAL=1 BUILDKITE_PARALLEL_JOB_COUNT=1",
            "PROVER_SHARD= CI_NODE_INDEX=",
            "PROVER_SHARDS=1",
        ] {
            assert_eq!(of(variables), Ok(None), "{variables}");
        }
    }

    /// Else each of the machines would do all of the work.
    #[test]
    fn so_many_shards_without_an_index_are_refused() {
        for name in [
            "PROVER_SHARDS",
            "CI_NODE_TOTAL",
            "CIRCLE_NODE_TOTAL",
            "BUILDKITE_PARALLEL_JOB_COUNT",
            "SLURM_ARRAY_TASK_COUNT",
            "AWS_BATCH_JOB_ARRAY_SIZE",
        ] {
            let error = of(&format!("{name}=3")).expect_err(name);
            let said = format!("{name} says that there are 3 shards, and nothing says which");
            assert!(error.starts_with(&said), "{error}");
        }
    }

    #[test]
    fn what_is_missing_is_called_as_its_system_calls_it() {
        for (index, missing) in [
            ("JOB_COMPLETION_INDEX", "PROVER_SHARDS"),
            ("CI_NODE_INDEX", "CI_NODE_TOTAL"),
            ("CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL"),
            ("BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT"),
            ("AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"),
        ] {
            let error = of(&format!("{index}=1")).expect_err(index);
            let said = format!("{missing} is missing: set {missing}, or");
            assert!(error.contains(&said), "{error}");
        }
    }

    #[test]
    fn what_names_no_shard_or_several_is_refused() {
        for (variables, said) in [
            ("PROVER_SHARD=0/4", "PROVER_SHARD=\"0/4\" is no shard"),
            ("JOB_COMPLETION_INDEX=1", "PROVER_SHARDS is missing"),
            ("PROVER_SHARDS=4", "nothing says which this is"),
            (
                "CI_NODE_INDEX=a CI_NODE_TOTAL=4",
                "CI_NODE_INDEX=\"a\" is no whole number",
            ),
            (
                "CI_NODE_INDEX=0 CI_NODE_TOTAL=4",
                "CI_NODE_INDEX is shard 0 of 4",
            ),
            ("JOB_COMPLETION_INDEX=4 PROVER_SHARDS=4", "shard 5 of 4"),
            (
                "SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=4",
                "SLURM_ARRAY_TASK_MIN is missing",
            ),
            (
                "PROVER_SHARD=1/4 CI_NODE_INDEX=2 CI_NODE_TOTAL=4",
                "PROVER_SHARD and CI_NODE_INDEX do not agree",
            ),
            (
                "PROVER_SHARD=1/4 CI_NODE_TOTAL=3",
                "PROVER_SHARD and CI_NODE_TOTAL do not agree",
            ),
            (
                "CI_NODE_INDEX=2 CI_NODE_TOTAL=4 PROVER_SHARDS=5",
                "CI_NODE_INDEX and PROVER_SHARDS do not agree",
            ),
        ] {
            let error = of(variables).expect_err(variables);
            assert!(error.contains(said), "{variables}: {error}");
        }
    }
}
