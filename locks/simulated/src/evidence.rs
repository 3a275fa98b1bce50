//! What a link did, told by the link itself.

/// The same as links of a real testbed tell; here everything is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The most bytes from clients that were on their way longer than the link's latency asks for:
    /// held back, delayed, trickling.
    pub held_up_bytes: Option<u64>,
    /// The same of bytes from the broker.
    pub held_down_bytes: Option<u64>,
    /// Connections that the link has closed or reset.
    pub connections_closed: Option<u64>,
    /// Bytes that arrived at the broker.
    pub passed_up_bytes: Option<u64>,
    /// Bytes that arrived at clients.
    pub passed_down_bytes: Option<u64>,
}

/// Where a link keeps that.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// By direction, as all pairs here.
    pub(super) held: [u64; 2],
    pub(super) passed: [u64; 2],
    pub(super) closed: u64,
}

impl Ledger {
    /// What has come to it since this was asked last; what is held stays.
    pub(super) fn take(&mut self) -> Evidence {
        let [passed_up, passed_down] = std::mem::take(&mut self.passed);
        Evidence {
            held_up_bytes: Some(self.held[0]),
            held_down_bytes: Some(self.held[1]),
            connections_closed: Some(std::mem::take(&mut self.closed)),
            passed_up_bytes: Some(passed_up),
            passed_down_bytes: Some(passed_down),
        }
    }
}
