//! Which source was tested.

use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// The state of a git working tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Git {
    /// The commit.
    pub commit: String,
    /// Whether tracked files were changed since; not known of a commit that was only named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dirty: Option<bool>,
}

/// The source of this workspace when it was built.
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

impl Git {
    /// The commit that somebody names.
    #[must_use]
    pub fn given(commit: &str) -> Self {
        Self {
            commit: commit.to_owned(),
            dirty: None,
        }
    }

    /// The state of the source that this program was built from: the locks that it tests are its
    /// own. That is known where cargo runs it, which has built it just now; what was built before
    /// may be of another state than the source is in today.
    #[must_use]
    pub fn of_program() -> Option<Self> {
        let source = Path::new(SOURCE).canonicalize().ok()?;
        let package = std::env::var_os("CARGO_MANIFEST_DIR")?;
        let is_run_by_cargo = Path::new(&package)
            .canonicalize()
            .ok()?
            .starts_with(&source);
        if is_run_by_cargo {
            Self::of_tree(&source)
        } else {
            None
        }
    }

    /// Outside a working tree, or without git, there is nothing to say.
    fn of_tree(tree: &Path) -> Option<Self> {
        let commit = git_says(tree, &["rev-parse", "HEAD"])?;
        let changes = git_says(tree, &["status", "--porcelain", "--untracked-files=no"])?;
        Some(Self {
            commit,
            dirty: Some(!changes.is_empty()),
        })
    }
}

fn git_says(tree: &Path, arguments: &[&str]) -> Option<String> {
    let mut git = Command::new("git");
    let output = git.arg("-C").arg(tree).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
