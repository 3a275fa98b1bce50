//! Which of the claims of a file are wanted.

use std::collections::BTreeSet;

use plan::nearest;

use crate::case::Case;
use crate::file::File;
use crate::proof::LeftOut;

/// Which claims are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Their ids, or what these begin with before a `*`; all where none is named.
    pub only: Vec<String>,
    /// The testbeds; all where none is named.
    pub testbeds: Vec<String>,
}

/// Nothing is to be done.
#[derive(Debug, thiserror::Error)]
pub enum NothingSelected {
    /// A name that stands for no claim.
    #[error("there is no claim \"{name}\"{hint}")]
    Claim {
        /// The name.
        name: String,
        /// What was meant.
        hint: String,
    },
    /// A testbed that no claim names.
    #[error("no claim is put to the test on \"{name}\": known are {known}")]
    Testbed {
        /// The name.
        name: String,
        /// Those that claims name.
        known: String,
    },
    /// Nothing of it runs on a RabbitMQ that is started.
    #[error(
        "no claim is put to the test on a RabbitMQ in Docker, which is what --rabbitmq speaks of: leave it out, or choose other claims"
    )]
    NoRabbitMq,
    /// All was left out.
    #[error("no claim is left: name others with --only or --on, or another --profile")]
    Nothing,
}

impl Selection {
    fn has(&self, claim: &str, testbed: &str) -> bool {
        let is_named = self.only.is_empty() || self.only.iter().any(|name| stands_for(name, claim));
        is_named && (self.testbeds.is_empty() || self.testbeds.iter().any(|one| one == testbed))
    }
}

impl File {
    /// The same with what was selected alone; what was not is left out.
    ///
    /// # Errors
    /// A name that stands for no claim, or nothing is left.
    pub fn selected(mut self, selection: &Selection) -> Result<Self, NothingSelected> {
        for name in &selection.only {
            self.check_name(name)?;
        }
        for name in &selection.testbeds {
            self.check_testbed(name)?;
        }
        let (cases, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.cases)
            .into_iter()
            .partition(|case| selection.has(&self.claims[case.claim].id, case.testbed()));
        let left_out = others.iter().map(|case| LeftOut {
            claim: self.claims[case.claim].id.clone(),
            testbed: case.testbed().to_owned(),
            why: "not selected".to_owned(),
        });
        self.left_out.extend(left_out);
        self.cases = cases;
        if self.cases.is_empty() {
            return Err(NothingSelected::Nothing);
        }
        Ok(self)
    }

    fn check_testbed(&self, name: &str) -> Result<(), NothingSelected> {
        let left_out = self.left_out.iter().map(|left| left.testbed.as_str());
        let known: BTreeSet<&str> = self
            .cases
            .iter()
            .map(Case::testbed)
            .chain(left_out)
            .collect();
        if known.contains(name) {
            return Ok(());
        }
        Err(NothingSelected::Testbed {
            name: name.to_owned(),
            known: known.into_iter().collect::<Vec<_>>().join(", "),
        })
    }

    fn check_name(&self, name: &str) -> Result<(), NothingSelected> {
        let ids: Vec<&str> = self.claims.iter().map(|claim| &*claim.id).collect();
        if ids.iter().any(|id| stands_for(name, id)) {
            return Ok(());
        }
        let near = nearest(name, &ids);
        Err(NothingSelected::Claim {
            name: name.to_owned(),
            hint: near.map_or(String::new(), |near| format!(": did you mean {near}?")),
        })
    }
}

/// `exclusive-*` stands for all that begins so.
fn stands_for(name: &str, id: &str) -> bool {
    match name.strip_suffix('*') {
        Some(begin) => id.starts_with(begin),
        None => name == id,
    }
}
