//! Large pieces of a file that end where a line ends, so that they can be parsed apart.

use std::io::{self, Read};

use memchr::{memchr, memrchr};

/// How much is read at a time; more than the longest line that is accepted.
const BLOCK_BYTES: usize = 4 << 20;

/// How much is parsed by one thread at a time.
const PIECE_BYTES: usize = 128 << 10;

/// The blocks of a source.
pub(super) struct Blocks<R> {
    source: R,
    rest: Vec<u8>,
}

impl<R: Read> Blocks<R> {
    pub(super) fn of(source: R) -> Self {
        Self {
            source,
            rest: Vec::new(),
        }
    }

    /// The next whole lines, or what is left at the end. A block without a line end is the
    /// beginning of a line that is too long.
    pub(super) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut block = Vec::with_capacity(BLOCK_BYTES);
        block.append(&mut self.rest);
        let room = BLOCK_BYTES - block.len();
        self.source
            .by_ref()
            .take(room as u64)
            .read_to_end(&mut block)?;
        if block.len() == BLOCK_BYTES
            && let Some(end) = memrchr(b'\n', &block)
        {
            self.rest.extend_from_slice(&block[end + 1..]);
            block.truncate(end + 1);
        }
        Ok((!block.is_empty()).then_some(block))
    }
}

/// The pieces of a block.
pub(super) fn pieces(mut block: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::with_capacity(block.len() / PIECE_BYTES + 1);
    while !block.is_empty() {
        let (piece, rest) = block.split_at(piece_end(block));
        pieces.push(piece);
        block = rest;
    }
    pieces
}

fn piece_end(block: &[u8]) -> usize {
    let line_end = block
        .get(PIECE_BYTES..)
        .and_then(|rest| memchr(b'\n', rest));
    line_end.map_or(block.len(), |end| PIECE_BYTES + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_pieces_end_with_lines_and_lose_nothing() {
        let text: Vec<u8> = (0..900_000_u32)
            .flat_map(|number| format!("{number}\n").into_bytes())
            .chain(*b"torn")
            .collect();
        assert!(text.len() > BLOCK_BYTES);
        let mut blocks = Blocks::of(text.as_slice());
        let mut seen = Vec::new();
        while let Some(block) = blocks.next().expect("a slice can be read") {
            for piece in pieces(&block) {
                seen.extend_from_slice(piece);
                assert!(piece.ends_with(b"\n") || seen.len() == text.len());
            }
        }
        assert!(seen == text);
    }
}
