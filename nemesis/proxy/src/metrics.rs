//! What `GET /metrics` says: Toxiproxy's counters of bytes, and more, in the text format of
//! Prometheus.

use std::fmt::Write;

use crate::account::Account;
use crate::proxy::Counters;
use crate::record::ProxyRecord;
use crate::toxic::Stream;

/// The content type of the format.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// One value for each proxy, and for each direction where it differs there.
struct Metric {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    value: Value,
}

enum Value {
    Directed(fn(&Counters, Stream) -> u64),
    Whole(fn(&Counters) -> u64),
}

const SENT: &str = "toxiproxy_proxy_sent_bytes_total";
const HELD: &str = "prover_proxy_held_bytes_max";
const CLOSED: &str = "prover_proxy_closed_connections_total";

/// The first two are Toxiproxy's.
const METRICS: [Metric; 4] = [
    Metric {
        name: "toxiproxy_proxy_received_bytes_total",
        kind: "counter",
        help: "Bytes that the proxy has read, also those that a toxic lost.",
        value: Value::Directed(|counters, stream| counters.of(stream).received),
    },
    Metric {
        name: SENT,
        kind: "counter",
        help: "Bytes that the proxy has passed on.",
        value: Value::Directed(|counters, stream| counters.of(stream).delivered),
    },
    Metric {
        name: HELD,
        kind: "gauge",
        help: "The most bytes that each connection held back since a toxic was last added, added up.",
        value: Value::Directed(Counters::held_max),
    },
    Metric {
        name: CLOSED,
        kind: "counter",
        help: "Connections that the proxy has closed or reset, and neither end of them.",
        value: Value::Whole(|counters| counters.closed),
    },
];

/// All metrics of these proxies.
pub(crate) fn text(proxies: &[(ProxyRecord, Counters)]) -> String {
    METRICS
        .iter()
        .map(|metric| family(metric, proxies))
        .collect()
}

fn family(metric: &Metric, proxies: &[(ProxyRecord, Counters)]) -> String {
    let Metric {
        name,
        kind,
        help,
        value,
    } = metric;
    let mut text = format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
    for (proxy, counters) in proxies {
        let mut line = |stream, value| {
            let _ = writeln!(text, "{name}{{{}}} {value}", labels(proxy, stream));
        };
        match value {
            Value::Whole(value) => line(None, value(counters)),
            Value::Directed(value) => {
                for stream in Stream::BOTH {
                    line(Some(stream), value(counters, stream));
                }
            }
        }
    }
    text
}

/// What such a text, of this crate or of a Toxiproxy, says of one proxy.
pub(crate) fn account(text: &str, proxy: &str) -> Account {
    let count = |name, stream| count(text, name, proxy, stream);
    let [up, down] = Stream::BOTH.map(Some);
    Account {
        held_up_bytes: count(HELD, up),
        held_down_bytes: count(HELD, down),
        connections_closed: count(CLOSED, None),
        passed_up_bytes: count(SENT, up),
        passed_down_bytes: count(SENT, down),
    }
}

fn count(text: &str, name: &str, proxy: &str, stream: Option<Stream>) -> Option<u64> {
    let proxy = format!("proxy=\"{}\"", escaped(proxy));
    let direction = stream.map(|stream| format!("direction=\"{}\"", stream.name()));
    let wanted: Vec<&str> = [Some(&proxy), direction.as_ref()]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    let values = text.lines().filter_map(|line| {
        let (labels, value) = line
            .strip_prefix(name)?
            .strip_prefix('{')?
            .rsplit_once("} ")?;
        let said = |wanted: &&str| labels.split(',').any(|label| label == *wanted);
        wanted.iter().all(said).then_some(value)
    });
    // Go writes large numbers as 1.5e+06.
    let mut numbers = values.filter_map(|value| value.trim().parse::<f64>().ok());
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count"
    )]
    numbers.next().map(|number| number as u64)
}

fn labels(proxy: &ProxyRecord, stream: Option<Stream>) -> String {
    let direction = stream.map(|stream| ("direction", stream.name()));
    let names = [
        ("listener", proxy.listen.as_str()),
        ("proxy", &proxy.name),
        ("upstream", &proxy.upstream),
    ];
    let labels: Vec<_> = direction
        .into_iter()
        .chain(names)
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
        .collect();
    labels.join(",")
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
    use crate::traffic::Traffic;

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
            closed: 7,
            held_up_max: 8,
            held_down_max: 9,
            ..Counters::default()
        };
        let name = record.name.clone();
        let text = text(&[(record, counters)]);
        assert_eq!(account(&text, &name), Account::from(counters));
        assert_eq!(account(&text, "another"), Account::UNKNOWN);
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
        let types = text.matches("# TYPE ").count();
        assert_eq!((types, text.lines().count()), (4, 15));
    }

    #[test]
    fn what_a_toxiproxy_counts_is_read_too() {
        let text = "# TYPE toxiproxy_proxy_sent_bytes_total counter\n\
            toxiproxy_proxy_sent_bytes_total{direction=\"upstream\",listener=\"127.0.0.1:1\",proxy=\"worker-0\",upstream=\"b:2\"} 1.5e+06\n\
            toxiproxy_proxy_sent_bytes_total{direction=\"upstream\",listener=\"127.0.0.1:1\",proxy=\"worker-01\",upstream=\"b:2\"} 3\n";
        let account = account(text, "worker-0");
        assert_eq!(account.passed_up_bytes, Some(1_500_000));
        assert_eq!(account.passed_down_bytes, None);
        assert_eq!(account.connections_closed, None);
    }
}
