//! What findings are worth where nobody said how many clients may hold a lock at one time.
//!
//! Such a history is judged as that of a mutex. But clients that were granted several slots of a
//! lock and held them together show that it is none: how many may hold it is not known, and neither
//! is whatever depends on that.

use std::sync::Arc;

use history::{Function, History, Kind};

use crate::finding::Finding;
use crate::holds::{self, Lock};
use crate::position::Position;
use crate::{COVERAGE, Verdict};

/// A lock of which two slots were held together.
struct Several {
    key: Option<Arc<str>>,
    slots: [u32; 2],
}

/// The findings of a history that was judged as that of a mutex because nobody said more. What
/// several slots make doubtful is unknown.
#[must_use]
pub fn without_slots(history: &History, findings: Vec<Finding>) -> Vec<Finding> {
    let locks = holds::locks(history);
    let several: Vec<Several> = locks.iter().filter_map(several).collect();
    match several.first() {
        None => findings,
        Some(first) => {
            let are_counted = several.iter().all(|several| is_counted(history, several));
            let doubted = |finding: Finding| {
                // Of an administered lock these ask for what was counted, whatever anybody says.
                let name = finding.guarantee.as_str();
                let asks_counts = name.starts_with("progress<=") || name == "justified-refusal";
                let is_known = are_counted && asks_counts;
                if is_known {
                    finding
                } else {
                    doubted(finding, first, &several)
                }
            };
            findings.into_iter().map(doubted).collect()
        }
    }
}

/// Whether somebody counted the slots of the lock.
fn is_counted(history: &History, lock: &Several) -> bool {
    history.events().iter().any(|event| {
        event.function == Function::Count && event.kind == Kind::Ok && event.key == lock.key
    })
}

/// More slots than one can only excuse who held together with others, and only accuse who was kept
/// waiting. Tokens go either way: with one slot, what a client is granted again is no second hold, and
/// it is known who held first.
fn doubted(mut finding: Finding, first: &Several, several: &[Several]) -> Finding {
    let name = finding.guarantee.as_str();
    let is_bounded_above = matches!(name, "exclusion" | "confirmed-exclusion" | "fencing")
        || name.starts_with("overlap<=");
    let is_bounded_below = matches!(name, "justified-refusal" | "fencing" | COVERAGE)
        || name.starts_with("progress<=");
    let is_doubtful = match finding.verdict {
        Verdict::Violated if is_bounded_above => {
            let is_of_a_mutex = |key| several.iter().all(|several| several.key != key);
            let mut violations = std::mem::take(&mut finding.violations);
            violations.retain(|violation| is_of_a_mutex(violation.key.clone()));
            finding.violations = violations;
            finding.violations.is_empty()
        }
        Verdict::Valid => is_bounded_below,
        _ => false,
    };
    if is_doubtful {
        let [one, other] = first.slots;
        let of = first.key.as_deref().unwrap_or("a lock without a key");
        finding.verdict = Verdict::Unknown;
        finding.evidence = format!("slots {one} and {other} of {of} were held at one time");
        finding.reason = Some(format!(
            "{of} is no mutex, and how many may hold it is not known: give --slots N"
        ));
        finding.exposures_ns.clear();
    }
    finding
}

/// Two slots of a lock that clients believed in at one time.
fn several(lock: &Lock) -> Option<Several> {
    // As long as nothing is found there is only one slot at a time: the last belief in it.
    let mut held: Option<(u32, Position)> = None;
    let beliefs = lock.beliefs();
    let named = beliefs
        .iter()
        .filter_map(|(hold, belief)| Some((belief, lock.holds[*hold].slot?)));
    for (belief, slot) in named {
        let until = belief.end.position;
        held = match held.filter(|(_, until)| *until > belief.begin) {
            Some((other, _)) if other != slot => {
                return Some(Several {
                    key: lock.key.clone(),
                    slots: [other, slot],
                });
            }
            Some((_, last)) => Some((slot, last.max(until))),
            None => Some((slot, until)),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Limits;
    use crate::{Scope, judge, parse};

    /// The verdicts of a mutex, and what is left of them. `+0a1` grants process 0 the slot 1 of `a`,
    /// `-0a` releases it.
    fn both_verdicts(text: &str, guarantees: &[&str]) -> [Vec<Verdict>; 2] {
        let mut builder = history::HistoryBuilder::default();
        for (time, word) in (0..).zip(text.split_whitespace()) {
            let mut letters = word.chars();
            let is_grant = letters.next() == Some('+');
            let number = |letter: Option<char>| letter.and_then(|letter| letter.to_digit(10));
            let process = history::Process::Client(number(letters.next()).expect("a process"));
            let key = letters.next().expect("a key").to_string();
            let slot = number(letters.next());
            let function = if is_grant {
                history::Function::Acquire
            } else {
                history::Function::Release
            };
            let draft =
                |kind| history::Draft::new(process, kind, function.clone()).on(key.as_str());
            let grant = history::Value::Grant(history::Grant {
                slot,
                token: 0,
                ..history::Grant::default()
            });
            let end = draft(history::Kind::Ok);
            let end = if is_grant { end.with(grant) } else { end };
            for event in [draft(history::Kind::Invoke), end] {
                builder.push(time, event).expect("well-formed");
            }
        }
        let history = builder.finish();
        let guarantees: Vec<_> = guarantees
            .iter()
            .map(|name| parse(name).expect("known"))
            .collect();
        let findings = judge(&history, &Scope::default(), Limits::none(), &guarantees);
        let verdicts = |findings: &[Finding]| findings.iter().map(|found| found.verdict).collect();
        let before = verdicts(&findings);
        let left = without_slots(&history, findings);
        for finding in &left {
            let is_unknown = finding.verdict == Verdict::Unknown;
            assert_eq!(is_unknown, finding.reason.is_some());
            let is_violated = finding.verdict == Verdict::Violated;
            assert_eq!(is_violated, !finding.violations.is_empty());
        }
        [before, verdicts(&left)]
    }

    fn verdicts(text: &str, guarantees: &[&str]) -> Vec<Verdict> {
        let [_, left] = both_verdicts(text, guarantees);
        left
    }

    const EXCLUSIONS: [&str; 3] = ["exclusion", "confirmed-exclusion", "overlap<=0s"];

    #[test]
    fn slots_held_together_are_neither_violated_nor_valid() {
        let three = "+0a1 +1a2 +2a3 -0a -1a -2a";
        assert_eq!(verdicts(three, &EXCLUSIONS), [Verdict::Unknown; 3]);
        let late = "+0a1 +1a1 -1a +2a2 -0a -2a";
        assert_eq!(verdicts(late, &["exclusion"]), [Verdict::Unknown]);
    }

    #[test]
    fn slots_in_turn_and_one_slot_alone_are_judged() {
        let turns = "+0a1 -0a +1a2 -1a";
        let [before, left] = both_verdicts(turns, &EXCLUSIONS);
        assert_eq!(left, before);
        for double in ["+0a1 +1a1 -0a -1a", "+0a +1a -0a -1a", "+0a1 +1a -0a -1a"] {
            assert_eq!(
                verdicts(double, &EXCLUSIONS),
                [Verdict::Violated; 3],
                "{double}"
            );
        }
    }

    #[test]
    fn a_mutex_beside_a_semaphore_is_still_one() {
        let both = "+0a1 +1a2 +2b +3b -0a -1a -2b -3b";
        assert_eq!(verdicts(both, &EXCLUSIONS), [Verdict::Violated; 3]);
    }

    #[test]
    fn tokens_of_slots_held_together_show_neither() {
        let verdicts = |second: u64, slots: [u32; 2]| {
            let mut builder = history::HistoryBuilder::default();
            let mut push = |draft| builder.push(0, draft).expect("well-formed");
            for (process, token, slot) in [(0, 5, slots[0]), (0, second, slots[1]), (1, 6, 3)] {
                let process = history::Process::Client(process);
                let draft = |kind| history::Draft::new(process, kind, Function::Acquire).on("a");
                let slot = Some(slot);
                push(draft(Kind::Invoke));
                let grant = history::Grant {
                    slot,
                    token,
                    ..history::Grant::default()
                };
                push(draft(Kind::Ok).with(history::Value::Grant(grant)));
            }
            let history = builder.finish();
            let guarantee = [parse("fencing").expect("known")];
            let judged = judge(&history, &Scope::default(), Limits::none(), &guarantee);
            let before = judged[0].verdict;
            [before, without_slots(&history, judged)[0].verdict]
        };
        // One client has a token twice: by one hold of a mutex, or by two of a semaphore.
        assert_eq!(verdicts(5, [1, 2]), [Verdict::Valid, Verdict::Unknown]);
        assert_eq!(verdicts(4, [1, 2]), [Verdict::Violated, Verdict::Unknown]);
    }

    #[test]
    fn who_was_kept_waiting_may_have_found_a_free_slot() {
        let held = "+0a1 +1a2 -0a -1a";
        let below = ["justified-refusal", "progress<=1s", "coverage"];
        let verdicts = verdicts(held, &below);
        assert!(!verdicts.contains(&Verdict::Valid), "{verdicts:?}");
    }
}
