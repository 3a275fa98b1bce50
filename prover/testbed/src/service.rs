//! A service that locks stand on: where its image comes from, what its container is given, how it
//! is asked whether it works, and what it does about a client that falls silent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::container::Container;
use crate::error::TestbedError;
use crate::image::Image;
use crate::label::RunId;
use crate::partition_handling::PartitionHandling;
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

    /// Shows on it that the run of this name is at work, for as long as what it gives is kept;
    /// nothing where it needs no such sign or has no place for it.
    async fn attend(&self, place: &Place, name: &str) -> Option<Presence> {
        let _ = (place, name);
        None
    }

    /// What there is on it whose name begins so. `management` is the URL of what lists it, where
    /// that is another place than the usual one.
    ///
    /// # Errors
    /// It does not tell, or the prover does not know how to ask.
    async fn find(
        &self,
        place: &Place,
        prefix: &str,
        management: Option<&str>,
    ) -> Result<Vec<Thing>, String> {
        let _ = (place, prefix, management);
        Err(format!("the prover does not look into {}", self.product()))
    }

    /// What the prover's own locks may have made there, for where it does not tell.
    fn guess(&self, made: &Made<'_>) -> Vec<String> {
        let _ = made;
        Vec::new()
    }

    /// Removes what has these names; gives those that are gone now.
    ///
    /// # Errors
    /// It is out of reach, or refuses.
    async fn remove(&self, place: &Place, names: &[String]) -> Result<Vec<String>, String> {
        let _ = (place, names);
        Ok(Vec::new())
    }

    /// Waits in its container, after it first spoke since it was started, until its start is over.
    ///
    /// # Errors
    /// The container died.
    async fn settled(&self, container: &Container) -> Result<(), TestbedError> {
        let _ = container;
        Ok(())
    }

    /// Tells what else it offers.
    ///
    /// # Errors
    /// The container died.
    async fn doors(&self, container: &Container) -> Result<Vec<Door>, TestbedError> {
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
    /// Whether its clock is to be made to jump.
    pub clock: bool,
    /// The cluster that it is a node of, if it is.
    pub cluster: Option<&'a Membership>,
}

/// What a node is told of the cluster that it is to be part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The host names of all nodes.
    pub hosts: Vec<String>,
    /// What they do when they lose sight of each other.
    pub handling: PartitionHandling,
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

/// A sign that a run is at work; it goes when this is dropped.
pub struct Presence {
    _connection: Box<dyn std::any::Any + Send + Sync>,
}

impl Presence {
    /// The sign that an open connection is.
    pub(crate) fn of(connection: impl std::any::Any + Send + Sync) -> Self {
        Self {
            _connection: Box::new(connection),
        }
    }
}

/// Something on a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thing {
    /// Its name.
    pub name: String,
    /// Whether somebody uses it at this moment, or has just now.
    pub in_use: bool,
}

/// What is known of the names of what a run made.
#[derive(Clone, Copy, Debug)]
pub struct Made<'a> {
    /// They begin with it.
    pub prefix: &'a str,
    /// The keys of its locks.
    pub keys: &'a [Arc<str>],
    /// How many slots a lock had at the most.
    pub slots: u32,
}

/// Why a service is of no use to a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is not there, or is another thing.
    Absent(String),
    /// It is there, and does not do what locks need: the whole reason.
    Useless(String),
}
