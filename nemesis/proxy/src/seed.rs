//! Where chance comes from: one stream for each proxy, connection, direction and purpose, all from
//! one seed.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::toxic::Stream;

/// What the chance is for; the streams do not disturb one another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// Whether a toxic acts on a connection.
    Toxicity = 0,
    /// What a toxic does there.
    Effect = 1,
}

/// The stream for one direction of the `connection`-th connection of `proxy`.
pub(crate) fn stream(
    seed: u64,
    proxy: &str,
    connection: u64,
    stream: Stream,
    purpose: Purpose,
) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&fnv1a(proxy).to_le_bytes());
    key[16..24].copy_from_slice(&connection.to_le_bytes());
    key[24] = stream as u8;
    key[25] = purpose as u8;
    ChaCha8Rng::from_seed(key)
}

/// FNV-1a: the standard library's hashers may change from one release to the next, and seeds must
/// not.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use rand::RngCore;

    use super::*;

    #[test]
    fn every_part_of_the_key_makes_another_stream() {
        let first = |seed, proxy, connection, direction, purpose| {
            stream(seed, proxy, connection, direction, purpose).next_u64()
        };
        let base = first(1, "a", 0, Stream::Upstream, Purpose::Effect);
        assert_eq!(base, first(1, "a", 0, Stream::Upstream, Purpose::Effect));
        assert_ne!(base, first(2, "a", 0, Stream::Upstream, Purpose::Effect));
        assert_ne!(base, first(1, "b", 0, Stream::Upstream, Purpose::Effect));
        assert_ne!(base, first(1, "a", 1, Stream::Upstream, Purpose::Effect));
        assert_ne!(base, first(1, "a", 0, Stream::Downstream, Purpose::Effect));
        assert_ne!(base, first(1, "a", 0, Stream::Upstream, Purpose::Toxicity));
    }

    #[test]
    fn names_hash_to_the_published_values() {
        assert_eq!(fnv1a(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a("foobar"), 0x8594_4171_f739_67e8);
    }
}
