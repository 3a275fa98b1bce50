//! One of the services that a run has: which, under what name, and whether it is started or there
//! already.

use std::fmt;
use std::net::IpAddr;

use crate::choice::ChoiceError;
use crate::image::Image;
use crate::password::{without_password, without_userinfo};
use crate::place::{Place, PlaceError};
use crate::service::Service;
use crate::services;

/// One of the services that a run has.
#[derive(Clone, Debug)]
pub struct Instance {
    /// The sort.
    pub service: &'static dyn Service,
    /// Its name in the run: that of its sort, with a number where there are several: `redis-2`.
    pub name: String,
    /// Where it comes from.
    pub source: Source,
}

/// Where a service comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A container that the run starts.
    Image(Image),
    /// Somebody's own, which is there already.
    Place(Place),
}

/// A service as it is asked for, `NAME[=IMAGE|host:port|URL]`, before it has its name.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) service: &'static dyn Service,
    /// What stands behind the name.
    pub(crate) value: Option<Source>,
}

impl Wanted {
    /// Reads one `--service`.
    pub(crate) fn parse(text: &str) -> Result<Self, ChoiceError> {
        let (name, value) = match text.split_once('=') {
            // A URL alone may hold one.
            Some((name, value)) if !name.contains("://") => (name, Some(value)),
            _ => (text, None),
        };
        let service =
            services::find(name).ok_or_else(|| ChoiceError::NoService(without_userinfo(name)))?;
        let value = value.map(|value| source(service, value)).transpose()?;
        Ok(Self { service, value })
    }
}

/// What stands behind the name of a service: a place or an image.
fn source(service: &'static dyn Service, value: &str) -> Result<Source, ChoiceError> {
    if value.contains("://") || is_address(value) {
        return place(service, value).map(Source::Place);
    }
    // An image may be named by its digest.
    if value.is_empty() || (value.contains('@') && !value.contains("@sha256:")) {
        return Err(ChoiceError::NoSource {
            service: service.name(),
            given: without_userinfo(value),
        });
    }
    Ok(Source::Image(service.image(Some(value))))
}

/// Where somebody's own service is.
pub(crate) fn place(service: &'static dyn Service, text: &str) -> Result<Place, ChoiceError> {
    service.place(text).map_err(|error| match error {
        PlaceError::NoPassword => ChoiceError::NoPassword(without_password(text)),
        PlaceError::Unreadable { reason, example } => ChoiceError::Url {
            url: without_userinfo(text),
            noun: service.noun(),
            reason,
            example,
        },
    })
}

/// Ports below are never a service's own, and the tags of images are versions: `postgres:16`.
const PORT_MIN: u16 = 1024;

/// Whether a text is `host:port`, and no image with its tag.
fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let Ok(port) = port.parse::<u16>() else {
        return false;
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_host = host == "localhost" || bare.parse::<IpAddr>().is_ok();
    is_host || (port >= PORT_MIN && !host.contains(['/', '@', ':']))
}

/// Gives each its name: a number where there are several of a sort.
pub(crate) fn named(sources: Vec<(&'static dyn Service, Source)>) -> Vec<Instance> {
    let sorts: Vec<&str> = sources.iter().map(|(service, _)| service.name()).collect();
    let count = |sorts: &[&str], sort| sorts.iter().filter(|other| **other == sort).count();
    let named = sources.into_iter().enumerate();
    let named = named.map(|(at, (service, source))| {
        let sort = service.name();
        let name = match count(&sorts, sort) {
            1 => sort.to_owned(),
            _ => format!("{sort}-{}", count(&sorts[..=at], sort)),
        };
        Instance {
            service,
            name,
            source,
        }
    });
    named.collect()
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Option<Source> {
        Wanted::parse(text).expect("a service").value
    }

    #[test]
    fn images_and_places_are_told_apart() {
        let image = |text: &str| match source(text) {
            Some(Source::Image(image)) => image.reference,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(image("redis=redis:7").as_deref(), Some("redis:7"));
        assert_eq!(image("redis=7").as_deref(), Some("redis:7"));
        assert_eq!(
            image("postgres=postgres:16").as_deref(),
            Some("postgres:16")
        );
        assert_eq!(image("etcd=3.5"), None, "it is built");
        assert_eq!(
            image("etcd=acme.example:5000/etcd:3").as_deref(),
            Some("acme.example:5000/etcd:3")
        );
        let digest = format!("redis@sha256:{}", "0".repeat(64));
        assert_eq!(image(&format!("redis={digest}")), Some(digest));
        let place = |text: &str| match source(text) {
            Some(Source::Place(place)) => place.address(),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(place("redis=127.0.0.1:6379"), "127.0.0.1:6379");
        assert_eq!(place("redis=127.0.0.1:80"), "127.0.0.1:80");
        assert_eq!(place("redis=[::1]:6379"), "[::1]:6379");
        assert_eq!(place("redis=cache:6379"), "cache:6379");
        assert_eq!(place("redis=redis://:secret@cache"), "cache:6379");
        assert_eq!(place("etcd=http://ada:secret@h:80"), "h:80");
        assert!(source("redis").is_none());
    }

    #[test]
    fn several_of_a_sort_have_numbers() {
        let names = |texts: &[&str]| {
            let wanted = texts.iter().map(|text| Wanted::parse(text).expect("known"));
            let sources = wanted.map(|one| (one.service, Source::Image(one.service.image(None))));
            let named = named(sources.collect()).into_iter();
            named.map(|one| one.name).collect::<Vec<_>>()
        };
        assert_eq!(names(&["redis"]), ["redis"]);
        assert_eq!(
            names(&["redis", "etcd", "redis"]),
            ["redis-1", "etcd", "redis-2"]
        );
        assert_eq!(names(&[]), [""; 0]);
    }

    #[test]
    fn what_is_no_service_is_said_without_its_password() {
        for text in [
            "reids",
            "redis://ada:s3cret@h:1",
            "redis://ada:s3=cret@h:1",
            "redis=",
            "redis=ada:s3cret@h:1",
            "redis=rediss://ada:s3cret@h:1",
            "redis=redis://ada:s3cret@",
            "postgres=postgres://h/db?user=ada&password=s3cret",
        ] {
            let said = Wanted::parse(text).expect_err(text).to_string();
            assert!(!said.contains("cret"), "{said}");
        }
    }
}
