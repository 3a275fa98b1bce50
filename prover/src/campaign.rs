//! What many runs showed together, as it is stored, printed and reported.

use std::path::{Path, PathBuf};

use checker::{Verdict, counted, show_ns};
use jiff::Timestamp;
use plan::manifest::Git;
use plan::spec::RunSpec;
use run::seed::{Seed, Seeds};
use serde_json::{Value, json};
use site::{Failing, FaultTally, GuaranteeTally, Share};
use suite::{Power, Summary, Tally, spec_of};
use testbed::Described;

use crate::commands::power;
use crate::failure::Failure;
use crate::repeat;
use crate::schema::Schema;
use crate::store::{Store, file};
use crate::subject;

/// What many runs showed together.
pub(crate) struct Campaign<'a> {
    pub(crate) spec: &'a RunSpec,
    pub(crate) seeds: &'a Seeds,
    /// The lock with its options, and the workload.
    pub(crate) subject: (String, String),
    pub(crate) began: Timestamp,
    pub(crate) git: Option<Git>,
    /// Where one of the runs would be stored.
    pub(crate) results: &'a Path,
    /// Where the campaign is stored.
    pub(crate) folder: PathBuf,
    pub(crate) keep_going: bool,
    pub(crate) summary: Summary,
    /// What the plan would have caught, where all is valid.
    pub(crate) power: Option<Power>,
    pub(crate) verdict: Verdict,
    /// The folder of the run with the shortest counterexample, within that of the campaign.
    pub(crate) stored: Option<String>,
}

impl Campaign<'_> {
    /// Stores it, for programs and for people.
    pub(crate) fn keep(&self, store: &Store) -> Result<(), Failure> {
        store.write_json(file::CAMPAIGN, &Schema::CAMPAIGN.mark(&self.json()))?;
        let page = site::campaign_page(&self.page()).map_err(Failure::Site)?;
        Ok(store.write(file::REPORT, page.as_bytes())?)
    }

    /// The command that repeats the run of a seed.
    pub(crate) fn repeat(&self, seed: Seed) -> String {
        repeat::of_spec(&spec_of(self.spec, seed), self.results)
    }

    /// The command that repeats all of it.
    pub(crate) fn command(&self) -> String {
        repeat::of_seeds(self.spec, self.seeds, self.keep_going, self.results)
    }

    pub(crate) fn json(&self) -> Value {
        let mut line = json!(self.summary);
        if let Some(fields) = line.as_object_mut() {
            // How many they are is said by the saturation.
            fields.remove("situations");
        }
        line["lock"] = json!(self.subject.0);
        line["workload"] = json!(self.subject.1);
        line["seeds"] = json!(self.seeds.to_string());
        line["prover"] = json!(env!("CARGO_PKG_VERSION"));
        line["began"] = json!(self.began);
        if let Some(git) = &self.git {
            line["git"] = json!(git);
        }
        line["folder"] = json!(self.folder.to_string_lossy());
        line["command"] = json!(self.command());
        line["saturation"] = json!(self.summary.saturation());
        line["verdict"] = json!(self.verdict);
        line["gaps"] = json!(self.summary.gaps());
        let failing = self.summary.failing.iter();
        line["repeat"] = failing.map(|seed| self.repeat(*seed)).collect();
        if let Some(power) = &self.power {
            line["power"] = power::json(power);
        }
        if let Some(shortest) = self.summary.shortest() {
            line["shortest"] = json!(shortest);
            if let Some(folder) = &self.stored {
                line["shortest"]["folder"] = json!(folder);
            }
        }
        line
    }

    /// Its report.
    fn page(&self) -> site::Campaign {
        let summary = &self.summary;
        let saturation = summary.saturation();
        let power = self.power.as_ref();
        let mistakes = power.map(subject::mistakes).unwrap_or_default();
        site::Campaign {
            lock: self.subject.0.clone(),
            workload: self.subject.1.clone(),
            facts: self.facts(),
            verdict: self.verdict,
            runs: summary.runs,
            seeds: self.seeds.to_string(),
            seeds_asked: self.seeds.0.end - self.seeds.0.start,
            verdicts: of(summary.verdicts),
            coverage: coverage(summary),
            gaps: self.gaps(),
            guarantees: summary.guarantees.iter().map(guarantee).collect(),
            faults: faults(summary),
            power: power.map(ToString::to_string),
            mistakes: mistakes
                .into_iter()
                .map(|mistake| [mistake.lock, mistake.breaks, mistake.outcome])
                .collect(),
            saturation: [
                saturation.situations,
                saturation.new_in_last_runs,
                saturation.last_runs,
            ],
            failing: self.failing(),
            open: self.told(&summary.open),
            broken: summary
                .broken
                .iter()
                .map(|(seed, why)| [seed.to_string(), why.clone()])
                .collect(),
            repeat: self.command(),
        }
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![
            ("testbed", Described::simulated().to_string()),
            ("faults", self.spec.nemesis.clone()),
            (
                "began",
                self.began.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            ),
            ("prover", env!("CARGO_PKG_VERSION").to_owned()),
        ];
        if let Some(git) = &self.git {
            let mark = if git.dirty == Some(true) {
                ", and changes"
            } else {
                ""
            };
            facts.push(("commit", format!("{}{mark}", git.commit)));
        }
        facts
    }

    fn gaps(&self) -> Vec<String> {
        let power = self.power.as_ref().and_then(Power::reason);
        self.summary.gaps().into_iter().chain(power).collect()
    }

    /// Those first that needed the fewest operations.
    fn failing(&self) -> Vec<Failing> {
        let shortest = self.summary.shortest().map(|shortest| shortest.seed);
        let failing = self.summary.failing.iter().map(|seed| {
            let mut examples = self.summary.counterexamples.iter();
            let example = examples.find(|example| example.seed == *seed);
            Failing {
                seed: seed.to_string(),
                guarantee: example.map(|it| it.guarantee.clone()).unwrap_or_default(),
                operations: example.map(|it| it.operations),
                folder: self.stored.clone().filter(|_| shortest == Some(*seed)),
                repeat: self.repeat(*seed),
            }
        });
        let mut failing: Vec<_> = failing.collect();
        failing.sort_by_key(|run| run.operations.unwrap_or(u64::MAX));
        failing
    }

    fn told(&self, seeds: &[Seed]) -> Vec<[String; 2]> {
        let told = seeds
            .iter()
            .map(|seed| [seed.to_string(), self.repeat(*seed)]);
        told.collect()
    }
}

fn of(verdicts: suite::Verdicts) -> [u64; 3] {
    [verdicts.valid, verdicts.violated, verdicts.unknown]
}

fn coverage(summary: &Summary) -> Vec<Share> {
    let share = |what: &str, part| Share {
        what: what.to_owned(),
        part,
        whole: summary.runs,
    };
    let mut shares = vec![share("runs in which clients contended", summary.contended)];
    if summary.must_take {
        shares.push(share(
            "runs in which a fault took a lock away that others wanted",
            summary.taken,
        ));
    }
    shares
}

fn guarantee((name, tally): (&String, &Tally)) -> GuaranteeTally {
    GuaranteeTally {
        name: name.clone(),
        is_judged: tally.judged,
        verdicts: of(tally.verdicts),
        exposure: exposure(tally),
    }
}

/// How often and how long too many had the lock.
pub(crate) fn exposure(tally: &Tally) -> String {
    if tally.overlaps == 0 {
        return String::new();
    }
    let longest = show_ns(tally.exposure_ns_max);
    format!("{}, longest {longest}", counted(tally.overlaps, "overlap"))
}

fn faults(summary: &Summary) -> Vec<FaultTally> {
    let faults = summary.faults.iter().map(|(name, landings)| FaultTally {
        name: name.clone(),
        windows: landings.windows,
        revoked: landings.revoked,
        delayed: landings.delayed,
        due: landings.due_text(),
    });
    faults.collect()
}
