//! Connecting to RabbitMQ.

use async_trait::async_trait;
use lapin::ConnectionProperties;
use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo};
use tokio::time;

use super::connection::RabbitConnection;
use super::errors;
use crate::broker::{Broker, ConnectOptions, Connection};
use crate::{Error, ErrorKind};

/// A real RabbitMQ, or whatever speaks AMQP 0-9-1 like it. Must be used within a tokio runtime.
#[derive(Debug, Clone, Copy, Default)]
pub struct RabbitMq;

#[async_trait]
impl Broker for RabbitMq {
    async fn connect(&self, options: &ConnectOptions) -> Result<Box<dyn Connection>, Error> {
        let properties = ConnectionProperties::default()
            .with_connection_name(options.name.as_str().into())
            .configure_backoff(|backoff| backoff.with_max_times(0));
        let connecting = lapin::Connection::connect_uri(uri(options)?, properties);
        let connection = time::timeout(options.timeout, connecting)
            .await
            .map_err(|_| timed_out(options))?
            .map_err(|error| errors::connecting(&error, &options.address))?;
        Ok(Box::new(RabbitConnection::new(connection)))
    }
}

fn timed_out(options: &ConnectOptions) -> Error {
    let ConnectOptions {
        address, timeout, ..
    } = options;
    Error::new(
        ErrorKind::Timeout,
        format!("no connection to {address} within {timeout:?}"),
    )
}

fn uri(options: &ConnectOptions) -> Result<AMQPUri, Error> {
    let (host, port) = host_and_port(&options.address)?;
    Ok(AMQPUri {
        scheme: AMQPScheme::AMQP,
        authority: AMQPAuthority {
            userinfo: AMQPUserInfo {
                username: options.user.clone(),
                password: options.password.clone(),
            },
            host,
            port,
        },
        vhost: options.vhost.clone(),
        query: AMQPQueryString {
            heartbeat: Some(heartbeat_secs(options)?),
            ..AMQPQueryString::default()
        },
    })
}

fn host_and_port(address: &str) -> Result<(String, u16), Error> {
    let parts = address.rsplit_once(':').and_then(|(host, port)| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        (!host.is_empty()).then_some((host.to_owned(), port.parse().ok()?))
    });
    parts.ok_or_else(|| {
        Error::new(
            ErrorKind::Invalid,
            format!("broker address {address:?} must be host:port"),
        )
    })
}

fn heartbeat_secs(options: &ConnectOptions) -> Result<u16, Error> {
    let secs = options.heartbeat.as_millis().div_ceil(1000);
    u16::try_from(secs).map_err(|_| {
        Error::new(
            ErrorKind::Invalid,
            format!("heartbeat of {secs} s is longer than 65535 s"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn addresses_are_host_and_port() {
        let parse = |address| host_and_port(address).ok();
        assert_eq!(parse("localhost:5672"), Some(("localhost".into(), 5672)));
        assert_eq!(parse("[::1]:5672"), Some(("::1".into(), 5672)));
        for wrong in ["localhost", ":5672", "localhost:", "localhost:70000"] {
            assert_eq!(
                host_and_port(wrong).unwrap_err().kind,
                ErrorKind::Invalid,
                "{wrong}"
            );
        }
    }

    #[test]
    fn heartbeats_are_rounded_up_to_seconds() {
        let secs = |heartbeat| {
            heartbeat_secs(&ConnectOptions {
                heartbeat,
                ..ConnectOptions::default()
            })
        };
        assert_eq!(secs(Duration::ZERO), Ok(0));
        assert_eq!(secs(Duration::from_millis(1)), Ok(1));
        assert_eq!(secs(Duration::from_secs(5)), Ok(5));
        assert_eq!(
            secs(Duration::from_secs(100_000)).unwrap_err().kind,
            ErrorKind::Invalid
        );
    }
}
