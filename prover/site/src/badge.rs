//! A badge: one line, as a picture that stands in somebody's documentation.

use checker::Verdict;
use report::template::render;
use serde::Serialize;

use crate::error::SiteError;
use crate::proven::DOES_NOT_FOLLOW;
use crate::standing::Standing;

const TEMPLATE: &str = include_str!("badge.svg.j2");

/// What a badge says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Badge {
    /// What was proved: `exclusive-queue mutex`; nothing stands for all of it.
    pub subject: Option<String>,
    /// What the proof says.
    pub verdict: Verdict,
    /// Whether it says what its counts do not: then that is said in place of the verdict.
    pub is_unfounded: bool,
    /// The commit that it speaks of, or when it was made.
    pub of: String,
    /// Whether it speaks of another commit than the one that is asked about, or of none that is
    /// known: then it is grey, whatever it says.
    pub is_outdated: bool,
}

/// So many characters of a name or a note are shown; a title holds the rest.
const SHOWN_MAX: usize = 40;

/// How far text stands from the edges.
const MARGIN: u32 = 6;

#[derive(Serialize)]
struct View {
    title: String,
    label: Text,
    message: Text,
    width: u32,
    tone: &'static str,
}

/// A text with its place, in tenths of a pixel where it is a width.
#[derive(Serialize)]
struct Text {
    text: String,
    x: u32,
    width: u32,
    box_width: u32,
}

/// The badge as an SVG picture.
///
/// # Errors
/// Never, unless a template of the prover is broken.
pub fn badge(badge: &Badge) -> Result<String, SiteError> {
    let subject = badge.subject.as_deref().map(line);
    let label = match &subject {
        Some(subject) => format!("proof {subject}"),
        None => "proof".to_owned(),
    };
    let verdict = if badge.is_unfounded {
        DOES_NOT_FOLLOW
    } else {
        Standing::from(badge.verdict).word()
    };
    let of = line(&badge.of);
    let message = match (badge.is_outdated, of.as_str()) {
        (true, "") => format!("outdated ({verdict})"),
        (true, of) => format!("outdated ({verdict} {of})"),
        (false, "") => verdict.to_owned(),
        (false, of) => format!("{verdict} {of}"),
    };
    let label_text = Text::at(0, &shortened(&label));
    let message_text = Text::at(label_text.box_width, &shortened(&message));
    let view = View {
        title: format!("{label}: {message}"),
        width: label_text.box_width + message_text.box_width,
        label: label_text,
        message: message_text,
        tone: tone(badge),
    };
    Ok(render(TEMPLATE, &view)?.trim_end().to_owned())
}

/// The colour of what shows nothing.
const OPEN: &str = "#8a5a00";

/// Dark enough for white text, on light paper and on dark.
fn tone(badge: &Badge) -> &'static str {
    match badge.verdict {
        _ if badge.is_outdated => "#656d76",
        _ if badge.is_unfounded => OPEN,
        Verdict::Valid => "#1a7f37",
        Verdict::Violated => "#cf222e",
        Verdict::Unknown => OPEN,
    }
}

impl Text {
    fn at(from: u32, text: &str) -> Self {
        let width = width(text);
        Self {
            text: text.to_owned(),
            x: from + MARGIN,
            width,
            box_width: width + 2 * MARGIN,
        }
    }
}

/// A text in one line.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= SHOWN_MAX {
        return text.to_owned();
    }
    let kept: String = text.chars().take(SHOWN_MAX - 1).collect();
    format!("{kept}…")
}

/// How many pixels a text needs at most, in any usual sans-serif of 11 pixels. The picture fits the
/// text to it, so that a wider font does not stand out of its box.
fn width(text: &str) -> u32 {
    let tenths = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '|' | '!' | '\'' => 42,
        'f' | 'r' | 't' | ' ' | '(' | ')' | '[' | ']' | '/' | '-' => 52,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 112,
        'A'..='Z' => 86,
        '!'..='~' => 72,
        _ => 120,
    };
    text.chars().map(tenths).sum::<u32>().div_ceil(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(verdict: Verdict, is_outdated: bool) -> Badge {
        Badge {
            subject: Some("exclusive-queue mutex".to_owned()),
            verdict,
            is_unfounded: false,
            of: "0123456789".to_owned(),
            is_outdated,
        }
    }

    fn drawn(badge_: &Badge) -> String {
        let svg = badge(badge_).expect("it renders");
        roxmltree::Document::parse(&svg).unwrap_or_else(|error| panic!("{error}: {svg}"));
        svg
    }

    fn title(svg: &str) -> String {
        let document = roxmltree::Document::parse(svg).expect("XML");
        let mut nodes = document.descendants();
        let title = nodes
            .find(|node| node.has_tag_name("title"))
            .expect("a title");
        title.text().expect("text").to_owned()
    }

    #[test]
    fn each_state_has_its_word_and_its_colour() {
        for (verdict, word, colour) in [
            (Verdict::Valid, "valid", "#1a7f37"),
            (Verdict::Violated, "violated", "#cf222e"),
            (Verdict::Unknown, "unknown", "#8a5a00"),
        ] {
            let svg = drawn(&of(verdict, false));
            assert_eq!(
                title(&svg),
                format!("proof exclusive-queue mutex: {word} 0123456789")
            );
            assert!(svg.contains(colour), "{svg}");
            let old = drawn(&of(verdict, true));
            assert_eq!(
                title(&old),
                format!("proof exclusive-queue mutex: outdated ({word} 0123456789)")
            );
            assert!(old.contains("#656d76") && !old.contains(colour), "{old}");
        }
        let all = drawn(&Badge {
            subject: None,
            of: String::new(),
            ..of(Verdict::Valid, false)
        });
        assert_eq!(title(&all), "proof: valid");
    }

    #[test]
    fn what_does_not_follow_is_never_green() {
        for verdict in [Verdict::Valid, Verdict::Violated, Verdict::Unknown] {
            let svg = drawn(&Badge {
                is_unfounded: true,
                ..of(verdict, false)
            });
            assert!(title(&svg).contains(DOES_NOT_FOLLOW), "{svg}");
            assert!(svg.contains(OPEN) && !svg.contains("#1a7f37"), "{svg}");
        }
    }

    #[test]
    fn hostile_names_are_text() {
        for name in [
            "<script>alert(1)</script>",
            "a\nb\u{1b}[31m::error::",
            "]]>&\"'\u{0}\u{202e}",
            &"W".repeat(5_000),
        ] {
            let badge = Badge {
                subject: Some(name.to_owned()),
                of: name.to_owned(),
                ..of(Verdict::Valid, false)
            };
            let svg = drawn(&badge);
            assert!(
                !svg.contains("<script") && !svg.contains('\u{1b}') && !svg.contains('\u{202e}'),
                "{svg}"
            );
            let document = roxmltree::Document::parse(&svg).expect("XML");
            let width: u32 = document
                .root_element()
                .attribute("width")
                .expect("a width")
                .parse()
                .expect("a number");
            assert!(width < 1_000, "{width}");
        }
    }

    #[test]
    fn a_longer_text_never_needs_less_room() {
        assert!(width("valid") < width("violated"));
        assert!(width("WWW") > width("iii"));
        assert_eq!(width(""), 0);
    }
}
