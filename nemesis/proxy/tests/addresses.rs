//! Where proxies listen and connect to, and what becomes of connections when that changes.

mod common;

use common::{Bed, lacks_ipv6, passes, within};
use tokio::net::TcpStream;

/// The port of an address.
fn port(address: &str) -> &str {
    address.rsplit_once(':').expect("an address").1
}

#[tokio::test]
async fn a_port_alone_is_every_interface_of_both_families() {
    let bed = Bed::new().await;
    let upstream = bed.server.local_addr().unwrap().to_string();
    for listen in [":0", "0.0.0.0:0"] {
        let record = bed.client.create("wide", listen, &upstream).await.unwrap();
        let mut hosts = vec!["127.0.0.1"];
        if !lacks_ipv6().await {
            assert!(record.listen.starts_with("[::]:"), "{}", record.listen);
            hosts.push("[::1]");
        }
        for host in hosts {
            let address = format!("{host}:{}", port(&record.listen));
            let mut client = within(TcpStream::connect(&address)).await.expect(&address);
            let (mut server, _) = within(bed.server.accept()).await.unwrap();
            passes(&mut client, &mut server, "ping").await;
        }
        bed.client.delete("wide").await.unwrap();
    }
}
