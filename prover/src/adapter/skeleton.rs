//! Working programs to begin with: the protocol, and a lock file in the place of one's own lock.

use clap::ValueEnum;

/// A language that there is a skeleton in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Python 3
    Python,
    /// Rust
    Rust,
    /// Go
    Go,
    /// Java 17
    Java,
    /// JavaScript, run by Node
    Node,
    /// POSIX sh
    Shell,
}

/// A working program to begin with.
#[derive(Clone, Copy, Debug)]
pub struct Skeleton {
    /// Its language.
    pub language: Language,
    /// The name that its file should have.
    pub file: &'static str,
    /// What it takes to run it, from that file.
    pub steps: &'static [&'static str],
    /// The command that the prover is given in the end.
    pub command: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// One skeleton a language.
pub const SKELETONS: &[Skeleton] = &[
    Skeleton {
        language: Language::Python,
        file: "my_lock.py",
        steps: &[],
        command: "python3 my_lock.py",
        text: include_str!("python.py"),
    },
    Skeleton {
        language: Language::Rust,
        file: "my_lock.rs",
        steps: &["rustc --edition 2024 -O my_lock.rs"],
        command: "./my_lock",
        text: include_str!("main.rs"),
    },
    Skeleton {
        language: Language::Go,
        file: "my_lock.go",
        steps: &["go build my_lock.go"],
        command: "./my_lock",
        text: include_str!("main.go"),
    },
    Skeleton {
        language: Language::Java,
        file: "Adapter.java",
        steps: &["javac Adapter.java"],
        command: "java Adapter",
        text: include_str!("Adapter.java"),
    },
    Skeleton {
        language: Language::Node,
        file: "my_lock.js",
        steps: &[],
        command: "node my_lock.js",
        text: include_str!("node.js"),
    },
    Skeleton {
        language: Language::Shell,
        file: "my_lock.sh",
        steps: &[],
        command: "sh my_lock.sh",
        text: include_str!("lock.sh"),
    },
];

impl Language {
    /// Its skeleton.
    #[must_use]
    pub fn skeleton(self) -> &'static Skeleton {
        let found = SKELETONS.iter().find(|skeleton| skeleton.language == self);
        found.expect("each language has one")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_has_a_skeleton_with_places_for_ones_own_lock() {
        for language in Language::value_variants() {
            let skeleton = language.skeleton();
            assert!(skeleton.text.contains("YOURS"), "{language:?}");
        }
    }
}
