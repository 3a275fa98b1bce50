//! Takes a slot of a persistent semaphore on a running RabbitMQ, does the work that at most three
//! may do at a time, and gives it back.
//!
//! `cargo run -p locks --example semaphore -- 127.0.0.1:5672`

#![allow(clippy::print_stdout, reason = "it is a program for people")]

use locks::{Answer, ClientConfig, Error, Lock, PersistentSemaphore};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:5672".into());
    let client = ClientConfig::of_rabbitmq(&address, "example");
    PersistentSemaphore.create(&client, "printers", 3).await?;

    let mut session = PersistentSemaphore.open(&client).await?;
    let grant = session.acquire("printers").await?;
    println!("printing on {}", grant.slot.unwrap_or_default());
    for page in 1..=3 {
        // A page must be short: in between the lock may be lost.
        if session.verify("printers").await? == Answer::Lost {
            break;
        }
        println!("page {page}");
    }
    session.release("printers").await?;
    session.close().await;
    Ok(())
}
