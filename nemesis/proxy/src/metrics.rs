//! What `GET /metrics` says: Toxiproxy's counters of bytes, in the text format of Prometheus.

use std::fmt::Write;

use crate::proxy::Counters;
use crate::record::ProxyRecord;
use crate::toxic::Stream;
use crate::traffic::Traffic;

/// The content type of the format.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A counter: one value for each proxy and direction.
struct Metric {
    name: &'static str,
    help: &'static str,
    value: fn(Traffic) -> u64,
}

const METRICS: [Metric; 2] = [
    Metric {
        name: "toxiproxy_proxy_received_bytes_total",
        help: "Bytes that the proxy has read, also those that a toxic lost.",
        value: |traffic| traffic.received,
    },
    Metric {
        name: "toxiproxy_proxy_sent_bytes_total",
        help: "Bytes that the proxy has passed on.",
        value: |traffic| traffic.delivered,
    },
];

/// All counters of these proxies.
pub(crate) fn text(proxies: &[(ProxyRecord, Counters)]) -> String {
    METRICS
        .iter()
        .map(|metric| family(metric, proxies))
        .collect()
}

fn family(metric: &Metric, proxies: &[(ProxyRecord, Counters)]) -> String {
    let Metric { name, help, value } = metric;
    let mut text = format!("# HELP {name} {help}\n# TYPE {name} counter\n");
    for (proxy, counters) in proxies {
        for stream in Stream::BOTH {
            let value = value(counters.of(stream));
            let _ = writeln!(text, "{name}{{{}}} {value}", labels(proxy, stream));
        }
    }
    text
}

fn labels(proxy: &ProxyRecord, stream: Stream) -> String {
    let labels = [
        ("direction", stream.name()),
        ("listener", &proxy.listen),
        ("proxy", &proxy.name),
        ("upstream", &proxy.upstream),
    ];
    labels
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
        .join(",")
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', r"\\")
        .replace('"', r#"\""#)
        .replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_proxy_has_a_line_for_each_direction() {
        let record = ProxyRecord {
            name: "a\"b\\c\nd".to_owned(),
            listen: "[::]:1".to_owned(),
            upstream: "x:2".to_owned(),
            enabled: true,
            toxics: Vec::new(),
        };
        let traffic = |received, delivered| Traffic {
            received,
            delivered,
        };
        let counters = Counters {
            upstream: traffic(3, 4),
            downstream: traffic(5, 6),
            ..Counters::default()
        };
        let text = text(&[(record, counters)]);
        let labels = r#"listener="[::]:1",proxy="a\"b\\c\nd",upstream="x:2""#;
        for (name, direction, value) in [
            ("received", "upstream", 3),
            ("sent", "upstream", 4),
            ("received", "downstream", 5),
            ("sent", "downstream", 6),
        ] {
            let line = format!(
                "toxiproxy_proxy_{name}_bytes_total{{direction=\"{direction}\",{labels}}} {value}\n"
            );
            assert!(text.contains(&line), "{line} is not in {text}");
        }
        let types = text.matches(" counter\n").count();
        assert_eq!((types, text.lines().count()), (2, 8));
    }
}
