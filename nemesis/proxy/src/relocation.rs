//! Other addresses for a proxy, and whether they mean another place.

use std::io;
use std::net::SocketAddr;

use crate::address::{ListenAddress, resolve};

/// The addresses that a proxy is to have, compared with those that it has.
#[derive(Debug)]
pub(crate) struct Relocation {
    /// Where it is to listen, as it was asked for.
    pub(crate) listen: String,
    /// What that means, if it is another place than now.
    pub(crate) other_listen: Option<ListenAddress>,
    /// Where it is to connect to.
    pub(crate) upstream: String,
    other_server: bool,
}

impl Relocation {
    /// From one pair of addresses, `listen` and `upstream`, to another.
    ///
    /// # Errors
    /// The other `listen` is no address.
    pub(crate) async fn plan(from: (&str, &str), to: (&str, &str)) -> io::Result<Self> {
        Ok(Self {
            listen: to.0.to_owned(),
            other_listen: other_listen(from.0, to.0).await?,
            upstream: to.1.to_owned(),
            other_server: !is_same_server(from.1, to.1).await,
        })
    }

    /// Whether connections of the proxy have no place in it any more.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.other_listen.is_some() || self.other_server
    }
}

/// Port 0 is never the port that a proxy listens on: it asks for a new one.
async fn other_listen(from: &str, to: &str) -> io::Result<Option<ListenAddress>> {
    if from == to {
        return Ok(None);
    }
    let to = ListenAddress::resolve(to).await?;
    let same = match ListenAddress::resolve(from).await {
        Ok(from) => meet(from.sockets(), to.sockets()),
        Err(_) => false,
    };
    Ok((!same).then_some(to))
}

/// A name may have several addresses, and a connection went to one of them: it is enough that the
/// other name has one of them too. Servers that nobody can find are told apart by their names.
async fn is_same_server(from: &str, to: &str) -> bool {
    if from == to {
        return true;
    }
    match tokio::join!(resolve(from), resolve(to)) {
        (Ok(from), Ok(to)) => meet(&from, &to),
        _ => false,
    }
}

fn meet(some: &[SocketAddr], others: &[SocketAddr]) -> bool {
    some.iter().any(|socket| others.contains(socket))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn is_elsewhere(from: (&str, &str), to: (&str, &str)) -> bool {
        Relocation::plan(from, to).await.unwrap().is_elsewhere()
    }

    #[tokio::test]
    async fn other_words_for_the_same_listen_address_lead_nowhere_else() {
        let mean_the_same = [
            ["127.0.0.1:80", "localhost:80", "[::ffff:127.0.0.1]:80"],
            ["[::]:80", ":80", "0.0.0.0:80"],
        ];
        for words in mean_the_same {
            for (from, to) in words.iter().flat_map(|from| words.map(|to| (from, to))) {
                assert!(!is_elsewhere((from, "x"), (to, "x")).await, "{from} {to}");
            }
        }
        for to in ["127.0.0.1:81", "127.0.0.1:0", "127.0.0.2:80", ":80", ""] {
            assert!(is_elsewhere(("127.0.0.1:80", "x"), (to, "x")).await, "{to}");
        }
    }

    #[tokio::test]
    async fn other_words_for_the_same_server_lead_nowhere_else() {
        let listen = "127.0.0.1:80";
        for (from, to, elsewhere) in [
            ("127.0.0.1:1", "localhost:1", false),
            ("localhost:1", "127.0.0.1:1", false),
            ("a..b:1", "a..b:1", false),
            ("127.0.0.1:1", "localhost:2", true),
            ("127.0.0.1:1", "127.0.0.2:1", true),
            ("127.0.0.1:1", "a..b:1", true),
            ("a..b:1", "127.0.0.1:1", true),
        ] {
            let found = is_elsewhere((listen, from), (listen, to)).await;
            assert_eq!(found, elsewhere, "{from} {to}");
        }
    }

    #[tokio::test]
    async fn only_a_new_listen_address_must_be_one() {
        let plan = Relocation::plan(("a..b:1", "x"), ("a..b:1", "y")).await;
        assert!(plan.unwrap().other_listen.is_none());
        let error = Relocation::plan(("127.0.0.1:1", "x"), ("a..b:1", "x")).await;
        assert!(error.unwrap_err().to_string().contains("a..b:1"));
    }
}
