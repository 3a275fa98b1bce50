//! A lock in Rust as a program that the prover can test: any [`locks::Lock`], here the exclusive
//! queue.
//!
//! `cargo build -p process --examples`, then
//! `cargo run -p prover -- --lock 'process:target/debug/examples/rust_adapter' --nemesis partition`

use std::sync::Arc;

use locks::{ExclusiveQueue, Options};
use tokio::io::{BufReader, stdin, stdout};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let lock = Arc::new(ExclusiveQueue);
    let input = BufReader::new(stdin());
    process::serve(lock, Options::default(), input, stdout()).await
}
