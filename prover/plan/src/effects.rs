//! `--coverage`: which effects a user asks of faults, in place of those that are due.

use std::collections::BTreeMap;

use history::fault::{Effect, NoEffect};

/// Why nobody can ask for these effects.
#[derive(Debug, thiserror::Error)]
pub enum EffectsError {
    /// A word that is no effect.
    #[error("--coverage: {0}, or name a fault before it: partition=delayed")]
    NoEffect(#[from] NoEffect),
    /// A fault that the run does not have.
    #[error(
        "--coverage names the fault \"{fault}\", which is not selected; selected are {selected}"
    )]
    NotSelected {
        /// What was named.
        fault: String,
        /// The faults of the run.
        selected: String,
    },
}

/// The effect asked of each fault that a text names; of every selected one, where it names none.
///
/// # Errors
/// The first mistake in the text.
pub(crate) fn asked(
    text: Option<&str>,
    selected: &[&'static str],
) -> Result<BTreeMap<String, Effect>, EffectsError> {
    let mut asked = BTreeMap::new();
    for part in text.into_iter().flat_map(|text| text.split(',')) {
        let (faults, effect) = match part.split_once('=') {
            Some((fault, effect)) => (vec![known(fault.trim(), selected)?], effect),
            None => (selected.to_vec(), part),
        };
        let effect: Effect = effect.trim().parse()?;
        asked.extend(faults.into_iter().map(|fault| (fault.to_owned(), effect)));
    }
    Ok(asked)
}

fn known(name: &str, selected: &[&'static str]) -> Result<&'static str, EffectsError> {
    let mut all = selected.iter().copied();
    all.find(|fault| *fault == name)
        .ok_or_else(|| EffectsError::NotSelected {
            fault: name.to_owned(),
            selected: match selected {
                [] => "none".to_owned(),
                selected => selected.join(", "),
            },
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_are_asked_of_all_or_by_name() {
        let asked =
            |text| asked(Some(text), &["partition", "pause"]).map_err(|error| error.to_string());
        let all = |effect| Ok([("partition", effect), ("pause", effect)]);
        let named = |effects: Result<[(&str, Effect); 2], String>| {
            effects.map(|effects| {
                effects
                    .map(|(fault, effect)| (fault.to_owned(), effect))
                    .into()
            })
        };
        assert_eq!(asked("none"), named(all(Effect::None)));
        assert_eq!(
            asked("delayed,pause=none"),
            named(Ok([
                ("partition", Effect::Delayed),
                ("pause", Effect::None)
            ]))
        );
        assert_eq!(
            asked("pause=revoked"),
            Ok([("pause".to_owned(), Effect::Revoked)].into())
        );
        let wrong = asked("cut=none").expect_err("it is not selected");
        assert!(wrong.ends_with("selected are partition, pause"), "{wrong}");
        let wrong = asked("hurt").expect_err("it is no effect");
        assert!(wrong.contains("\"hurt\" is no effect"), "{wrong}");
    }

    #[test]
    fn where_nothing_is_asked_what_is_due_counts() {
        assert_eq!(
            asked(None, &["cut"]).expect("nothing is wrong"),
            BTreeMap::new()
        );
    }
}
