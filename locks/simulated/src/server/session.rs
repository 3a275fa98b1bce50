//! A connection as the server keeps it.

use std::collections::{BTreeMap, VecDeque};

use super::channel::Channel;
use super::heartbeat::Monitor;
use crate::frame::{ChannelId, ClientFrame, Segment};

#[derive(Debug, Default)]
pub(super) struct Session {
    /// The connection's name, as the client gave it.
    pub(super) name: String,
    pub(super) authenticated: bool,
    pub(super) open: bool,
    pub(super) heartbeat_secs: u16,
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) sending: Monitor,
    pub(super) receiving: Monitor,
    /// Blocked by an alarm: what comes is not read until it is over.
    pub(super) unread: Option<VecDeque<Segment<ClientFrame>>>,
    pub(super) channels: BTreeMap<ChannelId, Channel>,
}
