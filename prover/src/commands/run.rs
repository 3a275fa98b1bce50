//! `prover run`: one run from the plan to the verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::sync::Mutex;
use std::time::Duration;

use checker::{COVERAGE, Finding, Judgement, Verdict};
use history::fault::Effect;
use history::{History, Process};
use nemesis::Schedule;
use plan::Plan;
use plan::manifest::Manifest;
use plan::spec::RunSpec;
use run::{Skew, Stop};
use serde_json::json;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;

use super::campaign::run_seeds;
use super::check::{Explained, print_judgement};
use super::power::{self, Effort, of_run};
use super::{NO_FAULTS, NO_FAULTS_NO_LINKS};
use crate::causes::with_causes;
use crate::cli::{OutputArgs, RunArgs};
use crate::conclusion::{Conclusion, as_played, begin, conclude, keep, note_record};
use crate::ending::Ending;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::lock;
use crate::output::{self, Format, Steps};
use crate::record::record;
use crate::repeat;
use crate::schema::Schema;
use crate::store::{Store, file};

/// One run, or one for each seed.
pub(super) async fn run(arguments: &RunArgs) -> Result<Exit, Failure> {
    match &arguments.seeds {
        Some(seeds) => run_seeds(arguments, seeds).await,
        None => {
            let within = arguments.power_within;
            run_with(&arguments.spec, None, within, &arguments.output).await
        }
    }
}

/// Plans, runs, judges, stores and prints; with a stored schedule where there is one. If all is
/// valid, known mistakes are tried for so long.
pub(super) async fn run_with(
    spec: &RunSpec,
    schedule: Option<Schedule>,
    power_within: Duration,
    output: &OutputArgs,
) -> Result<Exit, Failure> {
    let is_replayed = schedule.is_some();
    let lock = lock::chosen(spec).await?;
    let mut plan = Plan::of(lock, &by_lasting_names(spec), schedule)?;
    let (mut store, mut manifest) = begin(&plan, &output.results, output.commit.as_deref())?;
    log_to(&store);
    let steps = Steps::new(output.quiet);
    let result = record(&plan, &mut store, &mut manifest, output.format, &steps).await;
    steps.done();
    store.write_json(file::MANIFEST, &Schema::MANIFEST.mark(&manifest))?;
    let repeat = if is_replayed {
        repeat::of_folder(store.folder(), &output.results)
    } else {
        repeat::of_manifest(&manifest, &output.results)
    };
    let stop = result.inspect_err(|_| tell_where(&store, &repeat))?;
    let mut conclusion = conclude(&mut plan, &store, &manifest)?;
    note_record(&store, &mut manifest, &plan, &conclusion.history)?;
    let mut exits = Vec::new();
    // The known mistakes are made on a simulated RabbitMQ: they say nothing of a program elsewhere, and
    // nothing breaks them that no simulation has.
    let has_mistakes = !lock::is_program(spec) && plan.can_be_simulated();
    if conclusion.judgement.verdict == Verdict::Valid && has_mistakes && !power_within.is_zero() {
        let played = &as_played(&plan.spec, manifest.settled_ms);
        match of_run(&plan, played, Effort::all(power_within), output.quiet).await {
            Ok((power, is_over)) => {
                exits.push(power::exit(&power, is_over));
                conclusion.add(power);
            }
            // What the run itself shows is said all the same.
            Err(failure) => {
                output::note(&format!("error: {}", with_causes(&failure)));
                exits.push(failure.exit());
            }
        }
    }
    // What was found is said before anything else can go wrong.
    print(
        output.format,
        &store,
        &manifest,
        &conclusion,
        &Words::of(&plan, &conclusion, &repeat),
    )?;
    exits.push(conclusion.judgement.verdict.into());
    if stop == Stop::Interrupted {
        exits.push(Exit::Interrupted);
    }
    if let Err(failure) = keep(&store, &manifest, &conclusion, &repeat) {
        output::note(&format!("error: {}", with_causes(&failure)));
        exits.push(failure.exit());
    }
    Ok(Exit::worst(exits))
}

/// The same run: a schedule that a link leads to today may be another one tomorrow.
fn by_lasting_names(spec: &RunSpec) -> RunSpec {
    RunSpec {
        schedule: spec.schedule.as_deref().map(repeat::lasting),
        ..spec.clone()
    }
}

/// What is said beside the judgement.
struct Words<'a> {
    /// Where nothing was broken.
    without_faults: Option<&'static str>,
    /// What a program answered where it could not do what it was asked.
    errors: Vec<String>,
    /// What helps where something stayed open.
    remedy: Option<String>,
    /// The command that repeats the run.
    repeat: &'a str,
}

impl<'a> Words<'a> {
    fn of(plan: &Plan, conclusion: &Conclusion, repeat: &'a str) -> Self {
        let no_faults = if plan.testbed.site.has_no_link() {
            NO_FAULTS_NO_LINKS
        } else {
            NO_FAULTS
        };
        let is_open = conclusion.judgement.verdict == Verdict::Unknown;
        Self {
            without_faults: plan.faults.is_empty().then_some(no_faults),
            errors: if is_open && lock::is_program(&plan.spec) {
                errors(&conclusion.history)
            } else {
                Vec::new()
            },
            remedy: remedy(plan, &conclusion.judgement),
            repeat,
        }
    }
}

/// So many different errors are told.
const ERRORS_TOLD: usize = 3;

/// The errors that clients met most often, but for refusals: `12 x acquire: ... (undecided)`.
fn errors(history: &History) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let events = history.events().iter().filter(|event| !event.observed);
    for event in events {
        if let (Process::Client(_), Some(error)) = (event.process, &event.error) {
            let what = format!("{}: {} ({})", event.function, error.text, error.kind);
            *counts.entry(what).or_default() += 1;
        }
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let told = counts.into_iter().take(ERRORS_TOLD);
    told.map(|(what, count)| format!("error:   {count} x {what}"))
        .collect()
}

fn print(
    format: Format,
    store: &Store,
    manifest: &Manifest,
    conclusion: &Conclusion,
    words: &Words<'_>,
) -> std::io::Result<()> {
    let Conclusion {
        history, judgement, ..
    } = conclusion;
    if format == Format::Json {
        let mut line = json!(judgement);
        line["folder"] = json!(store.folder().to_string_lossy());
        if let Some(power) = &conclusion.power {
            line["power"] = power::json(power);
        }
        line["manifest"] = json!(manifest);
        line["repeat"] = json!(words.repeat);
        if let Some(remedy) = &words.remedy {
            line["remedy"] = json!(remedy);
        }
        return output::json(Schema::RUN, &line);
    }
    output::result("")?;
    print_judgement(history, judgement, Explained::First, words.without_faults)?;
    for error in &words.errors {
        output::result(error)?;
    }
    if let Some(remedy) = &words.remedy {
        output::result(&format!("what helps: {remedy}"))?;
    }
    if let Some(skew) = manifest.skew {
        output::result(&skew_line(skew))?;
    }
    let folder = store.folder().to_string_lossy();
    let Ending { shown, open, next } = Ending::of(manifest, judgement, &folder);
    output::labelled("shown", &shown)?;
    output::labelled("open", &open)?;
    output::result(&format!("results: {folder}"))?;
    output::result(&format!("repeat:  {}", words.repeat))?;
    output::result(&format!("next:    {next}"))
}

/// What helps where something stayed open that another plan decides.
fn remedy(plan: &Plan, judgement: &Judgement) -> Option<String> {
    let open = judgement.guarantees.iter().filter(|row| row.judged);
    let open = open.map(|row| &row.finding);
    let open = open.filter(|finding| finding.verdict == Verdict::Unknown);
    let remedies = open.filter_map(|finding| match &*finding.guarantee {
        COVERAGE => plan.remedy_for_effects(&missed(finding)),
        "no-lost-decrement" | "no-doubled-decrement" => plan.remedy_for_decrements(),
        _ => None,
    });
    let remedies: BTreeSet<String> = remedies.collect();
    let is_open = judgement.verdict == Verdict::Unknown && judgement.unfinished.is_none();
    (is_open && !remedies.is_empty()).then(|| remedies.into_iter().collect::<Vec<_>>().join("; "))
}

/// The faults that did not have the effect due of them.
fn missed(finding: &Finding) -> Vec<&str> {
    let faults = finding.counts.faults.iter();
    let missed = faults.filter(|fault| fault.landed == 0 && fault.due > Effect::None);
    missed.map(|fault| fault.fault.as_str()).collect()
}

fn skew_line(skew: Skew) -> String {
    let Skew {
        bursts,
        median_ns,
        p99_ns,
    } = skew;
    let [median, p99] = [median_ns, p99_ns].map(checker::show_ns);
    format!("bursts:  {bursts}; between first and last invocation {median} (median), {p99} (p99)")
}

fn tell_where(store: &Store, repeat: &str) {
    let folder = store.folder().display();
    output::note(&format!("what there is: {folder}\nrepeat: {repeat}"));
}

/// The prover's own log goes beside the results.
fn log_to(store: &Store) {
    let Ok(file) = File::options().append(true).open(store.path(file::LOG)) else {
        return;
    };
    let asked_for = std::env::var("RUST_LOG").ok();
    let filter = asked_for.and_then(|levels| levels.parse().ok());
    let usual = || {
        let off_for_lapin = Targets::new().with_target("lapin", LevelFilter::OFF);
        off_for_lapin.with_default(LevelFilter::INFO)
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(Mutex::new(file));
    let subscriber = tracing_subscriber::registry()
        .with(filter.unwrap_or_else(usual))
        .with(lines);
    // A second run in one process goes on in the first one's log.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
