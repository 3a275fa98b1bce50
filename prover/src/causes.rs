//! Errors as they are told to people: with everything that led to them.

use std::error::Error;

/// An error and all its causes in one line, the deepest last. A cause that the text before it tells
/// already is not told again.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    for cause in causes.map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read the history")]
    struct Silent(#[source] io::Error);

    #[derive(Debug, thiserror::Error)]
    #[error("a.jsonl: {0}; choose another")]
    struct Telling(#[source] Silent);

    #[test]
    fn every_cause_is_told_once() {
        let error = Telling(Silent(io::Error::other("the disk is gone")));
        assert_eq!(
            with_causes(&error),
            "a.jsonl: cannot read the history; choose another: the disk is gone"
        );
        assert_eq!(with_causes(&io::Error::other("alone")), "alone");
    }
}
