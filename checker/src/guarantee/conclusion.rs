//! What a guarantee concludes from the violations that it looked for.

use super::{Guarantee, exclusion};
use crate::finding::{Counts, Finding, VIOLATIONS_MAX, Violation};
use crate::search::Reason;
use crate::{Case, Verdict};

/// Violated where there is a violation, else unknown where there is a reason for doubt, else valid.
/// The first few violations are kept.
pub(super) fn conclude(
    guarantee: &dyn Guarantee,
    counts: Counts,
    evidence: String,
    doubt: Option<String>,
    mut violations: Vec<Violation>,
) -> Finding {
    let verdict = match (violations.is_empty(), &doubt) {
        (false, _) => Verdict::Violated,
        (true, Some(_)) => Verdict::Unknown,
        (true, None) => Verdict::Valid,
    };
    violations.truncate(VIOLATIONS_MAX);
    Finding {
        guarantee: guarantee.name(),
        verdict,
        evidence,
        reason: doubt.filter(|_| verdict == Verdict::Unknown),
        counts,
        violations,
        ..Finding::default()
    }
}

/// What is known where nobody could wait for the end: nothing.
pub(super) fn not_judged(guarantee: String, case: &Case<'_>, reason: &Reason) -> Finding {
    Finding {
        guarantee,
        verdict: Verdict::Unknown,
        evidence: "not judged to the end".to_owned(),
        reason: Some(reason.to_string()),
        counts: exclusion::counts(case, 0),
        ..Finding::default()
    }
}

/// What is known of holds where one may be of several permits, or a part of it may be given back:
/// nothing. Models of semaphores count permits.
pub(super) fn several_permits(guarantee: String, case: &Case<'_>, index: u64) -> Finding {
    Finding {
        guarantee,
        verdict: Verdict::Unknown,
        evidence: "several permits at once".to_owned(),
        reason: Some(format!(
            "the operation at index {index} is of several permits at once, and this judges holds of one: give --model semaphore:N or owner-semaphore:N"
        )),
        counts: exclusion::counts(case, 0),
        ..Finding::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Exclusion;
    use super::*;
    use crate::Rule;

    fn concluded(violations: usize, doubt: Option<&str>) -> Finding {
        let violation = Violation::new(Rule::TooManyBelieve, None, vec![1, 2]);
        conclude(
            &Exclusion,
            Counts::default(),
            String::new(),
            doubt.map(str::to_owned),
            vec![violation; violations],
        )
    }

    #[test]
    fn a_violation_outweighs_doubt_and_doubt_outweighs_its_absence() {
        let summary = |finding: Finding| (finding.verdict, finding.reason);
        let doubt = Some("too short".to_owned());
        assert_eq!(summary(concluded(0, None)), (Verdict::Valid, None));
        assert_eq!(
            summary(concluded(0, Some("too short"))),
            (Verdict::Unknown, doubt)
        );
        assert_eq!(
            summary(concluded(1, Some("too short"))),
            (Verdict::Violated, None)
        );
    }

    #[test]
    fn only_the_first_violations_are_kept() {
        let finding = concluded(VIOLATIONS_MAX + 1, None);
        assert_eq!(finding.violations.len(), VIOLATIONS_MAX);
    }
}
