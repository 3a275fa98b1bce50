//! What RabbitMQ's log says of connections that it lost: the time at which the broker noticed, in its
//! own words.

use jiff::Timestamp;

/// A connection that ended and whose client had not closed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticedLoss {
    /// The time of the line in the log, by the broker's clock.
    pub at: Timestamp,
    /// The connection's name, as the client gave it; empty where it gave none.
    pub connection: String,
    /// The broker's reason: `missed heartbeats from client, timeout: 2s`.
    pub reason: String,
}

/// How the first of the two lines of a loss begins; the second is the reason. A connection that its
/// client has closed is told in one line.
const BEGINNINGS: &[&str] = &["closing AMQP connection <", "Error on AMQP connection <"];
/// How the first line ends.
const ENDS: &[&str] = &["):", "), channel 0:"];

/// The losses that a log of RabbitMQ 3.10 or 4.0 tells of, in its order.
#[must_use]
pub fn losses(log: &str) -> Vec<NoticedLoss> {
    let lines: Vec<Line<'_>> = log.lines().filter_map(Line::read).collect();
    let pairs = lines.windows(2);
    pairs.filter_map(|pair| loss(&pair[0], &pair[1])).collect()
}

fn loss(first: &Line<'_>, second: &Line<'_>) -> Option<NoticedLoss> {
    let is_first = BEGINNINGS.iter().any(|text| first.text.starts_with(text));
    let described = ENDS.iter().find_map(|end| first.text.strip_suffix(end))?;
    if !is_first || first.process != second.process || first.at != second.at {
        return None;
    }
    Some(NoticedLoss {
        at: first.at,
        connection: name(described)?.to_owned(),
        reason: second.text.trim_start().to_owned(),
    })
}

/// The name in `… (ADDRESS -> ADDRESS - NAME, vhost: '/', user: …`: a name may have anything in it, so
/// what follows it is looked for from the end.
fn name(described: &str) -> Option<&str> {
    let (_, addresses) = described.split_once(" -> ")?;
    let ends = [", vhost: '", ", duration: '", ", user: '"];
    let end = ends.iter().find_map(|end| addresses.rfind(end));
    let described = &addresses[..end.unwrap_or(addresses.len())];
    Some(described.split_once(" - ").map_or("", |(_, name)| name))
}

/// `2026-11-30 11:47:17.176832+00:00 [error] <0.1367.0> text`
struct Line<'a> {
    at: Timestamp,
    process: &'a str,
    text: &'a str,
}

impl<'a> Line<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (at, rest) = line.split_once(" [")?;
        let (_, rest) = rest.split_once("] ")?;
        let (process, text) = rest.split_once(' ')?;
        let at = at.parse().ok()?;
        Some(Self { at, process, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RabbitMQ 4.0.5's own lines.
    const LOG: &str = "\
  ##  ##      RabbitMQ 4.0.5
2026-11-30 11:47:13.639373+00:00 [info] <0.1328.0> closing AMQP connection (172.17.0.1:43890 -> 172.17.0.2:5672 - run-closed, vhost: '/', user: 'guest', duration: '20ms')
2026-11-30 11:47:13.640897+00:00 [info] <0.1346.0> accepting AMQP connection 172.17.0.1:43894 -> 172.17.0.2:5672
2026-11-30 11:47:14.177995+00:00 [warning] <0.1346.0> closing AMQP connection <0.1346.0> (172.17.0.1:43894 -> 172.17.0.2:5672 - run - a, vhost: 'b', vhost: '/', user: 'guest', duration: '537ms'):
2026-11-30 11:47:14.177995+00:00 [warning] <0.1346.0> client unexpectedly closed TCP connection
2026-11-30 11:47:17.176832+00:00 [error] <0.1367.0> closing AMQP connection <0.1367.0> (172.17.0.1:43902 -> 172.17.0.2:5672 - run-silent, duration: '3s'):
2026-11-30 11:47:17.176832+00:00 [error] <0.1367.0> missed heartbeats from client, timeout: 1s
2026-11-30 11:47:19.225861+00:00 [info] <0.694.0> stopped TCP listener on [::]:5672
2026-11-30 11:47:19.226945+00:00 [error] <0.1389.0> Error on AMQP connection <0.1389.0> (172.17.0.1:48032 -> 172.17.0.2:5672 - run-stop, vhost: '/', user: 'guest', state: running), channel 0:
2026-11-30 11:47:19.226945+00:00 [error] <0.1389.0>  operation none caused a connection exception connection_forced: \"broker forced connection closure with reason 'shutdown'\"
2026-11-30 11:47:19.229758+00:00 [info] <0.535.0> Virtual host '/' is stopping";

    #[test]
    fn losses_are_told_with_their_time_name_and_reason() {
        let told = losses(LOG);
        let told: Vec<_> = told
            .iter()
            .map(|loss| {
                (
                    loss.at.to_string(),
                    loss.connection.as_str(),
                    loss.reason.as_str(),
                )
            })
            .collect();
        let expected = [
            (
                "2026-11-30T11:47:14.177995Z",
                "run - a, vhost: 'b'",
                "client unexpectedly closed TCP connection",
            ),
            (
                "2026-11-30T11:47:17.176832Z",
                "run-silent",
                "missed heartbeats from client, timeout: 1s",
            ),
            (
                "2026-11-30T11:47:19.226945Z",
                "run-stop",
                "operation none caused a connection exception connection_forced: \"broker forced connection closure with reason 'shutdown'\"",
            ),
        ];
        let expected = expected.map(|(at, name, reason)| (at.to_owned(), name, reason));
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_cut_off_or_not_named_is_taken_as_it_is() {
        let cut = LOG.lines().take(4).collect::<Vec<_>>().join("\n");
        assert_eq!(losses(&cut), []);
        let unnamed = "\
2026-11-30 11:47:14.177995+00:00 [warning] <0.1346.0> closing AMQP connection <0.1346.0> (172.17.0.1:1 -> 172.17.0.2:5672, vhost: '/', user: 'guest'):
2026-11-30 11:47:14.177995+00:00 [warning] <0.1346.0> client unexpectedly closed TCP connection";
        assert_eq!(losses(unnamed)[0].connection, "");
    }
}
