//! The examples, as programs of their own against a real RabbitMQ.

mod common;

use std::path::PathBuf;
use std::process::Command;

use common::Rabbit;

/// Cargo builds the examples with the tests, into a folder beside theirs.
fn example(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("this program has a path");
    let target = this.parent().and_then(|deps| deps.parent());
    let target = target.expect("it lies in the target folder");
    target.join("examples").join(name)
}

/// What an example prints.
async fn printed(name: &str) -> Option<String> {
    let Rabbit::Real { address, .. } = common::real().await? else {
        return None;
    };
    let mut command = Command::new(example(name));
    command.arg(address);
    let running = tokio::task::spawn_blocking(move || command.output());
    let output = running.await.expect("joins").expect("cargo built it");
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8(output.stdout).expect("is text"))
}

#[tokio::test]
async fn the_semaphore_is_taken_used_and_given_back() {
    for _ in 0..2 {
        let Some(printed) = printed("semaphore").await else {
            return;
        };
        assert_eq!(printed, "printing on 1\npage 1\npage 2\npage 3\n");
    }
}

#[tokio::test]
async fn the_mutex_is_taken_and_given_back() {
    let Some(printed) = printed("mutex").await else {
        return;
    };
    assert_eq!(printed, "");
}
