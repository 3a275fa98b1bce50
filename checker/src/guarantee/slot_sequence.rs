//! `slot-sequence`: the slots of a lock are numbered without gaps.
//!
//! A gap may open, for example where an administrator dies between two steps; then an `overshoot`
//! removes what lies behind it. It is not repaired if a count still finds it although nothing but a
//! successful `overshoot` was done since, or if a count finds it after all changes. Only what is certain is
//! used: where another operation that may change the slots was under way with the count, or one of
//! unknown outcome may still take effect, a gap contradicts nothing.

use std::collections::BTreeSet;

use history::{Function, Kind};

use super::Guarantee;
use super::conclusion::conclude;
use super::exclusion::counts;
use crate::Case;
use crate::administration::{AdminOp, last_count};
use crate::finding::{Counts, Finding, Rule, Violation, counted};
use crate::position::{NEVER, Position};
use crate::search::Reason;

/// There is no gap in the slots, or it is repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotSequence;

impl Guarantee for SlotSequence {
    fn name(&self) -> String {
        "slot-sequence".to_owned()
    }

    fn is_about_holds(&self) -> bool {
        false
    }

    fn find(&self, case: &Case<'_>) -> Result<Finding, Reason> {
        let (mut found, mut gaps) = (0, 0);
        let (mut violations, mut doubt) = (Vec::new(), None);
        let (mut is_counted, mut judged) = (false, 0);
        let mut steps = case.steps();
        for (key, ops) in case.administration.iter() {
            steps.take(1 + ops.len())?;
            let counts = ops.iter().filter_map(|op| Some((op, op.counted()?)));
            found += counts.clone().count() as u64;
            let gapped: Vec<&AdminOp> = counts
                .filter(|(_, slots)| has_gap(slots))
                .map(|(count, _)| count)
                .collect();
            gaps += gapped.len() as u64;
            let violation = |rule, events: &[Position]| {
                Violation::new(rule, key.clone(), case.witness(events.iter().copied()))
            };
            let left = left_open(ops, &gapped);
            violations.extend(left.iter().map(|(overshoot, count)| {
                violation(Rule::GapAfterOvershoot, &[overshoot.end, count.end])
            }));
            let end = end_of(ops);
            let is_told = |count: &AdminOp| left.iter().any(|(_, told)| told.end == count.end);
            match end {
                End::Gapless => {
                    is_counted = true;
                    let changes = ops.iter().filter(|op| op.may_change());
                    judged += changes.filter(|op| op.kind == Kind::Ok).count() as u64;
                }
                End::Gap(count) if !is_told(count) => {
                    violations.push(violation(Rule::GapAtTheEnd, &[count.end]));
                }
                End::Gap(_) | End::NotAdministered => {}
                End::Unknown(why) => doubt = Some(why),
            }
        }
        let why = if is_counted {
            "nobody made or removed slots of a lock"
        } else {
            "nobody counted the slots of a lock"
        };
        let doubt = doubt.or((judged == 0).then_some(why));
        let evidence = match gaps {
            0 => format!(
                "{}, no gap, after {} of the slots",
                counted(found, "count"),
                counted(judged, "change")
            ),
            _ => format!("{gaps} of {} found a gap", counted(found, "count")),
        };
        let doubt = doubt.map(str::to_owned);
        let counts = Counts {
            judged,
            ..counts(case, 0)
        };
        case.limits.go_on()?;
        Ok(conclude(self, counts, evidence, doubt, violations))
    }
}

/// Whether the slots are not the first so many numbers.
fn has_gap(slots: &BTreeSet<u32>) -> bool {
    !(1..).zip(slots).all(|(number, slot)| number == *slot)
}

/// The counts that found a gap although the last that may have changed the slots is an overshoot,
/// and went alone.
fn left_open<'a>(ops: &'a [AdminOp], gapped: &[&'a AdminOp]) -> Vec<(&'a AdminOp, &'a AdminOp)> {
    let changes: Vec<&AdminOp> = ops.iter().filter(|op| op.may_change()).collect();
    let settled: Vec<Position> = changes
        .iter()
        .scan(0, |latest, op| {
            *latest = op.settled().max(*latest);
            Some(*latest)
        })
        .collect();
    let left = |count: &&'a AdminOp| {
        let last = changes
            .partition_point(|op| op.invoke < count.end)
            .checked_sub(1)?;
        let overshoot = changes[last];
        let is_alone = last == 0 || settled[last - 1] < overshoot.invoke;
        let is_before = overshoot.kind == Kind::Ok && overshoot.end < count.invoke;
        let is_left = overshoot.function == Function::Overshoot && is_before && is_alone;
        is_left.then_some((overshoot, *count))
    };
    gapped.iter().filter_map(left).collect()
}

/// What is known of the slots in the end.
enum End<'a> {
    NotAdministered,
    Gapless,
    Gap(&'a AdminOp),
    Unknown(&'static str),
}

fn end_of(ops: &[AdminOp]) -> End<'_> {
    let changes = || ops.iter().filter(|op| op.may_change());
    let Some((last, slots)) = last_count(ops) else {
        return match changes().next() {
            None => End::NotAdministered,
            Some(_) => End::Unknown("the slots of a lock were changed and never counted"),
        };
    };
    let changed = changes().map(|op| op.end).max();
    let is_after = |op: &&AdminOp| changed.is_none_or(|changed| changed < op.invoke);
    if !is_after(&last) {
        return End::Unknown("the slots of a lock were not counted after the last change");
    }
    let may_be_repaired = changes().any(|op| op.settled() == NEVER);
    if may_be_repaired && has_gap(slots) {
        return End::Unknown(
            "the last count found a gap that an operation of unknown outcome may still repair",
        );
    }
    let mut counts = ops.iter().rev().take_while(is_after);
    let gap = counts.find(|op| op.counted().is_some_and(has_gap));
    match gap.filter(|_| !may_be_repaired) {
        Some(count) => End::Gap(count),
        None => End::Gapless,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Limits;
    use crate::testing::history;
    use crate::{Scope, Verdict, judge};

    fn finding(text: &str) -> Finding {
        judge(
            &history(text),
            &Scope::default(),
            Limits::none(),
            &[Box::new(SlotSequence)],
        )
        .remove(0)
    }

    fn verdict(text: &str) -> Verdict {
        finding(text).verdict
    }

    #[test]
    fn slots_are_counted_from_1() {
        for (slots, gap) in [
            (&[][..], false),
            (&[1, 2, 3], false),
            (&[2], true),
            (&[1, 3], true),
            (&[0, 1], true),
        ] {
            assert_eq!(has_gap(&slots.iter().copied().collect()), gap, "{slots:?}");
        }
    }

    #[test]
    fn a_gap_in_the_end_is_a_violation() {
        let found = finding("0:create 0:create![1,3] 0:count 0:count![1,3]");
        assert_eq!(found.violations[0].witness, [3]);
        assert_eq!(found.evidence, "1 of 1 count found a gap");
        assert_eq!(
            verdict("0:create 0:create![1,2] 0:count 0:count![1,2]"),
            Verdict::Valid
        );
        assert_eq!(
            verdict("0:destroy 0:destroy![1] 0:count 0:count![]"),
            Verdict::Valid
        );
    }

    #[test]
    fn a_gap_that_is_repaired_is_none() {
        let text = "0:create 0:create![1,3] 0:count 0:count![1,3] 0:overshoot 0:overshoot![3] 0:count 0:count![1]";
        assert_eq!(verdict(text), Verdict::Valid);
        assert_eq!(finding(text).evidence, "1 of 2 counts found a gap");
    }

    const OVERSHOT: &str =
        "0:create 0:create![1,3] 0:overshoot 0:overshoot![] 0:count 0:count![1,3]";

    #[test]
    fn a_gap_after_an_overshoot_was_not_repaired() {
        let repaired = "0:overshoot 0:overshoot![3] 0:count 0:count![1]";
        let found = finding(&format!("{OVERSHOT} {repaired}"));
        assert_eq!(found.verdict, Verdict::Violated);
        assert_eq!(found.violations[0].witness, [3, 5]);
        assert_eq!(finding(OVERSHOT).violations.len(), 1, "it is told once");
        for excuse in [
            OVERSHOT.replace(
                "0:overshoot 0:overshoot![]",
                "1:grow 0:overshoot 0:overshoot![] 1:grow![3]",
            ),
            OVERSHOT.replace("0:count 0", "1:shrink 1:shrink![2] 0:count 0"),
            OVERSHOT.replace("0:count 0", "0:count 1:shrink 0"),
            OVERSHOT.replace("0:overshoot![]", "0:overshootx"),
            OVERSHOT.replace("0:overshoot 0", "1:grow 1:grow? 0:overshoot 0"),
        ] {
            let text = format!("{excuse} 2:destroy 2:destroy![] 2:count 2:count![]");
            assert_ne!(verdict(&text), Verdict::Violated, "{text}");
        }
        let failed = OVERSHOT.replace("0:count 0", "1:shrink 1:shrinkx 0:count 0");
        assert_eq!(verdict(&format!("{failed} {repaired}")), Verdict::Violated);
    }

    #[test]
    fn what_is_not_counted_in_the_end_is_not_known() {
        for text in [
            "",
            "0:acquire 0:acquire!",
            "0:create 0:create![1]",
            "0:create 0:create![1] 0:count 0:count![1] 0:grow 0:grow![2]",
            "0:create 0:create![1] 0:count 1:grow 0:count![1] 1:grow![2]",
            "0:create 0:create![1] 1:grow 0:count 0:count![1]",
            "0:grow 0:grow? 1:count 1:count![1,3]",
        ] {
            assert_eq!(verdict(text), Verdict::Unknown, "{text}");
        }
        let changed = "0:grow 0:grow? 1:grow 1:grow![2] 1:count 1:count![1,2]";
        assert_eq!(verdict(changed), Verdict::Valid);
        let only_counted = "0:grow 0:grow? 1:count 1:count![1,2]";
        assert_eq!(verdict(only_counted), Verdict::Unknown);
    }

    #[test]
    fn every_lock_is_looked_at() {
        let text = "a/0:count a/0:count![1] b/0:grow b/0:grow![1]";
        assert_eq!(verdict(text), Verdict::Unknown);
        assert_eq!(
            verdict(&format!("{text} b/0:count b/0:count![2]")),
            Verdict::Violated
        );
    }
}
