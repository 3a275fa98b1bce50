//! The proxy inside this process.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinHandle;

use crate::collection::Collection;
use crate::proxy::Counters;
use crate::server::{Shared, serve_collection};

/// A proxy server on a port of the loopback interface, for as long as this value lives.
#[derive(Debug)]
pub struct Embedded {
    address: SocketAddr,
    collection: Shared,
    /// Dropping it stops the server.
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Embedded {
    /// Starts the server; `seed` decides all chance.
    ///
    /// # Errors
    /// No port could be bound.
    pub async fn start(seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let collection = Arc::new(Mutex::new(Collection::new(seed)));
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = serve_collection(listener, Arc::clone(&collection), async move {
            drop(stopped.await);
        });
        Ok(Self {
            address,
            collection,
            stop,
            task: tokio::spawn(serving),
        })
    }

    /// The address of the API, for [`crate::toxiproxy::Client::new`].
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What a proxy has done and does; `None` if there is no such proxy. A real Toxiproxy has no such thing.
    pub async fn counters(&self, proxy: &str) -> Option<Counters> {
        let collection = self.collection.lock().await;
        collection
            .get(proxy)
            .ok()
            .map(|proxy| proxy.live().counters())
    }

    /// Stops the server, closes all connections, and returns when that is done. Dropping the value does the same
    /// without waiting for it.
    ///
    /// # Errors
    /// The server had stopped by itself.
    pub async fn shutdown(self) -> io::Result<()> {
        drop(self.stop);
        self.task.await.map_err(io::Error::other)?
    }
}
