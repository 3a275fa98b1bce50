//! The self-test as the book shows it, and the book's table of broken locks.

use std::fs;

/// Every broken lock is caught, by the seed that the book says; the whole of the self-test is in its output.
#[test]
fn the_book_shows_what_the_self_test_shows() {
    trycmd::TestCases::new().case("../docs/mutants.md");
}

#[test]
fn the_book_tells_of_every_broken_lock() {
    let book = fs::read_to_string("../docs/mutants.md").expect("the book");
    let rows: Vec<_> = book
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let broken = broken::ALL.iter().map(|lock| {
        let mistake = lock.summary().strip_prefix("broken: ");
        let mistake = mistake.expect("the summary of a broken lock says so");
        let promise = lock.breaks().expect("a broken lock breaks a promise");
        format!("| `{}` | {mistake} | `{promise}` |", lock.name())
    });
    assert_eq!(rows, broken.collect::<Vec<_>>());
}

#[test]
fn no_correct_lock_is_called_broken() {
    for lock in locks::ALL {
        assert!(!lock.summary().starts_with("broken"), "{}", lock.name());
    }
}
