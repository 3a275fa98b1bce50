//! A task that does not outlive its handle.

use tokio::task::JoinHandle;

/// Aborts its task when it is dropped.
#[derive(Debug)]
pub(super) struct Background(JoinHandle<()>);

impl Background {
    pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.0.abort();
    }
}
