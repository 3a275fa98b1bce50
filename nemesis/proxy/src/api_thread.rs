//! The thread that answers the API.
//!
//! It has a runtime to itself, so that no load on the proxies makes their API wait: a nemesis must
//! be able to take a fault off whatever its victims do.

use std::future::{Future, IntoFuture};
use std::io;
use std::net;
use std::thread;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::runtime::{self, Runtime};
use tokio::sync::oneshot;

/// How long requests that are being answered may take to end once the server is told to stop.
const GRACE: Duration = Duration::from_secs(2);

/// A server on a thread of its own. Dropping it stops the server, too.
#[derive(Debug)]
pub(crate) struct ApiThread {
    stop: oneshot::Sender<()>,
    ended: oneshot::Receiver<io::Result<()>>,
}

impl ApiThread {
    /// Begins to answer what comes to `listener`.
    pub(crate) fn start(listener: net::TcpListener, router: Router) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        thread::Builder::new()
            .name("proxy-api".to_owned())
            .spawn(move || {
                // Fails only if nobody waits any more.
                let _ = end.send(run(runtime, listener, router, stopped));
            })?;
        Ok(Self { stop, ended })
    }

    /// Waits until the server ends, which it does at `shutdown` and when its listener is of no more
    /// use.
    pub(crate) async fn until(mut self, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let ended = tokio::select! {
            ended = &mut self.ended => ended,
            () = shutdown => {
                drop(self.stop);
                self.ended.await
            }
        };
        ended.unwrap_or_else(|_| Err(io::Error::other("the thread of the API ended by a panic")))
    }
}

fn run(
    runtime: Runtime,
    listener: net::TcpListener,
    router: Router,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let result = runtime.block_on(serve(listener, router, stopped));
    // A name that is being looked up is not waited for.
    runtime.shutdown_background();
    result
}

async fn serve(
    listener: net::TcpListener,
    router: Router,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let (stop, stopping) = oneshot::channel::<()>();
    let serving = axum::serve(listener, router)
        .with_graceful_shutdown(async move { drop(stopping.await) })
        .into_future();
    tokio::pin!(serving);
    tokio::select! {
        result = &mut serving => result,
        _ = stopped => {
            drop(stop);
            // Requests that take longer lose their answer.
            tokio::time::timeout(GRACE, serving).await.unwrap_or(Ok(()))
        }
    }
}
