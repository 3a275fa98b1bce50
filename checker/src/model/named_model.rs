//! Models by name.

use super::{ALL, Model};

/// Makes a model from what follows the colon of its name; nothing if that does not fit.
pub(super) type Make = fn(Option<&str>) -> Option<Box<dyn Model>>;

/// A model that can be named.
#[derive(Debug)]
pub struct NamedModel {
    /// How the name is written: `mutex`, `semaphore:N`.
    pub pattern: &'static str,
    /// What it is, in one line.
    pub meaning: &'static str,
    /// The model itself.
    pub(super) make: Make,
    /// The same with holds that may be revoked, for locks.
    pub(super) make_revocable: Option<Make>,
}

/// Why there is no such model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No model has this name.
    #[error("no model is called \"{name}\": choose one of {}", patterns())]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// The name is known, but what follows the colon does not fit.
    #[error("\"{name}\" does not fit the pattern {pattern}")]
    Argument {
        /// What was asked for.
        name: String,
        /// How it is written.
        pattern: &'static str,
    },
    /// The model has no holds.
    #[error("{pattern} has no holds that could be revoked")]
    NothingToRevoke {
        /// The model.
        pattern: &'static str,
    },
}

/// The prefix of the versions whose holds may be revoked silently at any moment:
/// `revocable-owner-mutex`. No certificate has a place for them.
pub const REVOCABLE: &str = "revocable-";

/// The model with this name; a lock's name may begin with `revocable-`.
///
/// # Errors
/// Why there is none.
pub fn named(name: &str) -> Result<Box<dyn Model>, NameError> {
    let (plain, revocable) = name
        .strip_prefix(REVOCABLE)
        .map_or((name, false), |plain| (plain, true));
    let (stem, argument) = plain
        .split_once(':')
        .map_or((plain, None), |(stem, argument)| (stem, Some(argument)));
    let model = ALL
        .iter()
        .find(|model| model.stem() == stem)
        .ok_or_else(|| NameError::Unknown {
            name: name.to_owned(),
        })?;
    let pattern = model.pattern;
    let make = if revocable {
        model
            .make_revocable
            .ok_or(NameError::NothingToRevoke { pattern })?
    } else {
        model.make
    };
    make(argument).ok_or_else(|| NameError::Argument {
        name: name.to_owned(),
        pattern,
    })
}

impl NamedModel {
    fn stem(&self) -> &'static str {
        self.pattern.split(':').next().unwrap_or(self.pattern)
    }
}

fn patterns() -> String {
    let patterns: Vec<_> = ALL.iter().map(|model| model.pattern).collect();
    patterns.join(", ")
}

/// For models without an argument.
pub(super) fn plain<M: Model + 'static>(
    argument: Option<&str>,
    model: M,
) -> Option<Box<dyn Model>> {
    argument
        .is_none()
        .then(|| Box::new(model) as Box<dyn Model>)
}

/// For models with a count of at least one, written in one way only: no sign, no leading zeros.
pub(super) fn counted<M: Model + 'static>(
    argument: Option<&str>,
    make: fn(u32) -> M,
) -> Option<Box<dyn Model>> {
    let argument = argument?;
    let count: u32 = argument.parse().ok().filter(|count| *count > 0)?;
    (count.to_string() == argument).then(|| Box::new(make(count)) as Box<dyn Model>)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_makes_a_model() {
        for model in ALL {
            let name = model.pattern.replace(":N", ":2").replace(":V", ":0");
            assert!(named(&name).is_ok(), "{name}");
            assert_eq!(
                named(&format!("revocable-{name}")).is_ok(),
                model.make_revocable.is_some(),
                "{name}"
            );
            assert!(!model.meaning.is_empty());
        }
    }

    #[test]
    fn names_that_do_not_fit_are_explained() {
        let said = |name: &str| named(name).err().expect("must be refused").to_string();
        assert!(
            said("spinlock")
                .starts_with("no model is called \"spinlock\": choose one of mutex, owner-mutex")
        );
        for name in [
            "semaphore",
            "semaphore:0",
            "semaphore:x",
            "mutex:1",
            "semaphore:-1",
            "semaphore:+1",
            "owner-semaphore:01",
            "register",
        ] {
            assert!(
                said(name).starts_with(&format!("\"{name}\" does not fit the pattern")),
                "{name}"
            );
        }
        assert_eq!(
            said("revocable-queue"),
            "queue has no holds that could be revoked"
        );
    }
}
