//! Names that are none, and what was meant by them.

use crate::plan::PlanError;

/// The kinds of things that `prover list` shows.
const LISTED: &[&str] = &["lock", "fault", "workload"];

/// So many names are shown, where there is nothing that lists them.
const SHOWN_MAX: usize = 12;

/// Names that are less alike than this are not the same one mistyped (Jaro's measure, 0 to 1).
const ALIKE: f64 = 0.7;

/// A name that is none of those that are known.
pub fn unknown<'a>(
    kind: &'static str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> PlanError {
    let known: Vec<&str> = known.collect();
    let meant =
        nearest(name, &known).map_or(String::new(), |near| format!(": did you mean {near}?"));
    let known = if known.len() > SHOWN_MAX && LISTED.contains(&kind) {
        format!("`prover list {kind}s` shows all")
    } else {
        format!("known are {}", known.join(", "))
    };
    let between = if meant.is_empty() { "; " } else { " " };
    PlanError::Unknown {
        kind,
        name: name.to_owned(),
        hint: format!("{meant}{between}{known}"),
    }
}

/// The name that is most like one that is none, if any is.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let alike = known
        .iter()
        .map(|known| (strsim::jaro(name, known), *known));
    let alike = alike.filter(|(alike, _)| *alike > ALIKE);
    let best = alike.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    fn said(kind: &'static str, name: &str, known: &[&str]) -> String {
        unknown(kind, name, known.iter().copied()).to_string()
    }

    #[test]
    fn what_was_meant_is_named_and_long_lists_are_not_shown() {
        let locks: Vec<&str> = catalogue::LOCKS.iter().map(|lock| lock.name()).collect();
        assert_eq!(
            said("lock", "exclusive-queu", &locks),
            "there is no lock \"exclusive-queu\": did you mean exclusive-queue? `prover list locks` shows all"
        );
        assert_eq!(
            said("lock", "zzz", &locks),
            "there is no lock \"zzz\"; `prover list locks` shows all"
        );
        let faults = ["partition", "cut"];
        assert_eq!(
            said("fault", "partitio", &faults),
            "there is no fault \"partitio\": did you mean partition? known are partition, cut"
        );
        assert_eq!(
            said("fault", "zzz", &faults),
            "there is no fault \"zzz\"; known are partition, cut"
        );
    }
}
