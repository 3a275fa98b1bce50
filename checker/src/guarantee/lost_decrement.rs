//! `no-lost-decrement`: every decrement that was requested is carried out.

use super::Guarantee;
use super::conclusion::conclude;
use super::decrement::{Account, accounts, evidence};
use super::exclusion::counts;
use crate::Case;
use crate::finding::{Counts, Finding};
use crate::search::Reason;

/// Every acknowledged request for a decrement is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoLostDecrement;

impl Guarantee for NoLostDecrement {
    fn name(&self) -> String {
        "no-lost-decrement".to_owned()
    }

    fn is_about_holds(&self) -> bool {
        false
    }

    fn find(&self, case: &Case<'_>) -> Result<Finding, Reason> {
        let accounts = accounts(case)?;
        let lost = accounts.iter().filter_map(|account| account.losing(case));
        let doubt = match accounts.iter().any(|account| account.filed() > 0) {
            true => accounts.iter().find_map(Account::perhaps_lost),
            false => Some("no decrement was requested"),
        };
        let doubt = doubt.map(str::to_owned);
        let violations = lost.collect();
        let counts = Counts {
            judged: accounts.iter().map(Account::filed).sum(),
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
            &[Box::new(NoLostDecrement)],
        )
        .remove(0)
    }

    fn verdict(text: &str) -> Verdict {
        finding(text).verdict
    }

    const ASKED: &str = "0:create 0:create![1,2,3] 1:request 1:request!";
    const NOTHING: &str = "0:shrink 0:shrinkXnothing-requested";
    const LEFT: &str = "0:count 0:count![1,2,3]";

    #[test]
    fn what_is_carried_out_is_not_lost() {
        let found = finding(&format!(
            "{ASKED} 0:shrink 0:shrink![3] 0:count 0:count![1,2]"
        ));
        assert_eq!(found.verdict, Verdict::Valid);
        assert_eq!(
            found.evidence,
            "1 decrement requested, 1 carried out, 0 surely lost, 0 surely doubled"
        );
    }

    #[test]
    fn what_is_neither_carried_out_nor_there_is_lost() {
        let found = finding(&format!("{ASKED} {NOTHING} {LEFT}"));
        assert_eq!(found.verdict, Verdict::Violated);
        assert_eq!(
            found.evidence,
            "1 decrement requested, 0 carried out, 1 surely lost, 0 surely doubled"
        );
        assert_eq!(found.violations[0].witness, [5, 7]);
        assert_eq!(found.violations[0].events, (0..8).collect::<Vec<_>>());
    }

    #[test]
    fn what_may_be_waiting_is_not_lost() {
        for waiting in [
            "",
            "0:shrink 0:shrinkxnothing-requested",
            "0:shrink 0:shrinkX",
            "2:shrink 0:shrink 0:shrinkXnothing-requested 2:shrinkx",
            "2:shrink 2:shrink? 0:shrink 0:shrinkXnothing-requested",
            "0:shrink 0:shrinkXnothing-requested 1:request 1:request!",
            "0:shrink 0:shrinkXnothing-requested 1:request 1:request?",
            "2:request 0:shrink 2:request! 0:shrinkXnothing-requested",
        ] {
            let text = format!("{ASKED} {waiting} {LEFT}");
            assert_eq!(verdict(&text), Verdict::Unknown, "{text}");
        }
        let late = format!("{ASKED} 3:count {NOTHING} 3:count![1,2,3]");
        assert_eq!(verdict(&late), Verdict::Unknown);
        let before = format!("{ASKED} {LEFT} {NOTHING}");
        assert_eq!(verdict(&before), Verdict::Unknown);
    }

    #[test]
    fn others_that_change_the_slots_are_counted() {
        let grown = format!("{ASKED} 0:grow 0:grow![4] {NOTHING} {LEFT}");
        assert_eq!(verdict(&grown), Verdict::Valid);
        let overshot =
            format!("{ASKED} 0:overshoot 0:overshoot![3] {NOTHING} 0:count 0:count![1,2]");
        assert_eq!(verdict(&overshot), Verdict::Violated);
        for excuse in [
            format!("{ASKED} 2:grow 2:grow? {NOTHING} {LEFT}"),
            format!("{ASKED} 2:grow {NOTHING} 0:count 2:grow![4] 0:count![1,2,3]"),
            format!(
                "{ASKED} 2:overshoot 0:shrink 0:shrink![3] 2:overshoot![3] {NOTHING} 0:count 0:count![1,2]"
            ),
            format!("{ASKED} 2:destroy 2:destroy![1,2,3] {NOTHING} 0:count 0:count![]"),
        ] {
            assert_eq!(verdict(&excuse), Verdict::Unknown, "{excuse}");
        }
        let unknown = format!("{ASKED} 2:overshoot 2:overshoot? {NOTHING} {LEFT}");
        assert_eq!(
            verdict(&unknown),
            Verdict::Violated,
            "less can only have been carried out"
        );
    }

    #[test]
    fn the_state_before_must_be_known() {
        let rest = format!("1:request 1:request! {NOTHING} {LEFT}");
        assert_eq!(verdict(&rest), Verdict::Unknown);
        assert_eq!(
            verdict(&format!("0:count 0:count![1,2,3] {rest}")),
            Verdict::Violated
        );
        let late = "1:request 0:count 1:request! 0:count![1,2,3]";
        assert_eq!(
            verdict(&format!("{late} {NOTHING} {LEFT}")),
            Verdict::Unknown
        );
        let twice = format!("0:create 2:create 0:create![1] 2:create![2,3] {rest}");
        assert_eq!(verdict(&twice), Verdict::Unknown);
    }

    #[test]
    fn who_requests_nothing_loses_nothing() {
        for text in [
            "",
            "0:create 0:create![1] 0:count 0:count![1]",
            "0:create 0:create![1] 1:request 1:request? 0:count 0:count![1]",
        ] {
            assert_eq!(verdict(text), Verdict::Unknown, "{text}");
        }
    }

    #[test]
    fn a_request_of_unknown_outcome_need_not_be_carried_out() {
        let text =
            format!("{ASKED} 2:request 2:request? 0:shrink 0:shrink![3] 0:count 0:count![1,2]");
        let found = finding(&text);
        assert_eq!(found.verdict, Verdict::Valid);
        assert_eq!(
            found.evidence,
            "1 decrement requested, 1 more perhaps, 1 carried out, 0 surely lost, 0 surely doubled"
        );
    }
}
