//! A page of the documentation of which a part is made by an experiment: what stands between two
//! comments.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::exit::Exit;
use crate::failure::Failure;

/// A page, without the part that is made.
pub(super) struct Document {
    path: PathBuf,
    before: String,
    after: String,
}

/// The page cannot be had, or has no place for what is made.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It does not say where the part stands.
    #[error("{path} has no lines \"{begin}\" and \"{end}\": write them where the tables belong")]
    NoPlace {
        /// Which.
        path: PathBuf,
        /// The line before the part.
        begin: String,
        /// The line after it.
        end: String,
    },
}

impl From<DocumentError> for Failure {
    fn from(error: DocumentError) -> Self {
        Self::of_experiment(Exit::BadArguments, error)
    }
}

impl Document {
    /// Reads a page, and finds the part of this name.
    pub(super) fn open(path: &Path, name: &str) -> Result<Self, DocumentError> {
        let text = fs::read_to_string(path).map_err(|source| DocumentError::Read {
            path: path.to_owned(),
            source,
        })?;
        let [begin, end] = ["begin", "end"].map(|place| format!("<!-- {place} {name} -->"));
        let found = split(&text, &begin, &end);
        let (before, after) = found.ok_or_else(|| DocumentError::NoPlace {
            path: path.to_owned(),
            begin,
            end,
        })?;
        Ok(Self {
            path: path.to_owned(),
            before: before.to_owned(),
            after: after.to_owned(),
        })
    }

    /// Writes the page with another part.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn write(&self, part: &str) -> io::Result<()> {
        let text = format!("{}\n{}\n{}", self.before, part.trim_end(), self.after);
        fs::write(&self.path, text)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// What stands before a part, with its first line, and what stands after it, with its last.
fn split<'a>(text: &'a str, begin: &str, end: &str) -> Option<(&'a str, &'a str)> {
    let part = text.find(begin)? + begin.len();
    let after = part + text[part..].find(end)?;
    Some((&text[..part], &text[after..]))
}

/// A table in Markdown; figures stand in columns after the first and are right-aligned.
pub(super) fn markdown<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let line = |cells: &[String; N]| format!("| {} |", cells.join(" | "));
    let mut lines = vec![line(&header.map(str::to_owned))];
    let rule = (0..N).map(|column| if column == 0 { "---" } else { "---:" });
    lines.push(format!("|{}|", rule.collect::<Vec<_>>().join("|")));
    lines.extend(rows.into_iter().map(|row| line(&row)));
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_is_replaced_and_the_rest_stays() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("page.md");
        fs::write(
            &path,
            "# Page\n<!-- begin x -->\nold\n<!-- end x -->\nrest\n",
        )
        .expect("written");
        for part in ["new\nlines\n", "newer"] {
            let page = Document::open(&path, "x").expect("it has the comments");
            page.write(part).expect("written");
            let text = fs::read_to_string(&path).expect("read");
            let part = part.trim_end();
            let expected = format!("# Page\n<!-- begin x -->\n{part}\n<!-- end x -->\nrest\n");
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn a_page_without_a_place_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("page.md");
        for text in ["", "<!-- begin x -->", "<!-- end x --><!-- begin x -->"] {
            fs::write(&path, text).expect("written");
            let error = Document::open(&path, "x").err().expect("no place");
            assert!(error.to_string().contains("<!-- begin x -->"), "{error}");
        }
    }

    #[test]
    fn tables_are_those_of_markdown() {
        let table = markdown(["a", "b"], [["1".to_owned(), "2".to_owned()]]);
        assert_eq!(table, "| a | b |\n|---|---:|\n| 1 | 2 |\n");
    }
}
