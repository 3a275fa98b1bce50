//! What was found out about one guarantee.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use history::fault::{Effect, Role};
use serde::{Deserialize, Serialize};

use crate::Verdict;
use crate::search::{Placed, Placement};

/// How many violations a finding lists; the counts go on beyond that.
pub const VIOLATIONS_MAX: usize = 1_000;

/// The judgement of one guarantee over one history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The name under which it was asked for: `overlap<=500ms`.
    pub guarantee: String,
    /// What is known.
    pub verdict: Verdict,
    /// One line for people: what the verdict stands on.
    pub evidence: String,
    /// Why the verdict is `unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was counted on the way.
    #[serde(default)]
    pub counts: Counts,
    /// What contradicts the guarantee, at most [`VIOLATIONS_MAX`] of them, in the order of the
    /// history.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Violation>,
    /// The length of every overlap in nanoseconds, in the order of the history.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exposures_ns: Vec<u64>,
}

/// Figures that reports need as numbers. What a guarantee does not count stays 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// How much of the record the guarantee judged; the evidence says of what. It is not `valid`
    /// where that is nothing.
    pub judged: u64,
    /// Grants, each of which begins a hold.
    pub holds: u64,
    /// Holds that ended by loss (an answer, a notification, or the end of the session), not by a
    /// release.
    pub revoked: u64,
    /// Grants that came while as many others as the lock has slots believed that they hold it.
    pub overlaps: u64,
    /// Grants of a lock of one slot to the client that believed that it held it already.
    pub granted_again: u64,
    /// What overlaps if leases are counted from the answers, where the record has leases. It never
    /// decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_answers: Option<ByAnswers>,
    /// Acquires that the server itself refused.
    pub refusals: u64,
    /// Workers that wanted a lock while others had or wanted it.
    pub contended_workers: u64,
    /// Workers in the run.
    pub workers: u64,
    /// Windows in which a selected fault took a hold away that others wanted.
    pub taken_from_contenders: u64,
    /// Whether there must be such a window for the run to prove something.
    pub must_take: bool,
    /// The windows of each selected fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultCount>,
}

/// What overlaps if each lease is counted from the answer that told it, as most programs count: the
/// service has counted from earlier, so such a program acts after its lease is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByAnswers {
    /// How often too many believed then.
    pub overlaps: u64,
    /// The longest of these times in nanoseconds.
    pub longest_ns: u64,
}

/// How often a fault happened, and how often it mattered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FaultCount {
    /// The name of the fault.
    pub fault: String,
    /// The effect that it must have at least once: what is due of its class, or what was asked for.
    pub due: Effect,
    /// Whether that effect was asked for in place of what is due of its class.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub asked: bool,
    /// How often it was injected.
    pub windows: u64,
    /// Windows in which it had that effect or a greater one.
    pub landed: u64,
    /// Windows in which it revoked a hold.
    pub revoked: u64,
    /// Windows in which it only delayed a holder.
    pub delayed: u64,
    /// Windows in which a lock was given slots or lost some, and no hold was revoked.
    #[serde(skip_serializing_if = "is_zero")]
    pub changed: u64,
    /// Windows in which a target went on undisturbed, so that the fault cannot have been on.
    pub disproved: u64,
    /// What its targets were about when they were struck.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<Role, RoleCount>,
}

/// How often a fault struck targets that were about the same, by what it did to them. A window
/// counts for each of its targets, unless it was disproved or not on for any time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoleCount {
    /// How often.
    pub struck: u64,
    /// How often it revoked a hold of theirs.
    pub revoked: u64,
    /// How often it only delayed them in one.
    pub delayed: u64,
    /// How often they gave a lock slots or took some away, and no hold of theirs was revoked.
    #[serde(skip_serializing_if = "is_zero")]
    pub changed: u64,
    /// How often it was asked to strike them at the least.
    #[serde(skip_serializing_if = "is_zero")]
    pub least: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl RoleCount {
    /// Takes in others.
    pub fn merge(&mut self, other: Self) {
        self.struck = self.struck.saturating_add(other.struck);
        self.revoked = self.revoked.saturating_add(other.revoked);
        self.delayed = self.delayed.saturating_add(other.delayed);
        self.changed = self.changed.saturating_add(other.changed);
        self.least = self.least.max(other.least);
    }

    /// Why that is too little, if it is: of a fault of this name of which this effect is due.
    #[must_use]
    pub fn too_seldom(&self, fault: &str, role: Role, due: Effect) -> Option<String> {
        let times = self.with(role, due);
        let what = match role.holds() {
            true => format!(" with the effect {due}"),
            false => String::new(),
        };
        (times < self.least).then(|| {
            format!(
                "{fault} struck targets that were {role}{what} {}, and {} are asked for: give --time-limit more, or aim at them (--target)",
                counted(times, "time"),
                self.least,
            )
        })
    }

    /// How often it did what is due of it to targets in this role: the effect, where they believed
    /// to hold a lock; else that it struck them.
    #[must_use]
    pub fn with(&self, role: Role, due: Effect) -> u64 {
        let changed = self.revoked.saturating_add(self.changed);
        match due {
            _ if !role.holds() => self.struck,
            Effect::None => self.struck,
            Effect::Delayed => changed.saturating_add(self.delayed),
            Effect::Changed => changed,
            Effect::Revoked => self.revoked,
        }
    }
}

/// A contradiction between a guarantee and a few events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// What it is called; one of [`anomaly`].
    pub anomaly: Arc<str>,
    /// The lock or resource that it happened to.
    pub key: Option<Arc<str>>,
    /// The indices of the events that contradict each other, ascending.
    pub events: Vec<u64>,
    /// The rule of certificates that the events break.
    pub rule: Rule,
    /// The indices of the events that the rule speaks of, in its sequence.
    pub witness: Vec<u64>,
    /// How far the search came, where one found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
    /// How long more clients than the lock has slots had it, where that is what went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure_ns: Option<u64>,
}

impl Violation {
    /// A violation of a rule; its events are those of the rule until [`showing`](Self::showing)
    /// says otherwise.
    pub(crate) fn new(rule: Rule, key: Option<Arc<str>>, witness: Vec<u64>) -> Self {
        let mut events = witness.clone();
        events.sort_unstable();
        Self {
            anomaly: rule.anomaly().into(),
            key,
            events,
            rule,
            witness,
            reach: None,
            exposure_ns: None,
        }
    }

    /// With the events that people should see, ascending.
    pub(crate) fn showing(self, events: Vec<u64>) -> Self {
        Self { events, ..self }
    }

    /// With the length of the time in which too many had the lock.
    pub(crate) fn lasting(self, exposure_ns: u64) -> Self {
        Self {
            exposure_ns: Some(exposure_ns),
            ..self
        }
    }

    /// With how far the search came.
    pub(crate) fn reaching(self, reach: Reach) -> Self {
        Self {
            reach: Some(reach),
            ..self
        }
    }

    /// Under another name than that of its rule.
    pub(crate) fn called(self, anomaly: &str) -> Self {
        Self {
            anomaly: anomaly.into(),
            ..self
        }
    }
}

/// How many operations of the longest legal order a [`Reach`] lists.
pub const PREFIX_MAX: usize = 1_000;

/// How far a search for a legal order came before it found that there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// How many operations stand in the longest legal order that was found; holds that were revoked
    /// in it do not count.
    pub placed: u64,
    /// The indices of the invocations of the last of them, at most [`PREFIX_MAX`], in that order.
    pub prefix: Vec<u64>,
    /// The index of the invocation of the operation that can be placed neither after that order nor
    /// after any other.
    pub stuck: u64,
}

impl Reach {
    pub(crate) fn new(prefix: &[Placement], stuck: u64) -> Self {
        let operation = |placement: &Placement| match placement.placed {
            Placed::Operation(invoke) => Some(invoke),
            Placed::Revocation(_) => None,
        };
        let mut prefix: Vec<u64> = prefix.iter().filter_map(operation).collect();
        let placed = prefix.len();
        prefix.drain(..placed.saturating_sub(PREFIX_MAX));
        Self {
            placed: placed as u64,
            prefix,
            stuck,
        }
    }
}

/// A rule that a few events break; `docs/certificates.md` says for each what is to be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Holds that do not fit together were believed in at one instant.
    TooManyBelieve,
    /// Holds that do not fit together were certain at one instant.
    TooManyConfirmed,
    /// A grant came wholly while holds were certain that leave no room for it.
    GrantedInside,
    /// A hold was confirmed after it had been reported lost.
    Revived,
    /// A release or a `held` answer succeeded for a process without a hold.
    Unowned,
    /// A token is not greater than one that was given out before.
    TokenRegressed,
    /// An acquire was refused while nobody can have held the lock.
    RefusedWhileFree,
    /// Holds that do not fit together, in a model without revocation.
    TooManyHold,
    /// A hold was reported lost in a model without revocation.
    ToldLost,
    /// A token is not greater than that of the hold before, in a model.
    OrderOfTokens,
    /// The events up to one have no legal order.
    NoOrder,
    /// An acknowledged write is gone.
    LostUpdate,
    /// A lock was not granted again.
    NeverGranted,
    /// A slot was granted or held while it did not exist.
    RemovedSlotUsed,
    /// A slot that was there is not, though nothing can have removed it.
    SlotVanished,
    /// A slot that was not there is, though nothing can have made it.
    PhantomSlot,
    /// A count found a gap right after an overshoot.
    GapAfterOvershoot,
    /// The last count found a gap.
    GapAtTheEnd,
    /// Fewer slots are gone than were requested to go, and no request is left.
    LostDecrement,
    /// More slots are gone than were requested to go.
    DoubledDecrement,
}

impl Rule {
    /// What it is called when the rule is broken.
    #[must_use]
    pub fn anomaly(self) -> &'static str {
        match self {
            Self::TooManyBelieve
            | Self::TooManyConfirmed
            | Self::GrantedInside
            | Self::TooManyHold => anomaly::DOUBLE_HOLD,
            Self::Revived => anomaly::REVIVED_HOLD,
            Self::Unowned => anomaly::UNOWNED,
            Self::TokenRegressed | Self::OrderOfTokens => anomaly::TOKEN_REGRESSED,
            Self::RefusedWhileFree => anomaly::UNJUSTIFIED_REFUSAL,
            Self::ToldLost => anomaly::TOLD_LOST,
            Self::NoOrder => anomaly::NO_ORDER,
            Self::LostUpdate => anomaly::LOST_UPDATE,
            Self::NeverGranted => anomaly::NEVER_GRANTED,
            Self::RemovedSlotUsed => anomaly::REMOVED_SLOT_USED,
            Self::SlotVanished => anomaly::SLOT_VANISHED,
            Self::PhantomSlot => anomaly::PHANTOM_SLOT,
            Self::GapAfterOvershoot | Self::GapAtTheEnd => anomaly::GAP,
            Self::LostDecrement => anomaly::LOST_DECREMENT,
            Self::DoubledDecrement => anomaly::DOUBLED_DECREMENT,
        }
    }
}

/// The names of what can go wrong.
pub mod anomaly {
    /// More holds at one time than the lock has slots.
    pub const DOUBLE_HOLD: &str = "double hold";
    /// A hold that was reported lost was confirmed later.
    pub const REVIVED_HOLD: &str = "revived hold";
    /// A release or a `held` answer succeeded for somebody without a hold.
    pub const UNOWNED: &str = "unowned release";
    /// A later grant carries a smaller fencing token, or the same.
    pub const TOKEN_REGRESSED: &str = "token regressed";
    /// A hold was reported lost that nobody had released, in a model without revocation.
    pub const TOLD_LOST: &str = "lost without a release";
    /// No order of the operations is legal.
    pub const NO_ORDER: &str = "no legal order";
    /// An acquire was refused while nobody could hold the lock.
    pub const UNJUSTIFIED_REFUSAL: &str = "unjustified refusal";
    /// An acknowledged write is gone.
    pub const LOST_UPDATE: &str = "lost update";
    /// A lock, or one of its slots, was not granted after the last fault healed.
    pub const NEVER_GRANTED: &str = "never granted again";
    /// A lock was granted again, but later after the last fault healed than the bound allows.
    pub const GRANTED_TOO_LATE: &str = "granted too late";
    /// A slot was granted, or held by somebody, after it had been removed.
    pub const REMOVED_SLOT_USED: &str = "use of a removed slot";
    /// A slot that was made, or found, is gone without a removal.
    pub const SLOT_VANISHED: &str = "slot vanished";
    /// A slot that was removed, or missed, is there without having been made.
    pub const PHANTOM_SLOT: &str = "phantom slot";
    /// A gap in the numbers of the slots was not repaired.
    pub const GAP: &str = "gap in the slots";
    /// A slot that was requested to be removed was not.
    pub const LOST_DECREMENT: &str = "lost decrement";
    /// A slot was removed that was not requested to be.
    pub const DOUBLED_DECREMENT: &str = "doubled decrement";
}

/// A length of time for people: `4.93 s`.
#[must_use]
pub fn show_ns(nanoseconds: u64) -> String {
    if nanoseconds == 0 {
        return "0 s".to_owned();
    }
    let mut text = format!("{:.2?}", Duration::from_nanos(nanoseconds));
    let unit = text.find(char::is_alphabetic).unwrap_or(text.len());
    text.insert(unit, ' ');
    text
}

/// A count with its noun: `1 hold`, `2 holds`.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_read_well() {
        assert_eq!(show_ns(4_930_000_000), "4.93 s");
        assert_eq!(show_ns(12_300_000), "12.30 ms");
        assert_eq!(show_ns(999), "999.00 ns");
    }

    #[test]
    fn a_violation_may_have_another_name_than_its_rule() {
        let violation = Violation::new(Rule::NoOrder, None, vec![1]);
        assert_eq!(&*violation.anomaly, anomaly::NO_ORDER);
        let called = violation.called(anomaly::DOUBLE_HOLD);
        assert_eq!(&*called.anomaly, anomaly::DOUBLE_HOLD);
    }

    #[test]
    fn a_finding_reads_back_equal() {
        let violation = Violation {
            anomaly: anomaly::DOUBLE_HOLD.into(),
            key: Some("lock-0".into()),
            events: vec![1, 2],
            rule: Rule::TooManyBelieve,
            witness: vec![1, 2],
            reach: Some(Reach {
                placed: 1,
                prefix: vec![0],
                stuck: 2,
            }),
            exposure_ns: Some(7),
        };
        let finding = Finding {
            violations: vec![violation],
            verdict: Verdict::Violated,
            ..Finding::default()
        };
        let json = serde_json::to_string(&finding).expect("a finding has a JSON form");
        assert_eq!(
            serde_json::from_str::<Finding>(&json).expect("and reads back"),
            finding
        );
    }
}
