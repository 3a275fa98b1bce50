//! Faults as they are asked for: `partition{duration=8s,target=holder},slow{latency=40ms}`.

use std::fmt;
use std::time::Duration;

use history::fault::Parameters;
use serde_json::Value;

use crate::parameter::assumed;
use crate::{Aim, Fault, registry};

/// The names of what any fault can be given.
const DURATION: &str = "duration";
const TARGET: &str = "target";

/// A fault that was asked for.
#[derive(Clone)]
pub struct Selected {
    /// The fault.
    pub fault: &'static dyn Fault,
    /// Its parameters, those that nobody gave included.
    pub parameters: Parameters,
    /// How long it lasts, where that was said.
    pub duration: Option<Duration>,
    /// What it is aimed at, where that was said.
    pub aim: Option<Aim>,
}

/// What is wrong with the faults that are asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MixError {
    /// A brace that is not closed, or closed twice.
    #[error("the braces of \"{0}\" do not match: write fault{{name=value,name=value}}")]
    Braces(String),
    /// A name that is no fault.
    #[error("there is no fault \"{0}\"")]
    NoFault(String),
    /// A parameter without a value.
    #[error("\"{given}\" of the fault {fault} is no parameter with a value: write name=value")]
    NoValue {
        /// The fault.
        fault: &'static str,
        /// What was given.
        given: String,
    },
    /// A parameter that the fault does not have.
    #[error("the fault {fault} has no parameter \"{name}\": it has {known}")]
    NoParameter {
        /// The fault.
        fault: &'static str,
        /// What was given.
        name: String,
        /// Those that it has.
        known: String,
    },
    /// A parameter twice.
    #[error("the fault {fault} is given {name} twice: leave one out")]
    Twice {
        /// The fault.
        fault: &'static str,
        /// The parameter.
        name: String,
    },
    /// A value that may not stand there.
    #[error("{name}={value} of the fault {fault}: give {form}")]
    Value {
        /// The fault.
        fault: &'static str,
        /// The parameter.
        name: String,
        /// What was given.
        value: String,
        /// What may stand there.
        form: String,
    },
}

impl Selected {
    /// A fault of which nothing more was said.
    #[must_use]
    pub fn plain(fault: &'static dyn Fault) -> Self {
        Self {
            fault,
            parameters: assumed(fault.settable()),
            duration: None,
            aim: None,
        }
    }

    fn parse(text: &str) -> Result<Self, MixError> {
        let (name, given) = match text.split_once('{') {
            None => (text, ""),
            Some((name, rest)) => {
                let given = rest.strip_suffix('}');
                (
                    name,
                    given.ok_or_else(|| MixError::Braces(text.to_owned()))?,
                )
            }
        };
        let name = name.trim();
        let fault = registry::find(name).ok_or_else(|| MixError::NoFault(name.to_owned()))?;
        let mut selected = Self::plain(fault);
        let mut names = Vec::new();
        for given in given
            .split(',')
            .map(str::trim)
            .filter(|one| !one.is_empty())
        {
            let (name, value) = given.split_once('=').ok_or_else(|| MixError::NoValue {
                fault: fault.name(),
                given: given.to_owned(),
            })?;
            let (name, value) = (name.trim(), value.trim());
            if names.contains(&name) {
                return Err(MixError::Twice {
                    fault: fault.name(),
                    name: name.to_owned(),
                });
            }
            names.push(name);
            selected.set(name, value)?;
        }
        Ok(selected)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), MixError> {
        let fault = self.fault.name();
        let wrong = |form: String| MixError::Value {
            fault,
            name: name.to_owned(),
            value: value.to_owned(),
            form,
        };
        match name {
            DURATION => {
                let time = humantime::parse_duration(value).ok();
                let time = time.filter(|time| *time >= Duration::from_millis(1));
                let form = || wrong("a time of 1ms or more, as in 8s".to_owned());
                self.duration = Some(time.ok_or_else(form)?);
            }
            TARGET => {
                let aim = value.parse::<Aim>();
                self.aim =
                    Some(aim.map_err(|_| wrong(Aim::ALL.map(|it| it.to_string()).join(", ")))?);
            }
            _ => {
                let mut own = self.fault.settable().iter();
                let parameter = own.find(|own| own.name == name);
                let parameter = parameter.ok_or_else(|| self.no_parameter(name))?;
                let value = parameter.read(value).map_err(wrong)?;
                self.parameters.insert(name.to_owned(), value);
            }
        }
        Ok(())
    }

    fn no_parameter(&self, name: &str) -> MixError {
        let own = self.fault.settable().iter().map(|own| own.name);
        MixError::NoParameter {
            fault: self.fault.name(),
            name: name.to_owned(),
            known: own.chain([DURATION, TARGET]).collect::<Vec<_>>().join(", "),
        }
    }
}

impl fmt::Debug for Selected {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self}")
    }
}

impl fmt::Display for Selected {
    /// As it is asked for, without what is assumed anyway.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = assumed(self.fault.settable());
        let own = self.parameters.iter();
        let own = own.filter(|(name, value)| plain.get(*name) != Some(*value));
        let own = own.map(|(name, value)| match value {
            Value::String(text) => format!("{name}={text}"),
            other => format!("{name}={other}"),
        });
        let duration = self.duration.map(humantime::format_duration);
        let duration =
            duration.map(|time| format!("{DURATION}={}", time.to_string().replace(' ', "")));
        let aim = self.aim.map(|aim| format!("{TARGET}={aim}"));
        let given: Vec<String> = own.chain(duration).chain(aim).collect();
        out.write_str(self.fault.name())?;
        if given.is_empty() {
            return Ok(());
        }
        write!(out, "{{{}}}", given.join(","))
    }
}

/// Reads faults that are asked for, separated by commas.
///
/// # Errors
/// The first mistake.
pub fn parse_mix(text: &str) -> Result<Vec<Selected>, MixError> {
    let mut parts = vec![String::new()];
    let mut depth = 0_u32;
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => {
                let less = depth.checked_sub(1);
                depth = less.ok_or_else(|| MixError::Braces(text.to_owned()))?;
            }
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if depth > 1 {
            return Err(MixError::Braces(text.to_owned()));
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    if depth > 0 {
        return Err(MixError::Braces(text.to_owned()));
    }
    parts
        .iter()
        .map(|part| Selected::parse(part.trim()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        parse_mix(text).expect_err("it must be refused").to_string()
    }

    #[test]
    fn faults_are_read_with_their_parameters_and_written_again() {
        let text = "partition{duration=8s,target=waiter}, slow{latency=40ms} ,cut";
        let mix = parse_mix(text).expect("a mix");
        let [partition, slow, cut] = &mix[..] else {
            panic!("{mix:?}")
        };
        assert_eq!(partition.duration, Some(Duration::from_secs(8)));
        assert_eq!(partition.aim, Some(Aim::Waiter));
        assert_eq!(slow.parameters["latency"], "40ms");
        assert_eq!(slow.parameters["jitter"], "100ms");
        assert_eq!((cut.aim, cut.duration), (None, None));
        let written: Vec<String> = mix.iter().map(ToString::to_string).collect();
        let written = written.join(",");
        assert_eq!(
            written,
            "partition{duration=8s,target=waiter},slow{latency=40ms},cut"
        );
        let again = parse_mix(&written).expect("it reads back");
        assert_eq!(format!("{again:?}"), format!("{mix:?}"));
    }

    #[test]
    fn mistakes_are_named_with_what_is_right() {
        for (text, expected) in [
            ("cuts", "there is no fault \"cuts\""),
            ("cut,", "there is no fault \"\""),
            (
                "slow{latency",
                "the braces of \"slow{latency\" do not match",
            ),
            ("slow}", "the braces of"),
            ("slow{{}}", "the braces of"),
            ("slow{latency=1ms}x", "the braces of"),
            (
                "slow{latency}",
                "\"latency\" of the fault slow is no parameter with a value",
            ),
            ("slow{speed=1}", "it has latency, jitter, duration, target"),
            ("slow{latency=1ms,latency=2ms}", "is given latency twice"),
            (
                "slow{latency=fast}",
                "latency=fast of the fault slow: give a time up to 1h",
            ),
            ("limit{bytes=0}", "give a whole number of 1 or more"),
            (
                "cut{target=me}",
                "target=me of the fault cut: give holder, waiter",
            ),
            ("cut{duration=0s}", "give a time of 1ms or more"),
            (
                "cut-after{method=queue.declares}",
                "give one of queue.declare, ",
            ),
            ("expire-policy{rule=x}", "give one of expires, max-length"),
        ] {
            let said = said(text);
            assert!(said.contains(expected), "{text}: {said}");
        }
    }
}
