//! `ownership`: only who holds the lock can release it or be told that it is held.

use super::conclusion::conclude;
use super::{Guarantee, confirmed, exclusion};
use crate::Case;
use crate::finding::{Counts, Finding, Rule, Violation, counted};
use crate::holds::{Lock, Statement};
use crate::search::Reason;

/// No release and no `held` answer succeeds for a process without a hold of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ownership;

impl Guarantee for Ownership {
    fn name(&self) -> String {
        "ownership".to_owned()
    }

    fn find(&self, case: &Case<'_>) -> Result<Finding, Reason> {
        let of_lock = |lock| {
            let unowned = unowned(case, lock);
            Ok(unowned.chain(confirmed::revived(case, lock)).collect())
        };
        let violations: Vec<Vec<Violation>> = case.of_locks(of_lock)?;
        let mut violations: Vec<Violation> = violations.into_iter().flatten().collect();
        violations.sort_by(|one, other| one.events.cmp(&other.events));
        let statements = || case.locks.iter().flat_map(|lock| &lock.statements);
        let affirmed = statements().filter(|statement| statement.is_affirmative());
        let counts = Counts {
            judged: affirmed.count() as u64,
            ..exclusion::counts(case, 0)
        };
        let evidence = match violations.len() as u64 {
            0 => format!(
                "{} about {}, {} of them that it goes on or was released",
                counted(statements().count() as u64, "answer"),
                counted(counts.holds, "hold"),
                counts.judged
            ),
            count => format!("{} for somebody without a hold", counted(count, "answer")),
        };
        let why = "no release succeeded, and nobody was told that they hold a lock";
        let doubt = (counts.judged == 0).then(|| why.to_owned());
        Ok(conclude(self, counts, evidence, doubt, violations))
    }
}

fn unowned<'a>(case: &'a Case<'_>, lock: &'a Lock) -> impl Iterator<Item = Violation> + 'a {
    let violation = |statement: &Statement| {
        Violation::new(
            Rule::Unowned,
            lock.key.clone(),
            case.witness([statement.span.end]),
        )
        .showing(case.indices([statement.span.invoke, statement.span.end]))
    };
    lock.statements
        .iter()
        .filter(|statement| statement.is_unowned())
        .map(violation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomaly;
    use crate::search::Limits;
    use crate::testing::history;
    use crate::{Scope, Verdict, judge};

    fn finding(text: &str) -> Finding {
        judge(
            &history(text),
            &Scope::default(),
            Limits::none(),
            &[Box::new(Ownership)],
        )
        .remove(0)
    }

    #[test]
    fn a_holder_may_release_and_verify() {
        let found = finding(
            "0:acquire 0:acquire! 0:verify 0:verify!held 0:release 0:release! 0:verify 0:verify!lost",
        );
        assert_eq!(
            (found.verdict, found.evidence.as_str()),
            (
                Verdict::Valid,
                "3 answers about 1 hold, 2 of them that it goes on or was released"
            )
        );
    }

    #[test]
    fn who_is_never_affirmed_proves_nothing() {
        for text in [
            "",
            "0:acquire 0:acquire! 0:verify 0:verify!lost 0:release 0:releaseX",
        ] {
            assert_eq!(finding(text).verdict, Verdict::Unknown, "{text}");
        }
    }

    #[test]
    fn nobody_else_may() {
        for text in [
            "1:release 1:release!",
            "1:verify 1:verify!held",
            "0:release 0:release! 1:release 1:releasex",
        ] {
            let found = finding(&format!(
                "0:acquire 0:acquire! {text} 0:release 0:release! 0:verify 0:verify!lost"
            ));
            assert_eq!(
                found.verdict == Verdict::Valid,
                text.ends_with('x') && !text.starts_with('0'),
                "{text}"
            );
        }
        let twice = finding("0:acquire 0:acquire! 0:release 0:release! 0:release 0:release!");
        assert_eq!(twice.evidence, "1 answer for somebody without a hold");
        assert_eq!(twice.violations[0].events, [4, 5]);
    }

    #[test]
    fn nothing_comes_back_that_was_lost() {
        let found = finding("0:acquire 0:acquire! 0:lost 0:lost! 0:release 0:release!");
        assert_eq!(&*found.violations[0].anomaly, anomaly::REVIVED_HOLD);
    }
}
