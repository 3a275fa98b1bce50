//! The client of Toxiproxy's HTTP API, for a real Toxiproxy and for the proxies that this crate
//! serves alike.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Method, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::account::Account;
use crate::metrics;
use crate::proxies::{Proxies, ProxiesError};
use crate::record::ProxyRecord;
use crate::toxic::Toxic;

/// What the version of this crate's proxies ends with.
const OWN: &str = "+prover";

/// Longer than Toxiproxy's own limit of 25 s for an answer; what waits for clients who are gone is
/// done sooner, with 5 s for each of the few pieces that it has at hand.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longer than it takes to disable a proxy where nothing is in the way.
const DISABLE_WAIT: Duration = Duration::from_secs(1);

/// What can go wrong between the client and the API.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address makes no URL.
    #[error("{url:?} is no address of a Toxiproxy API; write it like http://127.0.0.1:8474")]
    Address {
        /// What was given.
        url: String,
    },
    /// The client could not be made.
    #[error("the HTTP client for {url} could not be set up; report this with its cause")]
    Setup {
        /// The address of the API.
        url: String,
        /// The cause.
        source: reqwest::Error,
    },
    /// Nobody answered.
    #[error(
        "{request} had no answer; start a Toxiproxy there (`prover proxy` is one) or give the right address"
    )]
    NoAnswer {
        /// What was asked: method and URL.
        request: String,
        /// The cause.
        source: reqwest::Error,
    },
    /// Somebody is there and does not answer.
    #[error(
        "{request} had no answer in time: the Toxiproxy there does not answer any more, for it waits for a client or a server that does not read; restart it, then run again"
    )]
    Stuck {
        /// What was asked: method and URL.
        request: String,
    },
    /// The API said no.
    #[error("{request} was refused with {}: {message}; {}", status.as_u16(), remedy(*status))]
    Refused {
        /// What was asked: method and URL.
        request: String,
        /// The HTTP status.
        status: StatusCode,
        /// What the API said.
        message: String,
    },
    /// The answer makes no sense.
    #[error("{request} answered something else than Toxiproxy's API would; check the address")]
    Answer {
        /// What was asked: method and URL.
        request: String,
        /// The cause.
        source: reqwest::Error,
    },
}

impl Error {
    /// Whether the API said that there is no such proxy or toxic.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == StatusCode::NOT_FOUND)
    }
}

fn remedy(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "correct the request",
        StatusCode::NOT_FOUND => "create it first, or look at GET /proxies for the names there are",
        StatusCode::CONFLICT => "delete the old one or take another name",
        StatusCode::INTERNAL_SERVER_ERROR => {
            "take a listen address that is free on the proxy's machine"
        }
        _ => "look at the proxy's log",
    }
}

/// A client of one Toxiproxy API. Clones share its connections.
#[derive(Clone, Debug)]
pub struct ApiClient {
    http: reqwest::Client,
    base: Url,
}

impl ApiClient {
    /// A client of the API at `url`, such as `http://127.0.0.1:8474`. Nothing is sent yet.
    ///
    /// # Errors
    /// The address is none.
    pub fn new(url: &str) -> Result<Self, Error> {
        let address = || Error::Address {
            url: without_account(url),
        };
        let base = Url::parse(url).map_err(|_| address())?;
        if base.cannot_be_a_base() || !matches!(base.scheme(), "http" | "https") {
            return Err(address());
        }
        let http = reqwest::Client::builder()
            // The API is close by; a proxy from the environment would not reach it.
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            .build()
            .map_err(|source| Error::Setup {
                url: shown(&base).into(),
                source,
            })?;
        Ok(Self { http, base })
    }

    /// The version that the API tells. Before 2.7 Toxiproxy's answer is not quite JSON, so that one
    /// is taken as it stands.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn version(&self) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct Version {
            version: String,
        }
        let (request, response) = self.send(Method::GET, &["version"], None).await?;
        let text = response
            .text()
            .await
            .map_err(|source| Error::Answer { request, source })?;
        let json = serde_json::from_str(&text).map(|version: Version| version.version);
        Ok(json.unwrap_or_else(|_| text.trim().to_owned()))
    }

    /// All proxies, by name.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn proxies(&self) -> Result<BTreeMap<String, ProxyRecord>, Error> {
        self.ask(Method::GET, &["proxies"], None).await
    }

    /// One proxy.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn proxy(&self, name: &str) -> Result<ProxyRecord, Error> {
        self.ask(Method::GET, &["proxies", name], None).await
    }

    /// Creates and enables a proxy; the answer names the port that it got if `listen` left that
    /// open (port 0). `upstream` is the server's address as the proxy sees it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn create(
        &self,
        name: &str,
        listen: &str,
        upstream: &str,
    ) -> Result<ProxyRecord, Error> {
        let body = json!({"name": name, "listen": listen, "upstream": upstream, "enabled": true});
        self.ask(Method::POST, &["proxies"], Some(&body)).await
    }

    /// Creates several proxies at once, in place of others of the same names.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn populate(&self, proxies: &[ProxyRecord]) -> Result<Vec<ProxyRecord>, Error> {
        #[derive(Deserialize)]
        struct Populated {
            proxies: Vec<ProxyRecord>,
        }
        let body = to_json(proxies);
        let populated: Populated = self.ask(Method::POST, &["populate"], Some(&body)).await?;
        Ok(populated.proxies)
    }

    /// Deletes a proxy and closes its connections.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete(&self, name: &str) -> Result<(), Error> {
        self.tell(Method::DELETE, &["proxies", name]).await
    }

    /// Lets a disabled proxy accept again.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn enable(&self, name: &str) -> Result<ProxyRecord, Error> {
        self.set_enabled(name, true).await
    }

    /// Closes a proxy's connections and refuses new ones.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn disable(&self, name: &str) -> Result<ProxyRecord, Error> {
        self.set_enabled(name, false).await
    }

    async fn set_enabled(&self, name: &str, enabled: bool) -> Result<ProxyRecord, Error> {
        // POST and not PATCH: Toxiproxy before 2.6 knows no PATCH.
        let body = json!({ "enabled": enabled });
        self.ask(Method::POST, &["proxies", name], Some(&body))
            .await
    }

    /// A proxy's toxics.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn toxics(&self, proxy: &str) -> Result<Vec<Toxic>, Error> {
        self.ask(Method::GET, &["proxies", proxy, "toxics"], None)
            .await
    }

    /// Adds a toxic behind the others of its direction.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn add_toxic(&self, proxy: &str, toxic: &Toxic) -> Result<Toxic, Error> {
        let body = to_json(toxic);
        self.ask(Method::POST, &["proxies", proxy, "toxics"], Some(&body))
            .await
    }

    /// Gives the toxic of that name other attributes and another toxicity.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn update_toxic(&self, proxy: &str, toxic: &Toxic) -> Result<Toxic, Error> {
        let body = to_json(toxic);
        let path = ["proxies", proxy, "toxics", &toxic.name];
        self.ask(Method::POST, &path, Some(&body)).await
    }

    /// Removes a toxic.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn remove_toxic(&self, proxy: &str, toxic: &str) -> Result<(), Error> {
        self.tell(Method::DELETE, &["proxies", proxy, "toxics", toxic])
            .await
    }

    /// What `/metrics` says of a proxy; nothing is known where that says nothing.
    pub async fn account(&self, proxy: &str) -> Account {
        let text = async {
            let (_, response) = self.send(Method::GET, &["metrics"], None).await.ok()?;
            response.text().await.ok()
        };
        let text = text.await;
        text.map_or(Account::UNKNOWN, |text| metrics::account(&text, proxy))
    }

    /// Enables all proxies and removes all toxics.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn reset(&self) -> Result<(), Error> {
        self.tell(Method::POST, &["reset"]).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<T, Error> {
        let (request, response) = self.send(method, path, body).await?;
        response
            .json()
            .await
            .map_err(|source| Error::Answer { request, source })
    }

    async fn tell(&self, method: Method, path: &[&str]) -> Result<(), Error> {
        self.send(method, path, None).await.map(drop)
    }

    /// Sends a request; returns what it was, for errors about the answer, and the answer.
    async fn send(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<(String, Response), Error> {
        let url = self.url(path);
        let name = format!("{method} {}", shown(&url));
        let mut request = self.http.request(method, url);
        if let Some(body) = body {
            request = request.json(body);
        }
        match request.send().await {
            Ok(response) if response.status().is_success() => Ok((name, response)),
            // What Toxiproxy says when its own time limit is over.
            Ok(response) if response.status() == StatusCode::SERVICE_UNAVAILABLE => {
                Err(Error::Stuck { request: name })
            }
            Ok(response) => Err(refused(name, response).await),
            Err(source) if source.is_timeout() && !source.is_connect() => {
                Err(Error::Stuck { request: name })
            }
            Err(source) => Err(Error::NoAnswer {
                request: name,
                source,
            }),
        }
    }

    /// Closes a proxy's connections and waits until it can be deleted. Toxiproxy deletes under a lock
    /// that all requests need, and holds that until a client who has just connected is served; which
    /// may be never, where a toxic cannot be put on or taken off. It disables under the proxy's own.
    async fn step_down(&self, name: &str) -> Result<(), Error> {
        if timeout(DISABLE_WAIT, self.disable(name)).await.is_ok() {
            return Ok(());
        }
        // It may be disabled already, and only the answer wait for its toxics, perhaps for ever. An
        // address that is none is refused before they are looked at, and when the lock is free.
        let nowhere = json!({"listen": "nowhere"});
        let path = ["proxies", name];
        match self.send(Method::POST, &path, Some(&nowhere)).await {
            Err(stuck @ Error::Stuck { .. }) => Err(stuck),
            _ => Ok(()),
        }
    }

    /// Deletes a proxy if there is one.
    async fn take_down(&self, name: &str) -> Result<(), Error> {
        self.step_down(name).await?;
        gone(self.delete(name).await)
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .expect("checked when the client was made")
            .pop_if_empty()
            .extend(path);
        url
    }
}

#[async_trait]
impl Proxies for ApiClient {
    async fn put(&self, name: &str, listen: &str, upstream: &str) -> Result<String, ProxiesError> {
        self.take_down(name).await.map_err(failed)?;
        let record = self.create(name, listen, upstream).await;
        Ok(record.map_err(failed)?.listen)
    }

    async fn remove(&self, name: &str) -> Result<(), ProxiesError> {
        self.take_down(name).await.map_err(failed)
    }

    async fn toxics(&self, proxy: &str) -> Result<Vec<Toxic>, ProxiesError> {
        Self::toxics(self, proxy).await.map_err(failed)
    }

    async fn add_toxic(&self, proxy: &str, toxic: &Toxic) -> Result<(), ProxiesError> {
        let added = Self::add_toxic(self, proxy, toxic).await;
        added.map(drop).map_err(failed)
    }

    async fn remove_toxic(&self, proxy: &str, toxic: &str) -> Result<(), ProxiesError> {
        gone(Self::remove_toxic(self, proxy, toxic).await).map_err(failed)
    }

    async fn set_enabled(&self, proxy: &str, enabled: bool) -> Result<(), ProxiesError> {
        let set = Self::set_enabled(self, proxy, enabled).await;
        set.map(drop).map_err(failed)
    }

    async fn account(&self, proxy: &str) -> Result<Account, ProxiesError> {
        Ok(Self::account(self, proxy).await)
    }

    async fn are_own(&self) -> Result<bool, ProxiesError> {
        let version = self.version().await.map_err(failed)?;
        Ok(version.ends_with(OWN))
    }
}

/// What is not there is as good as removed.
fn gone(removed: Result<(), Error>) -> Result<(), Error> {
    match removed {
        Err(error) if error.is_not_found() => Ok(()),
        other => other,
    }
}

fn failed(error: Error) -> ProxiesError {
    ProxiesError(Box::new(error))
}

async fn refused(request: String, response: Response) -> Error {
    #[derive(Deserialize)]
    struct Said {
        error: String,
    }
    let status = response.status();
    let body = response.text().await.unwrap_or_default();
    let message = serde_json::from_str(&body).map_or(body, |said: Said| said.error);
    Error::Refused {
        request,
        status,
        message,
    }
}

/// A URL without the account in it: errors end up in logs.
fn shown(url: &Url) -> Url {
    let mut shown = url.clone();
    // Neither fails: only a URL without a host has no place for an account.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown
}

/// The same of a text that makes no URL.
fn without_account(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, place))) => format!("{scheme}://{place}"),
        _ => url.to_owned(),
    }
}

fn to_json(value: &(impl Serialize + ?Sized)) -> Value {
    serde_json::to_value(value).expect("plain data")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_a_path_prefix_stays() {
        let client = ApiClient::new("http://127.0.0.1:1/prefix/").unwrap();
        assert_eq!(
            client.url(&["proxies", "a/b c"]).as_str(),
            "http://127.0.0.1:1/prefix/proxies/a%2Fb%20c"
        );
    }

    #[test]
    fn what_is_no_address_is_named_with_the_remedy() {
        for bad in ["", "127.0.0.1:8474", "localhost", "mailto:a@b", "ftp://a"] {
            let error = ApiClient::new(bad).unwrap_err().to_string();
            assert!(error.contains(bad) && error.contains("http://"), "{error}");
        }
    }

    #[tokio::test]
    async fn no_error_shows_a_password() {
        // Nobody listens on the port that was free a moment ago.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let place = port.local_addr().unwrap();
        drop(port);
        let client = ApiClient::new(&format!("http://user:secret@{place}")).unwrap();
        let silent = client.version().await.unwrap_err();
        let address = ApiClient::new("http://user:secret@127.0.0.1:x").unwrap_err();
        for error in [&silent, &address] {
            let text = format!("{error} {error:?}");
            assert!(!text.contains("secret"), "{text}");
            assert!(text.contains("127.0.0.1"), "{text}");
        }
    }
}
