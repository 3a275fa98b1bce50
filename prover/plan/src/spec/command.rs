//! Options as they can be typed.

use std::convert::Infallible;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Map, Value};

use super::program;

/// The command that gives these options to this program: those that differ from what is assumed
/// without them. The fields of both are options by their names.
#[must_use]
pub fn command_line<T: Serialize>(subcommand: &[&str], options: &T, assumed: &T) -> String {
    command_line_of(program(), subcommand, options, assumed)
}

/// The same for a program that is called so.
#[must_use]
pub fn command_line_of<T: Serialize>(
    program: &str,
    subcommand: &[&str],
    options: &T,
    assumed: &T,
) -> String {
    let (options, assumed) = (fields(options), fields(assumed));
    let differing = options
        .iter()
        .filter(|(name, value)| assumed.get(*name) != Some(value));
    let words = differing.flat_map(|(name, value)| words(name, value));
    let subcommand = subcommand.iter().map(|word| (*word).to_owned());
    let words: Vec<String> = subcommand.chain(words).collect();
    typed(program, &words)
}

/// The command that gives these words to a program that is called so.
#[must_use]
pub fn typed(program: &str, words: &[String]) -> String {
    let quoted = words.iter().map(|word| quoted(word));
    let program = std::iter::once(program.to_owned());
    program.chain(quoted).collect::<Vec<_>>().join(" ")
}

/// A path that JSON can say: clap refuses what is not UTF-8 before this is asked.
///
/// # Errors
/// Never.
pub fn utf8_path(text: &str) -> Result<PathBuf, Infallible> {
    Ok(text.into())
}

fn fields(options: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(options) {
        Ok(Value::Object(fields)) => fields,
        other => unreachable!("options are a struct of texts and numbers: {other:?}"),
    }
}

fn words(name: &str, value: &Value) -> Vec<String> {
    let option = format!("--{name}");
    match value {
        Value::Null | Value::Bool(false) | Value::Object(_) => Vec::new(),
        Value::Bool(true) => vec![option],
        Value::Array(values) => values.iter().flat_map(|one| words(name, one)).collect(),
        Value::String(text) => with(option, text.clone()),
        Value::Number(number) => {
            let float = number.as_f64().filter(|_| number.is_f64());
            with(
                option,
                float.map_or(number.to_string(), |float| float.to_string()),
            )
        }
    }
}

/// A value that begins with a dash would be taken for an option.
fn with(option: String, value: String) -> Vec<String> {
    if value.starts_with('-') {
        return vec![format!("{option}={value}")];
    }
    vec![option, value]
}

/// As a POSIX shell takes it.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Options {
        place: &'static str,
        only: Vec<&'static str>,
        rate: f64,
        seed: u64,
        quiet: bool,
    }

    const ASSUMED: Options = Options {
        place: "here",
        only: Vec::new(),
        rate: 1.0,
        seed: 0,
        quiet: false,
    };

    #[test]
    fn only_what_differs_is_said_and_quoted_where_a_shell_would_take_it_apart() {
        let line =
            |options: &Options| command_line_of("./prover", &["experiment"], options, &ASSUMED);
        assert_eq!(line(&ASSUMED), "./prover experiment");
        let options = Options {
            place: "it's here",
            only: vec!["a", "-b"],
            rate: 20.0,
            seed: u64::MAX,
            quiet: true,
        };
        assert_eq!(
            line(&options),
            r"./prover experiment --only a --only=-b --place 'it'\''s here' --quiet --rate 20 --seed 18446744073709551615"
        );
    }
}
