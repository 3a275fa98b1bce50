//! The commit that badges are asked about.

use std::process::Command;

use site::Asked;

/// The commit of this name, in full where git knows it here; without a name the one that is checked
/// out here, if there is one.
pub(crate) fn asked(named: Option<&str>) -> Asked {
    let known = known(named.unwrap_or("HEAD"));
    Asked(known.or_else(|| named.map(str::to_owned)))
}

fn known(name: &str) -> Option<String> {
    let mut git = Command::new("git");
    let git = git.args(["rev-parse", "--verify", "--quiet", "--end-of-options"]);
    let output = git.arg(format!("{name}^{{commit}}")).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let commit = text.trim();
    (output.status.success() && !commit.is_empty()).then(|| commit.to_owned())
}
