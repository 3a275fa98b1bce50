//! Whoever wants the program to end: once for an orderly stop, twice for an end at once.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::exit::Exit;
use crate::output;

/// Resolves when somebody wants the program to end, and at once if somebody did before. From the
/// first call on, a second signal ends the process on the spot, whatever it is doing.
pub(crate) async fn interrupted() {
    static WANTED: OnceLock<watch::Receiver<bool>> = OnceLock::new();
    let mut wanted = WANTED.get_or_init(listen).clone();
    if wanted.wait_for(|wanted| *wanted).await.is_err() {
        // Where no signal can be listened to, nobody interrupts.
        std::future::pending::<()>().await;
    }
}

/// Does something that keeps this thread busy and asks now and then whether to go on; says also
/// whether it was interrupted.
pub(crate) async fn unless_interrupted<T>(
    work: impl FnOnce(&(dyn Fn() -> bool + Sync)) -> T,
) -> (T, bool) {
    let is_over = Arc::new(AtomicBool::new(false));
    let told = is_over.clone();
    let listening = tokio::spawn(async move {
        interrupted().await;
        told.store(true, Ordering::Relaxed);
    });
    let done = tokio::task::block_in_place(|| work(&|| !is_over.load(Ordering::Relaxed)));
    listening.abort();
    (done, is_over.load(Ordering::Relaxed))
}

fn listen() -> watch::Receiver<bool> {
    let (wanted, watching) = watch::channel(false);
    if let Ok(mut signals) = Signals::listen() {
        tokio::spawn(async move {
            signals.next().await;
            output::note("interrupted: stopping in order; interrupt again to end at once");
            wanted.send_replace(true);
            signals.next().await;
            output::note(
                "interrupted again: ended at once; `prover clean` removes what is left behind",
            );
            std::process::exit(Exit::Interrupted as i32)
        });
    }
    watching
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
