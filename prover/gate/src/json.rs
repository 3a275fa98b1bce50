//! Our own form: the same as `proof.json`.

use claims::Proof;
use serde::Serialize;

use crate::export::{Export, Subject};

/// The name and version of the form, in the field `schema` (docs/json.md).
pub const FORM: &str = "proof/1";

/// All there is, as `prove` stores it.
#[derive(Debug)]
pub(crate) struct Json;

#[derive(Serialize)]
struct Marked<'a> {
    schema: &'static str,
    #[serde(flatten)]
    proof: &'a Proof,
}

impl Export for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn file(&self) -> &'static str {
        "claims.json"
    }

    fn summary(&self) -> &'static str {
        "all there is, in the form proof/1 of docs/json.schema.json"
    }

    fn text(&self, subject: Subject<'_>) -> String {
        let marked = Marked {
            schema: FORM,
            proof: subject.proof,
        };
        let text = serde_json::to_string_pretty(&marked);
        text.expect("a proof has no keys but texts") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{TODAY, every_kind};

    #[test]
    fn it_is_read_again_as_it_was() {
        let proof = every_kind();
        let text = Json.text(Subject {
            proof: &proof,
            today: TODAY,
        });
        let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(json["schema"], FORM);
        let read: Proof = serde_json::from_value(json).expect("a proof");
        assert_eq!(read, proof);
    }
}
