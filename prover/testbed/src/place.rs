//! Where a service is that runs already, and as whom it is used.

use std::fmt;
use std::net::SocketAddr;

use percent_encoding::percent_decode_str;
use reqwest::Url;

use crate::password::without_password;

/// Gives the password that a URL leaves out.
pub(crate) const PASSWORD: &str = "PROVER_PASSWORD";

/// The place of a service with an account: a URL, whatever the service's own clients make of it.
/// What is shown of it has no password.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    url: Url,
    port: u16,
}

/// How the places of a service are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    /// The schemes that its URLs have, without those that encrypt; the first stands before a bare
    /// `host:port`.
    pub(crate) schemes: &'static [&'static str],
    /// The port where none is named.
    pub(crate) port: u16,
    /// How it is written.
    pub(crate) example: &'static str,
    /// Whether a user cannot come in without a password.
    pub(crate) needs_password: bool,
}

/// Why a text is no place of a service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// It cannot be read; `reason` holds no password.
    #[error("{reason}")]
    Unreadable {
        /// Why not.
        reason: String,
        /// How it is written.
        example: &'static str,
    },
    /// It names a user and nothing gives the password.
    #[error("it names a user and no password")]
    NoPassword,
}

impl Form {
    /// Reads a place; `given` is the password where the text leaves it out.
    pub(crate) fn read(&self, text: &str, given: Option<String>) -> Result<Place, PlaceError> {
        let wrong = |reason: &str| PlaceError::Unreadable {
            reason: reason.to_owned(),
            example: self.example,
        };
        let whole = match text.split_once("://") {
            Some(_) => text.to_owned(),
            None => format!("{}://{text}", self.schemes[0]),
        };
        let mut url: Url = whole
            .parse()
            .map_err(|_| wrong("it cannot be read as a URL"))?;
        if !self.schemes.contains(&url.scheme()) {
            let only = format!("only plain {}:// passes through a proxy", self.schemes[0]);
            return Err(wrong(&only));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(wrong("it names no host"));
        }
        if url.query().is_some_and(|query| query.contains("password")) {
            return Err(wrong("its password must stand behind the user"));
        }
        if !url.username().is_empty() && url.password().is_none() {
            let done = given.map(|given| url.set_password(Some(&given)));
            if done.is_none() && self.needs_password {
                return Err(PlaceError::NoPassword);
            }
        }
        Ok(Place {
            url,
            port: self.port,
        })
    }

    /// The place of this URL, which the program itself has made.
    pub(crate) fn own(&self, url: &str) -> Place {
        Place {
            url: url.parse().expect("a URL of parts that fit"),
            port: self.port,
        }
    }

    /// The same with the password that the environment gives.
    pub(crate) fn place(&self, text: &str) -> Result<Place, PlaceError> {
        self.read(text, std::env::var(PASSWORD).ok())
    }
}

impl Place {
    /// `host:port`, as it is connected to.
    #[must_use]
    pub fn address(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        format!("{host}:{}", self.port())
    }

    /// The host; an IPv6 address stands in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(self.port)
    }

    /// The same account at another address: behind a link.
    #[must_use]
    pub fn at(&self, address: SocketAddr) -> Self {
        let mut url = self.url.clone();
        // Every URL of a host can have another one.
        let _ = url.set_ip_host(address.ip());
        let _ = url.set_port(Some(address.port()));
        Self {
            url,
            port: self.port,
        }
    }

    /// The user, if it has one.
    pub(crate) fn user(&self) -> Option<String> {
        let user = self.url.username();
        (!user.is_empty()).then(|| decoded(user))
    }

    /// The password, if it has one.
    pub(crate) fn password(&self) -> Option<String> {
        self.url.password().map(decoded)
    }

    /// The path without its first slash, decoded.
    pub(crate) fn path(&self) -> String {
        decoded(self.url.path().trim_start_matches('/'))
    }

    /// The whole URL, with the password.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.as_str()
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_password(self.url()))
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
