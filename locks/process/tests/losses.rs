//! News of a loss that crosses a request on its way.

use std::collections::BTreeMap;
use std::time::Duration;

use locks::{Answer, ClientConfig, ErrorKind, Lock, Loss, Session};
use process::ProcessLock;
use tokio::time::timeout;

/// A program in sh that answers each request by these lines; `ID` stands for its number.
async fn session(answers: &str) -> Box<dyn Session> {
    lock_and_session(answers).await.1
}

/// The same with its lock.
async fn lock_and_session(answers: &str) -> (ProcessLock, Box<dyn Session>) {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("lock.sh");
    let text = format!(
        r#"say() {{ echo "{{\"src\":\"n0\",\"dest\":\"c0\",\"body\":$1}}"; }}
while read -r line; do
    id=${{line#*\"msg_id\":}}; id=${{id%%,*}}
    case $line in
    *'"type":"init"'*) say "{{\"type\":\"init_ok\",\"in_reply_to\":$id,\"name\":\"x\",\"kind\":\"mutex\",\"operations\":[\"acquire\",\"verify\",\"release\"]}}" ;;
    *'"type":"close"'*) say "{{\"type\":\"close_ok\",\"in_reply_to\":${{id%\}}*}}}}"; exit ;;
{answers}
    esac
done
"#
    );
    std::fs::write(&script, text).expect("there is a place");
    let command = format!("sh '{}'", script.display());
    let lock = ProcessLock::introduce(&command, BTreeMap::new()).await;
    let lock = lock.unwrap_or_else(|error| panic!("{error}"));
    let client = ClientConfig::of_rabbitmq("", "prover-test");
    let opened = lock.open(&client).await.expect("a session");
    // The shell has opened its script.
    drop(folder);
    (lock, opened)
}

const GRANTED: &str = r#"    *'"type":"acquire"'*) say "{\"type\":\"acquire_ok\",\"in_reply_to\":$id,\"held\":true}" ;;"#;

#[tokio::test]
async fn a_holder_that_hears_of_its_loss_waits_for_no_answer() {
    let verify = r#"    *'"type":"verify"'*) say "{\"type\":\"lost\",\"key\":\"k\",\"text\":\"a timer\"}" ;;"#;
    let mut session = session(&format!("{GRANTED}\n{verify}")).await;
    session.acquire("k").await.expect("granted");
    let verified = timeout(Duration::from_secs(60), session.verify("k")).await;
    let error = verified.expect("it does not wait").expect_err("no answer");
    assert_eq!(
        (error.kind, error.text.as_str()),
        (ErrorKind::LostMeanwhile, "a timer")
    );
    let loss = session.loss_notification().await;
    assert!(matches!(loss, Loss::Key(key, _) if key == "k"));
}

#[tokio::test]
async fn old_news_is_not_about_a_new_hold() {
    let granted = r#"    *'"type":"acquire"'*) say "{\"type\":\"lost\",\"key\":\"k\"}"; say "{\"type\":\"acquire_ok\",\"in_reply_to\":$id,\"held\":true}" ;;
    *'"type":"verify"'*) say "{\"type\":\"lost\",\"key\":\"other\"}"; say "{\"type\":\"verify_ok\",\"in_reply_to\":$id,\"held\":true}" ;;"#;
    let mut session = session(granted).await;
    session.acquire("k").await.expect("granted");
    assert_eq!(session.verify("k").await, Ok(Answer::Held));
}

/// A crash takes the session first, and the process in its turn: that the program ends in between is
/// no misconduct.
#[tokio::test]
async fn a_program_whose_session_was_given_up_may_end() {
    let (lock, session) = lock_and_session(GRANTED).await;
    let own = session.process().expect("it has a process");
    drop(session);
    let ended = async {
        while own.state().is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let ended = timeout(Duration::from_secs(60), ended).await;
    ended.expect("its input is closed");
    let accused = timeout(Duration::from_secs(2), lock.misconduct()).await;
    assert!(accused.is_err(), "{accused:?}");
}
