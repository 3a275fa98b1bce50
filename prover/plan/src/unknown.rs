//! Names that are none, and what was meant by them.

use checker::model::NameError;
use locks::OptionError;
use testbed::ChoiceError;

use crate::catalogue;
use crate::plan::PlanError;

/// The kinds of things that `prover list` shows.
const LISTED: &[&str] = &[
    "lock",
    "fault",
    "workload",
    "guarantee",
    "model",
    "experiment",
    "service",
];

/// What a testbed is called, or looks like.
const TESTBEDS: [&str; 4] = [
    "auto",
    "sim",
    "docker",
    "and URLs like amqp://guest:guest@127.0.0.1:5672/%2f",
];

/// So many names are shown, where there is nothing that lists them or nothing that was meant.
const SHOWN_MAX: usize = 12;

/// Names that are less alike than this are not the same one mistyped (Jaro's measure, 0 to 1).
const ALIKE: f64 = 0.7;

/// A name that is none of those that are known.
pub fn unknown<'a>(kind: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> PlanError {
    PlanError::Unknown {
        kind: kind.to_owned(),
        name: name.to_owned(),
        hint: hint(kind, name, known),
    }
}

/// What was meant by a name that is none, and which there are.
pub(crate) fn hint<'a>(kind: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let meant = meant(name, &known);
    let is_short = known.len() <= SHOWN_MAX && meant.is_empty();
    let known = if LISTED.contains(&kind) && !is_short {
        format!("`prover list {kind}s` shows all")
    } else {
        format!("known are {}", known.join(", "))
    };
    let between = if meant.is_empty() { "; " } else { " " };
    format!("{meant}{between}{known}")
}

/// What was most likely meant by a name that is none, as it is said behind it.
fn meant(name: &str, known: &[&str]) -> String {
    let near = nearest(name, known);
    near.map_or(String::new(), |near| format!(": did you mean {near}?"))
}

impl From<OptionError> for PlanError {
    fn from(error: OptionError) -> Self {
        match &error {
            OptionError::NoSuchLock { name, .. } if name.contains([' ', '/']) => {
                Self::NoPrefix(name.clone())
            }
            OptionError::NoSuchLock { name, .. } => unknown(
                "lock",
                name,
                catalogue::LOCKS.iter().map(|lock| lock.name()),
            ),
            OptionError::Name { lock, name, known } if !known.is_empty() => {
                unknown(&format!("option of {lock}"), name, known.iter().copied())
            }
            OptionError::Value { name, value, known } if !known.is_empty() => {
                unknown(&format!("value of {name}"), value, known.iter().copied())
            }
            _ => Self::Lock(error),
        }
    }
}

impl From<ChoiceError> for PlanError {
    fn from(error: ChoiceError) -> Self {
        match &error {
            ChoiceError::Unknown(name) => unknown("testbed", name, TESTBEDS),
            ChoiceError::NoService(name) => {
                let known = testbed::services::ALL.iter();
                unknown("service", name, known.map(|service| service.name()))
            }
            _ => Self::Testbed(error),
        }
    }
}

impl From<checker::ParseError> for PlanError {
    fn from(error: checker::ParseError) -> Self {
        match &error {
            checker::ParseError::Unknown { name } => {
                let known = checker::guarantee::ALL.iter();
                unknown("guarantee", name, known.map(|entry| entry.pattern))
            }
            checker::ParseError::Duration { .. } => Self::Guarantee(error),
        }
    }
}

impl From<NameError> for PlanError {
    fn from(error: NameError) -> Self {
        match &error {
            NameError::Unknown { name } => {
                let known = checker::model::ALL.iter();
                unknown("model", name, known.map(|model| model.pattern))
            }
            NameError::Argument { .. } | NameError::NothingToRevoke { .. } => Self::Model(error),
        }
    }
}

/// The name that is most like one that is none, if any is.
#[must_use]
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let alike = known
        .iter()
        .map(|known| (strsim::jaro(name, known), *known));
    let alike = alike.filter(|(alike, _)| *alike > ALIKE);
    let best = alike.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use crate::spec::RunSpec;

    fn said(kind: &str, name: &str, known: &[&str]) -> String {
        unknown(kind, name, known.iter().copied()).to_string()
    }

    #[test]
    fn what_was_meant_is_named_and_long_lists_are_not_shown() {
        let locks: Vec<&str> = catalogue::LOCKS.iter().map(|lock| lock.name()).collect();
        assert_eq!(
            said("lock", "exclusive-queu", &locks),
            "there is no lock \"exclusive-queu\": did you mean exclusive-queue? `prover list locks` shows all"
        );
        assert_eq!(
            said("lock", "zzz", &locks),
            "there is no lock \"zzz\"; `prover list locks` shows all"
        );
        let faults = ["partition", "cut"];
        assert_eq!(
            said("fault", "partitio", &faults),
            "there is no fault \"partitio\": did you mean partition? `prover list faults` shows all"
        );
        assert_eq!(
            said("fault", "zzz", &faults),
            "there is no fault \"zzz\"; known are partition, cut"
        );
    }

    #[test]
    fn whatever_has_names_says_which_was_meant() {
        let said = |spec: RunSpec| {
            let error = Plan::new(&spec).err().expect("a name that is none");
            error.to_string()
        };
        let of_lock = |lock: &str| {
            said(RunSpec {
                lock: Some(lock.to_owned()),
                ..RunSpec::default()
            })
        };
        assert_eq!(
            of_lock("exclusive-queue,verfy=x"),
            "there is no option of exclusive-queue \"verfy\": did you mean verify? known are verify, confirm, release, reconnect"
        );
        assert_eq!(
            of_lock("exclusive-queue,verify=passive"),
            "there is no value of verify \"passive\": did you mean passive-declare? known are publish-confirm, publish-tx, passive-declare, uid-queue"
        );
        assert!(of_lock("no-lock,verify=x").contains("has no option \"verify\"; it has none"));
        let guarantee = said(RunSpec {
            guarantees: vec!["exclusio".to_owned()],
            ..RunSpec::default()
        });
        assert_eq!(
            guarantee,
            "there is no guarantee \"exclusio\": did you mean exclusion? `prover list guarantees` shows all"
        );
        let testbed = said(RunSpec {
            testbed: "dokcer".to_owned(),
            ..RunSpec::default()
        });
        assert!(
            testbed.starts_with(
                "there is no testbed \"dokcer\": did you mean docker? known are auto, sim, docker, and URLs"
            ),
            "{testbed}"
        );
        let service = said(RunSpec {
            service: vec!["reids=127.0.0.1:6379".to_owned()],
            ..RunSpec::default()
        });
        assert_eq!(
            service,
            "there is no service \"reids\": did you mean redis? `prover list services` shows all"
        );
        let model = PlanError::from(checker::model::named("mutx").err().expect("none"));
        assert_eq!(
            model.to_string(),
            "there is no model \"mutx\": did you mean mutex? `prover list models` shows all"
        );
    }
}
