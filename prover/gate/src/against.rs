//! What is worse than in an earlier proof.

use std::collections::BTreeMap;

use checker::show_ns;
use claims::{Accepted, Distribution, Proof, Standing, Tested};
use jiff::civil::Date;
use serde::Serialize;

use crate::ruling::name;
use crate::text::line;

/// So much longer, as a part of what it was, a time may be before that is said.
const LONGER: f64 = 0.25;

/// A time that is longer by less than this is not said either, in nanoseconds.
const LONGER_NS: u64 = 100_000_000;

/// So much less, as a part of what it was, may be put to the test before that is said.
const LESS: f64 = 0.25;

/// What is told beside a comparison.
pub const TOLERANCE: &str =
    "times may be 25 % and 100 ms longer, counts 25 % smaller, before it is said here";

/// Something that is worse than it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Worse {
    /// In what.
    pub what: What,
    /// The claim and its testbed.
    pub name: String,
    /// What it was, and what it is now.
    pub text: String,
}

/// In what something got worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// How a claim stands. This alone keeps a release back.
    Standing,
    /// How a claim stands, and that is accepted for a while.
    AcceptedStanding,
    /// A claim is not there any more.
    Vanished,
    /// How long something took.
    Time,
    /// How often a claim was put to the test.
    Coverage,
}

impl What {
    /// In one word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Standing => "standing",
            Self::AcceptedStanding => "standing (accepted)",
            Self::Vanished => "vanished",
            Self::Time => "time",
            Self::Coverage => "coverage",
        }
    }

    /// Whether it keeps a release back. Times and counts differ from machine to machine, and a claim
    /// that was taken out was taken out by somebody, in a file under review.
    #[must_use]
    pub const fn decides(self) -> bool {
        matches!(self, Self::Standing)
    }
}

/// What is worse now than it was before, the gravest first.
#[must_use]
pub fn worse(before: &Proof, now: &Proof, today: Date) -> Vec<Worse> {
    let cases: BTreeMap<String, &Tested> = now.cases.iter().map(|it| (name(it), it)).collect();
    let mut all: Vec<Worse> = before
        .cases
        .iter()
        .flat_map(|was| match cases.get(&name(was)) {
            Some(is) => of_case(was, is, today),
            None => vec![vanished(was, now)],
        })
        .collect();
    all.sort_by_key(|it| it.what);
    all
}

fn vanished(was: &Tested, now: &Proof) -> Worse {
    let mut left_out = now.left_out.iter();
    let left_out = left_out.find(|it| it.claim == was.claim.id && it.testbed == was.testbed);
    let text = left_out.map_or("it is not claimed any more".to_owned(), |it| {
        format!("it was left out: {}", line(&it.why))
    });
    found(What::Vanished, was, text)
}

fn of_case(was: &Tested, is: &Tested, today: Date) -> Vec<Worse> {
    let standing = standing(was, is, today);
    let times = [
        (
            "an overlap lasted",
            &was.measures.exposures,
            &is.measures.exposures,
        ),
        (
            "a holder noticed the loss after",
            &was.measures.noticed,
            &is.measures.noticed,
        ),
        (
            "another was granted the lock after",
            &was.measures.granted,
            &is.measures.granted,
        ),
    ];
    let times = times
        .into_iter()
        .flat_map(|(what, was, is)| longer(what, was, is));
    let times = times.map(|text| found(What::Time, is, text));
    let counts = counts(was).into_iter().zip(counts(is));
    let counts = counts.filter(|((_, was), (_, is))| (*is as f64) < *was as f64 * (1.0 - LESS));
    let counts = counts.map(|((what, was), (_, now))| {
        found(What::Coverage, is, format!("{what}: {now}, was {was}"))
    });
    let faults = faults(was, is)
        .into_iter()
        .map(|text| found(What::Coverage, is, text));
    standing
        .into_iter()
        .chain(times)
        .chain(counts)
        .chain(faults)
        .collect()
}

fn found(what: What, case: &Tested, text: String) -> Worse {
    Worse {
        what,
        name: line(&name(case)),
        text,
    }
}

const fn rank(standing: Standing) -> u8 {
    match standing {
        Standing::Confirmed => 0,
        Standing::Unknown => 1,
        Standing::NotRun => 2,
        Standing::Broken => 3,
        Standing::Contradicted => 4,
    }
}

const fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Confirmed => "confirmed",
        Standing::Contradicted => "contradicted",
        Standing::Unknown => "unknown",
        Standing::Broken => "broken",
        Standing::NotRun => "not run",
    }
}

fn standing(was: &Tested, is: &Tested, today: Date) -> Option<Worse> {
    if rank(is.standing) <= rank(was.standing) {
        return None;
    }
    let accepted = is.claim.accepted.as_ref();
    let is_accepted = is.standing == Standing::Contradicted
        && accepted.is_some_and(|accepted: &Accepted| accepted.is_in_force(today));
    let what = if is_accepted {
        What::AcceptedStanding
    } else {
        What::Standing
    };
    let text = format!(
        "{}, was {}: {}",
        word(is.standing),
        word(was.standing),
        line(&is.why)
    );
    Some(found(what, is, text))
}

/// The median, all but one in a hundred, and the longest, where they are longer than they may be.
fn longer(what: &str, was: &Distribution, is: &Distribution) -> Vec<String> {
    let quantiles = |all: &Distribution| {
        let longest = (all.count > 0).then_some(all.max_ns);
        [all.quantile_ns(0.5), all.quantile_ns(0.99), longest]
    };
    let names = ["median", "p99", "longest"];
    let pairs = names.into_iter().zip(quantiles(was)).zip(quantiles(is));
    pairs
        .filter_map(|((part, was), is)| {
            let (before, now) = (was.unwrap_or(0), is?);
            let most = before + ((before as f64 * LONGER) as u64).max(LONGER_NS);
            let told = was.map_or("none before".to_owned(), |was| {
                format!("was {}", show_ns(was))
            });
            (now > most).then(|| format!("{what} {} ({part}), {told}", show_ns(now)))
        })
        .collect()
}

fn counts(case: &Tested) -> [(&'static str, u64); 4] {
    let summary = &case.summary;
    let power = case.power.as_ref().map_or(0, |power| power.caught() as u64);
    [
        ("runs", summary.judged_runs()),
        ("holds", summary.holds),
        ("windows that took a lock away", summary.revoked()),
        ("known mistakes caught", power),
    ]
}

/// Faults that had their due effect less often.
fn faults(was: &Tested, is: &Tested) -> Vec<String> {
    let now = |fault: &String| is.summary.faults.get(fault).map_or(0, |seen| seen.landed);
    let all = was.summary.faults.iter();
    let pairs = all.map(|(fault, seen)| (fault, seen.landed, now(fault)));
    pairs
        .filter(|(_, was, now)| (*now as f64) < *was as f64 * (1.0 - LESS))
        .map(|(fault, was, now)| {
            format!("windows of {} with effect: {now}, was {was}", line(fault))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use claims::LeftOut;

    use super::*;
    use crate::sample::{TODAY, accepted, contradicted, every_kind, proof, tested};

    fn told(before: Tested, now: Tested) -> Vec<(What, String)> {
        let all = worse(&proof([before]), &proof([now]), TODAY);
        all.into_iter().map(|it| (it.what, it.text)).collect()
    }

    #[test]
    fn the_same_is_not_worse() {
        assert_eq!(worse(&every_kind(), &every_kind(), TODAY), []);
    }

    #[test]
    fn a_standing_that_got_worse_decides() {
        let confirmed = || tested("claim", Standing::Confirmed);
        let unknown = || tested("claim", Standing::Unknown);
        let found = told(confirmed(), unknown());
        assert_eq!(
            found,
            [(
                What::Standing,
                "unknown, was confirmed: said why".to_owned()
            )]
        );
        assert!(found[0].0.decides());
        assert_eq!(told(unknown(), confirmed()), []);
        let mut known = tested("claim", Standing::Contradicted);
        known.claim.accepted = Some(accepted("2027-01-31"));
        let found = told(confirmed(), known.clone());
        assert_eq!(found[0].0, What::AcceptedStanding);
        known.claim.accepted = Some(accepted("2026-01-31"));
        assert_eq!(told(confirmed(), known)[0].0, What::Standing);
    }

    #[test]
    fn times_that_got_longer_are_said_beyond_the_tolerance() {
        let of = |times: &[u64]| {
            let mut case = contradicted("claim");
            case.measures.exposures = Distribution::default();
            case.measures.exposures.extend(times.iter().copied());
            case
        };
        assert_eq!(told(of(&[1_000_000_000; 9]), of(&[1_250_000_000; 9])), []);
        assert_eq!(told(of(&[100_000_000]), of(&[200_000_000])), []);
        let found = told(
            of(&[1_000_000_000; 200]),
            of(&[&[1_000_000_000; 199][..], &[2_000_000_000]].concat()),
        );
        assert_eq!(
            found,
            [(
                What::Time,
                "an overlap lasted 2.00 s (longest), was 1.00 s".to_owned()
            )]
        );
        assert_eq!(told(of(&[]), of(&[2_000_000_000])).len(), 3);
        assert_eq!(told(of(&[2_000_000_000]), of(&[])), []);
    }

    #[test]
    fn coverage_that_shrank_is_said() {
        let of = |landed, revoked| {
            let mut case = tested("claim", Standing::Confirmed);
            let seen = suite::Landings {
                landed,
                revoked,
                ..suite::Landings::default()
            };
            case.summary.faults.insert("cut".to_owned(), seen);
            case
        };
        assert_eq!(told(of(8, 8), of(6, 6)), []);
        let found = told(of(8, 8), of(5, 8));
        assert_eq!(
            found,
            [(
                What::Coverage,
                "windows of cut with effect: 5, was 8".to_owned()
            )]
        );
        let found = told(of(8, 8), tested("claim", Standing::Confirmed));
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn a_claim_that_is_gone_is_named_and_does_not_decide() {
        let before = proof([
            tested("gone", Standing::Confirmed),
            tested("left", Standing::Confirmed),
        ]);
        let mut now = proof([]);
        now.left_out = vec![LeftOut {
            claim: "left".to_owned(),
            testbed: "docker".to_owned(),
            why: "not selected".to_owned(),
        }];
        let found = worse(&before, &now, TODAY);
        let texts: Vec<_> = found.iter().map(|it| (&*it.name, &*it.text)).collect();
        assert_eq!(
            texts,
            [
                ("gone on docker", "it is not claimed any more"),
                ("left on docker", "it was left out: not selected"),
            ]
        );
        assert!(
            found
                .iter()
                .all(|it| it.what == What::Vanished && !it.what.decides())
        );
    }
}
