//! The distributed locks under test, and the broker surface they stand on.
//!
//! - [`broker`]: what a lock may do with a message broker, as traits; RabbitMQ is one
//!   implementation, a simulation can be another.
//! - [`Lock`] and [`Session`]: what a worker may do with a lock, and what the lock promises in
//!   return.
//! - [`Certainty`]: what an error says about the operation that met it, decided in one table.
//! - [`recipe`]: what the locks here are made of, for whoever writes another.
//! - [`ALL`]: the registry. A new lock is one new file and its entry there.
//!
//! As a library, on a running RabbitMQ:
//!
//! ```no_run
//! use locks::{Answer, ClientConfig, Error, Lock, PersistentSemaphore};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Error> {
//!     let client = ClientConfig::of_rabbitmq("127.0.0.1:5672", "example");
//!     PersistentSemaphore.create(&client, "printers", 3).await?;
//!
//!     let mut session = PersistentSemaphore.open(&client).await?;
//!     let grant = session.acquire("printers").await?;
//!     println!("printing on {}", grant.slot.unwrap_or_default());
//!     for page in 1..=3 {
//!         // A page must be short: in between the lock may be lost.
//!         if session.verify("printers").await? == Answer::Lost {
//!             break;
//!         }
//!         println!("page {page}");
//!     }
//!     session.release("printers").await?;
//!     session.close().await;
//!     Ok(())
//! }
//! ```

mod action;
mod chosen;
mod client_config;
mod endpoint;
mod error;
mod kind;
mod lock;
mod options;
mod outcome;
mod own_process;
pub mod recipe;
mod registry;
mod run_context;
mod session;

pub mod broker;
mod counted_consumers;
mod exclusive_consumer;
mod exclusive_queue;
mod fenced_mutex;
mod filed_semaphore;
mod mutex_by_message;
mod persistent_mutex;
mod persistent_semaphore;
mod receive_semaphore;

pub use action::Action;
pub use chosen::{Chosen, OptionError};
pub use client_config::ClientConfig;
pub use counted_consumers::CountedConsumers;
pub use endpoint::Endpoint;
pub use error::{Error, ErrorKind};
pub use exclusive_consumer::ExclusiveConsumer;
pub use exclusive_queue::ExclusiveQueue;
pub use fenced_mutex::FencedMutex;
pub use filed_semaphore::FiledSemaphore;
pub use kind::Kind;
pub use lock::Lock;
pub use mutex_by_message::MutexByMessage;
pub use options::{Choice, ConfirmBy, Options, QueueKind, Reconnect, ReleaseBy, Verify};
pub use outcome::Certainty;
pub use own_process::OwnProcess;
pub use persistent_mutex::PersistentMutex;
pub use persistent_semaphore::PersistentSemaphore;
pub use receive_semaphore::ReceiveSemaphore;
pub use registry::ALL;
pub use run_context::RunContext;
pub use session::{Answer, Grant, Loss, Session};
