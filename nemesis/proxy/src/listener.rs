//! A socket that accepts clients.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Handle;

use crate::address::ListenAddress;

/// How many clients may wait to be accepted; as many as at the listeners that tokio makes.
const BACKLOG: u32 = 1024;

/// A bound socket, and the address that it got.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Listens at the first socket of `address` that allows it; whoever accepts does so on
    /// `runtime`. Where none does, the first one's error is told: it is what was asked for.
    pub(crate) fn bind(address: &ListenAddress, runtime: &Handle) -> io::Result<Self> {
        // A socket belongs to the runtime that it was made in.
        let _guard = runtime.enter();
        let mut first = None;
        for &socket in address.sockets() {
            match Self::bind_socket(socket) {
                Ok(listener) => return Ok(listener),
                Err(error) => first = first.or(Some(address.failed(socket, &error))),
            }
        }
        let nowhere = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        Err(first.unwrap_or_else(nowhere))
    }

    fn bind_socket(address: SocketAddr) -> io::Result<Self> {
        let socket = if address.ip().is_unspecified() {
            bind_every_interface(address)?
        } else {
            bind_one(address)?
        };
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }

    /// Where it listens, also if the system chose the port.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn accept(&self) -> io::Result<TcpStream> {
        let (client, _) = self.socket.accept().await?;
        Ok(client)
    }
}

/// Listens for IPv6 and IPv4 alike, as Go does; for IPv4 alone where there is no IPv6.
fn bind_every_interface(address: SocketAddr) -> io::Result<TcpListener> {
    match bind_both_families(address) {
        Err(error) if may_lack_ipv6(&error) => {
            bind_one((Ipv4Addr::UNSPECIFIED, address.port()).into())
        }
        bound => bound,
    }
}

fn bind_both_families(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v6()?;
    SockRef::from(&socket).set_only_v6(false)?;
    listen(address, socket)
}

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    listen(address, socket)
}

fn listen(address: SocketAddr, socket: TcpSocket) -> io::Result<TcpListener> {
    // A proxy must get its port back while connections of its past still linger. Elsewhere than on
    // Unix this would let it take a port from others.
    if cfg!(unix) {
        socket.set_reuseaddr(true)?;
    }
    let bound = socket.bind(address);
    bound.map_err(|error| in_toxiproxys_words("bind", &error))?;
    let listening = socket.listen(BACKLOG);
    listening.map_err(|error| in_toxiproxys_words("listen", &error))
}

/// `bind: address already in use`, which some of its clients look for, and not `Address already in
/// use (os error 98)`.
fn in_toxiproxys_words(call: &str, error: &io::Error) -> io::Error {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    let mut rest = words.chars();
    let first = rest.next().map(|first| first.to_ascii_lowercase());
    let words: String = first.into_iter().chain(rest).collect();
    io::Error::new(error.kind(), format!("{call}: {words}"))
}

/// Systems say in many ways that they have no IPv6. A port that is in use is none of them: half of
/// it may be free, and a proxy that got that half would look well and miss clients.
fn may_lack_ipv6(error: &io::Error) -> bool {
    error.kind() != io::ErrorKind::AddrInUse
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::Ipv6Addr;

    use super::*;

    async fn bind(text: &str) -> io::Result<Listener> {
        Listener::bind(&ListenAddress::resolve(text).await?, &Handle::current())
    }

    /// Whether a test has to do without IPv6; then it says so.
    #[expect(clippy::print_stderr, reason = "a skipped test says why")]
    async fn lacks_ipv6() -> bool {
        let lacks = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.is_err();
        if lacks {
            eprintln!("skipped the IPv6 half: this machine has no IPv6");
        }
        lacks
    }

    async fn accepts(listener: &Listener, ip: impl Into<std::net::IpAddr>) {
        let address = SocketAddr::new(ip.into(), listener.address().port());
        let (client, server) = tokio::join!(TcpStream::connect(address), listener.accept());
        let client = client.unwrap().local_addr().unwrap();
        let seen = server.unwrap().peer_addr().unwrap();
        assert_eq!(seen.port(), client.port());
    }

    #[tokio::test]
    async fn every_interface_is_both_families() {
        for text in [":0", "0.0.0.0:0", "[::]:0"] {
            let listener = bind(text).await.unwrap();
            assert_ne!(listener.address().port(), 0);
            accepts(&listener, Ipv4Addr::LOCALHOST).await;
            if !lacks_ipv6().await {
                accepts(&listener, Ipv6Addr::LOCALHOST).await;
            }
        }
    }

    #[tokio::test]
    async fn half_of_a_port_is_not_enough() {
        if lacks_ipv6().await {
            return;
        }
        let half = bind("[::1]:0").await.unwrap();
        let error = bind(&format!(":{}", half.address().port()))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
    }

    #[test]
    fn only_a_port_in_use_speaks_for_ipv6() {
        assert!(!may_lack_ipv6(&ErrorKind::AddrInUse.into()));
        for kind in [ErrorKind::Unsupported, ErrorKind::AddrNotAvailable] {
            assert!(may_lack_ipv6(&kind.into()));
        }
    }

    #[test]
    fn errors_of_the_system_are_told_in_toxiproxys_words() {
        let text = "Cannot assign requested address (os error 99)";
        let error = io::Error::new(ErrorKind::AddrNotAvailable, text);
        let told = in_toxiproxys_words("bind", &error);
        assert_eq!(told.to_string(), "bind: cannot assign requested address");
        assert_eq!(told.kind(), ErrorKind::AddrNotAvailable);
    }

    /// Other systems have other words.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_port_in_use_is_named_as_toxiproxy_names_it() {
        let first = bind("127.0.0.1:0").await.unwrap();
        let port = first.address().port();
        for (text, named) in [
            (format!("127.0.0.1:{port}"), format!("127.0.0.1:{port}")),
            (format!(":{port}"), format!(":{port}")),
            (format!("0.0.0.0:{port}"), format!("0.0.0.0:{port}")),
        ] {
            let error = bind(&text).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AddrInUse);
            let told = format!("listen tcp {named}: bind: address already in use");
            assert_eq!(error.to_string(), told);
        }
    }

    /// `localhost` may be had on IPv6 where it is taken on IPv4: both are taken here.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_name_is_told_as_its_first_address() {
        let first = bind("127.0.0.1:0").await.unwrap();
        let port = first.address().port();
        let _second = bind(&format!("[::1]:{port}")).await;
        let error = bind(&format!("localhost:{port}")).await.unwrap_err();
        let told = format!("listen tcp 127.0.0.1:{port}: bind: address already in use");
        assert_eq!(error.to_string(), told);
    }
}
