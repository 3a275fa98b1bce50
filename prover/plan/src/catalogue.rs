//! Every lock that can be put under test: the correct ones, and those that are broken on purpose.

use std::sync::{Arc, LazyLock};

use locks::Lock;

/// All of them, the correct ones first.
pub static LOCKS: LazyLock<Vec<Arc<dyn Lock>>> =
    LazyLock::new(|| locks::ALL.iter().chain(&**broken::ALL).cloned().collect());

/// The lock of this name.
#[must_use]
pub fn find(name: &str) -> Option<Arc<dyn Lock>> {
    LOCKS.iter().find(|lock| lock.name() == name).cloned()
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
