//! How much a link holds before it stops reading.

use std::time::Duration;

/// What a link may hold. Bytes that a toxic delays are on their way, as in a long cable: without
/// room for them a latency would limit the rate, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    /// Bytes in all queues; then the link stops reading, and TCP stops the sender.
    pub(crate) bytes: usize,
    /// Pieces in each queue, so that many small ones cannot take much more memory than their bytes.
    pub(crate) pieces: usize,
}

impl Budget {
    /// Of a link that nothing delays.
    const BASE: Self = Self {
        bytes: 1 << 20,
        pieces: 1024,
    };

    /// Four gigabits a second: what is read and written at once passes in bursts, so that a link
    /// which is to carry one gigabit needs more room than one gigabit has under way.
    const BYTES_PER_MS: u128 = 500_000;

    /// A gigabit has that much under way in half a second. More would make a few stalled links a
    /// matter of gigabytes.
    const DELAYED_MAX: usize = 64 << 20;

    /// Small messages are counted too: this many bytes stand for one.
    const BYTES_PER_PIECE: usize = 1 << 10;

    /// Of a link whose toxics delay bytes by up to `delay`.
    pub(crate) fn for_delay(delay: Duration) -> Self {
        let under_way = delay.as_millis() * Self::BYTES_PER_MS;
        let delayed = usize::try_from(under_way)
            .map_or(Self::DELAYED_MAX, |bytes| bytes.min(Self::DELAYED_MAX));
        Self {
            bytes: Self::BASE.bytes + delayed,
            pieces: Self::BASE.pieces + delayed / Self::BYTES_PER_PIECE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIGABIT_BYTES_PER_MS: usize = 125_000;

    fn budget_ms(delay_ms: u64) -> Budget {
        Budget::for_delay(Duration::from_millis(delay_ms))
    }

    #[test]
    fn a_gigabit_has_room_for_half_a_second() {
        for delay_ms in [1, 20, 200, 500] {
            let under_way = usize::try_from(delay_ms).unwrap() * GIGABIT_BYTES_PER_MS;
            assert!(budget_ms(delay_ms).bytes > under_way, "{delay_ms} ms");
        }
    }

    #[test]
    fn no_delay_asks_for_more_than_the_most() {
        assert_eq!(budget_ms(0), Budget::BASE);
        let most = Budget::BASE.bytes + Budget::DELAYED_MAX;
        assert_eq!(budget_ms(u64::MAX).bytes, most);
        assert_eq!(Budget::for_delay(Duration::MAX).bytes, most);
    }
}
