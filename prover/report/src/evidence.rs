//! What shows a fault from outside, as a line of text.

use history::fault::Evidence;
use serde_json::Value;

/// Everything that is known, in one line: `state T; until it was taken off: worker-3: held_up_bytes 87`.
pub(crate) fn line([on, healed]: &[Evidence; 2]) -> String {
    let line = |evidence: &Evidence| {
        let parts: Vec<String> = evidence
            .iter()
            .map(|(name, value)| part(name, value))
            .collect();
        parts.join("; ")
    };
    let (on, healed) = (line(on), line(healed));
    match (on.is_empty(), healed.is_empty()) {
        (false, false) => format!("{on}; until it was taken off: {healed}"),
        _ => on + &healed,
    }
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
        let seen = "queues a b; worker-3: connections_closed 1, held_up_bytes 87";
        let nothing = || evidence(json!({}));
        assert_eq!(line(&[nothing(), healed.clone()]), seen);
        assert_eq!(line(&[nothing(), nothing()]), "");
        let both = format!("state T; until it was taken off: {seen}");
        assert_eq!(line(&[on, healed]), both);
    }
}
