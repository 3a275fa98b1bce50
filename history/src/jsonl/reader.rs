//! Reading in parallel: blocks of lines are split into pieces, the pieces parsed by all cores, and
//! the events admitted one after the other while the next block is being parsed. Never more than a
//! few blocks are held.

use std::io::Read;
use std::mem;

use memchr::memchr_iter;
use rayon::prelude::*;

use super::blocks::{Blocks, pieces};
use super::line::{self, Keys};
use super::{LineError, ReadError};
use crate::{Event, History, HistoryBuilder};

/// Reads a history.
///
/// A last line that was torn while it was written (no line end, and the JSON stops in the middle)
/// is left out, and the history is [incomplete](History::is_incomplete).
///
/// # Errors
/// The first line that is no event or breaks a rule, with its number.
pub fn read(source: impl Read) -> Result<History, ReadError> {
    let mut blocks = Blocks::of(source);
    let mut admission = Admission::default();
    let mut parsed = Vec::new();
    let mut first = true;
    loop {
        let block = blocks.next();
        let text = block
            .as_ref()
            .ok()
            .and_then(Option::as_ref)
            .map_or(&[][..], Vec::as_slice);
        if mem::take(&mut first) && text.starts_with(b"\xef\xbb\xbf") {
            return Err(ReadError::Line {
                line: 1,
                problem: LineError::ByteOrderMark,
            });
        }
        let earlier = mem::take(&mut parsed);
        let (next, admitted) = rayon::join(|| parse(text), || admission.admit(earlier));
        admitted?;
        parsed = next;
        if block?.is_none() {
            return Ok(admission.builder.finish());
        }
    }
}

fn parse(block: &[u8]) -> Vec<Piece> {
    pieces(block).into_par_iter().map(Piece::parse).collect()
}

/// What the lines of a piece are, up to the first that is bad.
#[derive(Default)]
struct Piece {
    /// Each with its line, counted from 0 within the piece.
    events: Vec<(u32, Event)>,
    lines: u32,
    bad: Option<LineError>,
    torn: bool,
}

impl Piece {
    fn parse(text: &[u8]) -> Self {
        let mut piece = Self {
            events: Vec::with_capacity(text.len() / 100 + 1),
            ..Self::default()
        };
        let mut keys = Keys::default();
        let mut start = 0;
        let ends = memchr_iter(b'\n', text).map(|end| end + 1);
        for end in ends.chain([text.len()]) {
            if end > start && !piece.take(&text[start..end], &mut keys) {
                break;
            }
            start = end;
        }
        piece
    }

    /// Takes one line, and tells whether it is a good one.
    fn take(&mut self, line: &[u8], keys: &mut Keys) -> bool {
        match line::parse(line, keys) {
            Ok(event) => self.events.extend(event.map(|event| (self.lines, event))),
            Err(problem) if line::is_torn(line, &problem) => self.torn = true,
            Err(problem) => {
                self.bad = Some(problem);
                return false;
            }
        }
        self.lines += 1;
        true
    }
}

/// The door through which events come in, in the order of their lines.
#[derive(Default)]
struct Admission {
    builder: HistoryBuilder,
    lines: u64,
}

impl Admission {
    fn admit(&mut self, pieces: Vec<Piece>) -> Result<(), ReadError> {
        pieces
            .into_iter()
            .try_for_each(|piece| self.admit_piece(piece))
    }

    fn admit_piece(&mut self, piece: Piece) -> Result<(), ReadError> {
        let before = self.lines + 1;
        let at = |line: u32, problem| ReadError::Line {
            line: before + u64::from(line),
            problem,
        };
        for (line, event) in piece.events {
            self.builder
                .push_event(event)
                .map_err(|error| at(line, error.into()))?;
        }
        if let Some(problem) = piece.bad {
            return Err(at(piece.lines, problem));
        }
        if piece.torn {
            self.builder.mark_torn();
        }
        self.lines += u64::from(piece.lines);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TURNS: usize = 30_000;

    /// Lines enough for several blocks; line `n` of the file is entry `n - 1`, and every hundredth
    /// is blank.
    fn lines() -> Vec<String> {
        let mut index = 0;
        let mut line = |process: usize, kind: &str| {
            index += 1;
            format!(
                r#"{{"index":{index},"time":{index},"process":{process},"type":"{kind}","f":"acquire","key":"lock-0"}}"#
            )
        };
        let turns = (0..TURNS).flat_map(|turn| [line(turn, "invoke"), line(turn, "ok")]);
        let with_blanks = turns
            .enumerate()
            .flat_map(|(place, line)| match place % 99 {
                98 => vec![line, String::new()],
                _ => vec![line],
            });
        with_blanks.collect()
    }

    fn said(lines: &[String]) -> String {
        read(lines.join("\n").as_bytes())
            .expect_err("a line is bad")
            .to_string()
    }

    #[test]
    fn nothing_is_lost_between_blocks() {
        let lines = lines();
        let text = lines.join("\r\n");
        assert!(text.len() > 5 << 20);
        let history = read(text.as_bytes()).expect("well-formed");
        assert_eq!(history.events().len(), 2 * TURNS);
        assert!(
            history
                .events()
                .iter()
                .zip(1..)
                .all(|(event, index)| event.index == index)
        );
        assert!(!history.is_incomplete());
        let torn = read(&text.as_bytes()[..text.len() - 3]).expect("a torn log reads");
        assert_eq!(torn.events().len(), 2 * TURNS - 1);
        assert!(torn.is_incomplete());
    }

    #[test]
    fn the_first_bad_line_is_the_one_that_is_named() {
        let good = lines();
        let last = good.len() - 1;
        for bad in [0, 1, 1_000, 1_500, 40_000, 50_000, last] {
            let mut lines = good.clone();
            lines[bad] = "{]".to_owned();
            assert!(
                said(&lines).starts_with(&format!("line {}: not an event", bad + 1)),
                "{}",
                said(&lines)
            );
            if bad > 1 {
                // A broken rule before it comes first, though it is found later.
                lines[bad - 1] =
                    r#"{"index":1,"time":1,"process":0,"type":"invoke","f":"acquire"}"#.to_owned();
                assert!(
                    said(&lines).starts_with(&format!("line {bad}: index 1 does not follow")),
                    "{}",
                    said(&lines)
                );
            }
        }
    }
}
