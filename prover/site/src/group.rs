//! What many runs were made for together: a campaign over seeds, or the claims that were proved.

use claims::Proof;
use plan::manifest::Git;
use serde_json::Value;

use crate::claims_page::stored_claims_page;
use crate::error::SiteError;
use crate::folder::FileEntry;
use crate::page::page;
use crate::proven::Proven;
use crate::run::{REPORT, has_report, last_part, parsed, short, stamp, when};
use crate::standing::{Standing, Stands};
use crate::told::Told;

/// The page of what is no proof.
const UNREADABLE: &str = r#"<div class="verdict broken">
<h1><strong>broken</strong> {{ title }}</h1>
<p>{{ why }}</p>
</div>
"#;

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
    proof: Option<Box<Proof>>,
}

/// What was read of it.
struct Read {
    stands: Stands,
    told: Told,
    proof: Option<Box<Proof>>,
}

impl Default for Read {
    fn default() -> Self {
        Self {
            stands: (Standing::Broken, None),
            told: Told::default(),
            proof: None,
        }
    }
}

fn of_campaign(text: &str) -> Result<Read, String> {
    let told: Told = serde_json::from_str(text).map_err(|error| error.to_string())?;
    Ok(Read {
        stands: told.of_campaign(),
        told,
        proof: None,
    })
}

fn of_proof(text: &str) -> Result<Read, String> {
    let proof: Proof = parsed(text, gate::FORM)?;
    Ok(Read {
        stands: Proven::of(&proof).stands(),
        told: Told::of_proof(&proof),
        proof: Some(Box::new(proof)),
    })
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
        let read = match kind {
            GroupKind::Campaign => text.and_then(|text| of_campaign(&text)),
            GroupKind::Proof => text.and_then(|text| of_proof(&text)),
        };
        let read = read.unwrap_or_else(|why| Read {
            stands: (Standing::Broken, Some(format!("{}: {why}", kind.file()))),
            ..Read::default()
        });
        let (standing, reason) = read.stands;
        Self {
            path,
            kind,
            standing,
            reason,
            files,
            told: read.told,
            proof: read.proof,
        }
    }

    /// Whether it is a proof that says of some claim what its counts do not.
    pub(crate) fn is_unfounded(&self) -> bool {
        let proof = self.proof.as_deref();
        proof.is_some_and(|proof| Proven::of(proof).unfounded() > 0)
    }

    /// The report of a proof, made again of what it counts; that of a campaign lies in its folder.
    ///
    /// # Errors
    /// Never, unless a template of the prover is broken.
    pub fn page(&self) -> Result<Option<String>, SiteError> {
        match (self.kind, &self.proof) {
            (GroupKind::Campaign, _) => Ok(None),
            (GroupKind::Proof, Some(proof)) => stored_claims_page(proof).map(Some),
            (GroupKind::Proof, None) => {
                let view = minijinja::context! { title => &self.path, why => &self.reason };
                page(&format!("{}: broken", self.path), UNREADABLE, &view).map(Some)
            }
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
        let path = self.proof.as_ref()?.source.path.as_str();
        Some(path.trim_start_matches("./"))
    }

    /// How much was to be done.
    pub(crate) fn profile(&self) -> String {
        let proof = self.proof.as_ref();
        proof.map_or_else(String::new, |proof| proof.profile.to_string())
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

    /// What it is about, for people: the lock and the workload of a campaign, the title of claims.
    pub(crate) fn title(&self) -> String {
        match (self.subject(), &self.told.title) {
            (Some((lock, workload)), _) => format!("{lock} {workload}"),
            (None, Some(title)) => title.clone(),
            (None, None) => self.path.clone(),
        }
    }

    /// Where it is opened: its report, else its file.
    pub(crate) fn opens(&self) -> &'static str {
        match self.kind {
            GroupKind::Proof => REPORT,
            GroupKind::Campaign => has_report(&self.files).unwrap_or(self.kind.file()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(kind: GroupKind, text: &str) -> Standing {
        Group::of("claims/1".to_owned(), kind, Ok(text.to_owned()), Vec::new()).standing
    }

    #[test]
    fn what_is_no_proof_is_told_as_such() {
        let forged = r#"{"state":"finished","cases":[{"standing":"confirmed"}]}"#;
        let group = Group::of(
            "prove/1".to_owned(),
            GroupKind::Proof,
            Ok(forged.to_owned()),
            Vec::new(),
        );
        assert_eq!(group.standing, Standing::Broken);
        let why = group.reason.clone().expect("it says why");
        assert!(why.starts_with("proof.json: "), "{why}");
        let page = group.page().expect("it renders").expect("a page");
        assert!(page.contains("proof.json: missing field"), "{page}");
        assert!(!page.contains("class=\"verdict valid\""), "{page}");
    }

    #[test]
    fn a_proof_of_another_form_is_left_to_its_own_prover() {
        let mut json = serde_json::json!(crate::sample::proof(vec![]));
        json["schema"] = "proof/9".into();
        assert_eq!(
            standing(GroupKind::Proof, &json.to_string()),
            Standing::Broken
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
