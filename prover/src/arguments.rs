//! The words of the command line, as they are read.

use std::ffi::OsString;

/// The words, a number below 0 joined to the option before it: else it would be taken for an option
/// that there is not, and nobody would say what the number must be.
pub fn joined(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::new();
    let mut are_operands = false;
    for word in words {
        are_operands |= word == "--";
        match joined.last_mut() {
            Some(option) if !are_operands && is_option(option) && is_negative(&word) => {
                option.push("=");
                option.push(word);
            }
            _ => joined.push(word),
        }
    }
    joined
}

fn is_option(word: &OsString) -> bool {
    let text = word.to_string_lossy();
    text.starts_with('-') && !text.contains('=')
}

/// No option begins with a digit.
fn is_negative(word: &OsString) -> bool {
    let text = word.to_string_lossy();
    let digits = text
        .strip_prefix('-')
        .map(|text| text.trim_start_matches('.'));
    digits.is_some_and(|digits| digits.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_below_0_are_joined_and_only_to_options() {
        for (words, expected) in [
            ("prover -c -3", "prover -c=-3"),
            ("prover --rate -.5 -q", "prover --rate=-.5 -q"),
            ("prover --time-limit -5s", "prover --time-limit=-5s"),
            ("prover --seed --keys 1", "prover --seed --keys 1"),
            ("prover --seed=1 -5", "prover --seed=1 -5"),
            ("prover check -- -5 -6", "prover check -- -5 -6"),
            ("prover -", "prover -"),
        ] {
            let words = words.split(' ').map(OsString::from);
            let joined: Vec<String> = joined(words)
                .into_iter()
                .map(|word| word.into_string().expect("text"))
                .collect();
            assert_eq!(joined.join(" "), expected);
        }
    }
}
