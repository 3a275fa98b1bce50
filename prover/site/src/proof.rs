//! What the results prove of each lock under each workload, and of which commit: what badges say.

use std::collections::BTreeMap;

use checker::Verdict;
use plan::manifest::Git;

use crate::badge::Badge;
use crate::group::{Group, GroupKind};
use crate::link::slug;
use crate::run::{Run, last_part, short};
use crate::standing::Standing;

/// The commit that somebody asks about; nobody asks where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked(pub Option<String>);

/// The commit that a proof speaks of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Commit {
    /// Its name.
    pub name: String,
    /// Whether the source was changed since.
    pub is_dirty: bool,
}

/// What the results prove of a lock under a workload, or of all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// `exclusive-queue mutex`; none for all of them.
    pub subject: Option<String>,
    /// What they say.
    pub verdict: Verdict,
    /// Whether something that they say of it does not follow from its counts.
    pub is_unfounded: bool,
    /// Of which commit.
    pub commit: Option<Commit>,
    /// The day of the newest of the runs.
    pub day: String,
    /// Whether it speaks of another commit than the one that is asked about, or of none that is
    /// known for sure.
    pub is_outdated: bool,
}

/// One thing that says something of a subject.
struct Evidence {
    standing: Standing,
    /// Whether it says what its counts do not.
    is_unfounded: bool,
    /// In the order of time.
    time: String,
    commit: Option<Commit>,
}

impl Asked {
    fn is(&self, commit: Option<&Commit>) -> bool {
        match (commit, &self.0) {
            (None, _) => false,
            (Some(commit), _) if commit.is_dirty => false,
            (Some(_), None) => true,
            (Some(commit), Some(asked)) => is_same(&commit.name, asked),
        }
    }
}

/// The same commit, also where one of them is written short.
fn is_same(one: &str, other: &str) -> bool {
    const SHORTEST: usize = 7;
    let is_hash =
        |name: &str| name.len() >= SHORTEST && name.bytes().all(|it| it.is_ascii_hexdigit());
    let (one, other) = (one.to_ascii_lowercase(), other.to_ascii_lowercase());
    let is_prefix = one.starts_with(&other) || other.starts_with(&one);
    one == other || (is_hash(&one) && is_hash(&other) && is_prefix)
}

impl Commit {
    fn of(git: &Git) -> Self {
        Self {
            name: git.commit.clone(),
            is_dirty: git.dirty == Some(true),
        }
    }
}

impl Proof {
    /// The badge that says it.
    #[must_use]
    pub fn badge(&self) -> Badge {
        let of = match &self.commit {
            Some(commit) if commit.is_dirty => format!("{} + changes", short(&commit.name)),
            Some(commit) => short(&commit.name).to_owned(),
            None => self.day.clone(),
        };
        Badge {
            subject: self.subject.clone(),
            verdict: self.verdict,
            is_unfounded: self.is_unfounded,
            of,
            is_outdated: self.is_outdated,
        }
    }

    /// The name of its file.
    #[must_use]
    pub fn file(&self) -> String {
        let name = self
            .subject
            .as_ref()
            .map(|subject| slug(&subject.replace(' ', "-")));
        format!("{}.svg", name.unwrap_or_else(|| "all".to_owned()))
    }
}

/// What the results prove: of all first, then of each lock under each workload. What was killed or
/// is broken says nothing; where nothing else is there, nothing is known.
#[must_use]
pub fn proofs(runs: &[&Run], groups: &[&Group], asked: &Asked) -> Vec<Proof> {
    let mut evidence: BTreeMap<String, Vec<Evidence>> = BTreeMap::new();
    for run in runs.iter().filter(|run| !is_of_claims(run, groups)) {
        let Some(manifest) = &run.manifest else {
            continue;
        };
        let (lock, workload) = run.subject();
        let of = evidence.entry(format!("{lock} {workload}")).or_default();
        of.push(Evidence {
            standing: run.standing,
            is_unfounded: false,
            time: run.time(),
            commit: manifest.git.as_ref().map(Commit::of),
        });
    }
    for group in groups {
        let name = match group.subject() {
            Some((lock, workload)) => format!("{lock} {workload}"),
            None => "claims".to_owned(),
        };
        evidence.entry(name).or_default().push(Evidence {
            standing: group.standing,
            is_unfounded: group.is_unfounded(),
            time: group.time(),
            commit: group.git().map(Commit::of),
        });
    }
    let each: Vec<_> = evidence
        .into_iter()
        .map(|(name, of)| proof(name, of, asked))
        .collect();
    std::iter::once(all(&each)).chain(each).collect()
}

/// Claims say themselves what they expect, and some of them a violation.
fn is_of_claims(run: &Run, groups: &[&Group]) -> bool {
    let claims = groups.iter().filter(|group| group.kind == GroupKind::Proof);
    let folders = claims.map(|group| format!("{}/", group.path));
    folders
        .into_iter()
        .any(|folder| run.path.starts_with(&folder))
}

/// What speaks of the commit that is asked about counts, else what speaks of the same commit as the
/// newest does. A violation there is one, whatever came after it, and so is what does not follow from
/// its counts; else the newest counts.
fn proof(subject: String, mut evidence: Vec<Evidence>, asked: &Asked) -> Proof {
    evidence.sort_by(|one, other| other.time.cmp(&one.time));
    let says = |one: &Evidence| {
        one.is_unfounded || !matches!(one.standing, Standing::Unfinished | Standing::Broken)
    };
    if evidence.iter().any(says) {
        evidence.retain(says);
    }
    let current = evidence
        .iter()
        .position(|one| asked.0.is_some() && asked.is(one.commit.as_ref()));
    let first = &evidence[current.unwrap_or(0)];
    let commit = first.commit.clone();
    let is_of_it = |one: &&Evidence| match (&one.commit, &commit) {
        (Some(one), Some(commit)) => {
            one.is_dirty == commit.is_dirty && is_same(&one.name, &commit.name)
        }
        _ => false,
    };
    let of_it: Vec<_> = evidence.iter().filter(is_of_it).collect();
    let is_violated = of_it.iter().any(|one| one.standing == Standing::Violated);
    let is_unfounded = first.is_unfounded || of_it.iter().any(|one| one.is_unfounded);
    Proof {
        subject: Some(subject),
        verdict: match (is_violated, is_unfounded) {
            (true, _) => Verdict::Violated,
            (_, true) => Verdict::Unknown,
            _ => first.standing.verdict(),
        },
        is_unfounded: is_unfounded && !is_violated,
        is_outdated: !asked.is(commit.as_ref()),
        commit,
        day: day(&first.time),
    }
}

/// The worst of all, and as old as the oldest.
fn all(each: &[Proof]) -> Proof {
    let verdicts = each.iter().map(|proof| proof.verdict);
    let verdict = verdicts.max().unwrap_or(Verdict::Unknown);
    let first = each.first().and_then(|proof| proof.commit.clone());
    let is_one = each.iter().all(|proof| proof.commit == first);
    Proof {
        subject: None,
        verdict,
        is_unfounded: verdict != Verdict::Violated && each.iter().any(|proof| proof.is_unfounded),
        commit: first.filter(|_| is_one),
        day: each
            .iter()
            .map(|proof| proof.day.clone())
            .max()
            .unwrap_or_default(),
        is_outdated: each.is_empty() || each.iter().any(|proof| proof.is_outdated),
    }
}

/// `2026-02-03` of `20260203T040506.789Z`.
fn day(time: &str) -> String {
    let time = last_part(time);
    match (time.get(0..4), time.get(4..6), time.get(6..8)) {
        (Some(year), Some(month), Some(day))
            if time.as_bytes()[..8].iter().all(u8::is_ascii_digit) =>
        {
            format!("{year}-{month}-{day}")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(standing: Standing, minute: u32, commit: Option<(&str, bool)>) -> Evidence {
        Evidence {
            standing,
            is_unfounded: false,
            time: format!("20260203T04{minute:02}00.000Z"),
            commit: commit.map(|(name, is_dirty)| Commit {
                name: name.to_owned(),
                is_dirty,
            }),
        }
    }

    const OLD: &str = "1111111111111111111111111111111111111111";
    const NEW: &str = "2222222222222222222222222222222222222222";

    fn said(evidence: Vec<Evidence>, asked: Option<&str>) -> (Verdict, bool) {
        let proof = proof(
            "lock mutex".to_owned(),
            evidence,
            &Asked(asked.map(str::to_owned)),
        );
        assert_eq!(proof.day, "2026-02-03");
        (proof.verdict, proof.is_outdated)
    }

    #[test]
    fn it_is_outdated_where_its_commit_is_another_or_not_known_for_sure() {
        let of = |commit| vec![evidence(Standing::Valid, 1, commit)];
        assert_eq!(
            said(of(Some((NEW, false))), Some(NEW)),
            (Verdict::Valid, false)
        );
        assert_eq!(
            said(of(Some((&NEW[..10], false))), Some(NEW)),
            (Verdict::Valid, false)
        );
        assert_eq!(
            said(of(Some((OLD, false))), Some(NEW)),
            (Verdict::Valid, true)
        );
        assert_eq!(
            said(of(Some((NEW, true))), Some(NEW)),
            (Verdict::Valid, true)
        );
        assert_eq!(said(of(None), Some(NEW)), (Verdict::Valid, true));
        // Nobody asks: what is known for sure stands.
        assert_eq!(said(of(Some((OLD, false))), None), (Verdict::Valid, false));
        assert_eq!(said(of(Some((OLD, true))), None), (Verdict::Valid, true));
        assert_eq!(said(of(None), None), (Verdict::Valid, true));
        assert!(!is_same("2", NEW) && !is_same("", NEW) && is_same("v1", "v1"));
    }

    #[test]
    fn a_violation_is_not_undone_by_a_later_run_of_the_same_commit() {
        let runs = |then, later| {
            vec![
                evidence(then, 1, Some((NEW, false))),
                evidence(later, 2, Some((NEW, false))),
            ]
        };
        assert_eq!(
            said(runs(Standing::Violated, Standing::Valid), Some(NEW)).0,
            Verdict::Violated
        );
        assert_eq!(
            said(runs(Standing::Unknown, Standing::Valid), Some(NEW)).0,
            Verdict::Valid
        );
        assert_eq!(
            said(runs(Standing::Valid, Standing::Unknown), Some(NEW)).0,
            Verdict::Unknown
        );
        let of_another = vec![
            evidence(Standing::Violated, 1, Some((OLD, false))),
            evidence(Standing::Valid, 2, Some((NEW, false))),
        ];
        assert_eq!(said(of_another, Some(NEW)), (Verdict::Valid, false));
    }

    #[test]
    fn what_was_killed_or_is_broken_says_nothing() {
        for nothing in [Standing::Unfinished, Standing::Broken] {
            let alone = vec![evidence(nothing, 1, Some((NEW, false)))];
            assert_eq!(said(alone, Some(NEW)), (Verdict::Unknown, false));
            let beside = vec![
                evidence(Standing::Valid, 1, Some((NEW, false))),
                evidence(nothing, 2, Some((NEW, false))),
            ];
            assert_eq!(said(beside, Some(NEW)), (Verdict::Valid, false));
        }
    }

    #[test]
    fn what_does_not_follow_stays_beside_what_is_valid() {
        let forged = Evidence {
            is_unfounded: true,
            ..evidence(Standing::Broken, 1, Some((NEW, false)))
        };
        let fine = evidence(Standing::Valid, 2, Some((NEW, false)));
        let both = proof(
            "claims".to_owned(),
            vec![forged, fine],
            &Asked(Some(NEW.to_owned())),
        );
        assert_eq!((both.verdict, both.is_unfounded), (Verdict::Unknown, true));
        let all = all(&[both]);
        assert_eq!((all.verdict, all.is_unfounded), (Verdict::Unknown, true));
    }

    #[test]
    fn all_are_as_bad_as_the_worst_and_as_old_as_the_oldest() {
        let one = |verdict, is_outdated| Proof {
            subject: Some("lock mutex".to_owned()),
            verdict,
            is_unfounded: false,
            commit: Some(Commit {
                name: NEW.to_owned(),
                is_dirty: false,
            }),
            day: String::new(),
            is_outdated,
        };
        let both = all(&[one(Verdict::Valid, true), one(Verdict::Violated, false)]);
        assert_eq!((both.verdict, both.is_outdated), (Verdict::Violated, true));
        assert_eq!(both.commit.expect("it is one").name, NEW);
        assert_eq!(all(&[]).verdict, Verdict::Unknown);
    }
}
