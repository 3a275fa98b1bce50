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
    /// own. That is known where the program runs in the tree that it was built in, not once it is
    /// installed: the tree may have moved on since.
    #[must_use]
    pub fn of_program() -> Option<Self> {
        let source = Path::new(SOURCE).canonicalize().ok()?;
        let program = std::env::current_exe().ok()?.canonicalize().ok()?;
        // Cargo says for whom it runs a program, wherever that was built.
        let run_by_cargo = std::env::var_os("CARGO_MANIFEST_DIR");
        let is_here = program.starts_with(&source)
            || run_by_cargo.is_some_and(|package| Path::new(&package).starts_with(&source));
        if is_here {
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
