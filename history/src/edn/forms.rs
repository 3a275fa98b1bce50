//! Where forms begin and end: enough of the syntax to hand the parser one bounded form at a time.

use super::{DEPTH_MAX, FORM_BYTES_MAX, FormError};

/// The forms of a text, or of the one vector or list that the text is.
pub(super) struct Forms<'a> {
    text: &'a str,
    at: usize,
    line: u64,
    begun: bool,
    /// Whether the forms stand in a vector or list that has not been closed.
    inside: bool,
}

/// A form and the line on which it begins.
pub(super) type Located<'a> = (u64, Result<&'a str, FormError>);

impl<'a> Forms<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
            begun: false,
            inside: false,
        }
    }

    /// The next form that is not discarded.
    pub(super) fn next(&mut self) -> Option<Located<'a>> {
        let mut discards = 0;
        loop {
            self.skip_blank();
            let rest = &self.text[self.at..];
            let first = *rest.as_bytes().first()?;
            if rest.starts_with("#_") {
                discards += 1;
                self.at += 2;
                continue;
            }
            match first {
                b'[' | b'(' if !self.begun && discards == 0 => self.open(),
                b']' | b')' if self.inside && discards == 0 => return self.close(),
                b']' | b')' | b'}' => return Some((self.line, Err(FormError::Unopened))),
                _ => {
                    self.begun = true;
                    let located = self.form(rest);
                    if discards == 0 || located.1.is_err() {
                        return Some(located);
                    }
                    discards -= 1;
                }
            }
        }
    }

    /// Whether the vector or list was not closed.
    pub(super) fn unfinished(&self) -> Option<u64> {
        self.inside.then_some(self.line)
    }

    fn open(&mut self) {
        self.begun = true;
        self.inside = true;
        self.at += 1;
    }

    fn close(&mut self) -> Option<Located<'a>> {
        self.inside = false;
        self.at += 1;
        self.skip_blank();
        let more = self.at < self.text.len();
        more.then_some((self.line, Err(FormError::AfterTheEnd)))
    }

    fn form(&mut self, rest: &'a str) -> Located<'a> {
        let line = self.line;
        let form = form_end(rest.as_bytes()).map(|end| &rest[..end]);
        if let Ok(form) = form {
            self.pass(form.len());
        }
        (line, form)
    }

    fn pass(&mut self, bytes: usize) {
        let passed = &self.text.as_bytes()[self.at..self.at + bytes];
        self.line += memchr::memchr_iter(b'\n', passed).count() as u64;
        self.at += bytes;
    }

    fn skip_blank(&mut self) {
        let bytes = blank(&self.text.as_bytes()[self.at..]);
        self.pass(bytes);
    }
}

/// How many bytes of white space, commas and comments there are.
fn blank(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b';' => at += memchr::memchr(b'\n', &text[at..]).unwrap_or(text.len() - at),
            byte if is_blank(byte) => at += 1,
            _ => break,
        }
    }
    at
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == b',' || byte == 0x0b
}

/// Where the form at the beginning of the text ends.
fn form_end(text: &[u8]) -> Result<usize, FormError> {
    let mut depth = 0;
    let mut at = 0;
    let mut tagging = false;
    while let Some(&byte) = text.get(at) {
        if at > FORM_BYTES_MAX {
            return Err(FormError::TooLong);
        }
        if depth == 0
            && at > 0
            && !tagging
            && (is_blank(byte) || b"()[]{}\";".contains(&byte))
            && !opens_set(text, at)
        {
            return Ok(at);
        }
        match byte {
            b'(' | b'[' | b'{' => {
                depth += 1;
                tagging = false;
                at += 1;
            }
            b')' | b']' | b'}' => {
                // There is nothing to close where a tag still waits for its value.
                depth = usize::checked_sub(depth, 1).ok_or(FormError::Unopened)?;
                at += 1;
                if depth == 0 {
                    return Ok(at);
                }
            }
            b'"' => {
                at = string_end(text, at)?;
                tagging = false;
                if depth == 0 {
                    return Ok(at);
                }
            }
            b'#' if depth == 0 && text.get(at + 1) != Some(&b'#') => {
                tagging = true;
                at = token_end(text, at + 1);
            }
            b'\\' => at = char_end(text, at),
            _ if is_blank(byte) || byte == b';' => at += blank(&text[at..]),
            _ => {
                at = token_end(text, at);
                tagging = false;
            }
        }
        if depth > DEPTH_MAX {
            return Err(FormError::TooDeep);
        }
    }
    if depth > 0 || tagging {
        Err(FormError::Unfinished)
    } else {
        Ok(at)
    }
}

fn opens_set(text: &[u8], at: usize) -> bool {
    text[at] == b'{' && text[at - 1] == b'#'
}

fn token_end(text: &[u8], at: usize) -> usize {
    let length = text[at..]
        .iter()
        .skip(1)
        .take_while(|byte| !is_blank(**byte) && !b"()[]{}\";".contains(byte))
        .count();
    // The first byte belongs to the token unless it is a bracket, as in `#{`.
    let first = text
        .get(at)
        .is_some_and(|byte| !is_blank(*byte) && !b"()[]{}\";".contains(byte));
    if first { at + 1 + length } else { at }
}

/// Where a character literal ends: the backslash, one character whatever it is, and the rest of a
/// name.
fn char_end(text: &[u8], at: usize) -> usize {
    let character = text[at + 1..]
        .iter()
        .skip(1)
        .take_while(|byte| **byte & 0xc0 == 0x80)
        .count()
        + 1;
    let after = (at + 1 + character).min(text.len());
    if text.get(after).is_some_and(u8::is_ascii_alphanumeric) {
        token_end(text, after)
    } else {
        after
    }
}

fn string_end(text: &[u8], at: usize) -> Result<usize, FormError> {
    let mut end = at + 1;
    while let Some(found) = memchr::memchr2(b'"', b'\\', &text[end..]) {
        end += found + 1;
        if text[end - 1] == b'"' {
            return Ok(end);
        }
        end = (end + 1).min(text.len());
    }
    Err(if text.len() - at > FORM_BYTES_MAX {
        FormError::TooLong
    } else {
        FormError::Unfinished
    })
}
