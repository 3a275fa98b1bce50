//! A session that is a process of its own.

use std::fmt;

use async_trait::async_trait;

/// The operating system's process that a session lives in, with whatever it has started: what
/// stops, resumes and kills it. Each call returns when that is so.
#[async_trait]
pub trait OwnProcess: fmt::Debug + Send + Sync {
    /// Stops it where it is: it neither computes nor answers, and its connections go silent.
    ///
    /// # Errors
    /// The system refuses.
    async fn stop(&self) -> std::io::Result<()>;

    /// The state that the operating system shows of it (`T` where it is stopped), where it shows
    /// any.
    fn state(&self) -> Option<String>;

    /// Lets it go on, as if nothing had happened.
    ///
    /// # Errors
    /// The system refuses.
    async fn resume(&self) -> std::io::Result<()>;

    /// Kills it at once.
    ///
    /// # Errors
    /// The system refuses.
    async fn kill(&self) -> std::io::Result<()>;
}
