//! Texts of others, made harmless: names, reasons and errors may hold anything.

use std::fmt::Write;

/// In one line: what nobody sees, and what moves the cursor or turns text around, is spelled out
/// (`\u{1b}`), line breaks are spaces.
#[must_use]
pub fn line(text: &str) -> String {
    let words: Vec<String> = text.split(['\n', '\r', '\t']).map(spelled).collect();
    let words = words.iter().map(|word| word.trim());
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The same in several lines.
#[must_use]
pub fn lines(text: &str) -> String {
    let all: Vec<String> = text.lines().map(spelled).collect();
    all.join("\n")
}

/// As it may stand in the log of a CI server, which takes lines that begin with `::` or hold `##[`
/// for commands.
#[must_use]
pub fn logged(text: &str) -> String {
    spelled_lines(text)
        .replace("::", ": :")
        .replace("##[", "## [")
}

/// The beginning, and a mark where something was cut off. `most` counts bytes.
#[must_use]
pub fn clipped(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(most);
    format!("{} … ({} bytes cut)", &text[..end], text.len() - end)
}

/// In one line of Markdown, as it is: nothing in it is markup, HTML, a link or the end of a cell.
#[must_use]
pub fn markdown(text: &str) -> String {
    line(text)
        .chars()
        .fold(String::new(), |mut out, character| {
            if is_markup(character) {
                let _ = write!(out, "&#{};", u32::from(character));
            } else {
                out.push(character);
            }
            out
        })
}

/// A block of code in Markdown: the fence is longer than any in the text.
#[must_use]
pub fn fenced(text: &str) -> String {
    let text = lines(text);
    let longest = text
        .split(|character| character != '`')
        .map(str::len)
        .max()
        .unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{text}\n{fence}")
}

fn spelled_lines(text: &str) -> String {
    let all: Vec<String> = text.split('\n').map(spelled).collect();
    all.join("\n")
}

fn spelled(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, character| {
        if is_unseen(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
        out
    })
}

/// Control characters, marks of direction, what has no width, and what is no character at all.
fn is_unseen(character: char) -> bool {
    let is_no_character = u32::from(character) & 0xfffe == 0xfffe;
    character.is_control()
        || is_no_character
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fdd0}'..='\u{fdef}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// What has a meaning somewhere in GitHub's Markdown; a `.` makes links of `www.`.
const fn is_markup(character: char) -> bool {
    character.is_ascii_punctuation()
        && !matches!(
            character,
            '-' | ',' | ';' | '/' | '(' | ')' | '\'' | '%' | '=' | '?' | '.'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_spelled_out() {
        assert_eq!(
            line("a\u{1b}[31m\r\nb\0\u{202e}"),
            "a\\u{1b}[31m b\\u{0}\\u{202e}"
        );
        assert_eq!(lines("ä ö\r\n\u{9b}b"), "ä ö\n\\u{9b}b");
    }

    #[test]
    fn a_log_has_no_commands_of_others() {
        assert_eq!(
            logged("x\n ::error::y ##[error]"),
            "x\n : :error: :y ## [error]"
        );
    }

    #[test]
    fn markup_is_none() {
        assert_eq!(markdown("<b>|a`"), "&#60;b&#62;&#124;a&#96;");
        assert!(fenced("a\n````\nb").starts_with("`````text\n"));
    }

    #[test]
    fn what_is_cut_off_is_said() {
        assert_eq!(clipped("äöü", 5), "äö … (2 bytes cut)");
        assert_eq!(clipped("äöü", 6), "äöü");
    }
}
