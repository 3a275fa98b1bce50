//! Takes the mutex of a key on a running RabbitMQ, does the work that nobody else may do meanwhile,
//! and gives it back.
//!
//! `cargo run -p locks --example mutex -- 127.0.0.1:5672`

use locks::{Answer, ClientConfig, ExclusiveQueue, Lock};

#[tokio::main]
async fn main() -> Result<(), locks::Error> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:5672".into());
    let client = ClientConfig::of_rabbitmq(&address, "example");
    let mut session = ExclusiveQueue.open(&client).await?;
    session.acquire("printer").await?;
    let answer = session.verify("printer").await?;
    assert_eq!(answer, Answer::Held, "lost it at once");
    session.release("printer").await?;
    session.close().await;
    Ok(())
}
