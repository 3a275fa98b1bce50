//! What a program says of itself, made sure of.

use std::fmt;
use std::time::Duration;

use locks::{Kind, Lock};

use crate::message::Introduced;

/// What can be asked of a program beside `init` and `close`.
const OPERATIONS: &[&str] = &[
    "acquire",
    "verify",
    "release",
    "create",
    "grow",
    "shrink",
    "destroy",
    "count",
    "overshoot",
    "wait",
    "request",
];

/// What an administered lock must be able to do.
const ADMINISTERED: &[&str] = &[
    "create",
    "grow",
    "shrink",
    "destroy",
    "count",
    "overshoot",
    "wait",
];

/// The sorts of locks, by the names of the protocol.
const KINDS: &[(&str, Kind)] = &[
    ("mutex", Kind::TrueMutex),
    ("persistent-mutex", Kind::PersistentMutex),
    ("fenced-mutex", Kind::FencedMutex),
    ("semaphore", Kind::Semaphore),
    ("persistent-semaphore", Kind::PersistentSemaphore),
    ("filed-semaphore", Kind::FiledSemaphore),
];

/// The last phase of a run waits for it.
const LEASE_MOST: Duration = Duration::from_secs(600);

/// A name stands in folders' names.
const NAME_MOST: usize = 60;

/// What a program is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introduction {
    /// Its lock's name.
    pub name: String,
    /// What sort of lock it is.
    pub kind: Kind,
    /// What can be asked of it.
    pub operations: Vec<String>,
    /// The services it talks to.
    pub needs: Vec<String>,
    /// The guarantees it is judged by.
    pub promises: Vec<String>,
    /// How long a lock may stay with a client that died.
    pub lease: Option<Duration>,
}

impl Introduction {
    /// What a lock of ours says of itself.
    pub(crate) fn of(lock: &dyn Lock) -> Self {
        let kind = lock.kind();
        let mut operations = vec!["acquire", "verify", "release", "create"];
        if kind.is_administered() {
            let others = ADMINISTERED.iter().filter(|it| **it != "create");
            operations.extend(others);
        }
        if kind.files_decrements() {
            operations.push("request");
        }
        let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
        Self {
            name: lock.name().to_owned(),
            kind,
            operations: owned(operations),
            needs: owned(lock.services()),
            promises: owned(lock.promises()),
            lease: lock.lease(),
        }
    }

    /// Whether an operation can be asked for.
    #[must_use]
    pub fn can(&self, operation: &str) -> bool {
        self.operations.iter().any(|known| known == operation)
    }
}

impl fmt::Display for Introduction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = |texts: &[String]| match texts {
            [] => "nothing".to_owned(),
            texts => texts.join(", "),
        };
        write!(
            f,
            "{} ({}; can {}; needs {}; promises {}",
            self.name,
            self.kind,
            listed(&self.operations),
            listed(&self.needs),
            listed(&self.promises)
        )?;
        match self.lease {
            Some(lease) => write!(f, "; lease {} ms)", lease.as_millis()),
            None => f.write_str(")"),
        }
    }
}

impl From<Introduction> for Introduced {
    fn from(introduction: Introduction) -> Self {
        let kind = KINDS.iter().find(|(_, kind)| *kind == introduction.kind);
        let lease_ms = introduction.lease.map(|lease| lease.as_millis());
        Self {
            name: introduction.name,
            kind: kind.map_or("", |(name, _)| name).to_owned(),
            operations: introduction.operations,
            needs: introduction.needs,
            promises: Some(introduction.promises),
            lease_ms: lease_ms.and_then(|ms| u64::try_from(ms).ok()),
            ..Self::default()
        }
    }
}

impl TryFrom<Introduced> for Introduction {
    type Error = String;

    fn try_from(said: Introduced) -> Result<Self, String> {
        check_name(&said.name)?;
        let kind = KINDS.iter().find(|(name, _)| *name == said.kind);
        let kind = kind.map(|(_, kind)| *kind).ok_or_else(|| {
            let known: Vec<_> = KINDS.iter().map(|(name, _)| *name).collect();
            format!(
                "there is no kind \"{}\"; known are {}",
                said.kind,
                known.join(", ")
            )
        })?;
        check_operations(&said.operations, kind)?;
        if said.lease_ms == Some(0) {
            return Err("a lease of 0 ms is none: leave lease_ms out".to_owned());
        }
        let lease = said.lease_ms.map(Duration::from_millis);
        if lease > Some(LEASE_MOST) {
            return Err(format!(
                "a lease of more than {} s cannot be waited for: give the lock a shorter one",
                LEASE_MOST.as_secs()
            ));
        }
        let verifies = said.operations.iter().any(|known| known == "verify");
        Ok(Self {
            name: said.name,
            kind,
            needs: said.needs,
            promises: said
                .promises
                .unwrap_or_else(|| promises(verifies, lease.is_some())),
            lease,
            operations: said.operations,
        })
    }
}

/// What a lock is judged by that says nothing of it. Where the service may give a lock away at any
/// moment its client can only ask; where a lease says until when it is the client's own, or nobody
/// can ask, belief itself is judged.
fn promises(verifies: bool, is_leased: bool) -> Vec<String> {
    let exclusion = if verifies && !is_leased {
        "confirmed-exclusion"
    } else {
        "exclusion"
    };
    [exclusion, "progress"].map(str::to_owned).to_vec()
}

fn check_name(name: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if begins && name.len() <= NAME_MOST && name.chars().all(is_plain) {
        return Ok(());
    }
    Err(format!(
        "the name \"{name}\" is none: up to {NAME_MOST} lower-case letters, digits and dashes, such as redis-set"
    ))
}

fn check_operations(operations: &[String], kind: Kind) -> Result<(), String> {
    if let Some(unknown) = operations
        .iter()
        .find(|it| !OPERATIONS.contains(&it.as_str()))
    {
        let known = OPERATIONS.join(", ");
        return Err(format!(
            "there is no operation \"{unknown}\"; known are {known}"
        ));
    }
    let administration = if kind.is_administered() {
        ADMINISTERED
    } else {
        &[]
    };
    let filing: &[_] = if kind.files_decrements() {
        &["request"]
    } else {
        &[]
    };
    let mut needed = ["acquire", "release"]
        .iter()
        .chain(administration)
        .chain(filing);
    match needed.find(|needed| !operations.iter().any(|it| it == *needed)) {
        None => Ok(()),
        Some(missing) => Err(format!("a {kind} must be able to do \"{missing}\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: &str, operations: &[&str]) -> Introduced {
        Introduced {
            name: "my-lock".to_owned(),
            kind: kind.to_owned(),
            operations: operations.iter().map(|it| (*it).to_owned()).collect(),
            ..Introduced::default()
        }
    }

    fn refused(said: Introduced) -> String {
        Introduction::try_from(said).expect_err("it must be refused")
    }

    #[test]
    fn a_lock_is_judged_by_what_its_client_can_know() {
        let promises = |operations: &[&str], lease_ms| {
            let said = Introduced {
                lease_ms,
                ..said("mutex", operations)
            };
            let introduction = Introduction::try_from(said).expect("a lock");
            introduction.promises
        };
        let asks: &[_] = &["acquire", "verify", "release"];
        assert_eq!(promises(asks, None), ["confirmed-exclusion", "progress"]);
        assert_eq!(promises(asks, Some(9)), ["exclusion", "progress"]);
        assert_eq!(
            promises(
                &asks[..1]
                    .iter()
                    .chain(&asks[2..])
                    .copied()
                    .collect::<Vec<_>>(),
                None
            ),
            ["exclusion", "progress"]
        );
    }

    #[test]
    fn what_makes_no_lock_is_refused_with_what_would() {
        let plain: &[_] = &["acquire", "release"];
        assert!(refused(said("mutx", plain)).contains("known are mutex"));
        assert!(refused(said("mutex", &["acquire"])).contains("\"release\""));
        assert!(refused(said("mutex", &["acquire", "release", "verfy"])).contains("\"verfy\""));
        assert!(refused(said("persistent-semaphore", plain)).contains("\"create\""));
        for name in ["", "-a", "../x", "My-Lock", "a b", &"a".repeat(61)] {
            let said = Introduced {
                name: name.to_owned(),
                ..said("mutex", plain)
            };
            assert!(refused(said).contains("is none"), "{name}");
        }
    }
}
