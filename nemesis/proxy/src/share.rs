//! What one direction of a connection may move before others have their turn.

/// What is left of a turn. A task whose sockets are always ready would otherwise never give its
/// thread back, and all others would wait until it happens to run dry.
#[derive(Debug)]
pub(crate) struct Share {
    bytes_left: usize,
}

impl Share {
    /// A full read and its write. Turns are short: two hundred of them take some ten milliseconds.
    const BYTES: usize = 128 << 10;

    /// A system call costs about as much as it does to move so many bytes.
    const CALL: usize = 1 << 10;

    /// A whole turn.
    pub(crate) fn new() -> Self {
        Self {
            bytes_left: Self::BYTES,
        }
    }

    /// Takes off a system call that moved `bytes`.
    pub(crate) fn spend(&mut self, bytes: usize) {
        self.bytes_left = self.bytes_left.saturating_sub(bytes.max(Self::CALL));
    }

    /// Whether the turn is over.
    pub(crate) fn is_spent(&self) -> bool {
        self.bytes_left == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_ends_after_its_bytes_or_after_many_calls() {
        let turns = |bytes| {
            let mut share = Share::new();
            let mut calls = 0;
            while !share.is_spent() {
                share.spend(bytes);
                calls += 1;
            }
            calls
        };
        assert_eq!(turns(Share::BYTES / 2), 2);
        assert_eq!(turns(usize::MAX), 1);
        assert_eq!(turns(0), Share::BYTES / Share::CALL);
    }
}
