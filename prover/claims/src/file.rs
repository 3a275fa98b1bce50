//! The claims file: text in, claims and cases out, with every mistake at its line.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use plan::spec::RunSpec;
use plan::{EffectsError, PROGRAM, Plan, PlanError};
use run::seed::{Seed, Seeds};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use suite::spec_of;
use toml::Table;

use crate::case::{Case, SIMULATED, TESTBED};
use crate::claim::{Claim, Expected};
use crate::cost::Cost;
use crate::mistake::{Mistake, Place};
use crate::needs::Needs;
use crate::places::Places;
use crate::profile::Profile;
use crate::proof::{LeftOut, Source};
use crate::selection::NothingSelected;
use crate::written::{Amount, Written, WrittenClaim};

/// How long a claim may take on one testbed where nobody says.
const WITHIN: Duration = Duration::from_secs(600);

/// The seeds of simulated cases where nobody says.
const SEEDS: std::ops::Range<u64> = 0..100;

/// Where a claim of a program is put to the test where nobody says: it brings its own service, or none.
const TESTBED_OF_PROGRAM: &str = "auto";

/// How often an operation is measured where nobody says.
const ROUNDS: u64 = 20;

/// How often it is measured at the most.
const ROUNDS_MAX: u64 = 10_000;

/// What locks with several slots are put to.
const SEMAPHORE: &str = "semaphore";

/// How long an id may be.
const ID_MAX: usize = 100;

/// Why the claims of a file cannot be put to the test on another RabbitMQ.
#[derive(Debug, thiserror::Error)]
pub enum OtherRabbitMq {
    /// None starts one.
    #[error(transparent)]
    Nothing(#[from] NothingSelected),
    /// A run makes no plan on it.
    #[error(transparent)]
    Mistake(#[from] Mistake),
}

/// A claims file that was read.
#[derive(Clone, Debug)]
pub struct File {
    /// Where it came from.
    pub source: Source,
    /// Its claims, in its order.
    pub claims: Vec<Claim>,
    /// What is to be run in the profile that was asked for.
    pub cases: Vec<Case>,
    /// What the profile leaves out.
    pub left_out: Vec<LeftOut>,
    places: Places,
}

impl File {
    /// Reads a file: what it says in a profile. `path` is what it is called; the schedules that it names
    /// are in the same folder.
    ///
    /// # Errors
    /// The first mistake in it, in whatever profile.
    pub fn read(path: &str, text: &str, profile: Profile) -> Result<Self, Mistake> {
        let both = [Profile::Full, Profile::Quick];
        for other in both.into_iter().filter(|other| *other != profile) {
            Self::read_in(path, text, other)?;
        }
        Self::read_in(path, text, profile)
    }

    fn read_in(path: &str, text: &str, profile: Profile) -> Result<Self, Mistake> {
        // Only looked at for what is wrong in it, and where.
        Written::<RunSpec>::read(text)?;
        let written = Written::<Table>::read(text)?;
        let places = Places::of(text, profile)?;
        let source = Source {
            path: path.to_owned(),
            sha256: format!("{:x}", Sha256::digest(text)),
            title: written.title,
        };
        let mut file = Self {
            source,
            claims: Vec::new(),
            cases: Vec::new(),
            left_out: Vec::new(),
            places,
        };
        if written.claim.is_empty() {
            let none = "the file claims nothing: begin a claim with [[claim]]";
            return Err(Mistake::at(text, 0, none));
        }
        let common = written.run.unwrap_or_default();
        for (number, claim) in written.claim.into_iter().enumerate() {
            file.take(number, claim, &common, profile)?;
        }
        Ok(file)
    }

    /// Why the run of a case makes no plan, at the place that it comes from.
    #[must_use]
    pub fn mistake(&self, case: &Case, error: &PlanError) -> Mistake {
        let text = error.to_string();
        let of_fault = of_coverage(error).and_then(|path| self.places.of_path(case.claim, &path));
        let usual = || self.places.of_key(case.claim, &key_of(error, &text));
        let byte = of_fault.unwrap_or_else(usual);
        Mistake::at(&self.places.text, byte, text)
    }

    fn take(
        &mut self,
        number: usize,
        written: WrittenClaim<Table>,
        common: &Table,
        profile: Profile,
    ) -> Result<(), Mistake> {
        let line = Place::of(&self.places.text, self.places.of_key(number, "id")).line;
        let claim = written.claim(line);
        self.check_claim(number, &claim)?;
        let is_selected = written.is_in(profile);
        if let Some((key, text)) = written.beside_cost() {
            return Err(self.at_key(number, key, &text));
        }
        let amount = written.amount(profile, common);
        let cases = self.cases_of(number, claim.expected, amount)?;
        if is_selected {
            self.cases.extend(cases);
        } else {
            self.left_out.extend(cases.iter().map(|case| LeftOut {
                claim: claim.id.clone(),
                testbed: case.testbed().to_owned(),
                why: format!("not in the profile {profile}"),
            }));
        }
        self.claims.push(claim);
        Ok(())
    }

    /// A claim by itself, and among those before it.
    fn check_claim(&self, number: usize, claim: &Claim) -> Result<(), Mistake> {
        let wrong = |key: &str, text: String| {
            let byte = self.places.of_key(number, key);
            Err(Mistake::at(&self.places.text, byte, text))
        };
        let id = &claim.id;
        if id.len() > ID_MAX {
            let text =
                format!("an id has {ID_MAX} characters at the most: a folder is called after it");
            return wrong("id", text);
        }
        if id.is_empty() || !id.chars().all(is_of_id) || id.starts_with('.') {
            return wrong(
                "id",
                format!(
                    "\"{}\" is no id: use letters, digits, - and _",
                    id.escape_debug()
                ),
            );
        }
        // --only would take it for an option.
        if id.starts_with('-') {
            let text = format!("\"{id}\" is no id: begin it with a letter, a digit or _");
            return wrong("id", text);
        }
        if let Some(other) = self.claims.iter().find(|other| other.id == *id) {
            return wrong(
                "id",
                format!(
                    "the id {id} is taken by the claim in line {}: choose another",
                    other.line
                ),
            );
        }
        if claim.says.trim().is_empty() {
            return wrong(
                "says",
                "a claim says something: write it as a sentence".to_owned(),
            );
        }
        let accepted = claim.accepted.as_ref();
        if accepted.is_some_and(|accepted| accepted.reason.trim().is_empty()) {
            let text = "what is accepted says why: give it a reason";
            return wrong("accepted", text.to_owned());
        }
        let reason = claim.reason.as_deref().unwrap_or_default();
        if claim.expected == Expected::Violated && reason.trim().is_empty() {
            return wrong(
                "expected",
                "a claim that is to be violated says why: add reason = \"…\"".to_owned(),
            );
        }
        Ok(())
    }

    /// A claim on each of its testbeds.
    fn cases_of(
        &self,
        number: usize,
        expected: Expected,
        amount: Amount,
    ) -> Result<Vec<Case>, Mistake> {
        let mut spec = RunSpec::deserialize(amount.run)
            .map_err(|error| self.at_key(number, "run", error.message()))?;
        let (cost, mut needs) = (amount.cost, amount.needs);
        if let Some(cost) = &cost {
            self.check_cost(number, cost, &needs)?;
            // Faults and times of runs are of no use here, whatever holds for all claims.
            spec = RunSpec {
                lock: spec.lock,
                rabbitmq: spec.rabbitmq,
                ..RunSpec::default()
            };
            if needs.runs == 0 {
                needs.runs = ROUNDS;
            }
        }
        spec.schedule = spec.schedule.map(|file| self.beside(&file));
        if expected == Expected::Violated && spec.guarantees.len() != 1 && cost.is_none() {
            let text = "a claim that is to be violated names the one guarantee: guarantee = [\"exclusion\"]";
            return Err(self.at_key(number, "run", text));
        }
        let testbeds = amount
            .testbeds
            .unwrap_or_else(|| vec![usual_testbed(&spec)]);
        self.check_testbeds(number, &testbeds)?;
        let seeds = amount.seeds.unwrap_or(Seeds(SEEDS));
        let cases = testbeds.into_iter().map(|testbed| Case {
            claim: number,
            lock: spec.lock.clone().unwrap_or_default(),
            seeds: (testbed == SIMULATED && cost.is_none()).then(|| seeds.clone()),
            spec: RunSpec {
                testbed,
                ..spec.clone()
            },
            cost: cost.clone(),
            needs: needs.clone(),
            within: amount.within.unwrap_or(WITHIN),
        });
        cases.map(|case| self.planned(case)).collect()
    }

    fn check_cost(&self, number: usize, cost: &Cost, needs: &Needs) -> Result<(), Mistake> {
        if cost.slots == 0 {
            return Err(self.at_key(number, "cost", "a lock has a slot at least: slots = 1"));
        }
        if needs.runs > ROUNDS_MAX {
            let text = format!("at most {ROUNDS_MAX} rounds are measured");
            return Err(self.at_key(number, "needs", &text));
        }
        let measurable = Needs {
            runs: needs.runs,
            ..Needs::default()
        };
        if *needs != measurable {
            let text = "what is measured needs rounds only: needs = { runs = 20 }";
            return Err(self.at_key(number, "needs", text));
        }
        Ok(())
    }

    fn check_testbeds(&self, number: usize, testbeds: &[String]) -> Result<(), Mistake> {
        let once: BTreeSet<&String> = testbeds.iter().collect();
        let text = match testbeds {
            [] => "a claim needs a testbed: testbeds = [\"docker\"]",
            all if once.len() < all.len() => "a testbed is named twice: name each once",
            _ => return Ok(()),
        };
        Err(self.at_key(number, "testbeds", text))
    }

    /// With what can be known of its run before anything starts. What a program is, only it can say:
    /// [`check`](Self::check) takes the plan that follows from that.
    fn planned(&self, mut case: Case) -> Result<Case, Mistake> {
        if case.is_of_program() {
            self.check_program(&case)?;
            return Ok(case);
        }
        if case.cost.is_some() && ![TESTBED, SIMULATED].contains(&case.testbed()) {
            let text = "costs are counted on docker and sim: testbeds = [\"docker\"]";
            return Err(self.at_key(case.claim, "testbeds", text));
        }
        if case.testbed() == TESTBED_OF_PROGRAM {
            let text = "what is proven must not depend on the machine: name docker, sim or both";
            return Err(self.at_key(case.claim, "testbeds", text));
        }
        let spec = match &case.seeds {
            Some(seeds) => spec_of(&case.spec, Seed(seeds.0.start)),
            None => case.spec.clone(),
        };
        let plan = Plan::new(&of_slots(spec, case.cost.as_ref()));
        let plan = plan.map_err(|error| self.mistake(&case, &error))?;
        case.lock = plan.lock.to_string();
        self.check(&case, &plan)?;
        Ok(case)
    }

    fn check_program(&self, case: &Case) -> Result<(), Mistake> {
        if case.cost.is_some() {
            let text = "what a program asks of its service is not counted: name a lock of ours";
            return Err(self.at_key(case.claim, "cost", text));
        }
        if case.is_simulated() {
            return Err(self.mistake(case, &PlanError::Program));
        }
        if case.needs.power > 0 {
            let text = "the known mistakes are made on RabbitMQ and say nothing of a program: leave power out";
            return Err(self.at_key(case.claim, "needs", text));
        }
        Ok(())
    }

    /// Looks at the plan of a case's run.
    ///
    /// # Errors
    /// What the claim needs can never be seen in such a run.
    pub fn check(&self, case: &Case, plan: &Plan) -> Result<(), Mistake> {
        let faults: BTreeSet<String> = plan.faults.iter().map(ToString::to_string).collect();
        let mut needed = case.needs.landed.keys();
        if let Some(fault) = needed.find(|fault| !faults.contains(*fault)) {
            let text = format!("the run has no fault {fault}: name one of those under nemesis");
            return Err(self.at_key(case.claim, "needs", &text));
        }
        Ok(())
    }

    /// The same with another RabbitMQ, a version or an image, in place of what it says: for the cases
    /// that start one in Docker. Those of programs name their services themselves.
    ///
    /// # Errors
    /// No case starts one, or a run makes no plan on it.
    pub fn on_rabbitmq(mut self, asked: &str) -> Result<Self, OtherRabbitMq> {
        let cases = std::mem::take(&mut self.cases);
        if !cases.iter().any(Case::starts_rabbitmq) {
            return Err(NothingSelected::NoRabbitMq.into());
        }
        let moved = cases.into_iter().map(|mut case| {
            if !case.starts_rabbitmq() {
                return Ok(case);
            }
            case.spec.rabbitmq = Some(asked.to_owned());
            self.planned(case)
        });
        self.cases = moved.collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// A file that is named in this one.
    fn beside(&self, file: &Path) -> PathBuf {
        let folder = Path::new(&self.source.path).parent();
        folder.map_or_else(|| file.to_owned(), |folder| folder.join(file))
    }

    fn at_key(&self, number: usize, key: &str, text: &str) -> Mistake {
        Mistake::at(&self.places.text, self.places.of_key(number, key), text)
    }
}

const fn is_of_id(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// A run of a lock that has as many slots as are to be measured: only some can have more than one.
fn of_slots(spec: RunSpec, cost: Option<&Cost>) -> RunSpec {
    match cost.map(|cost| cost.slots) {
        None | Some(1) => spec,
        Some(slots) => RunSpec {
            workload: SEMAPHORE.to_owned(),
            slots: Some(slots),
            concurrency: Some(slots),
            ..spec
        },
    }
}

fn usual_testbed(spec: &RunSpec) -> String {
    let assumed = RunSpec::default().testbed;
    if spec.testbed != assumed {
        return spec.testbed.clone();
    }
    let lock = spec.lock.as_deref().unwrap_or_default();
    let usual = if lock.starts_with(PROGRAM) {
        TESTBED_OF_PROGRAM
    } else {
        TESTBED
    };
    usual.to_owned()
}

/// The names that lead to the fault in a table of coverage that is to blame, if one is.
fn of_coverage(error: &PlanError) -> Option<[&str; 2]> {
    match error {
        PlanError::Effects(EffectsError::NotSelected { fault, .. }) => Some(["coverage", fault]),
        _ => None,
    }
}

/// The key that is to blame for what makes no plan: what a name was of, or else the first option that
/// is spoken of.
fn key_of(error: &PlanError, text: &str) -> String {
    if let PlanError::Ground(_) = error {
        return "nemesis".to_owned();
    }
    let PlanError::Unknown { kind, .. } = error else {
        let option = text.split("--").nth(1).unwrap_or_default();
        let is_of_option = |c: char| c.is_ascii_lowercase() || c == '-';
        return option.chars().take_while(|c| is_of_option(*c)).collect();
    };
    let key = match kind.as_str() {
        "fault" => "nemesis",
        "testbed" => "testbeds",
        kind if kind.contains(" of ") => "lock",
        kind => kind,
    };
    key.to_owned()
}
