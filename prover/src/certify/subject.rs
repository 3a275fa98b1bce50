//! What a judgement is about: a guarantee or a model, by its name.

use super::law::{Law, Owner};

pub(super) enum Subject {
    Exclusion,
    ConfirmedExclusion,
    /// With the longest exposure in nanoseconds.
    Overlap(u128),
    Ownership,
    Fencing,
    JustifiedRefusal,
    /// A count over the whole record, which certificates do not prove; with the rule that a violation names.
    Counted(Option<&'static str>),
    /// A model of locks.
    Lock(Law),
    /// A model of data, whose steps the book leaves to the checker.
    Data,
}

impl Subject {
    /// Reads `of`; none if there is no such guarantee or model.
    pub(super) fn parse(of: &str) -> Option<Self> {
        if let Some(model) = of.strip_prefix("model ") {
            return model_law(model)
                .map(Self::Lock)
                .or_else(|| is_data(model).then_some(Self::Data));
        }
        match of {
            "exclusion" => Some(Self::Exclusion),
            "confirmed-exclusion" => Some(Self::ConfirmedExclusion),
            "ownership" => Some(Self::Ownership),
            "fencing" => Some(Self::Fencing),
            "justified-refusal" => Some(Self::JustifiedRefusal),
            "no-lost-update" => Some(Self::Counted(Some("lost-update"))),
            "coverage" => Some(Self::Counted(None)),
            _ => bounded(of),
        }
    }
}

fn bounded(of: &str) -> Option<Subject> {
    let (name, bound) = of.split_once("<=")?;
    let bound = humantime::parse_duration(bound).ok()?.as_nanos();
    match name {
        "overlap" => Some(Subject::Overlap(bound)),
        "progress" => Some(Subject::Counted(Some("never-granted"))),
        _ => None,
    }
}

fn model_law(model: &str) -> Option<Law> {
    let (name, number) = match model.split_once(':') {
        Some((name, number)) => (name, Some(positive(number)?)),
        None => (model, None),
    };
    let plain = Law {
        owner: Owner::Process,
        slots: 1,
        shares: false,
        depth: None,
        fenced: false,
        refusals: true,
    };
    match (name, number) {
        ("owner-mutex", None) => Some(plain),
        ("mutex", None) => Some(Law {
            owner: Owner::Nobody,
            ..plain
        }),
        ("owner-semaphore", Some(slots)) => Some(Law { slots, ..plain }),
        ("semaphore", Some(slots)) => Some(Law {
            owner: Owner::Nobody,
            slots,
            ..plain
        }),
        ("rwlock", None) => Some(Law {
            shares: true,
            ..plain
        }),
        ("reentrant", Some(_)) => Some(Law {
            depth: number,
            ..plain
        }),
        ("fenced", None) => Some(Law {
            fenced: true,
            ..plain
        }),
        ("reentrant-fenced", Some(_)) => Some(Law {
            depth: number,
            fenced: true,
            ..plain
        }),
        _ => None,
    }
}

/// A number from 1 in its only spelling.
fn positive(text: &str) -> Option<u64> {
    let number: u64 = text.parse::<u32>().ok()?.into();
    (number > 0 && number.to_string() == text).then_some(number)
}

fn is_data(model: &str) -> bool {
    let has_start = |name| {
        model
            .strip_prefix(name)
            .is_some_and(|start: &str| !start.is_empty())
    };
    matches!(model, "set" | "queue") || has_start("register:") || has_start("cas-register:")
}
