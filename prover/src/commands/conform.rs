//! `prover conform`: how faithful the simulated broker is, measured on a real one.

use std::sync::Arc;
use std::time::Duration;

use ::conform::arm::{LINKS, Simulated};
use ::conform::campaign::{self, Report};
use ::conform::comparison::Divergence;
use ::conform::script::Script;
use ::conform::{explained, named, random};
use checker::counted;
use jiff::Timestamp;
use plan::spec::{program, typed};
use plan::{PlanError, unknown};
use run::seed::{Seed, Stream};
use serde_json::json;
use testbed::{
    Asked, Choice, ChoiceError, Demand, Progress, ProxyChoice, RealSite, Site, StartError, Testbed,
    without_password,
};

use crate::cli::ConformArgs;
use crate::conform::parts;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interruption::interrupted;
use crate::output::{self, Format, Steps};
use crate::repeat::in_results;
use crate::schema::Schema;

/// Where the broker's log is stored if nobody says.
pub(crate) const RESULTS: &str = "results/conform";

/// Each script asks for its own.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// Plays the scripts that were asked for, compares and prints.
pub(super) async fn conform(arguments: &ConformArgs) -> Result<Exit, Failure> {
    let seed = arguments.seed.unwrap_or_else(Seed::fresh);
    let scripts = select(arguments, seed)?;
    let site = site(arguments)?;
    let steps = Steps::new(arguments.quiet);
    let played = tokio::select! {
        biased;
        () = interrupted() => return Ok(Exit::Interrupted),
        played = on_testbed(arguments, &site, scripts, seed, &steps) => played,
    };
    steps.done();
    let report = played?;
    print(arguments, seed, &report)?;
    Ok(exit(&report))
}

/// A script about time that never got a fair chance shows nothing.
fn exit(report: &Report) -> Exit {
    if !report.divergences.is_empty() {
        return Exit::Violation;
    }
    if !report.too_slow.is_empty() {
        return Exit::Unknown;
    }
    Exit::Valid
}

fn select(arguments: &ConformArgs, seed: Seed) -> Result<Vec<Script>, PlanError> {
    let draw = |number| random::draw(seed.stream(Stream::Script(number)), number);
    let Some(name) = &arguments.only else {
        let random = (0..arguments.scripts).map(draw);
        let named = named::ALL.iter().map(named::Named::script);
        return Ok(named.chain(random).collect());
    };
    if let Some(number) = random::number(name) {
        return Ok(vec![draw(number)]);
    }
    let found = named::ALL.iter().find(|named| named.name == name);
    let known = named::ALL.iter().map(|named| named.name);
    let named = found.ok_or_else(|| unknown("script", name, known.chain(["random-N"])))?;
    Ok(vec![named.script()])
}

/// A real broker: a simulation compared with a simulation shows nothing.
fn site(arguments: &ConformArgs) -> Result<RealSite, PlanError> {
    let rabbitmq = (arguments.testbed != "sim").then_some(arguments.rabbitmq.as_str());
    let asked = Asked {
        rabbitmq,
        ..Asked::broker(&arguments.testbed)
    };
    match Choice::parse(&asked)?.site {
        Site::Auto(site) | Site::Real(site) => Ok(site),
        Site::Simulated => Err(ChoiceError::NotSimulated("conform").into()),
    }
}

async fn on_testbed(
    arguments: &ConformArgs,
    site: &RealSite,
    scripts: Vec<Script>,
    seed: Seed,
    steps: &Steps,
) -> Result<Report, Failure> {
    std::fs::create_dir_all(&arguments.results).map_err(|source| Failure::Write {
        path: arguments.results.clone(),
        source,
    })?;
    let parts = arguments
        .concurrency
        .min(u32::try_from(scripts.len()).unwrap_or(u32::MAX));
    let demand = Demand {
        workers: parts * u32::try_from(LINKS).expect("there are few"),
        heartbeat: HEARTBEAT,
        proxy_seed: seed.short_stream(Stream::Proxy),
        logs: &arguments.results,
    };
    let testbed = Testbed::start(site, &ProxyChoice::Embedded, demand, steps).await?;
    announce(arguments, &testbed, scripts.len(), seed)?;
    let played = play(&testbed, scripts, steps).await;
    steps.step("take the testbed down");
    let stopped = testbed.stop().await;
    let report = played?;
    stopped?;
    Ok(report)
}

async fn play(testbed: &Testbed, scripts: Vec<Script>, steps: &Steps) -> Result<Report, Failure> {
    let prefix = format!("conform-{}", Timestamp::now().as_nanosecond());
    let parts = parts(testbed, &prefix).await.map_err(StartError::Links)?;
    let simulation = Arc::new(Simulated::faithful());
    let tell = |text: &str| steps.step(text);
    Ok(campaign::run(scripts, simulation, parts, &tell).await?)
}

fn announce(
    arguments: &ConformArgs,
    testbed: &Testbed,
    scripts: usize,
    seed: Seed,
) -> std::io::Result<()> {
    if arguments.format == Format::Json {
        return Ok(());
    }
    let described = testbed.described();
    output::result(&format!("testbed: {described}"))?;
    output::result(&format!("scripts: {scripts}, seed {seed}\n"))
}

fn print(arguments: &ConformArgs, seed: Seed, report: &Report) -> std::io::Result<()> {
    if arguments.format == Format::Json {
        let mut line = json!(report);
        line["seed"] = json!(seed);
        return output::json(Schema::CONFORM, &line);
    }
    for divergence in &report.divergences {
        output::result(&show(divergence))?;
        let name = &divergence.script.name;
        output::result(&format!("repeat: {}\n", repeat(arguments, seed, name)))?;
    }
    for known in explained::ALL {
        if let Some(count) = report.explained.get(known.name) {
            output::result(&format!(
                "explained: {count} × {}: {}",
                known.name, known.reason
            ))?;
        }
    }
    for name in &report.too_slow {
        output::result(&format!("too slow to be compared: {name}"))?;
    }
    output::result(&summary(report))
}

fn summary(report: &Report) -> String {
    format!(
        "{} of {} ({}) agree, {} of these only when played again; {} differ as explained, {} differ, {} were too slow",
        report.agree,
        counted(report.scripts as u64, "script"),
        counted(report.steps as u64, "step"),
        report.agree_later,
        report.explained.values().sum::<usize>(),
        report.divergences.len(),
        report.too_slow.len(),
    )
}

fn repeat(arguments: &ConformArgs, seed: Seed, name: &str) -> String {
    let (testbed, seed) = (without_password(&arguments.testbed), seed.to_string());
    let options = [
        ["--only", name],
        ["--seed", &seed],
        ["--testbed", &testbed],
        ["--rabbitmq", &arguments.rabbitmq],
    ];
    let words = ["conform"].into_iter().chain(options.into_iter().flatten());
    let mut words: Vec<String> = words.map(str::to_owned).collect();
    words.extend(in_results(&arguments.results, RESULTS));
    typed(program(), &words)
}

/// The script with what came of each step, up to the difference.
fn show(divergence: &Divergence) -> String {
    let mut lines = vec![format!("{} differs:", divergence.script.name)];
    let steps = &divergence.script.steps;
    for number in 0..divergence.entry {
        if let (Some(step), Some(entry)) =
            (steps.get(number), divergence.simulated.entries.get(number))
        {
            lines.push(format!("  {:>2} {step}\n       {entry}", number + 1));
        }
    }
    let step = steps
        .get(divergence.entry)
        .map_or_else(|| "a moment later".to_owned(), ToString::to_string);
    lines.push(format!("  {:>2} {step}", divergence.entry + 1));
    for (arm, entry) in [
        ("simulation", divergence.expected()),
        ("broker", divergence.found()),
    ] {
        let entry = entry.map_or_else(|| "nothing".to_owned(), ToString::to_string);
        lines.push(format!("       {arm}: {entry}"));
    }
    lines.join("\n")
}
