//! Why a proxy or a toxic is not as somebody wanted it, in Toxiproxy's words.

use std::fmt::Display;
use std::io;

/// What can be wrong with a change of proxies and toxics. The texts are those of Toxiproxy's API,
/// which its clients know.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// A value cannot be read, or means nothing.
    #[error("bad request body: {0}")]
    BadBody(String),
    /// Something that must be there is not; the text says what.
    #[error("missing required field: {0}")]
    MissingField(String),
    /// The direction is none.
    #[error("stream was invalid, can be either upstream or downstream")]
    InvalidStream,
    /// There is no such kind of toxic.
    #[error("invalid toxic type")]
    InvalidToxicType,
    /// There is no such proxy.
    #[error("proxy not found")]
    ProxyNotFound,
    /// The proxy has no such toxic.
    #[error("toxic not found")]
    ToxicNotFound,
    /// There is a proxy of that name.
    #[error("proxy already exists")]
    ProxyExists,
    /// The proxy has a toxic of that name.
    #[error("toxic already exists")]
    ToxicExists,
    /// The proxy cannot listen there: the port is in use, say.
    #[error(transparent)]
    Listen(#[from] io::Error),
}

impl ProxyError {
    pub(crate) fn bad_body(why: impl Display) -> Self {
        Self::BadBody(why.to_string())
    }

    /// Whether what was to be changed is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::ProxyNotFound | Self::ToxicNotFound)
    }

    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::BadBody(_)
            | Self::MissingField(_)
            | Self::InvalidStream
            | Self::InvalidToxicType => "correct the request",
            Self::ProxyNotFound | Self::ToxicNotFound => "create it first",
            Self::ProxyExists | Self::ToxicExists => "delete the old one or take another name",
            Self::Listen(_) => "take a listen address that is free on the proxy's machine",
        }
    }
}
