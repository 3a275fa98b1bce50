//! Every service that a run can have.

use super::{Etcd, Postgres, RabbitMq, Redis, ZooKeeper};
use crate::service::Service;

/// All of them, in the order of `prover list services`.
pub const ALL: &[&dyn Service] = &[&RabbitMq, &Redis, &Etcd, &Postgres, &ZooKeeper];

/// The service of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Service> {
    ALL.iter().copied().find(|service| service.name() == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_has_its_name_an_image_and_a_place() {
        let names: BTreeSet<_> = ALL.iter().map(|service| service.name()).collect();
        assert_eq!(names.len(), ALL.len());
        for service in ALL {
            let recipe = service.image(None).recipe.expect("it can be built");
            assert_eq!(recipe.service, service.name());
            let place = service.place("127.0.0.1:7").expect("a place");
            assert_eq!(place.address(), "127.0.0.1:7");
            assert!(service.url(&place).contains("127.0.0.1:7"));
            let address = "127.0.0.1:9".parse().expect("an address");
            assert_eq!(place.at(address).address(), "127.0.0.1:9");
            let patience = service.patience(Duration::from_secs(1));
            assert!(patience <= Duration::from_secs(4), "{service:?}");
        }
    }

    #[test]
    fn client_libraries_get_the_urls_that_they_know() {
        let address = "127.0.0.1:1".parse().expect("an address");
        let urls = ALL
            .iter()
            .map(|service| service.url(&service.own(address).at(address)));
        assert_eq!(
            urls.collect::<Vec<_>>(),
            [
                "amqp://guest:guest@127.0.0.1:1/%2f",
                "redis://127.0.0.1:1",
                "http://127.0.0.1:1",
                "postgres://postgres:postgres@127.0.0.1:1/postgres",
                "127.0.0.1:1",
            ]
        );
    }

    #[test]
    fn no_place_shows_its_password() {
        for service in ALL {
            for (user, told) in [("ada:s3cret@", true), ("ada:s3cret@[", false)] {
                let scheme = service.own("127.0.0.1:1".parse().expect("an address"));
                let scheme = scheme
                    .url()
                    .split("://")
                    .next()
                    .expect("a scheme")
                    .to_owned();
                let text = format!("{scheme}://{user}127.0.0.1:7");
                let said = match service.place(&text) {
                    Ok(place) => format!("{place} {place:?}"),
                    Err(error) => format!("{error} {error:?}"),
                };
                assert!(!said.contains("s3cret"), "{said}");
                assert_eq!(said.contains("ada@127.0.0.1:7"), told, "{said}");
            }
            let hidden = format!(
                "{}?password=s3cret",
                service
                    .own("127.0.0.1:1".parse().expect("an address"))
                    .url()
            );
            assert!(service.place(&hidden).is_err(), "{hidden}");
        }
    }
}
