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
//! What differs from Toxiproxy, on purpose:
//! - Half-closes stay half-closes, and a reset stays a reset: both travel through the toxics behind
//!   the bytes that were sent before them. So does the close that stands for a server that could
//!   not be reached.
//! - A change takes effect before its request is answered, on open connections too, and holds back
//!   even bytes that only waited for a slow receiver.
//! - Chance (jitter, toxicity, slices) is seeded: the same seed and the same connections give the
//!   same decisions.
//! - Other words for a proxy's own addresses touch neither connections nor toxics; Toxiproxy sees
//!   that of most `listen` addresses only, and of no `upstream`.
//! - A proxy that cannot listen where it is to go stays as it was; Toxiproxy stops it first.
//! - The stream of a toxic is answered in lower case, however it was asked for.

mod address;
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

pub use embedded::Embedded;
pub use error::ProxyError;
pub use proxies::{Proxies, ProxiesError};
pub use proxy::Counters;
pub use record::ProxyRecord;
pub use server::{VERSION, serve};
pub use toxic::{AnyEffect, Effect, End, Front, Kind, Payload, State, Step, Stream, Toxic};
pub use toxics::{
    ALL, Bandwidth, Latency, LimitData, Noop, ResetPeer, Slicer, SlowClose, Timeout, find,
};
pub use traffic::Traffic;
