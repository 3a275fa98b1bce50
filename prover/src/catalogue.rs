//! Every lock that can be put under test: the correct ones, and those that are broken on purpose.

use std::sync::LazyLock;

use locks::Lock;

/// All of them, the correct ones first.
pub static LOCKS: LazyLock<Vec<&'static dyn Lock>> =
    LazyLock::new(|| [locks::ALL, broken::ALL].concat());

/// The lock of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Lock> {
    LOCKS.iter().copied().find(|lock| lock.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_found() {
        let names: BTreeSet<_> = LOCKS.iter().map(|lock| lock.name()).collect();
        assert_eq!(names.len(), LOCKS.len());
        for name in names {
            assert_eq!(find(name).expect("it is there").name(), name);
        }
        assert!(find("nothing").is_none());
    }
}
