//! Addresses as clients write them, and what they mean on this machine.

use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

/// All changes of proxies wait for one another, so a name server that is silent must not hold them
/// up for long.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a proxy is to listen.
#[derive(Debug)]
pub(crate) struct ListenAddress {
    text: String,
    sockets: Vec<SocketAddr>,
}

impl ListenAddress {
    /// Reads an address as Toxiproxy does: `:port` is every interface. No address at all is the
    /// loopback interface and any port.
    pub(crate) async fn resolve(text: &str) -> io::Result<Self> {
        let address = match text.strip_prefix(':') {
            Some(port) => format!("[::]:{port}"),
            None if text.is_empty() => "127.0.0.1:0".to_owned(),
            None => text.to_owned(),
        };
        let sockets = match resolve(&address).await {
            Ok(sockets) => sockets.into_iter().map(every_interface).collect(),
            Err(error) => return Err(cannot_listen(text, &error)),
        };
        Ok(Self {
            text: text.to_owned(),
            sockets,
        })
    }

    /// What it may mean, the best first.
    pub(crate) fn sockets(&self) -> &[SocketAddr] {
        &self.sockets
    }

    /// Why nobody can listen at one of its sockets.
    pub(crate) fn failed(&self, socket: SocketAddr, error: &io::Error) -> io::Error {
        if socket.ip().is_unspecified() {
            // Every interface has several forms, and this is the one that was asked for.
            return cannot_listen(&self.text, error);
        }
        cannot_listen(&socket.to_string(), error)
    }
}

fn cannot_listen(text: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("listen tcp {text}: {error}"))
}

/// `0.0.0.0` and `[::]` are the same: for either Go, and with it Toxiproxy, listens on both
/// families.
fn every_interface(mut socket: SocketAddr) -> SocketAddr {
    if socket.ip().is_unspecified() {
        socket.set_ip(Ipv6Addr::UNSPECIFIED.into());
    }
    socket
}

/// All that an address may mean, IPv4 first as Go has it.
pub(crate) async fn resolve(address: &str) -> io::Result<Vec<SocketAddr>> {
    let found = tokio::time::timeout(RESOLVE_TIMEOUT, tokio::net::lookup_host(address)).await??;
    let mut sockets: Vec<_> = found.map(canonical).collect();
    sockets.sort_by_key(SocketAddr::is_ipv6);
    Ok(sockets)
}

/// `::ffff:127.0.0.1` is an IPv4 address.
fn canonical(mut socket: SocketAddr) -> SocketAddr {
    socket.set_ip(socket.ip().to_canonical());
    socket
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn means(text: &str) -> String {
        let address = ListenAddress::resolve(text).await.unwrap();
        address.sockets()[0].to_string()
    }

    #[tokio::test]
    async fn listen_addresses_are_read_as_toxiproxy_reads_them() {
        for (text, meaning) in [
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("localhost:80", "127.0.0.1:80"),
            ("[::ffff:127.0.0.1]:80", "127.0.0.1:80"),
            ("[::1]:80", "[::1]:80"),
            (":80", "[::]:80"),
            ("0.0.0.0:80", "[::]:80"),
            ("[::]:80", "[::]:80"),
            ("", "127.0.0.1:0"),
        ] {
            assert_eq!(means(text).await, meaning, "{text:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_listen_address_is_named() {
        for bad in ["127.0.0.1:x", "127.0.0.1", ":", "a..b:80"] {
            let error = ListenAddress::resolve(bad).await.unwrap_err().to_string();
            assert!(error.starts_with(&format!("listen tcp {bad}: ")), "{error}");
        }
    }
}
