//! What shows a fault from outside, as a line of text.

use history::fault::Evidence;
use serde_json::Value;

/// Everything that is known, in one line: `worker-3: connections_closed 1, held_up_bytes 87; state T`.
pub(crate) fn line(evidence: &[Evidence]) -> String {
    let parts = evidence.iter().flatten();
    let parts: Vec<String> = parts.map(|(name, value)| part(name, value)).collect();
    parts.join("; ")
}

fn part(name: &str, value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| part(name, value));
            format!("{name}: {}", fields.collect::<Vec<_>>().join(", "))
        }
        value => format!("{name} {}", word(value)),
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(word).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn evidence_is_one_line() {
        let evidence = |json: Value| serde_json::from_value(json).expect("an object");
        let on = evidence(json!({"state": "T"}));
        let healed = evidence(json!({
            "queues": ["a", "b"],
            "worker-3": {"connections_closed": 1, "held_up_bytes": 87},
        }));
        assert_eq!(
            line(&[on, healed]),
            "state T; queues a b; worker-3: connections_closed 1, held_up_bytes 87"
        );
        assert_eq!(line(&[]), "");
    }
}
