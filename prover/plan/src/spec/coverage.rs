//! What is asked of faults, as `--coverage` writes it or, in a file, as a table:
//! `{ partition.holder = 3, cut = "delayed" }`.

use std::fmt;

use history::fault::{Effect, Role};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// Reads it as the text of the command line, whichever way it is written.
///
/// # Errors
/// It is neither, or asks for what there is not.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    from.deserialize_any(Whole)
}

struct Whole;

impl<'de> Visitor<'de> for Whole {
    type Value = Option<String>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a text as of --coverage, or a table of faults")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Self::Value, A::Error> {
        let mut parts = Vec::new();
        while let Some((fault, OfFault(asked))) = table.next_entry::<String, OfFault>()? {
            let named = asked.iter().map(|asked| format!("{fault}{asked}"));
            parts.extend(named);
        }
        Ok((!parts.is_empty()).then(|| parts.join(",")))
    }
}

/// What stands behind the name of a fault, part by part: `=delayed`, `.holder=3`.
struct OfFault(Vec<String>);

impl<'de> Deserialize<'de> for OfFault {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(OneFault)
    }
}

struct OneFault;

impl<'de> Visitor<'de> for OneFault {
    type Value = OfFault;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(
            "an effect (partition = \"delayed\") or how often whom it must strike (partition.holder = 3)",
        )
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<OfFault, E> {
        let effect: Effect = word.parse().map_err(E::custom)?;
        Ok(OfFault(vec![format!("={effect}")]))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<OfFault, A::Error> {
        let mut counts = Vec::new();
        while let Some((role, least)) = table.next_entry::<Role, u64>()? {
            counts.push(format!(".{role}={least}"));
        }
        Ok(OfFault(counts))
    }
}

#[cfg(test)]
mod tests {
    use crate::spec::RunSpec;

    fn read(json: &str) -> Result<Option<String>, String> {
        let spec = serde_json::from_str::<RunSpec>(&format!("{{\"coverage\":{json}}}"));
        spec.map(|spec| spec.coverage)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_table_says_the_same_as_the_text() {
        let text = Some("partition.holder=3,partition.waiter=1,cut=delayed".to_owned());
        assert_eq!(
            read(r#""partition.holder=3,partition.waiter=1,cut=delayed""#),
            Ok(text.clone())
        );
        let table = r#"{"partition":{"holder":3,"waiter":1},"cut":"delayed"}"#;
        assert_eq!(read(table), Ok(text));
        assert_eq!(read("null"), Ok(None));
        assert_eq!(read("{}"), Ok(None));
    }

    #[test]
    fn what_cannot_be_asked_is_refused_with_what_can() {
        let said = |json| read(json).expect_err("it is wrong");
        assert!(said(r#"{"cut":"hurt"}"#).contains("write revoked, changed, delayed or none"));
        assert!(said(r#"{"cut":{"owner":3}}"#).contains("unknown variant `owner`"));
        assert!(said(r#"{"cut":3}"#).contains("(partition.holder = 3)"));
        assert!(said(r#"{"cut":{"holder":-1}}"#).contains("-1"));
        assert!(said("3").contains("or a table of faults"));
    }
}
