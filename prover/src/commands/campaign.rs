//! `prover --seeds A..B`: a simulated run for each seed, and what they show together.

use checker::Verdict;
use plan::spec::RunSpec;
use plan::{Plan, PlanError};
use report::{list_table, verdict_text};
use run::seed::{Seed, Seeds};
use serde_json::json;
use suite::{Summary, Until, campaign, spec_of};
use testbed::Described;

use crate::cli::RunArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interruption::unless_interrupted;
use crate::output::{self, Bar, Format, result};

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
    match output.format {
        Format::Human => print(spec, seeds, &summary, verdict)?,
        Format::Json => result(&json_line(spec, &summary, verdict))?,
    }
    Ok(exit(&summary, verdict, was_interrupted))
}

/// Says beforehand what no run of the campaign can prove. What a swarm draws differs from run to run.
fn warn(spec: &RunSpec, seeds: &Seeds) -> Result<(), PlanError> {
    let first = spec_of(spec, Seed(seeds.0.start));
    if first.swarm {
        return Ok(());
    }
    for doubt in Plan::new(&first)?.doubts() {
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

fn exit(summary: &Summary, verdict: Verdict, was_interrupted: bool) -> Exit {
    let mut exits = vec![verdict.into()];
    if !summary.broken.is_empty() {
        exits.push(Exit::Harness);
    }
    if was_interrupted {
        exits.push(Exit::Interrupted);
    }
    Exit::worst(exits)
}

fn json_line(spec: &RunSpec, summary: &Summary, verdict: Verdict) -> String {
    let mut line = json!(summary);
    line["verdict"] = json!(verdict);
    line["gaps"] = json!(summary.gaps());
    let failing = summary.failing.iter();
    line["repeat"] = failing.map(|seed| repeat(spec, *seed)).collect();
    line.to_string()
}

fn print(
    spec: &RunSpec,
    seeds: &Seeds,
    summary: &Summary,
    verdict: Verdict,
) -> std::io::Result<()> {
    result(&format!("testbed: {}", Described::simulated()))?;
    result(&format!(
        "runs:    {} of the seeds {seeds}: {} valid, {} violated, {} unknown by themselves; {} operations, {} holds, contention in {} runs\n",
        summary.runs,
        summary.verdicts.valid,
        summary.verdicts.violated,
        summary.verdicts.unknown,
        summary.operations,
        summary.holds,
        summary.contended,
    ))?;
    result(&guarantees(summary))?;
    if !summary.faults.is_empty() {
        result(&format!("\n{}", faults(summary)))?;
    }
    for gap in summary.gaps() {
        result(&format!("\nnothing can be said: {gap}"))?;
    }
    for (seed, why) in summary.broken.iter().take(SHOWN) {
        output::note(&format!("error: seed {seed}: {why}"));
    }
    seeds_of("violated by", &summary.failing, spec)?;
    seeds_of("left open by", &summary.open, spec)?;
    result(&format!("\nverdict: {}", verdict_text(verdict)))
}

fn seeds_of(what: &str, seeds: &[Seed], spec: &RunSpec) -> std::io::Result<()> {
    if seeds.is_empty() {
        return Ok(());
    }
    result(&format!("\n{what} {} seeds:", seeds.len()))?;
    for seed in seeds.iter().take(SHOWN) {
        result(&format!("  {}", repeat(spec, *seed)))?;
    }
    if seeds.len() > SHOWN {
        result(&format!("  and {} more", seeds.len() - SHOWN))?;
    }
    Ok(())
}

fn repeat(spec: &RunSpec, seed: Seed) -> String {
    spec_of(spec, seed).command_line()
}

fn guarantees(summary: &Summary) -> String {
    let rows = summary.guarantees.iter().map(|(name, tally)| {
        let exposure = if tally.overlaps == 0 {
            String::new()
        } else {
            let longest = checker::show_ns(tally.exposure_ns_max);
            format!("{} overlaps, longest {longest}", tally.overlaps)
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
