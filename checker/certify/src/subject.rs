//! What a judgement is about: a guarantee or a model, by its name.

use super::data::Data;
use super::law::{Law, Owner};

pub(super) enum Subject {
    Exclusion,
    ConfirmedExclusion,
    /// With the longest exposure in nanoseconds.
    Overlap(u128),
    Ownership,
    Fencing,
    JustifiedRefusal,
    NoLostUpdate,
    SlotExclusion,
    SlotExistence,
    SlotRemoval,
    SlotSequence,
    NoLostDecrement,
    NoDoubledDecrement,
    /// With the longest wait in nanoseconds.
    Progress(u128),
    Coverage,
    /// A model of locks.
    Lock(Law),
    /// A model of data.
    Data(Data),
}

impl Subject {
    /// Reads `of`; none if there is no such guarantee or model.
    pub(super) fn parse(of: &str) -> Option<Self> {
        if let Some(model) = of.strip_prefix("model ") {
            let lock = model_law(model).map(Self::Lock);
            return lock.or_else(|| Data::parse(model).map(Self::Data));
        }
        match of {
            "exclusion" => Some(Self::Exclusion),
            "confirmed-exclusion" => Some(Self::ConfirmedExclusion),
            "ownership" => Some(Self::Ownership),
            "fencing" => Some(Self::Fencing),
            "justified-refusal" => Some(Self::JustifiedRefusal),
            "no-lost-update" => Some(Self::NoLostUpdate),
            "slot-exclusion" => Some(Self::SlotExclusion),
            "slot-existence" => Some(Self::SlotExistence),
            "slot-removal" => Some(Self::SlotRemoval),
            "slot-sequence" => Some(Self::SlotSequence),
            "no-lost-decrement" => Some(Self::NoLostDecrement),
            "no-doubled-decrement" => Some(Self::NoDoubledDecrement),
            "coverage" => Some(Self::Coverage),
            _ => bounded(of),
        }
    }
}

impl Subject {
    /// Whether it asks who holds a lock: each grant is one hold of one permit to it.
    pub(super) fn is_about_holds(&self) -> bool {
        !matches!(
            self,
            Self::NoLostUpdate
                | Self::SlotExistence
                | Self::SlotSequence
                | Self::NoLostDecrement
                | Self::NoDoubledDecrement
                | Self::Lock(_)
                | Self::Data(_)
        )
    }
}

fn bounded(of: &str) -> Option<Subject> {
    let (name, bound) = of.split_once("<=")?;
    let bound = humantime::parse_duration(bound).ok()?.as_nanos();
    match name {
        "overlap" => Some(Subject::Overlap(bound)),
        "progress" => Some(Subject::Progress(bound)),
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
        permits: false,
        shares: false,
        depth: None,
        fenced: false,
        refusals: true,
        reports: true,
    };
    match (name, number) {
        ("owner-mutex", None) => Some(plain),
        ("mutex", None) => Some(Law {
            owner: Owner::Nobody,
            ..plain
        }),
        ("owner-semaphore", Some(slots)) => Some(Law {
            slots,
            permits: true,
            ..plain
        }),
        ("semaphore", Some(slots)) => Some(Law {
            owner: Owner::Nobody,
            slots,
            permits: true,
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
