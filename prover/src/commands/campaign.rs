//! `prover --seeds A..B`: a simulated run for each seed, and what they show together.

use checker::{Verdict, counted};
use jiff::Timestamp;
use plan::spec::{program, typed};
use plan::{Plan, PlanError};
use report::list_table;
use run::seed::{Seed, Seeds};
use suite::{Saturation, Summary, Until, campaign, spec_of};
use testbed::Described;

use super::NO_FAULTS;
use super::check::verdict_line;
use super::power::{self, Effort, of_campaign};
use crate::campaign::{Campaign, exposure};
use crate::causes::with_causes;
use crate::cli::RunArgs;
use crate::conclusion::git_of;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interruption::unless_interrupted;
use crate::output::{self, Bar, Format, result};
use crate::schema::Schema;
use crate::store::{Store, file};
use crate::stored_run::stored_again;

/// How many seeds of a kind are printed.
const SHOWN: usize = 3;

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
    let plan = Plan::new(&spec_of(spec, Seed(seeds.0.start)))?;
    if !output.quiet {
        warn(&plan);
    }
    let began = Timestamp::now();
    let store = Store::open_campaign(&output.results, &plan.name(), began)?;
    let bar = Bar::new(seeds.0.end - seeds.0.start, "runs", output.quiet);
    let (summary, was_interrupted) =
        unless_interrupted(|go_on| campaign(spec, seeds, until, go_on, |pace| bar.set(pace))).await;
    bar.done();
    let summary = summary?;
    let verdict = verdict(&summary, was_interrupted);
    let within = arguments.power_within;
    let (power, was_interrupted) = if verdict == Verdict::Valid && !within.is_zero() {
        let (power, is_over) = of_campaign(spec, seeds, Effort::all(within), output.quiet).await?;
        (Some(power), is_over)
    } else {
        (None, was_interrupted)
    };
    let verdict = power
        .as_ref()
        .map_or(verdict, |it| verdict.max(it.verdict()));
    let mut campaign = Campaign {
        spec,
        seeds,
        subject: (plan.lock.to_string(), plan.workload.name().to_owned()),
        began,
        git: git_of(output.commit.as_deref()),
        results: &output.results,
        folder: store.folder().to_owned(),
        keep_going: arguments.keep_going,
        summary,
        power,
        verdict,
        stored: None,
    };
    let kept = keep(&mut campaign, &store, output.commit.as_deref());
    match output.format {
        Format::Human => print(&campaign, seeds, kept.is_ok())?,
        Format::Json => output::json(Schema::CAMPAIGN, &campaign.json())?,
    }
    let mut exits = vec![exit(&campaign, was_interrupted)];
    if let Err(failure) = kept {
        output::note(&format!("error: {}", with_causes(&failure)));
        exits.push(failure.exit());
    }
    Ok(Exit::worst(exits))
}

/// Stores the run with the shortest counterexample, if there is one, and the report.
fn keep(campaign: &mut Campaign<'_>, store: &Store, commit: Option<&str>) -> Result<(), Failure> {
    if let Some(shortest) = campaign.summary.shortest() {
        let seed = shortest.seed;
        let name = format!("seed-{seed}");
        let spec = spec_of(campaign.spec, seed);
        let repeat = campaign.repeat(seed);
        let store = Store::make(&store.path(&name))?;
        stored_again(&spec, store, commit, &repeat)?;
        campaign.stored = Some(name);
    }
    campaign.keep(store)
}

/// Says beforehand what no run of the campaign can prove. What a swarm draws differs from run to
/// run.
fn warn(first: &Plan) {
    if first.spec.swarm {
        return;
    }
    for doubt in first.doubts_of_any_seed() {
        output::note(&format!("warning: {doubt}"));
    }
}

/// What the seeds that were not run would have shown is unknown.
fn verdict(summary: &Summary, was_interrupted: bool) -> Verdict {
    if was_interrupted {
        return summary.verdict().max(Verdict::Unknown);
    }
    summary.verdict()
}

fn exit(campaign: &Campaign<'_>, was_interrupted: bool) -> Exit {
    let mut exits = vec![campaign.verdict.into()];
    if !campaign.summary.broken.is_empty() {
        exits.push(Exit::Harness);
    }
    if was_interrupted {
        exits.push(Exit::Interrupted);
    }
    exits.extend(campaign.power.as_ref().map(|it| power::exit(it, false)));
    Exit::worst(exits)
}

fn print(campaign: &Campaign<'_>, seeds: &Seeds, is_kept: bool) -> std::io::Result<()> {
    let summary = &campaign.summary;
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
    if let Some(power) = &campaign.power {
        result(&format!("\n{}", power::line(power)))?;
    }
    for (seed, why) in summary.broken.iter().take(SHOWN) {
        output::note(&format!("error: seed {seed}: {why}"));
    }
    seeds_of(campaign, "violated by", &summary.failing)?;
    seeds_of(campaign, "left open by", &summary.open)?;
    if is_kept {
        result(&report_line(campaign))?;
    }
    let without_faults = summary.faults.is_empty().then_some(NO_FAULTS);
    result(&format!(
        "\n{}",
        verdict_line(campaign.verdict, without_faults)
    ))
}

/// Where it is to be read, with how many situations the last runs added, and what to do with the
/// shortest counterexample.
fn report_line(campaign: &Campaign<'_>) -> String {
    let Saturation {
        situations,
        last_runs,
        new_in_last_runs,
    } = campaign.summary.saturation();
    let report = campaign.folder.join(file::REPORT);
    let last = match last_runs {
        1 => "the last run".to_owned(),
        several => format!("the last {several} runs"),
    };
    let mut lines = vec![
        format!(
            "\nmet:     {}, {new_in_last_runs} of them new in {last}",
            counted(situations, "situation")
        ),
        format!("report:  {}", report.display()),
    ];
    if let Some(stored) = &campaign.stored {
        let folder = campaign.folder.join(stored).to_string_lossy().into_owned();
        let command = typed(program(), &["shrink".to_owned(), folder]);
        lines.push(format!("next:    {command}"));
    }
    lines.join("\n")
}

fn seeds_of(campaign: &Campaign<'_>, what: &str, seeds: &[Seed]) -> std::io::Result<()> {
    if seeds.is_empty() {
        return Ok(());
    }
    result(&format!(
        "\n{what} {}:",
        counted(seeds.len() as u64, "seed")
    ))?;
    for seed in seeds.iter().take(SHOWN) {
        result(&format!("  {}", campaign.repeat(*seed)))?;
    }
    if seeds.len() > SHOWN {
        result(&format!("  and {} more", seeds.len() - SHOWN))?;
    }
    Ok(())
}

fn guarantees(summary: &Summary) -> String {
    let rows = summary.guarantees.iter().map(|(name, tally)| {
        [
            name.clone(),
            if tally.judged { "judged" } else { "shown" }.to_owned(),
            tally.verdicts.valid.to_string(),
            tally.verdicts.violated.to_string(),
            tally.verdicts.unknown.to_string(),
            exposure(tally),
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
            landings.due_text(),
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
