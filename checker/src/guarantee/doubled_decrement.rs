//! `no-doubled-decrement`: no decrement is carried out that was not requested.

use super::Guarantee;
use super::conclusion::conclude;
use super::decrement::{Account, accounts, evidence};
use super::exclusion::counts;
use crate::Case;
use crate::finding::{Counts, Finding};
use crate::search::Reason;

/// No more decrements are carried out than may have been requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoDoubledDecrement;

impl Guarantee for NoDoubledDecrement {
    fn name(&self) -> String {
        "no-doubled-decrement".to_owned()
    }

    fn is_about_holds(&self) -> bool {
        false
    }

    fn find(&self, case: &Case<'_>) -> Result<Finding, Reason> {
        let accounts = accounts(case)?;
        let doubled = accounts.iter().filter_map(|account| account.doubling(case));
        let perhaps = accounts.iter().find_map(Account::perhaps_doubled);
        let doubt = match () {
            () if accounts.is_empty() => Some("no decrement was requested"),
            () if perhaps.is_none() && accounts.iter().all(|one| one.surely_carried_out() == 0) => {
                Some("no decrement was carried out")
            }
            () => perhaps,
        };
        let doubt = doubt.map(str::to_owned);
        let violations = doubled.collect();
        let counts = Counts {
            judged: accounts.iter().map(Account::surely_carried_out).sum(),
            ..counts(case, 0)
        };
        Ok(conclude(
            self,
            counts,
            evidence(&accounts),
            doubt,
            violations,
        ))
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
            &[Box::new(NoDoubledDecrement)],
        )
        .remove(0)
    }

    fn verdict(text: &str) -> Verdict {
        finding(text).verdict
    }

    const ASKED: &str = "0:create 0:create![1,2,3] 1:request 1:request!";

    #[test]
    fn one_request_is_carried_out_once() {
        let once = format!("{ASKED} 0:shrink 0:shrink![3] 0:count 0:count![1,2]");
        assert_eq!(verdict(&once), Verdict::Valid);
        let never = format!("{ASKED} 0:count 0:count![1,2,3]");
        assert_eq!(verdict(&never), Verdict::Unknown);
        let twice = format!("{ASKED} 0:shrink 0:shrink? 2:shrink 2:shrink![2] 2:count 2:count![1]");
        let found = finding(&twice);
        assert_eq!(found.verdict, Verdict::Violated);
        assert_eq!(
            found.evidence,
            "1 decrement requested, 2 carried out, 0 surely lost, 1 surely doubled"
        );
        assert_eq!(found.violations[0].witness, [9]);
        assert_eq!(found.violations[0].events, (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn what_was_made_since_a_count_counts() {
        let text = "0:count 0:count![1,2] 0:grow 0:grow![3] 1:request 1:request! 0:shrink 0:shrink![3] 0:count 0:count![1,2]";
        let found = finding(text);
        assert_eq!(found.verdict, Verdict::Valid);
        assert!(
            found.evidence.contains("1 carried out"),
            "{}",
            found.evidence
        );
    }

    #[test]
    fn a_request_of_unknown_outcome_may_have_been_filed() {
        let text = format!(
            "{ASKED} 2:request 2:request? 0:shrink 0:shrink![3] 0:shrink 0:shrink![2] 0:count 0:count![1]"
        );
        // Nor may it: then one was doubled.
        assert_eq!(verdict(&text), Verdict::Unknown);
        let failed = text.replace("2:request?", "2:requestx");
        assert_eq!(verdict(&failed), Verdict::Violated);
        let at_the_end = format!("{ASKED} 0:count 2:request 0:count![1]");
        assert_eq!(finding(&at_the_end).violations.len(), 0);
    }

    #[test]
    fn others_that_remove_slots_are_counted() {
        for excuse in [
            format!("{ASKED} 0:overshoot 0:overshoot![2,3] 0:count 0:count![1]"),
            format!("{ASKED} 2:overshoot 2:overshoot? 0:count 0:count![1]"),
            format!("{ASKED} 0:count 2:overshoot 0:count![1] 2:overshoot![2,3]"),
            format!("{ASKED} 2:destroy 2:destroy? 0:count 0:count![]"),
            format!("{ASKED} 2:grow 2:grow? 0:count 0:count![1,2,3]"),
            format!("{ASKED} 0:count 2:shrink 0:count![1,2,3] 2:shrink![3]"),
            format!("{ASKED} 0:count 0:count![1,2,3] 2:shrink 2:shrink![3]"),
            ASKED.to_owned(),
        ] {
            assert_eq!(verdict(&excuse), Verdict::Unknown, "{excuse}");
        }
        let grown = format!("{ASKED} 0:grow 0:grow![4] 0:count 0:count![1,2]");
        assert_eq!(verdict(&grown), Verdict::Violated);
    }
}
