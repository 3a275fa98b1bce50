//! The words of the command line, as they are read.

use std::ffi::OsString;

use plan::spec::number::is_negative;

/// The words, a number below 0 joined to the option before it: else it would be taken for an option
/// that there is not, and nobody would say what the number must be.
pub fn joined(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::new();
    let mut are_operands = false;
    for word in words {
        are_operands |= word == "--";
        match joined.last_mut() {
            // No option begins with a digit.
            Some(option)
                if !are_operands && is_option(option) && is_negative(&word.to_string_lossy()) =>
            {
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
