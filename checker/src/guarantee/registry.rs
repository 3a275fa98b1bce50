//! The list of guarantees, and judging several of them.

use std::time::Duration;

use history::History;
use rayon::prelude::*;

use super::conclusion::{not_judged, several_permits};
use super::{
    ConfirmedExclusion, Coverage, Exclusion, Fencing, JustifiedRefusal, NoDoubledDecrement,
    NoLostDecrement, NoLostUpdate, OverlapAtMost, Ownership, ProgressWithin, SlotExclusion,
    SlotExistence, SlotRemoval, SlotSequence,
};
use crate::order::Order;
use crate::search::{Limits, Reason};
use crate::{Case, Finding, Scope, Verdict};

/// A property of a lock that a history keeps or violates.
pub trait Guarantee: Send + Sync + std::fmt::Debug {
    /// The name under which it is asked for: `overlap<=500ms`.
    fn name(&self) -> String;

    /// Whether the history keeps it. Unknown if the case's limits end that too soon.
    fn judge(&self, case: &Case<'_>) -> Finding {
        match case.several {
            Some(index) if self.is_about_holds() => several_permits(self.name(), case, index),
            _ => {
                let found = self.find(case);
                found.unwrap_or_else(|reason| not_judged(self.name(), case, &reason))
            }
        }
    }

    /// Whether it asks who holds: each grant is one hold of one permit to it.
    #[doc(hidden)]
    fn is_about_holds(&self) -> bool {
        true
    }

    /// The same, with nothing found where it ended too soon.
    ///
    /// # Errors
    /// The caller said to stop.
    #[doc(hidden)]
    fn find(&self, case: &Case<'_>) -> Result<Finding, Reason>;

    /// Legal orders for a history that keeps it, a proof that is quicker to check than to find.
    /// Nothing if the definition itself is as quick.
    #[doc(hidden)]
    fn orders(&self, case: &Case<'_>) -> Option<Vec<Order>> {
        let _ = case;
        None
    }
}

/// A kind of guarantee.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// How it is asked for; `D` stands for a duration.
    pub pattern: &'static str,
    /// When it holds, in one line.
    pub meaning: &'static str,
    make: Maker,
}

#[derive(Clone, Copy, Debug)]
enum Maker {
    Plain(fn() -> Box<dyn Guarantee>),
    Within(fn(Duration) -> Box<dyn Guarantee>),
}

/// Every kind of guarantee.
pub const ALL: &[Entry] = &[
    Entry {
        pattern: "exclusion",
        meaning: "never more clients than the lock has slots believe that they hold it",
        make: Maker::Plain(|| Box::new(Exclusion)),
    },
    Entry {
        pattern: "confirmed-exclusion",
        meaning: "the same, counted from the grant to the last time the service confirmed the hold",
        make: Maker::Plain(|| Box::new(ConfirmedExclusion)),
    },
    Entry {
        pattern: "overlap<=D",
        meaning: "whenever too many clients believe that they hold the lock, it lasts no longer than D",
        make: Maker::Within(|bound| Box::new(OverlapAtMost { bound })),
    },
    Entry {
        pattern: "ownership",
        meaning: "no release and no `held` answer succeeds for a client without a hold of its own",
        make: Maker::Plain(|| Box::new(Ownership)),
    },
    Entry {
        pattern: "fencing",
        meaning: "no two holds carry the same token, and who certainly had the lock first has the smaller",
        make: Maker::Plain(|| Box::new(Fencing)),
    },
    Entry {
        pattern: "no-lost-update",
        meaning: "what was written under the lock and acknowledged is read afterwards",
        make: Maker::Plain(|| Box::new(NoLostUpdate)),
    },
    Entry {
        pattern: "progress<=D",
        meaning: "after the last fault every lock is granted again within D to who asks for it, all slots of it",
        make: Maker::Within(|bound| Box::new(ProgressWithin { bound })),
    },
    Entry {
        pattern: "justified-refusal",
        meaning: "whenever the service refuses the lock, somebody could hold it",
        make: Maker::Plain(|| Box::new(JustifiedRefusal)),
    },
    Entry {
        pattern: "slot-exclusion",
        meaning: "each slot of a lock is held by one client at a time, however many slots there are, counted as confirmed-exclusion does",
        make: Maker::Plain(|| Box::new(SlotExclusion)),
    },
    Entry {
        pattern: "slot-existence",
        meaning: "a slot that was made is there until it is removed, and one that was removed is not until it is made again",
        make: Maker::Plain(|| Box::new(SlotExistence)),
    },
    Entry {
        pattern: "slot-removal",
        meaning: "a slot that was removed is neither granted nor held before it may have been made again",
        make: Maker::Plain(|| Box::new(SlotRemoval)),
    },
    Entry {
        pattern: "slot-sequence",
        meaning: "the slots of a lock are numbered from 1 without a gap, or an overshoot repairs it",
        make: Maker::Plain(|| Box::new(SlotSequence)),
    },
    Entry {
        pattern: "no-lost-decrement",
        meaning: "every slot that was requested to be removed is removed",
        make: Maker::Plain(|| Box::new(NoLostDecrement)),
    },
    Entry {
        pattern: "no-doubled-decrement",
        meaning: "no more slots are removed than was requested",
        make: Maker::Plain(|| Box::new(NoDoubledDecrement)),
    },
    Entry {
        pattern: "coverage",
        meaning: "the run proves something: there was contention, and each selected fault took a lock away that others wanted, or had the effect that is due of it",
        make: Maker::Plain(|| Box::new(Coverage)),
    },
];

/// Why a name is not one of a guarantee.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// No guarantee has the name.
    #[error("\"{name}\" is not a guarantee: choose from {}", known())]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// A duration is missing or wrong.
    #[error(
        "\"{name}\" needs a duration after \"<=\", for example {}<=500ms",
        stem_of(.name)
    )]
    Duration {
        /// What was asked for.
        name: String,
    },
}

fn stem_of(name: &str) -> &str {
    name.split("<=").next().unwrap_or(name)
}

fn known() -> String {
    ALL.iter()
        .map(|entry| entry.pattern)
        .collect::<Vec<_>>()
        .join(", ")
}

/// The name of a guarantee without its bound: `progress` of `progress<=10s`.
#[must_use]
pub fn stem(name: &str) -> &str {
    name.split("<=").next().unwrap_or(name)
}

/// The guarantee with a name such as `exclusion` or `overlap<=500ms`.
///
/// # Errors
/// The name is unknown, or its duration is missing or wrong.
pub fn parse(name: &str) -> Result<Box<dyn Guarantee>, ParseError> {
    let (stem, bound) = name
        .split_once("<=")
        .map_or((name, None), |(stem, bound)| (stem, Some(bound)));
    let entry = ALL.iter().find(|entry| stem_of(entry.pattern) == stem);
    match (entry.map(|entry| entry.make), bound) {
        (Some(Maker::Plain(make)), None) => Ok(make()),
        (Some(Maker::Within(make)), Some(bound)) => {
            let bound = humantime::parse_duration(bound).map_err(|_| ParseError::Duration {
                name: name.to_owned(),
            })?;
            Ok(make(bound))
        }
        (Some(Maker::Within(_)), None) => Err(ParseError::Duration {
            name: name.to_owned(),
        }),
        _ => Err(ParseError::Unknown {
            name: name.to_owned(),
        }),
    }
}

/// The guarantees with these names, each once: `overlap<=1s` is `overlap<=1000ms`.
///
/// # Errors
/// As for [`parse`], of the first that is none.
pub fn parse_all(
    names: impl IntoIterator<Item = impl AsRef<str>>,
) -> Result<Vec<Box<dyn Guarantee>>, ParseError> {
    let mut parsed: Vec<Box<dyn Guarantee>> = Vec::new();
    for name in names {
        let guarantee = parse(name.as_ref())?;
        if parsed.iter().all(|other| other.name() != guarantee.name()) {
            parsed.push(guarantee);
        }
    }
    Ok(parsed)
}

/// Judges a history by several guarantees, in their order, within `limits`.
#[must_use]
pub fn judge(
    history: &History,
    scope: &Scope,
    limits: Limits<'_>,
    guarantees: &[Box<dyn Guarantee>],
) -> Vec<Finding> {
    let case = Case::new(history, scope, limits);
    guarantees
        .par_iter()
        .map(|guarantee| guarantee.judge(&case))
        .collect()
}

/// The worst verdict of some findings: violated, then unknown, then valid. No findings at all prove
/// nothing: `unknown`.
#[must_use]
pub fn merge<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Verdict {
    findings
        .into_iter()
        .map(|finding| finding.verdict)
        .max()
        .unwrap_or(Verdict::Unknown)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::testing::history;

    #[test]
    fn every_pattern_parses_to_a_guarantee_of_that_name() {
        for entry in ALL {
            let name = entry.pattern.replace("<=D", "<=500ms");
            assert_eq!(parse(&name).expect("it is in the list").name(), name);
        }
    }

    #[test]
    fn what_is_wrong_with_a_name_is_said() {
        let said = |name: &str| parse(name).expect_err("it is no guarantee").to_string();
        assert!(
            said("exclusivity").contains("choose from exclusion, confirmed-exclusion, overlap<=D")
        );
        assert!(said("exclusion<=1s").contains("is not a guarantee"));
        assert!(
            said("overlap").contains("needs a duration after \"<=\", for example overlap<=500ms")
        );
        assert!(said("overlap<=soon").contains("needs a duration"));
    }

    #[test]
    fn the_worst_verdict_is_that_of_all_together() {
        assert_eq!(merge([]), Verdict::Unknown, "nothing judged proves nothing");
        let finding = |verdict| Finding {
            verdict,
            ..Finding::default()
        };
        let [valid, unknown, violated] =
            [Verdict::Valid, Verdict::Unknown, Verdict::Violated].map(finding);
        assert_eq!(merge([&valid, &valid]), Verdict::Valid);
        assert_eq!(merge([&valid, &unknown, &valid]), Verdict::Unknown);
        assert_eq!(merge([&unknown, &violated, &valid]), Verdict::Violated);
    }

    /// What reports show of every guarantee.
    #[test]
    fn every_finding_says_what_it_is_about() {
        let mut seen = BTreeSet::new();
        for text in [
            "",
            "0:acquire 0:acquire!1 1:acquire 1:acquireX 0:verify 0:verify!held 0:release 0:release! 1:acquire 1:acquire!2",
            "0:acquire 0:acquire!2 1:acquire 1:acquire!1 0:verify 0:verify!held 2:acquire 2:acquireX",
        ] {
            let history = history(text);
            let grants = text.matches("acquire!").count() as u64;
            for entry in ALL {
                let guarantee = parse(&entry.pattern.replace("<=D", "<=500ms")).expect("known");
                let found = judge(
                    &history,
                    &Scope::default(),
                    Limits::none(),
                    std::slice::from_ref(&guarantee),
                )
                .remove(0);
                assert_eq!(found.guarantee, guarantee.name());
                if found.guarantee != "no-lost-update" {
                    assert_eq!(found.counts.holds, grants, "{}", found.guarantee);
                }
                assert!(!found.evidence.is_empty(), "{}", found.guarantee);
                let is_unknown = found.verdict == Verdict::Unknown;
                assert_eq!(found.reason.is_some(), is_unknown, "{found:?}");
                let is_violated = found.verdict == Verdict::Violated;
                assert_eq!(!found.violations.is_empty(), is_violated, "{found:?}");
                seen.insert(found.verdict);
            }
        }
        assert_eq!(seen.len(), 3);
    }
}
