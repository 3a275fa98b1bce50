//! `overlap<=D`: how long too many clients may believe that they hold the lock.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Guarantee;
use super::conclusion::conclude;
use super::exclusion::{
    BelievedOverlap, believed, by_answers, contended, counts, evidence, is_believed_while,
};
use crate::Case;
use crate::finding::{Counts, Finding, VIOLATIONS_MAX, Violation};
use crate::search::Reason;
use crate::stretch::joined;

/// No overlap of believed intervals lasts longer than a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverlapAtMost {
    /// The longest overlap that is tolerated.
    pub bound: Duration,
}

impl Guarantee for OverlapAtMost {
    fn name(&self) -> String {
        format!(
            "overlap<={}",
            humantime::format_duration(self.bound)
                .to_string()
                .replace(' ', "")
        )
    }

    fn find(&self, case: &Case<'_>) -> Result<Finding, Reason> {
        let found = believed(case, joined, |exposure_ns| self.is_exceeded_by(exposure_ns))?;
        let too_long: Vec<_> = found
            .iter()
            .filter(|overlap| self.is_exceeded_by(overlap.exposure_ns))
            .collect();
        let open = found
            .iter()
            .any(|overlap| overlap.end.position >= case.end());
        let counts = Counts {
            judged: contended(case, is_believed_while)?,
            by_answers: by_answers(case, joined)?,
            ..counts(case, found.len())
        };
        let doubt = open.then(|| "an overlap was still going on when the record ended".to_owned());
        let doubt = case.doubt_of_leases().or(doubt);
        let doubt = doubt.or_else(|| super::exclusion::doubt(&counts));
        let exposures_ns: Vec<u64> = found.iter().map(|overlap| overlap.exposure_ns).collect();
        let evidence = evidence(&counts, &exposures_ns);
        let violations = too_long
            .iter()
            .take(VIOLATIONS_MAX)
            .map(|overlap| violation(case, overlap))
            .collect();
        Ok(Finding {
            exposures_ns,
            ..conclude(self, counts, evidence, doubt, violations)
        })
    }
}

impl OverlapAtMost {
    fn is_exceeded_by(&self, exposure_ns: u64) -> bool {
        Duration::from_nanos(exposure_ns) > self.bound
    }
}

/// Shows what ended the first of the beliefs, or that the record went on so long, or what came next
/// when a lease was over.
fn violation(case: &Case<'_>, overlap: &BelievedOverlap<'_>) -> Violation {
    let violation = overlap.violation(case);
    let end = overlap.end.position.min(case.end() - 1);
    let grants = violation.witness.iter().copied();
    let shown: BTreeSet<u64> = grants.chain(case.index(end)).collect();
    violation.showing(shown.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Limits;
    use crate::testing::history;
    use crate::{Scope, Verdict, judge};

    fn finding(text: &str, milliseconds: u64) -> Finding {
        let bound = Duration::from_millis(milliseconds);
        judge(
            &history(text),
            &Scope::default(),
            Limits::none(),
            &[Box::new(OverlapAtMost { bound })],
        )
        .remove(0)
    }

    fn verdict(text: &str, milliseconds: u64) -> Verdict {
        finding(text, milliseconds).verdict
    }

    #[test]
    fn the_bound_itself_is_tolerated() {
        let two_ms =
            "0:acquire 0:acquire! 1:acquire 1:acquire! 1:verify 0:release 0:release! 1:verify!held";
        assert_eq!(verdict(two_ms, 2), Verdict::Valid);
        assert_eq!(verdict(two_ms, 1), Verdict::Violated);
    }

    #[test]
    fn a_belief_goes_on_with_the_next_grant_or_renewal_of_its_client() {
        let end = "2:acquire 2:acquireX 2:acquire 2:acquireX";
        // From 3 ms to 7 ms, in three grants of 3 ms each.
        let again = "1:acquire 1:acquire!l3 1:acquire 1:acquire!l3 1:acquire 1:acquire!l1";
        let text = format!("0:acquire 0:acquire!l90 {again} {end}");
        assert_eq!(finding(&text, 0).exposures_ns, [4_000_000]);
        // Over at 4 ms, which is when it is renewed.
        let tie = "1:acquire ~1:acquire!l2 1:verify 1:verify ~1:verify!heldl2";
        let tie = tie.replacen("1:verify 1:verify", "2:acquire 1:verify", 1);
        let text = format!("0:acquire 0:acquire!l90 {tie} 2:acquireX {end}");
        assert_eq!(finding(&text, 0).exposures_ns, [4_000_000]);
    }

    #[test]
    fn a_belief_that_was_given_up_has_a_break() {
        let text = "0:acquire 0:acquire! 1:acquire 1:acquire! 1:release ~1:release! ~1:acquire ~1:acquire! 2:acquire 1:release 1:release! 0:release";
        assert_eq!(finding(text, 0).exposures_ns, [1_000_000, 2_000_000]);
    }

    #[test]
    fn an_overlap_that_goes_on_is_not_known_to_be_short() {
        let open = "0:acquire 0:acquire! 1:acquire 1:acquire! 2:acquire 2:acquirex";
        assert_eq!(verdict(open, 5), Verdict::Unknown);
        assert_eq!(verdict(open, 1), Verdict::Violated);
    }

    #[test]
    fn every_overlap_is_told_with_its_length_and_what_ended_it() {
        let text = "0:acquire 0:acquire! 1:acquire 1:acquire! 1:release 1:release! 2:acquire 2:acquire! 3:acquire 3:acquirex";
        let found = finding(text, 0);
        assert_eq!(found.exposures_ns, [1_000_000, 2_000_000]);
        let shown: Vec<_> = found
            .violations
            .iter()
            .map(|found| &found.events[..])
            .collect();
        assert_eq!(shown, [&[1, 3, 4], &[1, 7, 9]], "or the end of the record");
    }
}
