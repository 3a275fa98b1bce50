//! Values between EDN and JSON, in Transit's manner: see [the module above](super).

use clojure_reader::edn::{self, Edn};
use serde_json::{Map, Number, Value as Json, json};

/// The tag around text that is JSON's own and would read back as something else.
const RAW: &str = "prover/json";

/// The JSON of an EDN value. Different values have different JSON.
pub(super) fn to_json(edn: &Edn<'_>) -> Json {
    match edn {
        Edn::Nil => Json::Null,
        Edn::Bool(flag) => Json::Bool(*flag),
        Edn::Int(number) => (*number).into(),
        Edn::Double(number) => double(**number),
        Edn::Str(text) => Json::String(escaped(text)),
        Edn::Key(name) => Json::String(format!("~:{name}")),
        Edn::Symbol(name) => Json::String(format!("~${name}")),
        Edn::Char(character) => Json::String(format!("~c{character}")),
        Edn::BigInt(number) => {
            u64::try_from(number).map_or_else(|_| Json::String(format!("~n{number}")), Json::from)
        }
        Edn::BigDec(number) => Json::String(format!("~f{number:e}")),
        Edn::Rational((numerator, denominator)) => tagged("ratio", json!([numerator, denominator])),
        Edn::Vector(items) => array(items),
        Edn::List(items) => tagged("list", array(items)),
        Edn::Set(items) => tagged("set", array(items)),
        Edn::Map(entries) => map(entries.iter()),
        Edn::Tagged(tag, value) => match (&**tag, &**value) {
            (RAW, Edn::Str(text)) => Json::String(text.to_string()),
            _ => tagged(tag, to_json(value)),
        },
        // The enum may grow; what it grows by is still told apart by how it is written.
        _ => tagged("edn", Json::String(edn.to_string())),
    }
}

fn double(number: f64) -> Json {
    let name = || {
        if number.is_nan() {
            "NaN"
        } else if number > 0.0 {
            "INF"
        } else {
            "-INF"
        }
    };
    Number::from_f64(number).map_or_else(|| Json::String(format!("~z{}", name())), Json::Number)
}

fn escaped(text: &str) -> String {
    if text.starts_with('~') {
        format!("~{text}")
    } else {
        text.to_owned()
    }
}

fn array<'a, 'e: 'a>(items: impl IntoIterator<Item = &'a Edn<'e>>) -> Json {
    items.into_iter().map(to_json).collect()
}

fn tagged(tag: &str, value: Json) -> Json {
    Json::Array(vec![Json::String(format!("~#{tag}")), value])
}

/// An object if every key is a text in JSON.
fn map<'a, 'e: 'a>(entries: impl Iterator<Item = (&'a Edn<'e>, &'a Edn<'e>)> + Clone) -> Json {
    let object: Option<Map<_, _>> = entries
        .clone()
        .map(|(key, value)| match to_json(key) {
            Json::String(key) => Some((key, to_json(value))),
            _ => None,
        })
        .collect();
    object.map_or_else(
        || {
            tagged(
                "cmap",
                entries
                    .flat_map(|(key, value)| [to_json(key), to_json(value)])
                    .collect(),
            )
        },
        Json::Object,
    )
}

/// EDN for a JSON value, to be written: [`to_json`] makes the same JSON of what is read back.
pub(super) fn from_json(json: &Json) -> Edn<'static> {
    match json {
        Json::Null => Edn::Nil,
        Json::Bool(flag) => Edn::Bool(*flag),
        Json::Number(number) => from_number(number),
        Json::String(text) => from_text(text),
        Json::Array(items) => {
            untagged(items).unwrap_or_else(|| Edn::Vector(items.iter().map(from_json).collect()))
        }
        Json::Object(entries) => Edn::Map(
            entries
                .iter()
                .map(|(key, value)| (from_text(key), from_json(value)))
                .collect(),
        ),
    }
}

fn from_number(number: &Number) -> Edn<'static> {
    match (number.as_i64(), number.as_u64()) {
        (Some(number), _) => Edn::Int(number),
        (None, Some(number)) => Edn::BigInt(number.into()),
        // Not as a double: the library writes 1.0 as 1, which reads back as another number.
        (None, None) => Edn::symbol(format!("{:?}", number.as_f64().unwrap_or(f64::NAN))),
    }
}

fn from_text(text: &str) -> Edn<'static> {
    if !text.starts_with('~') {
        return Edn::string(text.to_owned());
    }
    let special = text[1..]
        .chars()
        .next()
        .and_then(|mark| special(mark, &text[1 + mark.len_utf8()..]));
    let special = special.filter(|edn| means(edn, &Json::String(text.to_owned())));
    special.unwrap_or_else(|| Edn::tagged(RAW, Edn::string(text.to_owned())))
}

fn special(mark: char, rest: &str) -> Option<Edn<'static>> {
    match mark {
        '~' => Some(Edn::string(format!("~{rest}"))),
        ':' => Some(Edn::key(rest.to_owned())),
        '$' => Some(Edn::symbol(rest.to_owned())),
        'c' => rest.chars().next().map(Edn::Char),
        'n' => edn::read_string(&format!("{rest}N"))
            .ok()
            .map(Edn::into_owned),
        'f' => edn::read_string(&format!("{rest}M"))
            .ok()
            .map(Edn::into_owned),
        _ => None,
    }
}

fn untagged(items: &[Json]) -> Option<Edn<'static>> {
    let [Json::String(tag), value] = items else {
        return None;
    };
    let tag = tag.strip_prefix("~#")?;
    let values = || value.as_array().map(|items| items.iter().map(from_json));
    let edn = match tag {
        "list" => Edn::List(values()?.collect()),
        "set" => Edn::Set(values()?.collect()),
        "cmap" => {
            let values: Vec<_> = values()?.collect();
            Edn::Map(
                values
                    .chunks_exact(2)
                    .map(|pair| (pair[0].clone(), pair[1].clone()))
                    .collect(),
            )
        }
        "ratio" => match values()?.collect::<Vec<_>>().as_slice() {
            [Edn::Int(numerator), Edn::Int(denominator)] => {
                Edn::Rational((*numerator, *denominator))
            }
            _ => return None,
        },
        _ => Edn::tagged(tag.to_owned(), from_json(value)),
    };
    means(&edn, &Json::Array(items.to_vec())).then_some(edn)
}

/// Whether the EDN can be written in the middle of other EDN, reads back, and still stands for the
/// JSON.
fn means(edn: &Edn<'_>, json: &Json) -> bool {
    let text = format!("[{edn}]");
    edn::read(&text).is_ok_and(|(again, rest)| rest.is_empty() && to_json(&again) == json!([json]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_json() -> impl Strategy<Value = Json> {
        let text = prop_oneof![
            "[~:$cnfz#]{0,3}[a-z0-9 ./\"\\\\]{0,4}",
            any::<String>(),
            "~#(set|list|cmap|ratio|inst|a b)"
        ];
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<u64>().prop_map(Json::from),
            any::<f64>().prop_map(Json::from),
            text.clone().prop_map(Json::from),
        ];
        leaf.prop_recursive(3, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                prop::collection::btree_map(text.clone(), inner, 0..4)
                    .prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn json_survives(json in any_json()) {
            let text = from_json(&json).to_string();
            let edn = edn::read_string(&text).expect("it was written");
            prop_assert_eq!(to_json(&edn), json);
        }
    }

    #[test]
    fn what_json_lacks_is_told_apart() {
        let cases = [
            (":a", json!("~:a")),
            ("\"~:a\"", json!("~~:a")),
            ("a", json!("~$a")),
            ("\\a", json!("~ca")),
            (
                "123456789012345678901234567890N",
                json!("~n123456789012345678901234567890"),
            ),
            ("18446744073709551615N", json!(u64::MAX)),
            ("7N", json!(7)),
            ("1/3", json!(["~#ratio", [1, 3]])),
            ("1e999", json!("~zINF")),
            ("1.0", json!(1.0)),
            ("1e300", json!(1e300)),
            ("#{2 1}", json!(["~#set", [1, 2]])),
            ("(1 2)", json!(["~#list", [1, 2]])),
            ("{:a 1}", json!({"~:a": 1})),
            ("{\"a\" {1 2}}", json!({"a": ["~#cmap", [1, 2]]})),
            ("#inst \"2026\"", json!(["~#inst", "2026"])),
        ];
        for (text, expected) in cases {
            let edn = edn::read_string(text).expect("it is EDN");
            assert_eq!(to_json(&edn), expected, "{text}");
            let written = from_json(&expected).to_string();
            assert_eq!(
                edn::read_string(&written).map(|edn| to_json(&edn)).ok(),
                Some(expected),
                "{text}"
            );
        }
    }
}
