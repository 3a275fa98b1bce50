//! `prover prove`: the claims of a file, or of all files in a folder.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use claims::{File, OtherRabbitMq, Proof, Selection, Shard, State};
use gate::Subject;

use crate::cli::{EndingArgs, ProveArgs};
use crate::exit::Exit;
use crate::exports::{self, Kept};
use crate::failure::Failure;
use crate::output::Steps;
use crate::proof_end::{Ending, admit, tell};
use crate::proofs;
use crate::prove::{Order, Programs, prove};

/// Puts all claims to the test, and prints what came of each.
pub(super) async fn prove_all(arguments: &ProveArgs) -> Result<Exit, Failure> {
    let EndingArgs {
        reports,
        folder_to,
        against,
    } = &arguments.ending;
    let paths = claims_files(&arguments.claims)?;
    let mut files = Vec::new();
    // Every mistake in every file is found before anything starts.
    for path in &paths {
        files.push(read(path, arguments).await?);
    }
    let is_of_one = !reports.is_empty() || folder_to.is_some() || against.is_some();
    if files.len() > 1 && is_of_one {
        return Err(Failure::OneProof);
    }
    let kept = Kept {
        files: &paths,
        proofs: &[],
    };
    exports::check(&arguments.ending, &kept)?;
    let shard = shard(arguments)?;
    let before = against.as_deref();
    let before = before.map(proofs::the_one_in).transpose()?;
    let mut exits = Vec::new();
    for file in &files {
        // What one file cannot be proved for hides nothing that another showed.
        let proved = prove_file(file, arguments, shard, before.as_ref()).await;
        exits.push(proved.unwrap_or_else(|failure| admit(&failure)));
    }
    Ok(Exit::worst(exits))
}

/// A file that is without mistakes, and the programs among its locks.
struct Read {
    file: File,
    programs: Programs,
}

async fn prove_file(
    Read { file, programs }: &Read,
    arguments: &ProveArgs,
    shard: Shard,
    before: Option<&Proof>,
) -> Result<Exit, Failure> {
    let order = Order {
        file,
        programs,
        profile: arguments.profile,
        shard,
        jobs: arguments.jobs.unwrap_or_else(usual_jobs),
        seed: arguments.seed,
        rabbitmq: arguments.rabbitmq.as_deref(),
        results: arguments.output.results.clone(),
        commit: arguments.output.commit.as_deref(),
    };
    let steps = Steps::new(arguments.output.quiet);
    let proved = prove(&order, &steps).await;
    steps.done();
    let (proof, folder) = proved?;
    let subject = Subject {
        proof: &proof,
        today: proofs::today(),
    };
    let told = Ending {
        folder: &folder,
        before,
        to: &arguments.ending,
        format: arguments.output.format,
    };
    let exit = tell(subject, &told);
    Ok(if proof.state == State::Interrupted {
        Exit::worst([exit, Exit::Interrupted])
    } else {
        exit
    })
}

/// Real runs mostly wait: as many at a time as there are cores.
fn usual_jobs() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// The part that was asked for, or that the system says which started this.
fn shard(arguments: &ProveArgs) -> Result<Shard, Failure> {
    if let Some(shard) = arguments.shard {
        return Ok(shard);
    }
    let environment = std::env::vars_os();
    let texts = environment
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Ok(Shard::from_environment(&texts.collect())?.unwrap_or(Shard::WHOLE))
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

async fn read(path: &Path, arguments: &ProveArgs) -> Result<Read, Failure> {
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
    let mut file = file.selected(&selection)?;
    if let Some(rabbitmq) = &arguments.rabbitmq {
        file = file.on_rabbitmq(rabbitmq).map_err(|error| match error {
            OtherRabbitMq::Nothing(nothing) => nothing.into(),
            OtherRabbitMq::Mistake(mistake) => wrong(mistake),
        })?;
    }
    let programs = Programs::of(&file).await.map_err(wrong)?;
    Ok(Read { file, programs })
}
