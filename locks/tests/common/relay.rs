//! A link to the broker that can be cut, or made to swallow everything.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use simulated::Simulation;

pub(crate) struct Relay {
    pub(crate) address: String,
    way: Way,
}

enum Way {
    Real {
        stalled: watch::Sender<bool>,
        tasks: Arc<Mutex<Vec<JoinHandle<()>>>>,
    },
    Simulated(Simulation, usize),
}

impl Relay {
    pub(crate) async fn start(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let stalled = watch::Sender::new(false);
        let tasks = Arc::new(Mutex::new(Vec::new()));
        let accepting = tokio::spawn(accept(
            listener,
            upstream.to_owned(),
            stalled.clone(),
            Arc::clone(&tasks),
        ));
        tasks.lock().unwrap().push(accepting);
        Self {
            address,
            way: Way::Real { stalled, tasks },
        }
    }

    pub(crate) fn simulated(simulation: Simulation, link: usize) -> Self {
        Self {
            address: Simulation::address(link),
            way: Way::Simulated(simulation, link),
        }
    }

    /// From now on nothing passes in either direction, and nothing is closed.
    pub(crate) fn stall(&self) {
        match &self.way {
            Way::Real { stalled, .. } => {
                stalled.send_replace(true);
            }
            Way::Simulated(simulation, link) => simulation.partition(*link).unwrap(),
        }
    }

    /// Lets through what it has held back, and everything else.
    pub(crate) fn heal(&self) {
        match &self.way {
            Way::Real { stalled, .. } => {
                stalled.send_replace(false);
            }
            Way::Simulated(simulation, link) => simulation.heal(*link).unwrap(),
        }
    }

    /// Closes everything and accepts nothing more.
    pub(crate) fn cut(&self) {
        match &self.way {
            Way::Real { tasks, .. } => {
                for task in tasks.lock().unwrap().drain(..) {
                    task.abort();
                }
            }
            Way::Simulated(simulation, link) => simulation.cut(*link).unwrap(),
        }
    }
}

async fn accept(
    listener: TcpListener,
    upstream: String,
    stalled: watch::Sender<bool>,
    tasks: Arc<Mutex<Vec<JoinHandle<()>>>>,
) {
    while let Ok((client, _)) = listener.accept().await {
        let server = TcpStream::connect(&upstream).await.unwrap();
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let up = tokio::spawn(pump(from_client, to_server, stalled.subscribe()));
        let down = tokio::spawn(pump(from_server, to_client, stalled.subscribe()));
        tasks.lock().unwrap().extend([up, down]);
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut stalled: watch::Receiver<bool>) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if stalled.wait_for(|stalled| !stalled).await.is_err() {
            return;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}
