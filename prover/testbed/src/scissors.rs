//! Cuts a node off from others, by rules in its own network: packets that come from them are
//! dropped. A container of its own does it, beside the node and with the right to; so the node
//! itself needs none, whatever its image.
//!
//! Rules are added and deleted one by one. To flush them would take Docker's own with them.

use std::net::IpAddr;

use testcontainers::bollard::Docker as Daemon;

use crate::container::{self, Container};
use crate::error::TestbedError;
use crate::label::Run;
use crate::node::Node;

/// The environment variable that names an image with iptables, for nodes whose own has none.
pub(crate) const IMAGE_VARIABLE: &str = "PROVER_IPTABLES_IMAGE";

/// What cuts one node off.
#[derive(Debug, Clone)]
pub(crate) struct Scissors {
    container: Container,
}

impl Scissors {
    /// Puts them beside a node.
    pub(crate) async fn beside(
        daemon: &Daemon,
        run: &Run,
        node: &Node,
    ) -> Result<Self, TestbedError> {
        let role = format!("{}-scissors", node.name());
        let named = std::env::var(IMAGE_VARIABLE).ok();
        let image = named.as_deref().unwrap_or(&node.image().reference);
        let request = container::beside(run, &role, image, node.container());
        let scissors = Self {
            container: container::start(daemon, run, &role, request).await?,
        };
        scissors.try_out(image).await?;
        Ok(scissors)
    }

    async fn try_out(&self, image: &str) -> Result<(), TestbedError> {
        let listed = self.iptables(&["--numeric", "--list", "INPUT"]).await;
        listed.map(drop).map_err(|error| TestbedError::Service {
            what: format!("cut nodes apart with iptables from the image {image}"),
            detail: format!(
                "{}; set {IMAGE_VARIABLE} to an image that has it (docs/cluster.md builds one in a line)",
                error.reason()
            ),
        })
    }

    /// From now on nothing that comes from there is let in.
    pub(crate) async fn drop_from(&self, source: IpAddr) -> Result<(), TestbedError> {
        self.rule("--append", source).await
    }

    /// What comes from there is let in again; gives how many packets were not.
    pub(crate) async fn let_in(&self, source: IpAddr) -> Result<u64, TestbedError> {
        let dropped = self.dropped_from(source).await?;
        self.rule("--delete", source).await?;
        Ok(dropped)
    }

    /// How many packets that came from there were dropped until now.
    pub(crate) async fn dropped_from(&self, source: IpAddr) -> Result<u64, TestbedError> {
        let listing = ["--verbose", "--exact", "--numeric", "--list", "INPUT"];
        Ok(packets(&self.iptables(&listing).await?, source))
    }

    /// After the node was started again it has another network, without any rule.
    pub(crate) async fn follow(&self) -> Result<(), TestbedError> {
        self.container.restart().await
    }

    async fn rule(&self, action: &str, source: IpAddr) -> Result<(), TestbedError> {
        let source = source.to_string();
        let rule = [action, "INPUT", "--source", &source, "--jump", "DROP"];
        self.iptables(&rule).await.map(drop)
    }

    async fn iptables(&self, arguments: &[&str]) -> Result<String, TestbedError> {
        let command = [&["iptables", "--wait"], arguments].concat();
        self.container.execute(&command).await
    }
}

/// The packets that the rules for one source have dropped, by iptables' listing: packets, bytes,
/// target, protocol, options, two interfaces, source, destination.
fn packets(listing: &str, source: IpAddr) -> u64 {
    let source = source.to_string();
    let counts = listing.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [packets, _, "DROP", .., from, _] = words[..] else {
            return None;
        };
        (from == source).then(|| packets.parse::<u64>().ok())?
    });
    counts.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &str = "\
Chain INPUT (policy ACCEPT 40 packets, 5120 bytes)
    pkts      bytes target     prot opt in     out     source               destination
      17     1020 DROP       0    --  *      *       172.18.0.3           0.0.0.0/0
       3      180 DROP       all  --  *      *       172.18.0.4           0.0.0.0/0
";

    #[test]
    fn packets_are_counted_by_where_they_came_from() {
        let dropped = |source: &str| packets(LISTING, source.parse().expect("an address"));
        assert_eq!(dropped("172.18.0.3"), 17);
        assert_eq!(dropped("172.18.0.4"), 3);
        assert_eq!(dropped("172.18.0.30"), 0);
    }
}
