//! What can be set of a fault.

use std::time::Duration;

use history::fault::Parameters;
use serde_json::Value;

/// What can be set of a fault.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it says, in one line.
    pub summary: &'static str,
    /// What may stand there.
    pub form: Form,
    /// What is assumed.
    pub default: &'static str,
}

/// What may stand for a parameter.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// A time, or none: `40ms`.
    Time,
    /// A time of 1 ms or more.
    Span,
    /// A whole number of 1 or more.
    Number,
    /// One of these words.
    Word(&'static [&'static str]),
    /// The name of a method of AMQP: `queue.declare`.
    Method,
}

impl Parameter {
    /// Reads what was given for it.
    ///
    /// # Errors
    /// What may stand there.
    pub fn read(&self, text: &str) -> Result<Value, String> {
        match self.form {
            Form::Time => match humantime::parse_duration(text) {
                Ok(time) if time <= LONGEST => Ok(text.into()),
                _ => Err("a time up to 1h, as in 40ms".to_owned()),
            },
            Form::Span => match humantime::parse_duration(text) {
                Ok(time) if (SHORTEST..=LONGEST).contains(&time) => Ok(text.into()),
                _ => Err("a time of 1ms to 1h, as in 40ms".to_owned()),
            },
            Form::Number => match text.parse::<u64>() {
                Ok(number) if number > 0 => Ok(number.into()),
                _ => Err("a whole number of 1 or more".to_owned()),
            },
            Form::Word(words) if words.contains(&text) => Ok(text.into()),
            Form::Word(words) => Err(format!("one of {}", words.join(", "))),
            Form::Method if METHODS.contains(&text) => Ok(text.into()),
            Form::Method => Err(format!("one of {}", METHODS.join(", "))),
        }
    }
}

/// What is shorter is no time to a network.
const SHORTEST: Duration = Duration::from_millis(1);

/// No fault is slower than a run may be long.
const LONGEST: Duration = Duration::from_secs(3_600);

/// The methods of AMQP that a link can wait for; of those that go both ways with the way.
pub const METHODS: &[&str] = &[
    "queue.declare",
    "queue.declare-ok",
    "queue.delete",
    "queue.delete-ok",
    "queue.purge",
    "queue.purge-ok",
    "basic.publish",
    "basic.ack up",
    "basic.ack down",
    "basic.get",
    "basic.get-ok",
    "basic.consume",
    "basic.consume-ok",
    "basic.deliver",
    "basic.cancel up",
    "tx.select",
    "tx.commit",
    "tx.commit-ok",
    "confirm.select",
];

/// The parameters with what is assumed where nothing was given.
pub(crate) fn assumed(parameters: &[Parameter]) -> Parameters {
    let values = parameters.iter().map(|parameter| {
        let value = parameter.read(parameter.default);
        let value = value.unwrap_or_else(|form| {
            unreachable!("the default of {} is {form}", parameter.name);
        });
        (parameter.name.to_owned(), value)
    });
    values.collect()
}

/// Parameters that were stored, with what is assumed where one is missing.
///
/// # Errors
/// What is wrong with one of them.
pub(crate) fn filled(parameters: &[Parameter], given: Parameters) -> Result<Parameters, String> {
    let mut filled = assumed(parameters);
    for (name, value) in given {
        let parameter = parameters.iter().find(|parameter| parameter.name == name);
        let parameter = parameter.ok_or_else(|| format!("has no parameter \"{name}\""))?;
        let text = value.as_str().map_or(value.to_string(), str::to_owned);
        let read = parameter.read(&text).ok().filter(|read| *read == value);
        if read.is_none() {
            return Err(format!("cannot have {name}={text}"));
        }
        filled.insert(name, value);
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_can_be_read_and_nothing_else_than_its_form() {
        for fault in crate::ALL {
            assert_eq!(
                assumed(fault.settable()).len(),
                fault.settable().len(),
                "{}",
                fault.name()
            );
        }
        let read = |form, text: &str| {
            let parameter = Parameter {
                name: "x",
                summary: "",
                form,
                default: "",
            };
            parameter.read(text)
        };
        assert_eq!(read(Form::Time, "40ms"), Ok("40ms".into()));
        assert!(read(Form::Time, "2h").is_err());
        assert!(read(Form::Span, "0s").is_err() && read(Form::Time, "0s").is_ok());
        assert_eq!(read(Form::Number, "3"), Ok(3.into()));
        assert!(read(Form::Number, "0").is_err());
        assert_eq!(
            read(Form::Word(&["a", "b"]), "c"),
            Err("one of a, b".to_owned())
        );
        assert_eq!(read(Form::Method, "tx.commit"), Ok("tx.commit".into()));
        assert!(read(Form::Method, "tx.commits").is_err());
    }
}
