//! A task that does not outlive its handle.

use tokio::task::JoinHandle;

/// Aborts its task when it is dropped.
#[derive(Debug)]
pub(super) struct Background(JoinHandle<()>);

impl Background {
    pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }

    /// Aborts it, and waits until everything that it held is dropped.
    pub(super) async fn end(mut self) {
        self.0.abort();
        // That it was aborted is no news.
        let _ = (&mut self.0).await;
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.0.abort();
    }
}
