//! What Clojure prints and the EDN library does not read, written in another way that it reads.
//!
//! In texts these are `\b`, `\f` and `\uNNNN`; of characters `\backspace`, `\formfeed` and
//! `\uNNNN`; of numbers `##Inf`, `##-Inf` and `##NaN`. They may stand anywhere, also under keys
//! that are ignored.

use std::borrow::Cow;

/// A form that says the same and has none of these.
pub(super) fn readable(form: &str) -> Cow<'_, str> {
    if !form.contains(['\\', '#']) {
        return form.into();
    }
    let mut out = String::with_capacity(form.len());
    let mut rest = form;
    while let Some(at) = rest.find(['\\', '#', '"', ';']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match rest.as_bytes()[0] {
            b'"' => string(rest, &mut out),
            b'\\' => character(rest, &mut out),
            b'#' => number(rest, &mut out),
            _ => copy(rest, rest.find('\n').unwrap_or(rest.len()), &mut out),
        };
        rest = &rest[taken..];
    }
    out.push_str(rest);
    out.into()
}

/// Copies the first bytes, and tells how many they were.
fn copy(text: &str, bytes: usize, out: &mut String) -> usize {
    out.push_str(&text[..bytes]);
    bytes
}

/// A whole text with its quotes.
fn string(text: &str, out: &mut String) -> usize {
    let mut at = copy(text, 1, out);
    while let Some(found) = text[at..].find(['"', '\\']) {
        at += copy(&text[at..], found, out);
        if text[at..].starts_with('"') {
            return at + copy(&text[at..], 1, out);
        }
        at += escape(&text[at..], out);
    }
    at + copy(&text[at..], text.len() - at, out)
}

/// One escape in a text. What is none stays, for the library to refuse.
fn escape(text: &str, out: &mut String) -> usize {
    let decoded = match text.as_bytes().get(1) {
        Some(b'b') => Some(('\u{8}', 2)),
        Some(b'f') => Some(('\u{c}', 2)),
        Some(b'u') => code_points(text),
        _ => None,
    };
    if let Some((character, bytes)) = decoded {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
        return bytes;
    }
    let bytes = text.chars().take(2).map(char::len_utf8).sum();
    copy(text, bytes, out)
}

/// The character of `\uNNNN`, or of two of them that are a surrogate pair; and their length.
fn code_points(text: &str) -> Option<(char, usize)> {
    let first = unit(text)?;
    let second = text.get(6..).and_then(unit);
    let units = [first, second.unwrap_or(0)];
    match char::decode_utf16(units).next()? {
        Ok(character) => Some((character, 6 * character.len_utf16())),
        Err(_) => None,
    }
}

/// The UTF-16 unit of `\uNNNN`.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let are_digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    are_digits.then(|| u16::from_str_radix(digits, 16).ok())?
}

/// A character literal: the backslash, any one character, and the rest of a name.
fn character(text: &str, out: &mut String) -> usize {
    let mut characters = text[1..].chars();
    let first = 1 + characters.next().map_or(0, char::len_utf8);
    let name = text[first..]
        .find(|next: char| !next.is_ascii_alphanumeric())
        .map_or(text.len(), |length| first + length);
    let decoded = match &text[1..name] {
        "backspace" => Some('\u{8}'),
        "formfeed" => Some('\u{c}'),
        literal if literal.len() == 5 => {
            unit(&text[..name]).and_then(|unit| char::from_u32(unit.into()))
        }
        _ => None,
    };
    match decoded {
        Some(character) => {
            out.extend(['\\', character]);
            name
        }
        None => copy(text, name, out),
    }
}

/// A number that has no digits, if it is one. The library has no `NaN`, so it comes as the JSON
/// that stands for it.
fn number(text: &str, out: &mut String) -> usize {
    let numbers = [
        ("##Inf", "1e999"),
        ("##-Inf", "-1e999"),
        ("##NaN", "#prover/json \"~zNaN\""),
    ];
    for (printed, read) in numbers {
        if text.starts_with(printed) {
            out.push_str(read);
            return printed.len();
        }
    }
    copy(text, 1, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clojure_prints_is_rewritten_and_nothing_else() {
        let cases = [
            (r#""a\bc\f\n\\b""#, "\"a\u{8}c\u{c}\\n\\\\b\""),
            (r#""\u00e9\u0022\u005c\ud83d\ude00""#, r#""é\"\\😀""#),
            (r#""\ud83d" "\u12" "\é""#, r#""\ud83d" "\u12" "\é""#),
            (
                r"[\backspace \formfeed \u0041 \u \b]",
                "[\\\u{8} \\\u{c} \\A \\u \\b]",
            ),
            (
                r###"[\" "##Inf" \; ##Inf]"###,
                r###"[\" "##Inf" \; 1e999]"###,
            ),
            (
                "[##-Inf ##NaN #{1} #_2]",
                "[-1e999 #prover/json \"~zNaN\" #{1} #_2]",
            ),
            ("[1 ; \"##NaN\n ##Inf]", "[1 ; \"##NaN\n 1e999]"),
            ("\"\\", "\"\\"),
            ("[\\", "[\\"),
        ];
        for (printed, read) in cases {
            assert_eq!(readable(printed), read, "{printed}");
        }
    }
}
