//! The proxies inside this process.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, MutexGuard};

use crate::account::Account;
use crate::collection::{Collection, Wish};
use crate::error::ProxyError;
use crate::proxies::{Proxies, ProxiesError};
use crate::proxy::Counters;
use crate::toxic::Toxic;

/// Proxies in this process, on the runtime that puts them up. Clones are the same proxies; they are
/// gone, and their connections closed, when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Embedded {
    collection: Arc<Mutex<Collection>>,
}

impl Embedded {
    /// No proxies yet; `seed` decides all chance: jitter, toxicity, slices.
    pub fn new(seed: u64) -> Self {
        Self {
            collection: Arc::new(Mutex::new(Collection::new(seed))),
        }
    }

    /// What a proxy has done and does; `None` if there is no such proxy. A real Toxiproxy has no
    /// such thing.
    pub async fn counters(&self, proxy: &str) -> Option<Counters> {
        let all = self.lock().await;
        all.get(proxy).ok().map(|proxy| proxy.live().counters())
    }

    /// Takes all proxies down; returns when their connections are closed.
    pub async fn clear(&self) {
        self.lock().await.clear().await;
    }

    /// The proxies, for one change at a time: what it says holds when the lock is given back.
    pub(crate) async fn lock(&self) -> MutexGuard<'_, Collection> {
        self.collection.lock().await
    }
}

#[async_trait]
impl Proxies for Embedded {
    async fn put(&self, name: &str, listen: &str, upstream: &str) -> Result<String, ProxiesError> {
        let failed = |source| refused(format!("put up {name} on {listen}"), source);
        let mut all = self.lock().await;
        gone(all.delete(name).await).map_err(failed)?;
        let wish = Wish::of(name, listen, upstream);
        Ok(all
            .create(&wish, &Handle::current())
            .await
            .map_err(failed)?
            .listen)
    }

    async fn remove(&self, name: &str) -> Result<(), ProxiesError> {
        let removed = self.lock().await.delete(name).await;
        gone(removed).map_err(|source| refused(format!("take down {name}"), source))
    }

    async fn toxics(&self, proxy: &str) -> Result<Vec<Toxic>, ProxiesError> {
        let all = self.lock().await;
        let toxics = all.get(proxy).map(|proxy| proxy.live().toxics());
        toxics.map_err(|source| refused(format!("list the toxics of {proxy}"), source))
    }

    async fn add_toxic(&self, proxy: &str, toxic: &Toxic) -> Result<(), ProxiesError> {
        let all = self.lock().await;
        let added = all
            .get(proxy)
            .and_then(|proxy| proxy.live().add(toxic.clone()));
        let what = || format!("add the toxic {} to {proxy}", toxic.name);
        added.map(drop).map_err(|source| refused(what(), source))
    }

    async fn remove_toxic(&self, proxy: &str, toxic: &str) -> Result<(), ProxiesError> {
        let all = self.lock().await;
        let removed = all.get(proxy).and_then(|proxy| proxy.live().remove(toxic));
        let what = || format!("remove the toxic {toxic} from {proxy}");
        gone(removed).map_err(|source| refused(what(), source))
    }

    async fn set_enabled(&self, proxy: &str, enabled: bool) -> Result<(), ProxiesError> {
        let wish = Wish::to_be(enabled);
        let updated = self.lock().await.update(proxy, &wish).await;
        let verb = if enabled { "enable" } else { "disable" };
        let failed = |source| refused(format!("{verb} {proxy}"), source);
        updated.map(drop).map_err(failed)
    }

    async fn account(&self, proxy: &str) -> Result<Account, ProxiesError> {
        let all = self.lock().await;
        let counters = all.get(proxy).map(|proxy| proxy.live().counters());
        let failed = |source| refused(format!("count for {proxy}"), source);
        counters.map(Account::from).map_err(failed)
    }

    async fn are_own(&self) -> Result<bool, ProxiesError> {
        Ok(true)
    }
}

/// What is not there is as good as removed.
fn gone(removed: Result<(), ProxyError>) -> Result<(), ProxyError> {
    match removed {
        Err(error) if error.is_not_found() => Ok(()),
        other => other,
    }
}

/// What the proxies of this process could not do.
#[derive(Debug, thiserror::Error)]
#[error("the embedded proxy could not {what}: {source}; {}", .source.remedy())]
struct Refused {
    what: String,
    source: ProxyError,
}

fn refused(what: String, source: ProxyError) -> ProxiesError {
    ProxiesError(Box::new(Refused { what, source }))
}
