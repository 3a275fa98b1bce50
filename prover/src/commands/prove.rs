//! `prover prove`: the claims of a file, or of all files in a folder.

use std::fs;
use std::path::{Path, PathBuf};

use claims::{File, Proof, Selection, Standing, State};
use jiff::Timestamp;
use jiff::tz::Offset;
use plan::PROGRAM;
use plan::Plan;

use crate::cli::ProveArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::lock;
use crate::output::{self, Format, Steps, result};
use crate::proof_table::{proof_table, totals};
use crate::prove::{Order, prove};
use crate::schema::Schema;

/// Puts all claims to the test, and prints what came of each.
pub(super) async fn prove_all(arguments: &ProveArgs) -> Result<Exit, Failure> {
    let mut files = Vec::new();
    // Every mistake in every file is found before anything starts.
    for path in claims_files(&arguments.claims)? {
        files.push(read(&path, arguments).await?);
    }
    let mut exits = Vec::new();
    for file in &files {
        exits.push(prove_file(file, arguments).await?);
    }
    Ok(Exit::worst(exits))
}

async fn prove_file(file: &File, arguments: &ProveArgs) -> Result<Exit, Failure> {
    let order = Order {
        file,
        profile: arguments.profile,
        shard: arguments.shard,
        jobs: arguments.jobs.unwrap_or_else(usual_jobs),
        seed: arguments.seed,
        results: arguments.output.results.clone(),
        commit: arguments.output.commit.as_deref(),
    };
    let steps = Steps::new(arguments.output.quiet);
    let proved = prove(&order, &steps).await;
    steps.done();
    let (proof, folder) = proved?;
    match arguments.output.format {
        Format::Human => print(&proof, &folder)?,
        Format::Json => output::json(Schema::PROOF, &serde_json::json!(proof))?,
    }
    Ok(exit(&proof))
}

/// Real runs mostly wait: as many at a time as there are cores.
fn usual_jobs() -> std::num::NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(std::num::NonZeroUsize::MIN)
}

fn print(proof: &Proof, folder: &Path) -> std::io::Result<()> {
    if let Some(title) = &proof.source.title {
        result(title)?;
    }
    result(&proof_table(proof, output::width()))?;
    for tested in &proof.cases {
        let is_as_expected = tested.standing == Standing::Confirmed;
        if let Some(found) = tested.counterexample.as_ref().filter(|_| !is_as_expected) {
            result(&format!(
                "\n{} on {}, seed {}:\n{}",
                tested.claim.id, tested.testbed, found.seed, found.text
            ))?;
        }
        if !is_as_expected {
            result(&format!("repeat:  {}", tested.repeat))?;
        }
    }
    for left in &proof.left_out {
        result(&format!(
            "not judged: {} on {}: {}",
            left.claim, left.testbed, left.why
        ))?;
    }
    result(&format!("\n{}", totals(proof)))?;
    result(&format!("results: {}", folder.display()))
}

/// The worst of the claims. A shard says nothing of what it has not seen.
fn exit(proof: &Proof) -> Exit {
    let today = Offset::UTC.to_datetime(Timestamp::now()).date();
    let is_whole = proof.shard == claims::Shard::WHOLE;
    let mut exits: Vec<Exit> = proof
        .cases
        .iter()
        .map(|tested| match tested.standing {
            Standing::Contradicted
                if tested
                    .claim
                    .accepted
                    .as_ref()
                    .is_some_and(|it| it.is_in_force(today)) =>
            {
                Exit::Valid
            }
            Standing::Confirmed => Exit::Valid,
            Standing::Contradicted => Exit::Violation,
            Standing::Broken => Exit::Harness,
            Standing::Unknown | Standing::NotRun if is_whole => Exit::Unknown,
            Standing::Unknown | Standing::NotRun => Exit::Valid,
        })
        .collect();
    if proof.state == State::Interrupted {
        exits.push(Exit::Interrupted);
    }
    Exit::worst(exits)
}

/// The files that were named, and those in folders that were.
fn claims_files(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            files.extend(in_folder(path)?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |source| Failure::Open {
        path: folder.to_owned(),
        source,
    };
    let entries = fs::read_dir(folder).map_err(failed)?;
    let paths: Result<Vec<PathBuf>, _> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect();
    let mut paths = paths.map_err(failed)?;
    paths.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    paths.sort();
    if paths.is_empty() {
        return Err(Failure::NoClaims(folder.to_owned()));
    }
    Ok(paths)
}

async fn read(path: &Path, arguments: &ProveArgs) -> Result<File, Failure> {
    let text = fs::read_to_string(path).map_err(|source| Failure::OpenClaims {
        path: path.to_owned(),
        source,
    })?;
    let wrong = |mistake| Failure::Claims {
        path: path.to_owned(),
        mistake,
    };
    let file = File::read(&path.to_string_lossy(), &text, arguments.profile).map_err(wrong)?;
    let selection = Selection {
        only: arguments.only.clone(),
        testbeds: arguments.on.clone(),
    };
    let file = file.selected(&selection)?;
    for case in &file.cases {
        let is_program = case
            .spec
            .lock
            .as_deref()
            .is_some_and(|lock| lock.starts_with(PROGRAM));
        if is_program {
            let lock = lock::chosen(&case.spec).await?;
            Plan::of(lock, &case.spec, None).map_err(|error| wrong(file.mistake(case, &error)))?;
        }
    }
    Ok(file)
}
