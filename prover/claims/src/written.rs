//! A claims file as it is written, before its names and numbers are looked at.

use std::time::Duration;

use plan::spec::time::optional;
use run::seed::Seeds;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Table;

use crate::claim::{Accepted, Claim, Expected};
use crate::cost::Cost;
use crate::mistake::Mistake;
use crate::needs::Needs;
use crate::places::of_toml;
use crate::profile::Profile;

/// The whole. `R` is how the table of a run is read: by its types, which know what is wrong at which
/// place, or as a table, which is merged with others.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Written<R> {
    pub(crate) title: Option<String>,
    pub(crate) run: Option<R>,
    #[serde(default = "Vec::new")]
    pub(crate) claim: Vec<WrittenClaim<R>>,
}

/// One claim.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct WrittenClaim<R> {
    id: String,
    says: String,
    #[serde(default)]
    expected: Expected,
    reason: Option<String>,
    link: Option<String>,
    accepted: Option<Accepted>,
    profiles: Option<Vec<Profile>>,
    testbeds: Option<Vec<String>>,
    seeds: Option<Seeds>,
    #[serde(default, with = "optional")]
    within: Option<Duration>,
    needs: Option<Needs>,
    run: Option<R>,
    cost: Option<Cost>,
    quick: Option<Quick<R>>,
}

/// What is different in the profile quick. Nothing flattened: that would take every name for good.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Quick<R> {
    testbeds: Option<Vec<String>>,
    seeds: Option<Seeds>,
    #[serde(default, with = "optional")]
    within: Option<Duration>,
    needs: Option<Needs>,
    run: Option<R>,
}

/// What a run takes that is about what operations cost.
const OF_COST: [&str; 2] = ["lock", "rabbitmq"];

/// How a claim is put to the test in one profile.
pub(crate) struct Amount {
    pub(crate) testbeds: Option<Vec<String>>,
    pub(crate) seeds: Option<Seeds>,
    pub(crate) within: Option<Duration>,
    pub(crate) needs: Needs,
    pub(crate) cost: Option<Cost>,
    pub(crate) run: Table,
}

impl<R: DeserializeOwned> Written<R> {
    /// # Errors
    /// The first thing in the text that is none of a claims file.
    pub(crate) fn read(text: &str) -> Result<Self, Mistake> {
        toml::from_str(text).map_err(|error| of_toml(text, &error))
    }
}

impl WrittenClaim<Table> {
    /// What is claimed; it stands in this line.
    pub(crate) fn claim(&self, line: usize) -> Claim {
        Claim {
            id: self.id.clone(),
            says: self.says.clone(),
            expected: self.expected,
            reason: self.reason.clone(),
            link: self.link.clone(),
            accepted: self.accepted.clone(),
            line,
        }
    }

    pub(crate) fn is_in(&self, profile: Profile) -> bool {
        self.profiles
            .as_ref()
            .is_none_or(|all| all.contains(&profile))
    }

    /// What is said beside a cost and means nothing there: the key, and what is wrong.
    pub(crate) fn beside_cost(&self) -> Option<(&str, String)> {
        self.cost.as_ref()?;
        let quick = self.quick.as_ref();
        let seeds = self.seeds.is_some() || quick.is_some_and(|it| it.seeds.is_some());
        if seeds {
            let text = "what is measured has no seeds: needs = { runs = 20 } says how often";
            return Some(("seeds", text.to_owned()));
        }
        let runs = self.run.iter().chain(quick.and_then(|it| it.run.as_ref()));
        let mut keys = runs.flat_map(Table::keys);
        let key = keys.find(|key| !OF_COST.contains(&key.as_str()))?;
        let text = format!("costs are measured while nothing is broken: leave {key} out");
        Some((key, text))
    }

    /// What is said for a profile; `common` holds for all claims.
    pub(crate) fn amount(self, profile: Profile, common: &Table) -> Amount {
        let mut run = common.clone();
        run.extend(self.run.unwrap_or_default());
        let usual = Amount {
            testbeds: self.testbeds,
            seeds: self.seeds,
            within: self.within,
            needs: self.needs.unwrap_or_default(),
            cost: self.cost,
            run,
        };
        match self.quick.filter(|_| profile == Profile::Quick) {
            Some(quick) => usual.with(quick),
            None => usual,
        }
    }
}

impl Amount {
    fn with(mut self, quick: Quick<Table>) -> Self {
        self.run.extend(quick.run.unwrap_or_default());
        Self {
            testbeds: quick.testbeds.or(self.testbeds),
            seeds: quick.seeds.or(self.seeds),
            within: quick.within.or(self.within),
            needs: quick.needs.unwrap_or(self.needs),
            cost: self.cost,
            run: self.run,
        }
    }
}
