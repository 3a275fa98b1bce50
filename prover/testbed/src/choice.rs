//! Where a run happens, as chosen on the command line.

use std::time::Duration;

use lapin::uri::{AMQPScheme, AMQPUri};
use locks::broker::ConnectOptions;

use crate::image::RabbitImage;

/// A testbed to start, or one that is there already.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The broker.
    pub site: Site,
    /// The proxy between workers and broker.
    pub proxy: ProxyChoice,
}

/// Where the broker is.
#[derive(Clone, Debug)]
pub enum Site {
    /// In Docker where its daemon answers, else simulated.
    Auto(RealSite),
    /// In a simulation, within this process.
    Simulated,
    /// Somewhere real.
    Real(RealSite),
}

impl Site {
    /// Whether it is a simulation by choice.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        matches!(self, Self::Simulated)
    }
}

/// Where a real broker is.
#[derive(Clone, Debug)]
pub enum RealSite {
    /// In a container that the run starts.
    Docker {
        /// Which RabbitMQ.
        rabbitmq: RabbitImage,
        /// Whether it is left running at the end.
        keep: bool,
    },
    /// Somebody's own.
    Amqp(Box<ConnectOptions>),
}

/// What stands between workers and broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyChoice {
    /// A real Toxiproxy where Docker has its image or can get it, the embedded proxy otherwise.
    Auto,
    /// The prover's own, in this process.
    Embedded,
    /// A Toxiproxy that runs already, by the URL of its API.
    Running(String),
}

/// The RabbitMQ that runs if none is named.
const RABBITMQ: &str = "4.0";

/// What is wrong with the choice of a testbed.
#[derive(Debug, thiserror::Error)]
pub enum ChoiceError {
    /// It is none of the known kinds.
    #[error(
        "\"{0}\" is no testbed: choose auto, sim, docker, or a URL like amqp://guest:guest@127.0.0.1:5672/%2f"
    )]
    Unknown(String),
    /// An option speaks of something real.
    #[error("{0} says nothing to a simulation: leave it out, or choose another --testbed than sim")]
    NotSimulated(&'static str),
    /// What was asked for has no meaning in a simulation.
    #[error(
        "{0} measures a real broker, and a simulation would only give back the times that it was given: choose --testbed docker, or the URL of a broker like amqp://guest:guest@127.0.0.1:5672/%2f"
    )]
    RealOnly(&'static str),
    /// The URL of the broker cannot be read.
    #[error(
        "\"{url}\" is no URL of a broker ({reason}): write it like amqp://guest:guest@127.0.0.1:5672/%2f"
    )]
    Url {
        /// As it was given.
        url: String,
        /// Why not.
        reason: String,
    },
    /// The URL names a user and nothing gives the password.
    #[error(
        "\"{0}\" names a user and no password: write it behind the user, or set PROVER_PASSWORD"
    )]
    NoPassword(String),
    /// The proxy is none of the known kinds.
    #[error(
        "\"{0}\" is no proxy: choose auto, embedded, or the URL of a Toxiproxy's API like http://127.0.0.1:8474"
    )]
    Proxy(String),
}

impl Choice {
    /// Reads `--testbed`, `--rabbitmq`, `--toxiproxy` and `--keep`.
    ///
    /// # Errors
    /// The testbed or the proxy is none of the known kinds.
    pub fn parse(
        testbed: &str,
        rabbitmq: Option<&str>,
        toxiproxy: Option<&str>,
        keep: bool,
    ) -> Result<Self, ChoiceError> {
        let given = [
            ("--rabbitmq", rabbitmq.is_some()),
            ("--toxiproxy", toxiproxy.is_some()),
            ("--keep", keep),
        ];
        if let Some((option, _)) = given.iter().find(|(_, given)| testbed == "sim" && *given) {
            return Err(ChoiceError::NotSimulated(option));
        }
        let docker = RealSite::Docker {
            rabbitmq: RabbitImage::named(rabbitmq.unwrap_or(RABBITMQ)),
            keep,
        };
        let site = match testbed {
            "auto" => Site::Auto(docker),
            "sim" => Site::Simulated,
            "docker" => Site::Real(docker),
            url if url.contains("://") => {
                let given = std::env::var(PASSWORD).ok();
                Site::Real(RealSite::Amqp(Box::new(connect_options(url, given)?)))
            }
            other => return Err(ChoiceError::Unknown(without_userinfo(other))),
        };
        Ok(Self {
            site,
            proxy: ProxyChoice::parse(toxiproxy.unwrap_or("auto"))?,
        })
    }
}

impl ProxyChoice {
    fn parse(text: &str) -> Result<Self, ChoiceError> {
        match text {
            "auto" => Ok(Self::Auto),
            "embedded" => Ok(Self::Embedded),
            url if proxy::toxiproxy::ApiClient::new(url).is_ok() => {
                Ok(Self::Running(url.to_owned()))
            }
            other => Err(ChoiceError::Proxy(without_userinfo(other))),
        }
    }
}

/// The user of a broker as it comes, whose password everybody knows.
const GUEST: &str = "guest";

/// Gives the password that a URL leaves out.
const PASSWORD: &str = "PROVER_PASSWORD";

/// The same URL without its password, as it is shown and stored. That of the guest is no secret.
#[must_use]
pub fn without_password(url: &str) -> String {
    match credentials(url) {
        Some((place, user, Some(password))) if (user, password) != (GUEST, GUEST) => {
            let (begin, rest) = url.split_at(place + user.len());
            format!("{begin}{}", &rest[1 + password.len()..])
        }
        _ => url.to_owned(),
    }
}

/// A text that should have been a URL, without whatever may be a password in it.
fn without_userinfo(text: &str) -> String {
    match text.rfind('@') {
        Some(at) => format!("…{}", &text[at..]),
        None => text.to_owned(),
    }
}

/// Where the user stands in a URL, the user, and the password if there is one.
fn credentials(url: &str) -> Option<(usize, &str, Option<&str>)> {
    let place = url.find("://")? + "://".len();
    let authority = url[place..].split(['/', '?', '#']).next()?;
    let (userinfo, _) = authority.rsplit_once('@')?;
    Some(match userinfo.split_once(':') {
        Some((user, password)) => (place, user, Some(password)),
        None => (place, userinfo, None),
    })
}

/// `given` is the password where the URL leaves it out.
fn connect_options(url: &str, given: Option<String>) -> Result<ConnectOptions, ChoiceError> {
    let wrong = |reason: String| ChoiceError::Url {
        url: without_userinfo(url),
        reason,
    };
    let uri: AMQPUri = url.parse().map_err(wrong)?;
    if uri.scheme != AMQPScheme::AMQP {
        return Err(wrong(
            "only plain amqp:// passes through a proxy".to_owned(),
        ));
    }
    let AMQPUri {
        authority, vhost, ..
    } = uri;
    let user = authority.userinfo.username;
    let password = match credentials(url) {
        Some((_, user, None)) if user != GUEST => {
            given.ok_or_else(|| ChoiceError::NoPassword(url.to_owned()))?
        }
        _ => authority.userinfo.password,
    };
    Ok(ConnectOptions {
        address: format!("{}:{}", authority.host, authority.port),
        // A slash alone means the virtual host that every broker has.
        vhost: if vhost.is_empty() {
            "/".to_owned()
        } else {
            vhost
        },
        user,
        password,
        timeout: Duration::from_secs(10),
        ..ConnectOptions::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(testbed: &str, toxiproxy: &str) -> Result<Choice, ChoiceError> {
        Choice::parse(testbed, None, Some(toxiproxy), false)
    }

    #[test]
    fn a_url_is_somebodys_own_broker() {
        let choice = parse("amqp://ada:s%2Fecret@127.0.0.1:5673/v%2F1", "embedded").expect("a URL");
        let Site::Real(RealSite::Amqp(options)) = choice.site else {
            panic!("a URL is not Docker")
        };
        assert_eq!(options.address, "127.0.0.1:5673");
        assert_eq!(
            (options.user.as_str(), options.password.as_str()),
            ("ada", "s/ecret")
        );
        assert_eq!(options.vhost, "v/1");
    }

    #[test]
    fn passwords_are_not_shown_and_may_be_left_out() {
        for (url, shown) in [
            ("amqp://ada:s%2Fecret@h:1/v", "amqp://ada@h:1/v"),
            ("amqp://ada:a:b@c@h:1", "amqp://ada@h:1"),
            ("amqp://ada@h:1/%2f", "amqp://ada@h:1/%2f"),
            ("amqp://guest:guest@h/%2f", "amqp://guest:guest@h/%2f"),
            ("amqp://guest:secret@h/", "amqp://guest@h/"),
            ("amqp://h:1/@:", "amqp://h:1/@:"),
            ("docker", "docker"),
        ] {
            assert_eq!(without_password(url), shown);
        }
        let given = |url: &str, password: Option<&str>| {
            connect_options(url, password.map(str::to_owned)).map(|options| options.password)
        };
        let url = "amqp://ada@127.0.0.1:1/%2f";
        assert_eq!(given(url, Some("secret")).expect("a URL"), "secret");
        let said = given(url, None).expect_err("no password").to_string();
        assert!(said.contains("set PROVER_PASSWORD"), "{said}");
        let in_url = given("amqp://ada:mine@127.0.0.1:1", Some("other"));
        assert_eq!(in_url.expect("a URL"), "mine");
        for wrong in [
            "amqp://ada:secret@[",
            "amqp://ada:secret#x@127.0.0.1:1/",
            "amqp:ada:secret@h",
            "ada:secret@h",
        ] {
            let said = parse(wrong, "auto").expect_err("no URL").to_string();
            assert!(!said.contains("secret"), "{said}");
        }
        let said = parse("auto", "ftp://ada:secret@h").expect_err("no URL");
        assert!(!said.to_string().contains("secret"), "{said}");
    }

    #[test]
    fn a_slash_alone_is_the_virtual_host_that_every_broker_has() {
        for url in ["amqp://h:1", "amqp://h:1/", "amqp://h:1/%2f"] {
            assert_eq!(connect_options(url, None).expect("a URL").vhost, "/");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_the_remedy() {
        let said = |result: Result<Choice, ChoiceError>| {
            result.expect_err("it must be refused").to_string()
        };
        assert!(said(parse("dokcer", "auto")).contains("choose auto, sim, docker"));
        assert!(said(parse("http://127.0.0.1", "auto")).contains("no URL of a broker"));
        assert!(said(parse("amqps://127.0.0.1", "auto")).contains("only plain amqp://"));
        assert!(said(parse("sim", "embedded")).contains("--toxiproxy says nothing"));
        assert!(said(parse("auto", "toxi")).contains("choose auto, embedded"));
    }
}
