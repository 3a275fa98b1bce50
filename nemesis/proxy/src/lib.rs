//! A TCP proxy that breaks links on request and speaks Toxiproxy 2.x's HTTP API.
//!
//! Whoever breaks links does so by the trait [`Proxies`]. Two things implement it: [`Embedded`],
//! the proxies of this process, by direct calls; and [`toxiproxy::ApiClient`], which asks a real
//! Toxiproxy by HTTP. [`serve`] gives an [`Embedded`] the same HTTP API.
//!
//! The data's way: `server` (HTTP) -> `embedded` -> `collection` (all proxies) -> `proxy` (one
//! listener and its toxics) -> `connection` (the two sockets) -> `link` (one direction: reading
//! end, toxics, writing end) -> `toxics` (one file each).
//!
//! What differs from Toxiproxy, and why, stands in docs/proxy.md. In short: ends travel through the
//! toxics as they are, half-closes and resets too; a change is in force on open connections when its
//! request is answered; all chance comes from a seed; and a request that cannot be fulfilled leaves
//! everything as it was.

mod account;
mod address;
mod amqp;
mod api_thread;
mod browser;
mod budget;
mod collection;
mod connection;
mod embedded;
mod error;
mod fields;
mod link;
mod listener;
mod metrics;
mod proxies;
mod proxy;
mod record;
mod refusal;
mod relocation;
mod seed;
mod server;
mod share;
mod toxic;
mod toxics;
pub mod toxiproxy;
mod traffic;

pub use account::Account;
pub use amqp::{Method, MethodError};
pub use embedded::Embedded;
pub use error::ProxyError;
pub use proxies::{Proxies, ProxiesError};
pub use proxy::Counters;
pub use record::ProxyRecord;
pub use server::{VERSION, serve};
pub use toxic::{AnyEffect, Effect, End, Front, Kind, Payload, State, Step, Stream, Toxic};
pub use toxics::{
    ALL, AmqpSilence, AmqpTrap, Bandwidth, Latency, LimitData, Noop, Nth, ResetPeer, Slicer,
    SlowClose, Then, Timeout, find,
};
pub use traffic::Traffic;
