//! All proxies of a server, by name.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use tokio::runtime::Handle;

use crate::error::ProxyError;
use crate::proxy::{Counters, Proxy};
use crate::record::ProxyRecord;

/// All proxies, by name.
#[derive(Debug)]
pub(crate) struct Collection {
    seed: u64,
    proxies: BTreeMap<String, Proxy>,
}

/// A proxy as a client asks for it. All may be left out, as all may in Toxiproxy's own programs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wish {
    name: Option<String>,
    listen: Option<String>,
    upstream: Option<String>,
    enabled: Option<bool>,
}

impl Wish {
    /// An enabled proxy.
    pub(crate) fn of(name: &str, listen: &str, upstream: &str) -> Self {
        Self {
            name: Some(name.to_owned()),
            listen: Some(listen.to_owned()),
            upstream: Some(upstream.to_owned()),
            enabled: Some(true),
        }
    }

    /// No change but whether it accepts.
    pub(crate) fn to_be(enabled: bool) -> Self {
        Self {
            enabled: Some(enabled),
            ..Self::default()
        }
    }

    /// The name and the server's address, which must be there; `place` tells which one of several
    /// lacks them.
    fn required(&self, place: &str) -> Result<(&str, &str), ProxyError> {
        let name = self.name.as_deref().filter(|name| !name.is_empty());
        let upstream = self
            .upstream
            .as_deref()
            .filter(|upstream| !upstream.is_empty());
        Ok((
            name.ok_or_else(|| ProxyError::MissingField(format!("name{place}")))?,
            upstream.ok_or_else(|| ProxyError::MissingField(format!("upstream{place}")))?,
        ))
    }
}

impl Collection {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            proxies: BTreeMap::new(),
        }
    }

    pub(crate) fn records(&self) -> BTreeMap<&str, ProxyRecord> {
        self.proxies
            .iter()
            .map(|(name, proxy)| (name.as_str(), proxy.record()))
            .collect()
    }

    /// All proxies with what they have done.
    pub(crate) fn counted(&self) -> Vec<(ProxyRecord, Counters)> {
        let proxies = self.proxies.values();
        proxies
            .map(|proxy| (proxy.record(), proxy.live().counters()))
            .collect()
    }

    pub(crate) fn get(&self, name: &str) -> Result<&Proxy, ProxyError> {
        self.proxies.get(name).ok_or(ProxyError::ProxyNotFound)
    }

    fn get_mut(&mut self, name: &str) -> Result<&mut Proxy, ProxyError> {
        self.proxies.get_mut(name).ok_or(ProxyError::ProxyNotFound)
    }

    /// Makes a proxy, on `runtime`.
    pub(crate) async fn create(
        &mut self,
        wish: &Wish,
        runtime: &Handle,
    ) -> Result<ProxyRecord, ProxyError> {
        let (name, _) = wish.required("")?;
        if self.proxies.contains_key(name) {
            return Err(ProxyError::ProxyExists);
        }
        self.put(wish, runtime).await
    }

    /// Starts a new proxy, if wished.
    async fn put(&mut self, wish: &Wish, runtime: &Handle) -> Result<ProxyRecord, ProxyError> {
        let (name, upstream) = wish.required("")?;
        let listen = wish.listen.as_deref().unwrap_or_default();
        let mut proxy = Proxy::new(self.seed, name, listen, upstream, runtime);
        if wish.enabled.unwrap_or(true) {
            proxy.start().await?;
        }
        let record = proxy.record();
        self.proxies.insert(name.to_owned(), proxy);
        Ok(record)
    }

    /// Moves, enables or disables a proxy; what is left out stays. Other words for the same address
    /// move nothing, and an address where it cannot listen changes nothing.
    pub(crate) async fn update(
        &mut self,
        name: &str,
        wish: &Wish,
    ) -> Result<ProxyRecord, ProxyError> {
        let proxy = self.get_mut(name)?;
        let (listen, upstream) = (wish.listen.as_deref(), wish.upstream.as_deref());
        let to = proxy.plan(listen, upstream).await?;
        let enabled = wish.enabled.unwrap_or(proxy.is_enabled());
        proxy.update(to, enabled).await?;
        Ok(proxy.record())
    }

    pub(crate) async fn delete(&mut self, name: &str) -> Result<(), ProxyError> {
        let mut proxy = self.proxies.remove(name).ok_or(ProxyError::ProxyNotFound)?;
        proxy.stop().await;
        Ok(())
    }

    /// Creates all of them, in place of others with the same names; a proxy that is there already,
    /// between the same addresses, stays as it is. Returns those that were made before something
    /// went wrong.
    pub(crate) async fn populate(
        &mut self,
        wishes: &[Wish],
        runtime: &Handle,
    ) -> (Vec<ProxyRecord>, Option<ProxyError>) {
        if let Err(error) = check(wishes) {
            return (Vec::new(), Some(error));
        }
        let mut records = Vec::new();
        for wish in wishes {
            match self.put_unless_there(wish, runtime).await {
                Ok(record) => records.push(record),
                Err(error) => return (records, Some(error)),
            }
        }
        (records, None)
    }

    async fn put_unless_there(
        &mut self,
        wish: &Wish,
        runtime: &Handle,
    ) -> Result<ProxyRecord, ProxyError> {
        let (name, upstream) = wish.required("")?;
        let Some(there) = self.proxies.get_mut(name) else {
            return self.put(wish, runtime).await;
        };
        let listen = wish.listen.as_deref().unwrap_or_default();
        let to = there.plan(Some(listen), Some(upstream)).await?;
        if to.is_elsewhere() {
            there.replace(to, wish.enabled.unwrap_or(true)).await?;
        } else {
            there.update(to, there.is_enabled()).await?;
        }
        Ok(there.record())
    }

    /// Enables all proxies and removes all toxics. One that cannot listen keeps no other from it; the
    /// first error is told.
    pub(crate) async fn reset(&mut self) -> Result<(), ProxyError> {
        let mut result = Ok(());
        for proxy in self.proxies.values_mut() {
            let started = proxy.start().await;
            proxy.live().reset();
            result = result.and(started);
        }
        result.map_err(ProxyError::from)
    }

    /// Stops and forgets all proxies.
    pub(crate) async fn clear(&mut self) {
        for proxy in self.proxies.values_mut() {
            proxy.stop().await;
        }
        self.proxies.clear();
    }
}

/// Finds what is wrong with a list of proxies before any of them is made.
fn check(wishes: &[Wish]) -> Result<(), ProxyError> {
    let mut names = BTreeSet::new();
    for (number, wish) in (1..).zip(wishes) {
        let (name, _) = wish.required(&format!(" at proxy {number}"))?;
        if !names.insert(name) {
            return Err(ProxyError::bad_body(format_args!(
                "duplicate proxy name {name:?}"
            )));
        }
    }
    Ok(())
}
