//! `--coverage`: which effects a user asks of faults, in place of those that are due.

use std::collections::{BTreeMap, BTreeSet};

use history::fault::{Effect, NoEffect, NoRole, Struck};

/// Why nobody can ask for these effects.
#[derive(Debug, thiserror::Error)]
pub enum EffectsError {
    /// A word that is no effect.
    #[error("--coverage: {0}, or name a fault before it: partition=delayed")]
    NoEffect(#[from] NoEffect),
    /// A word that is no role.
    #[error("--coverage: {0}")]
    NoRole(#[from] NoRole),
    /// A role without a number.
    #[error("--coverage {named}={given}: give how often it must strike, as in {named}=3")]
    NoCount {
        /// What was named.
        named: String,
        /// What was given.
        given: String,
    },
    /// Two effects or numbers where one can be.
    #[error("--coverage names {0} twice: leave one out")]
    Twice(String),
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

/// What a user asks of faults.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The effects, in place of those that are due.
    pub effects: BTreeMap<String, Effect>,
    /// How often they must strike whom at the least.
    pub struck: Struck,
    /// What was asked of by name.
    named: BTreeSet<String>,
}

/// What a text asks of faults: `partition=delayed`, an effect of one; `delayed`, of every selected
/// one; `partition.holder=3`, how often it must strike targets that are holders.
///
/// # Errors
/// The first mistake in the text.
pub(crate) fn asked(text: Option<&str>, selected: &[&'static str]) -> Result<Wanted, EffectsError> {
    let mut wanted = Wanted::default();
    for part in text.into_iter().flat_map(|text| text.split(',')) {
        match part.split_once('=') {
            None => {
                let effect: Effect = part.trim().parse()?;
                let all = selected.iter().map(|fault| ((*fault).to_owned(), effect));
                wanted.effects.extend(all);
                wanted.named_once("every fault")?;
            }
            Some((named, given)) => wanted.ask(named.trim(), given.trim(), selected)?,
        }
    }
    Ok(wanted)
}

impl Wanted {
    fn ask(
        &mut self,
        named: &str,
        given: &str,
        selected: &[&'static str],
    ) -> Result<(), EffectsError> {
        let Some((fault, role)) = named.split_once('.') else {
            let fault = known(named, selected)?;
            self.effects.insert(fault.to_owned(), given.parse()?);
            return self.named_once(named);
        };
        let fault = known(fault, selected)?;
        let least: u64 = given.parse().map_err(|_| EffectsError::NoCount {
            named: named.to_owned(),
            given: given.to_owned(),
        })?;
        let of_fault = self.struck.entry(fault.to_owned()).or_default();
        of_fault.insert(role.parse()?, least);
        self.named_once(named)
    }

    fn named_once(&mut self, named: &str) -> Result<(), EffectsError> {
        match self.named.insert(named.to_owned()) {
            true => Ok(()),
            false => Err(EffectsError::Twice(named.to_owned())),
        }
    }
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
    use history::fault::Role;

    use super::*;

    #[test]
    fn effects_are_asked_of_all_or_by_name() {
        let asked = |text| {
            let wanted = asked(Some(text), &["partition", "pause"]);
            let effects = wanted.map(|wanted| wanted.effects);
            effects.map_err(|error| error.to_string())
        };
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
            Wanted::default()
        );
    }

    #[test]
    fn how_often_a_fault_must_strike_whom_is_asked_by_role() {
        let asked = |text| asked(Some(text), &["cut"]).map_err(|error| error.to_string());
        let wanted = asked("cut=delayed,cut.holder=3, cut.waiter = 1").expect("nothing is wrong");
        assert_eq!(wanted.effects["cut"], Effect::Delayed);
        assert_eq!(
            wanted.struck["cut"],
            [(Role::Holder, 3), (Role::Waiter, 1)].into()
        );
        let said = |text| asked(text).expect_err("it is wrong");
        assert!(said("cut.owner=3").contains("\"owner\" is no role"));
        assert!(said("cut.holder=often").contains("as in cut.holder=3"));
        for twice in [
            "cut=delayed,cut=revoked",
            "cut.holder=3,cut.holder=1",
            "none,delayed",
        ] {
            assert!(said(twice).ends_with("twice: leave one out"), "{twice}");
        }
        assert!(said("pause.holder=3").contains("not selected"));
    }
}
