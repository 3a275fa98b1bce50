//! A JSON object as Go, and with it Toxiproxy, reads it.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

/// The fields of an object. Their names are in lower case, however they were written; of several
/// that differ in nothing else the last one counts. What is null is left out, and `null` in place
/// of the object is none of its fields.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// The fields as a type whose names are all in lower case.
    pub(crate) fn read<T: DeserializeOwned>(self) -> serde_json::Result<T> {
        serde_json::from_value(Value::Object(self.0))
    }

    /// The fields themselves.
    pub(crate) fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<Fields, E> {
        Ok(Fields::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Fields, A::Error> {
        let mut fields = Map::new();
        while let Some((mut name, value)) = access.next_entry::<String, Option<Value>>()? {
            name.make_ascii_lowercase();
            if let Some(value) = value {
                fields.insert(name, value);
            }
        }
        Ok(Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> serde_json::Result<Value> {
        let fields: Fields = serde_json::from_str(text)?;
        Ok(Value::Object(fields.into_map()))
    }

    #[test]
    fn names_lose_their_case_and_nulls_are_nothing() {
        for (text, fields) in [
            (
                r#"{"Name":"A","UPSTREAM":1}"#,
                json!({"name": "A", "upstream": 1}),
            ),
            (r#"{"a":null,"b":{"C":null}}"#, json!({"b": {"C": null}})),
            ("{}", json!({})),
            ("null", json!({})),
        ] {
            assert_eq!(read(text).unwrap(), fields, "{text}");
        }
    }

    #[test]
    fn the_last_of_one_name_counts_unless_it_is_null() {
        for text in [
            r#"{"Enabled":true,"enabled":false}"#,
            r#"{"enabled":true,"Enabled":false}"#,
            r#"{"enabled":false,"ENABLED":null}"#,
        ] {
            assert_eq!(read(text).unwrap(), json!({"enabled": false}), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_object() {
        for text in ["7", "true", r#""a""#, "[]"] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("expected an object"), "{error}");
        }
    }
}
