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
    /// Of claims, the profile: what passes in one says nothing of the other.
    profile: String,
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
            profile: String::new(),
            time: run.time(),
            commit: manifest.git.as_ref().map(Commit::of),
        });
    }
    for group in groups {
        let name = match group.subject() {
            Some((lock, workload)) => format!("{lock} {workload}"),
            None => group.claims_file().unwrap_or("claims").to_owned(),
        };
        evidence.entry(name).or_default().push(Evidence {
            standing: group.standing,
            is_unfounded: group.is_unfounded(),
            profile: group.profile(),
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
/// newest does. A violation there is one, whatever came after it; else the newest of each profile
/// counts, and the worst of these.
fn proof(subject: String, mut evidence: Vec<Evidence>, asked: &Asked) -> Proof {
    evidence.sort_by(|one, other| other.time.cmp(&one.time));
    let is_asked = |one: &&Evidence| asked.0.is_some() && asked.is(one.commit.as_ref());
    let any_says = evidence.iter().any(Evidence::says);
    let mut saying = evidence.iter().filter(|one| one.says() || !any_says);
    let newest = saying.clone().next();
    let Some(first) = saying.find(is_asked).or(newest) else {
        return all(&[]);
    };
    let of_it = evidence.iter().filter(|one| one.is_beside(first));
    let mut saying = of_it.clone().chain([first]);
    let is_unfounded = saying.any(|one| one.is_unfounded);
    let verdict = worst(first, of_it);
    Proof {
        verdict: if is_unfounded {
            verdict.max(Verdict::Unknown)
        } else {
            verdict
        },
        is_unfounded: is_unfounded && verdict != Verdict::Violated,
        subject: Some(subject),
        is_outdated: !asked.is(first.commit.as_ref()),
        commit: first.commit.clone(),
        day: day(&first.time),
    }
}

/// The worst of what is said of one commit, the newest first: what was killed or is broken says nothing
/// where something else of its profile does.
fn worst<'a>(first: &Evidence, of_it: impl Iterator<Item = &'a Evidence>) -> Verdict {
    let mut profiles: BTreeMap<&str, &Evidence> = BTreeMap::new();
    let mut verdict = first.standing.verdict();
    for one in of_it {
        let counts = profiles.entry(&one.profile).or_insert(one);
        if one.says() && !counts.says() {
            *counts = one;
        }
        if one.standing == Standing::Violated {
            verdict = Verdict::Violated;
        }
    }
    let each = profiles.values().map(|one| one.standing.verdict());
    each.fold(verdict, Verdict::max)
}

impl Evidence {
    fn says(&self) -> bool {
        self.is_unfounded || !matches!(self.standing, Standing::Unfinished | Standing::Broken)
    }

    /// Whether both speak of one commit.
    fn is_beside(&self, other: &Self) -> bool {
        match (&self.commit, &other.commit) {
            (Some(one), Some(other)) => {
                one.is_dirty == other.is_dirty && is_same(&one.name, &other.name)
            }
            _ => false,
        }
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
    use crate::sample;

    fn evidence(standing: Standing, minute: u32, commit: Option<(&str, bool)>) -> Evidence {
        Evidence {
            standing,
            is_unfounded: false,
            profile: String::new(),
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

    /// The proof of a claims file, made in this minute of the newest commit.
    fn claims(file: &str, profile: &str, minute: u32, runs: &[(u64, bool)]) -> Group {
        let proof = sample::proof(vec![sample::case("excludes", runs)]);
        let mut text = serde_json::json!(proof);
        text["schema"] = gate::FORM.into();
        text["source"]["path"] = file.into();
        text["profile"] = profile.into();
        text["git"] = serde_json::json!({"commit": NEW, "dirty": false});
        text["began"] = format!("2026-02-03T04:{minute:02}:00Z").into();
        let path = format!("prove/{minute}");
        Group::of(path, GroupKind::Proof, Ok(text.to_string()), Vec::new())
    }

    /// The runs of a claim that is confirmed, and of one that is not decided.
    const CONFIRMED: &[(u64, bool)] = &[(7, false)];
    const UNKNOWN: &[(u64, bool)] = &[];

    fn badges(groups: &[Group]) -> Vec<(String, Verdict)> {
        let groups: Vec<&Group> = groups.iter().collect();
        let proofs = proofs(&[], &groups, &Asked(Some(NEW.to_owned())));
        assert!(proofs.iter().all(|proof| !proof.is_outdated), "{proofs:?}");
        proofs
            .iter()
            .map(|proof| (proof.file(), proof.verdict))
            .collect()
    }

    #[test]
    fn each_claims_file_has_a_badge_and_hides_no_other() {
        let said = badges(&[
            claims("a.toml", "full", 1, UNKNOWN),
            claims("./b.toml", "full", 2, CONFIRMED),
        ]);
        let expected = [
            ("all.svg", Verdict::Unknown),
            ("a.toml.svg", Verdict::Unknown),
            ("b.toml.svg", Verdict::Valid),
        ];
        assert_eq!(
            said,
            expected.map(|(file, verdict)| (file.to_owned(), verdict))
        );
    }

    #[test]
    fn what_passes_in_a_profile_undoes_nothing_of_the_other() {
        let full = |runs| claims("a.toml", "full", 1, runs);
        let quick = claims("a.toml", "quick", 2, CONFIRMED);
        let said = |full| {
            badges(&[full, quick.clone()])
                .into_iter()
                .map(|it| it.1)
                .max()
        };
        assert_eq!(said(full(CONFIRMED)), Some(Verdict::Valid));
        assert_eq!(said(full(UNKNOWN)), Some(Verdict::Unknown));
        let mut killed = full(CONFIRMED);
        killed.standing = Standing::Unfinished;
        assert_eq!(said(killed.clone()), Some(Verdict::Unknown));
        // Once it has come to its end, that counts.
        let again = claims("a.toml", "full", 3, CONFIRMED);
        let said = badges(&[killed, quick.clone(), again]);
        assert!(said.iter().all(|it| it.1 == Verdict::Valid), "{said:?}");
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
