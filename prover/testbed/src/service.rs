//! A service that locks stand on: where its image comes from, what its container is given, how it
//! is asked whether it works, and what it does about a client that falls silent.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;

use crate::container::Container;
use crate::error::TestbedError;
use crate::image::Image;
use crate::label::RunId;
use crate::place::{Place, PlaceError};

/// A sort of service. One of our own starts as many of it as a run asks for.
#[async_trait]
pub trait Service: Send + Sync {
    /// The name on the command line: `redis`.
    fn name(&self) -> &'static str;

    /// What it is called in sentences: `Redis`.
    fn product(&self) -> &'static str;

    /// What one of it is called in an error: `the broker`.
    fn noun(&self) -> &'static str {
        self.product()
    }

    /// One line for `prover list services`.
    fn summary(&self) -> &'static str;

    /// When it gives away the lock of a client that has fallen silent, in a few words.
    fn gives_away(&self) -> &'static str;

    /// How long it may take at the most until a lock that a silent client held can be had again by
    /// the service's own rules; nothing where it has none, so that the lock's lease decides.
    fn patience(&self, heartbeat: Duration) -> Duration;

    /// The image of this name, or of this version; the usual one where none is named.
    fn image(&self, asked: Option<&str>) -> Image;

    /// What its container is given, whatever its image.
    fn outfit(&self, setting: &Setting<'_>) -> Outfit;

    /// The place of one that a run has started, with the account that it came with.
    fn own(&self, address: SocketAddr) -> Place;

    /// Reads where one of it is that runs already: `host:port`, or a URL.
    ///
    /// # Errors
    /// It is no place of such a service.
    fn place(&self, text: &str) -> Result<Place, PlaceError>;

    /// The place as client libraries take it, with the password.
    fn url(&self, place: &Place) -> String {
        place.url().to_owned()
    }

    /// Speaks its protocol, far enough to know that it takes requests; tells its version where it
    /// says that.
    ///
    /// # Errors
    /// Why it does not work, as a fragment without the place.
    async fn greet(&self, place: &Place) -> Result<Option<String>, String>;

    /// Makes sure, past the workers' links, that it does for a client what a lock needs.
    ///
    /// # Errors
    /// It does not.
    async fn works(&self, place: &Place) -> Result<(), Unfit> {
        let greeting = self.greet(place).await;
        greeting.map(drop).map_err(Unfit::Absent)
    }

    /// Waits in its container, after it first spoke, until its start is over; tells what else it
    /// offers.
    ///
    /// # Errors
    /// The container died.
    async fn started(&self, container: &Container) -> Result<Vec<Door>, TestbedError> {
        let _ = container;
        Ok(Vec::new())
    }
}

impl std::fmt::Debug for dyn Service + '_ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// For what a service is started.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The run.
    pub run: &'a RunId,
    /// The heartbeat of its clients.
    pub heartbeat: Duration,
}

/// What a container is given beside its image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outfit {
    /// The ports that are published; clients connect to the first.
    pub ports: Vec<u16>,
    /// Environment variables.
    pub environment: Vec<(&'static str, String)>,
    /// The command, where it is not the image's own.
    pub command: Vec<String>,
    /// Files that are put into it.
    pub files: Vec<File>,
}

/// A file in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it is.
    pub path: &'static str,
    /// Its permissions.
    pub mode: u32,
    /// What is in it.
    pub content: Vec<u8>,
}

/// Something else that a service offers: an API to look at it by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    /// What it is: `management`.
    pub name: &'static str,
    /// Where it answers.
    pub address: SocketAddr,
    /// Who may come in: `guest / guest`.
    pub account: &'static str,
}

/// Why a service is of no use to a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is not there, or is another thing.
    Absent(String),
    /// It is there, and does not do what locks need: the whole reason.
    Useless(String),
}
