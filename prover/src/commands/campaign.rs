//! `prover --seeds A..B`: a simulated run for each seed, and what they show together.

use std::path::Path;

use checker::{Verdict, counted};
use plan::spec::RunSpec;
use plan::{Plan, PlanError};
use report::list_table;
use run::seed::{Seed, Seeds};
use serde_json::{Value, json};
use suite::{Power, Summary, Until, campaign, spec_of};
use testbed::Described;

use super::NO_FAULTS;
use super::check::verdict_line;
use super::power::{self, of_campaign};
use crate::cli::RunArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interruption::unless_interrupted;
use crate::output::{self, Bar, Format, result};
use crate::repeat;
use crate::schema::Schema;

/// How many seeds of a kind are printed.
const SHOWN: usize = 10;

/// Runs all seeds, or until one fails, and prints what was found.
pub(super) async fn run_seeds(arguments: &RunArgs, seeds: &Seeds) -> Result<Exit, Failure> {
    let RunArgs { spec, output, .. } = arguments;
    if !["auto", "sim"].contains(&spec.testbed.as_str()) {
        return Err(PlanError::SeedsAreSimulated.into());
    }
    let until = if arguments.keep_going {
        Until::Done
    } else {
        Until::Violation
    };
    if !output.quiet {
        warn(spec, seeds)?;
    }
    let bar = Bar::new(seeds.0.end - seeds.0.start, "runs", output.quiet);
    let (summary, was_interrupted) =
        unless_interrupted(|go_on| campaign(spec, seeds, until, go_on, |pace| bar.set(pace))).await;
    bar.done();
    let summary = summary?;
    let verdict = verdict(&summary, was_interrupted);
    let within = arguments.power_within;
    let (power, was_interrupted) = if verdict == Verdict::Valid && !within.is_zero() {
        let (power, is_over) = of_campaign(spec, seeds, within, output.quiet).await?;
        (Some(power), is_over)
    } else {
        (None, was_interrupted)
    };
    let verdict = power
        .as_ref()
        .map_or(verdict, |it| verdict.max(it.verdict()));
    let campaign = Campaign {
        spec,
        results: &output.results,
        summary,
        power,
        verdict,
    };
    match output.format {
        Format::Human => campaign.print(seeds)?,
        Format::Json => output::json(Schema::CAMPAIGN, &campaign.json())?,
    }
    Ok(campaign.exit(was_interrupted))
}

/// What many runs showed together.
struct Campaign<'a> {
    spec: &'a RunSpec,
    /// Where one of the runs would be stored.
    results: &'a Path,
    summary: Summary,
    /// What the plan would have caught, where all is valid.
    power: Option<Power>,
    verdict: Verdict,
}

/// Says beforehand what no run of the campaign can prove. What a swarm draws differs from run to
/// run.
fn warn(spec: &RunSpec, seeds: &Seeds) -> Result<(), PlanError> {
    let first = spec_of(spec, Seed(seeds.0.start));
    if first.swarm {
        return Ok(());
    }
    for doubt in Plan::new(&first)?.doubts_of_any_seed() {
        output::note(&format!("warning: {doubt}"));
    }
    Ok(())
}

/// What the seeds that were not run would have shown is unknown.
fn verdict(summary: &Summary, was_interrupted: bool) -> Verdict {
    if was_interrupted {
        return summary.verdict().max(Verdict::Unknown);
    }
    summary.verdict()
}

impl Campaign<'_> {
    fn exit(&self, was_interrupted: bool) -> Exit {
        let mut exits = vec![self.verdict.into()];
        if !self.summary.broken.is_empty() {
            exits.push(Exit::Harness);
        }
        if was_interrupted {
            exits.push(Exit::Interrupted);
        }
        exits.extend(self.power.as_ref().map(|it| power::exit(it, false)));
        Exit::worst(exits)
    }

    fn json(&self) -> Value {
        let mut line = json!(self.summary);
        line["verdict"] = json!(self.verdict);
        line["gaps"] = json!(self.summary.gaps());
        let failing = self.summary.failing.iter();
        line["repeat"] = failing.map(|seed| self.repeat(*seed)).collect();
        if let Some(power) = &self.power {
            line["power"] = power::json(power);
        }
        line
    }

    fn print(&self, seeds: &Seeds) -> std::io::Result<()> {
        let summary = &self.summary;
        result(&format!("testbed: {}", Described::simulated()))?;
        result(&format!(
            "runs:    {} of the seeds {seeds}: {} valid, {} violated, {} unknown by themselves; {}, {}, contention in {}\n",
            summary.runs,
            summary.verdicts.valid,
            summary.verdicts.violated,
            summary.verdicts.unknown,
            counted(summary.operations, "operation"),
            counted(summary.holds, "hold"),
            counted(summary.contended, "run"),
        ))?;
        result(&guarantees(summary))?;
        if !summary.faults.is_empty() {
            result(&format!("\n{}", faults(summary)))?;
        }
        for gap in summary.gaps() {
            result(&format!("\nnothing can be said: {gap}"))?;
        }
        if let Some(power) = &self.power {
            result(&format!("\n{}", power::line(power)))?;
        }
        for (seed, why) in summary.broken.iter().take(SHOWN) {
            output::note(&format!("error: seed {seed}: {why}"));
        }
        self.seeds_of("violated by", &summary.failing)?;
        self.seeds_of("left open by", &summary.open)?;
        let without_faults = summary.faults.is_empty().then_some(NO_FAULTS);
        result(&format!("\n{}", verdict_line(self.verdict, without_faults)))
    }

    fn seeds_of(&self, what: &str, seeds: &[Seed]) -> std::io::Result<()> {
        if seeds.is_empty() {
            return Ok(());
        }
        result(&format!(
            "\n{what} {}:",
            counted(seeds.len() as u64, "seed")
        ))?;
        for seed in seeds.iter().take(SHOWN) {
            result(&format!("  {}", self.repeat(*seed)))?;
        }
        if seeds.len() > SHOWN {
            result(&format!("  and {} more", seeds.len() - SHOWN))?;
        }
        Ok(())
    }

    fn repeat(&self, seed: Seed) -> String {
        repeat::of_spec(&spec_of(self.spec, seed), self.results)
    }
}

fn guarantees(summary: &Summary) -> String {
    let rows = summary.guarantees.iter().map(|(name, tally)| {
        let exposure = if tally.overlaps == 0 {
            String::new()
        } else {
            let longest = checker::show_ns(tally.exposure_ns_max);
            format!("{}, longest {longest}", counted(tally.overlaps, "overlap"))
        };
        [
            name.clone(),
            if tally.judged { "judged" } else { "shown" }.to_owned(),
            tally.verdicts.valid.to_string(),
            tally.verdicts.violated.to_string(),
            tally.verdicts.unknown.to_string(),
            exposure,
        ]
    });
    list_table(["guarantee", "", "valid", "violated", "unknown", ""], rows)
}

fn faults(summary: &Summary) -> String {
    let rows = summary.faults.iter().map(|(name, landings)| {
        [
            name.clone(),
            landings.windows.to_string(),
            landings.revoked.to_string(),
            landings.delayed.to_string(),
            landings.due.to_string(),
        ]
    });
    let header = [
        "fault",
        "windows",
        "revoked a hold",
        "delayed a holder",
        "due",
    ];
    list_table(header, rows)
}
