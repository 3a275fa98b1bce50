//! Numbers as people type them: what is wrong with one is said with what would be right.

use std::fmt::Display;
use std::str::FromStr;

/// Reads a number of which there must be some. That it may be 0 all the same is for whoever knows
/// its bounds to say.
///
/// # Errors
/// What is wrong with the text.
pub fn above_zero<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    read(text, "must be more than 0")
}

/// Reads a number that may be 0.
///
/// # Errors
/// What is wrong with the text.
pub fn from_zero<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    read(text, "must be 0 or more")
}

fn read<T: FromStr<Err: Display>>(text: &str, bound: &str) -> Result<T, String> {
    if is_negative(text) {
        return Err(bound.to_owned());
    }
    let number = text.parse();
    number.map_err(|error: T::Err| match text {
        "0" => bound.to_owned(),
        _ => error.to_string(),
    })
}

/// Whether it is a number or time below 0.
#[must_use]
pub fn is_negative(text: &str) -> bool {
    let digits = text
        .strip_prefix('-')
        .map(|text| text.trim_start_matches('.'));
    digits.is_some_and(|digits| digits.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_the_least_is_told_the_least() {
        let said = |text| above_zero::<u32>(text).expect_err("refused");
        for text in ["-3", "-3.5", "-.5", "-0"] {
            assert_eq!(said(text), "must be more than 0", "{text}");
        }
        assert_eq!(
            from_zero::<u64>("-1").expect_err("refused"),
            "must be 0 or more"
        );
        assert_eq!(said("0.0"), "invalid digit found in string");
        assert_eq!(above_zero::<f64>("0.5"), Ok(0.5));
        assert!(above_zero::<u32>("five").is_err());
    }
}
