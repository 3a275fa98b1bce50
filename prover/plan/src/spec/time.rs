//! Times as people write them, `1m30s`, in JSON.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer, de};

use super::number;

/// Writes it as people do.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(time: &Duration, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(&written(*time))
}

/// Reads it as people write it.
///
/// # Errors
/// The text is no time.
pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    humantime::parse_duration(&text).map_err(de::Error::custom)
}

/// Reads a time that is more than 0.
///
/// # Errors
/// What is wrong with the text.
pub fn positive(text: &str) -> Result<Duration, String> {
    let time = above_zero(text)?;
    if time.is_zero() {
        return Err("must be more than 0".to_owned());
    }
    Ok(time)
}

/// Reads a time of which there must be some. That it may be 0 all the same is for whoever knows its
/// bounds to say.
///
/// # Errors
/// What is wrong with the text.
pub fn above_zero(text: &str) -> Result<Duration, String> {
    read(text, "must be more than 0")
}

/// Reads a time that may be 0.
///
/// # Errors
/// What is wrong with the text.
pub fn from_zero(text: &str) -> Result<Duration, String> {
    read(text, "must be 0 or more")
}

fn read(text: &str, bound: &str) -> Result<Duration, String> {
    if number::is_negative(text) {
        return Err(bound.to_owned());
    }
    humantime::parse_duration(text).map_err(|_| "write a time as 500ms, 30s or 1m30s".to_owned())
}

/// In one word: nobody wants to quote it.
#[must_use]
pub fn written(time: Duration) -> String {
    humantime::format_duration(time)
        .to_string()
        .replace(' ', "")
}

/// A time that may be missing.
pub mod optional {
    use super::*;

    /// Writes it as people do, or null.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(time: &Option<Duration>, out: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => super::serialize(time, out),
            None => out.serialize_none(),
        }
    }

    /// Reads it as people write it, or null.
    ///
    /// # Errors
    /// The text is no time.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        #[derive(Deserialize)]
        struct Time(#[serde(with = "super")] Duration);
        Ok(Option::<Time>::deserialize(from)?.map(|Time(time)| time))
    }
}
