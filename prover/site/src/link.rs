//! Links that lead where they should, whatever folders and locks are called.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

/// What stands in a part of a path as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A relative path as a link: its parts are encoded, the slashes between them are not.
#[must_use]
pub fn href(path: &str) -> String {
    let parts = path.split('/');
    let encoded = parts.map(|part| utf8_percent_encode(part, PLAIN).to_string());
    encoded.collect::<Vec<_>>().join("/")
}

/// So many characters of a name are kept.
const KEPT_MAX: usize = 60;

/// A name as the name of a file: the same name always has the same one, and no two share one. What
/// had to be left out is made up for by a digest.
#[must_use]
pub fn slug(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    let plain: String = name
        .chars()
        .take(KEPT_MAX)
        .map(|c| if is_plain(c) { c } else { '-' })
        .collect();
    if plain == name && !name.is_empty() && !name.starts_with('.') {
        return plain;
    }
    let digest = Sha256::digest(name.as_bytes());
    let digest: String = digest
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{}-{digest}", plain.trim_start_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_cannot_be_left() {
        assert_eq!(href("lock-mutex/2026"), "lock-mutex/2026");
        assert_eq!(href("a \"b\"/<c>?#%"), "a%20%22b%22/%3Cc%3E%3F%23%25");
    }

    #[test]
    fn names_of_files_are_plain_and_different() {
        assert_eq!(slug("exclusive-queue-mutex"), "exclusive-queue-mutex");
        let hostile = [
            "../x", "a b", "a-b", "a/b", "A-b", "", ".", "..", "<script>",
        ];
        let slugs: std::collections::BTreeSet<_> = hostile.iter().map(|name| slug(name)).collect();
        assert_eq!(slugs.len(), hostile.len(), "{slugs:?}");
        for slug in slugs {
            assert!(
                !slug.contains('/') && !slug.starts_with('.') && !slug.is_empty(),
                "{slug}"
            );
        }
        assert!(slug(&"x".repeat(1_000)).len() < 80);
    }
}
