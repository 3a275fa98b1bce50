//! What many runs were made for together: a campaign over seeds, or the claims that were proved.

use checker::{Verdict, counted};
use jiff::Timestamp;
use plan::manifest::Git;
use serde::Deserialize;
use serde_json::Value;

use crate::folder::FileEntry;
use crate::run::{has_report, last_part, short, stamp, when};
use crate::standing::{Standing, Stands};

/// Which file says what many runs showed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// `campaign.json`.
    Campaign,
    /// `proof.json`.
    Proof,
}

/// What many runs showed together, as their folder tells of it.
#[derive(Clone, Debug)]
pub struct Group {
    /// Where it is below the results; its parts are separated by `/`.
    pub path: String,
    /// What it is.
    pub kind: GroupKind,
    /// What it stands for.
    pub standing: Standing,
    /// Why, where nothing can be said.
    pub reason: Option<String>,
    /// Its own files.
    pub files: Vec<FileEntry>,
    told: Told,
}

/// What its file says; what it does not say is not shown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Told {
    verdict: Option<Verdict>,
    lock: Option<String>,
    workload: Option<String>,
    faults: Option<Value>,
    seeds: Option<String>,
    runs: Option<Value>,
    began: Option<Timestamp>,
    git: Option<Git>,
    state: Option<String>,
    shard: Option<Part>,
    source: Option<Source>,
    profile: Option<String>,
    cases: Vec<Case>,
    left_out: Vec<Value>,
}

/// Which part of the claims it is about.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Part {
    count: u64,
}

/// The file that the claims stand in.
#[derive(Clone, Debug, Deserialize)]
struct Source {
    path: String,
}

/// A claim, and how it stands.
#[derive(Clone, Debug, Deserialize)]
struct Case {
    standing: String,
}

impl Told {
    fn of_campaign(&self) -> Stands {
        match self.verdict {
            Some(verdict) => (verdict.into(), None),
            None => (
                Standing::Unknown,
                Some("campaign.json names no verdict".to_owned()),
            ),
        }
    }

    /// What was claimed is `valid` where all of it is confirmed, a violation that is expected too.
    fn of_proof(&self) -> Stands {
        let are = |standing: &str| {
            self.cases
                .iter()
                .filter(|case| case.standing == standing)
                .count()
        };
        let (all, confirmed, contradicted) =
            (self.cases.len(), are("confirmed"), are("contradicted"));
        let said = |count: usize, what: &str| {
            Some(format!(
                "{count} of {} {what}",
                counted(all as u64, "claim")
            ))
        };
        match self.state.as_deref() {
            _ if contradicted > 0 => (Standing::Violated, said(contradicted, "contradicted")),
            Some("finished") if confirmed < all || all == 0 => {
                (Standing::Unknown, said(confirmed, "confirmed"))
            }
            Some("finished") if !self.left_out.is_empty() => {
                let left_out = counted(self.left_out.len() as u64, "claim");
                (Standing::Unknown, Some(format!("{left_out} left out")))
            }
            Some("finished") if self.shard.is_some_and(|part| part.count > 1) => (
                Standing::Unknown,
                Some("the part of one machine: prover merge decides".to_owned()),
            ),
            Some("finished") => (Standing::Valid, None),
            _ => (
                Standing::Unfinished,
                Some("not all claims were put to the test".to_owned()),
            ),
        }
    }
}

impl GroupKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Campaign, Self::Proof];

    /// The file in its folder.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Self::Campaign => "campaign.json",
            Self::Proof => "proof.json",
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Campaign => "campaign",
            Self::Proof => "claims",
        }
    }
}

impl Group {
    /// The one in a folder, by the text of its file.
    #[must_use]
    pub fn of(
        path: String,
        kind: GroupKind,
        text: Result<String, String>,
        files: Vec<FileEntry>,
    ) -> Self {
        let told: Result<Told, String> =
            text.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
        let (standing, reason) = match &told {
            Err(why) => (Standing::Broken, Some(format!("{}: {why}", kind.file()))),
            Ok(told) => match kind {
                GroupKind::Campaign => told.of_campaign(),
                GroupKind::Proof => told.of_proof(),
            },
        };
        let told = told.unwrap_or_default();
        Self {
            path,
            kind,
            standing,
            reason,
            files,
            told,
        }
    }

    pub(crate) fn time(&self) -> String {
        self.told
            .began
            .map_or_else(|| last_part(&self.path).to_owned(), stamp)
    }

    /// The lock and the workload, where they are one.
    #[must_use]
    pub fn subject(&self) -> Option<(&str, &str)> {
        Some((self.told.lock.as_deref()?, self.told.workload.as_deref()?))
    }

    /// The claims file, as it was called.
    pub(crate) fn claims_file(&self) -> Option<&str> {
        let path = self.told.source.as_ref()?.path.as_str();
        Some(path.trim_start_matches("./"))
    }

    /// How much was to be done.
    pub(crate) fn profile(&self) -> &str {
        self.told.profile.as_deref().unwrap_or_default()
    }

    pub(crate) fn git(&self) -> Option<&Git> {
        self.told.git.as_ref()
    }

    pub(crate) fn when(&self) -> String {
        self.told.began.map(when).unwrap_or_default()
    }

    pub(crate) fn commit(&self) -> String {
        let git = self.told.git.as_ref();
        git.map(|git| short(&git.commit).to_owned())
            .unwrap_or_default()
    }

    /// What was run, in a few words.
    pub(crate) fn runs(&self) -> String {
        let runs = self.told.runs.as_ref();
        let runs = runs.and_then(|runs| {
            runs.as_u64()
                .or_else(|| Some(runs.as_array()?.len() as u64))
        });
        let runs = runs.map(|runs| checker::counted(runs, "run"));
        let seeds = self
            .told
            .seeds
            .as_ref()
            .map(|seeds| format!("seeds {seeds}"));
        runs.into_iter().chain(seeds).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn faults(&self) -> String {
        let names = match &self.told.faults {
            Some(Value::Object(faults)) => faults.keys().map(String::as_str).collect(),
            Some(Value::Array(faults)) => faults.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        names.join(", ")
    }

    /// Where it is opened: its report, else its file.
    pub(crate) fn opens(&self) -> &'static str {
        has_report(&self.files).unwrap_or(self.kind.file())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(kind: GroupKind, text: &str) -> Standing {
        Group::of("claims/1".to_owned(), kind, Ok(text.to_owned()), Vec::new()).standing
    }

    #[test]
    fn claims_are_valid_where_all_are_confirmed() {
        let proof = |state: &str, standings: &[&str], left_out: &str| {
            let cases: Vec<_> = standings
                .iter()
                .map(|one| serde_json::json!({ "standing": one }))
                .collect();
            let text = serde_json::json!({ "state": state, "cases": cases }).to_string();
            let text = text.replacen('{', &format!("{{\"left_out\":[{left_out}],"), 1);
            standing(GroupKind::Proof, &text)
        };
        assert_eq!(
            proof("finished", &["confirmed", "confirmed"], ""),
            Standing::Valid
        );
        assert_eq!(
            proof("finished", &["confirmed", "confirmed"], "{}"),
            Standing::Unknown
        );
        assert_eq!(
            proof("finished", &["confirmed", "unknown"], ""),
            Standing::Unknown
        );
        assert_eq!(
            proof("finished", &["confirmed", "not-run"], ""),
            Standing::Unknown
        );
        assert_eq!(proof("finished", &[], ""), Standing::Unknown);
        let shard = r#"{"state":"finished","cases":[{"standing":"confirmed"}],"shard":{"index":1,"count":2}}"#;
        assert_eq!(standing(GroupKind::Proof, shard), Standing::Unknown);
        assert_eq!(proof("running", &["confirmed"], ""), Standing::Unfinished);
        assert_eq!(
            proof("interrupted", &["contradicted"], ""),
            Standing::Violated
        );
    }

    #[test]
    fn a_campaign_says_its_verdict() {
        let of = |text| standing(GroupKind::Campaign, text);
        assert_eq!(
            of(r#"{"verdict":"valid","faults":{"cut":{}},"runs":3}"#),
            Standing::Valid
        );
        assert_eq!(of("{}"), Standing::Unknown);
        assert_eq!(of("{"), Standing::Broken);
    }
}
