//! What a run stands for where somebody looks at many: its verdict, unless its files say that there
//! can be none.

use std::fmt;

use checker::{Judgement, Verdict};
use plan::manifest::{Manifest, Recorded, State};
use serde::{Deserialize, Serialize};

use crate::folder::Record;

/// What a run stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// What it was judged by holds.
    Valid,
    /// Nothing can be said.
    Unknown,
    /// It was killed, or is not over yet, or nobody has judged it.
    Unfinished,
    /// Its files contradict each other, or the harness broke down.
    Broken,
    /// What it was judged by is violated.
    Violated,
}

/// All of them, as they are offered.
pub(crate) const ALL: [Standing; 5] = [
    Standing::Valid,
    Standing::Violated,
    Standing::Unknown,
    Standing::Unfinished,
    Standing::Broken,
];

impl Standing {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Unknown => "unknown",
            Self::Unfinished => "unfinished",
            Self::Broken => "broken",
            Self::Violated => "violated",
        }
    }

    /// The verdict that it is worth: what did not come to its end, or contradicts itself, shows
    /// nothing.
    #[must_use]
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Valid => Verdict::Valid,
            Self::Violated => Verdict::Violated,
            Self::Unknown | Self::Unfinished | Self::Broken => Verdict::Unknown,
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        ALL.into_iter().find(|one| one.word() == word)
    }
}

impl From<Verdict> for Standing {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Valid => Self::Valid,
            Verdict::Violated => Self::Violated,
            Verdict::Unknown => Self::Unknown,
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.word())
    }
}

/// What is said of a violation in a run that ended early.
const SHOWN_BY_THEN: &str = "what was recorded until then shows the violation";

/// What a run stands for, and why where that is not in its guarantees.
pub(crate) type Stands = (Standing, Option<String>);

/// What the files of a run stand for together. Each has its say before the verdict, so that no run
/// is `valid` by one file alone.
pub(crate) fn stands(
    manifest: &Result<Manifest, String>,
    judgement: Option<&Result<Judgement, String>>,
    record: &Record,
) -> Stands {
    let manifest = match manifest {
        Ok(manifest) => manifest,
        Err(why) => return broken(format!("manifest.json: {why}")),
    };
    if let State::Broken(why) = &manifest.state {
        return broken(format!("the harness broke down: {why}"));
    }
    if let Some(why) = damage(record, manifest.recorded.as_ref()) {
        return broken(why);
    }
    match judgement {
        _ if manifest.state == State::Running => {
            (Standing::Unfinished, manifest.state.unfinished())
        }
        None => {
            let why = "it has no verdict.json: nobody has judged it";
            (Standing::Unfinished, Some(why.to_owned()))
        }
        Some(Err(why)) => broken(format!("verdict.json: {why}")),
        Some(Ok(judgement)) => judged(manifest, judgement),
    }
}

fn broken(why: String) -> Stands {
    (Standing::Broken, Some(why))
}

/// How the history differs from what the run has recorded.
fn damage(record: &Record, recorded: Option<&Recorded>) -> Option<String> {
    match (record, recorded) {
        (Record::Missing, _) => Some("it has no history.jsonl".to_owned()),
        (Record::Unreadable(why), _) => Some(format!("history.jsonl: {why}")),
        (Record::Read { .. }, None) => None,
        (Record::Read { events, digest, .. }, Some(recorded)) => {
            if *events != recorded.events {
                return Some(format!(
                    "history.jsonl has {events} lines, and the run recorded {}",
                    recorded.events
                ));
            }
            let is_other = *digest != recorded.history;
            is_other.then(|| "history.jsonl is not what the run recorded".to_owned())
        }
    }
}

fn judged(manifest: &Manifest, judgement: &Judgement) -> Stands {
    let rows = || judgement.guarantees.iter().filter(|row| row.judged);
    let Some(worst) = rows().map(|row| row.finding.verdict).max() else {
        return broken("verdict.json says of nothing that it was judged".to_owned());
    };
    if judgement.verdict < worst {
        return broken(format!(
            "verdict.json says {}, and one of its guarantees {worst}",
            judgement.verdict
        ));
    }
    let unfinished = manifest.state.unfinished();
    let unfinished = unfinished.or_else(|| judgement.unfinished.clone());
    match (judgement.verdict, unfinished) {
        (Verdict::Valid, Some(why)) => broken(format!("verdict.json says valid, but {why}")),
        // What ended early shows no less of what had happened by then.
        (Verdict::Violated, Some(why)) => {
            (Standing::Violated, Some(format!("{why}; {SHOWN_BY_THEN}")))
        }
        (verdict, Some(why)) => (verdict.into(), Some(why)),
        (Verdict::Unknown, None) => {
            let open = rows().find(|row| row.finding.verdict == Verdict::Unknown);
            (
                Standing::Unknown,
                open.and_then(|row| row.finding.reason.clone()),
            )
        }
        (verdict, None) => (verdict.into(), None),
    }
}
