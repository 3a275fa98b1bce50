//! How the program is called, so that what it prints can be typed.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::command::quoted;

/// What runs the program in its own workspace.
pub const IN_WORKSPACE: &str = "cargo run -p prover --";

/// The name of the program where it is installed, and of its package.
const NAME: &str = "prover";

/// The command that runs this program again: cargo where that has started it, else as it was called.
#[must_use]
pub fn program() -> &'static str {
    static PROGRAM: LazyLock<String> = LazyLock::new(|| Call::of_this_process().command());
    &PROGRAM
}

/// A text that speaks of commands as `prover …`, with the command that runs this program in that
/// place.
#[must_use]
pub fn as_called(text: &str) -> String {
    named(text, program())
}

fn named(text: &str, program: &str) -> String {
    let [known, called] = [NAME, program].map(|name| format!("`{name} "));
    text.replace(&known, &called)
}

/// How a process was started.
struct Call {
    /// Its first argument.
    name: String,
    /// The package that cargo has run it for.
    package: Option<String>,
    /// The folder of that package.
    folder: Option<PathBuf>,
    here: Option<PathBuf>,
    is_release: bool,
}

impl Call {
    fn of_this_process() -> Self {
        let executable = env::current_exe().unwrap_or_default();
        Self {
            name: env::args().next().unwrap_or_else(|| NAME.to_owned()),
            package: env::var("CARGO_PKG_NAME").ok(),
            folder: env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from),
            here: env::current_dir().ok(),
            is_release: executable
                .parent()
                .is_some_and(|path| path.ends_with("release")),
        }
    }

    fn command(&self) -> String {
        match (self.is_by_cargo(), self.is_release) {
            (true, false) => IN_WORKSPACE.to_owned(),
            (true, true) => IN_WORKSPACE.replace("run", "run --release"),
            (false, _) => quoted(&self.name),
        }
    }

    /// Whether cargo has run it, and would again: from here it finds the workspace.
    fn is_by_cargo(&self) -> bool {
        let workspace = self.folder.as_deref().and_then(Path::parent);
        let is_within = |workspace: &Path| {
            let here = self.here.as_deref();
            here.is_some_and(|here| here.starts_with(workspace))
        };
        self.package.as_deref() == Some(NAME) && workspace.is_some_and(is_within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(package: &str, here: &str) -> Call {
        Call {
            name: "bin/prover".to_owned(),
            package: Some(package.to_owned()),
            folder: Some("/w/prover".into()),
            here: Some(here.into()),
            is_release: false,
        }
    }

    #[test]
    fn cargo_is_named_where_it_would_run_the_same_again() {
        assert_eq!(call("prover", "/w/docs").command(), IN_WORKSPACE);
        assert_eq!(call("prover", "/elsewhere").command(), "bin/prover");
        assert_eq!(call("other", "/w").command(), "bin/prover");
        let release = Call {
            is_release: true,
            ..call("prover", "/w")
        };
        assert_eq!(release.command(), "cargo run --release -p prover --");
    }

    #[test]
    fn whoever_is_not_called_by_name_is_called_as_before() {
        let call = |name: &str| {
            let call = Call {
                name: name.to_owned(),
                package: None,
                ..call("prover", "/w")
            };
            call.command()
        };
        assert_eq!(call("prover"), "prover");
        assert_eq!(call("/my tools/prover"), "'/my tools/prover'");
        assert_eq!(
            named("`prover clean` removes it; provers do not", "./prover"),
            "`./prover clean` removes it; provers do not"
        );
    }
}
