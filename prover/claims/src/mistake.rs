//! What is wrong with a claims file, and where.

use std::fmt;

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1 on.
    pub line: usize,
    /// The character in that line, from 1 on.
    pub column: usize,
}

impl Place {
    /// The place of a byte.
    #[must_use]
    pub fn of(text: &str, byte: usize) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.line, self.column)
    }
}

/// Something wrong in a claims file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {text}")]
pub struct Mistake {
    /// Where.
    pub place: Place,
    /// What, and what helps.
    pub text: String,
}

impl Mistake {
    /// A mistake at a byte of the text.
    #[must_use]
    pub fn at(source: &str, byte: usize, text: impl Into<String>) -> Self {
        Self {
            place: Place::of(source, byte),
            text: text.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_counted_in_lines_and_characters() {
        let text = "ä = 1\nöö = 2\n";
        let at = |found: &str| Place::of(text, text.find(found).expect("there")).to_string();
        assert_eq!(at("1"), "1:5");
        assert_eq!(at("2"), "2:6");
        assert_eq!(Place::of(text, 1_000).line, 3);
    }
}
