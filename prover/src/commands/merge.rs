//! `prover merge`: what several machines did, as if one had done it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use claims::{Proof, Shard, Tested};
use gate::{Export, Subject, named};
use jiff::Timestamp;

use crate::cli::MergeArgs;
use crate::evidence::{is_below, mismeasured};
use crate::exit::Exit;
use crate::exports::{self, Kept};
use crate::failure::Failure;
use crate::proof_end::{Ending, tell};
use crate::proofs;

/// The folder of a shard, and its proof.
type Found = (PathBuf, Proof);

/// Merges the proofs of shards into one, in a folder like that of `prove`.
pub(super) fn merge(arguments: &MergeArgs) -> Result<Exit, Failure> {
    let before = arguments.ending.against.as_deref();
    let before = before.map(proofs::the_one_in).transpose()?;
    let mut shards = found(&arguments.folders)?;
    let folders: Vec<PathBuf> = shards.iter().map(|(folder, _)| folder.clone()).collect();
    let kept = Kept {
        files: &[],
        proofs: &folders,
    };
    exports::check(&arguments.ending, &kept)?;
    shards.iter().try_for_each(check)?;
    let copies = places(&mut shards)?;
    let proof = claims::merge(shards.into_iter().map(|(_, proof)| proof).collect())?;
    let folder = proofs::new_folder(&arguments.results, Timestamp::now())?;
    for (from, to) in &copies {
        let to = folder.join(to);
        copy(from, &to).map_err(|source| Failure::Write { path: to, source })?;
    }
    let subject = Subject {
        proof: &proof,
        today: proofs::today(),
    };
    write(&folder, subject)?;
    let told = Ending {
        folder: &folder,
        before: before.as_ref(),
        to: &arguments.ending,
        format: arguments.format,
    };
    Ok(tell(subject, &told))
}

/// What a shard counts must be possible, and what it measured must be there.
fn check((folder, proof): &Found) -> Result<(), Failure> {
    let flaw = |case: &Tested| case.flaw().or_else(|| mismeasured(folder, case));
    match proof.cases.iter().find_map(flaw) {
        None => Ok(()),
        Some(why) => Err(Failure::Flaw {
            folder: folder.clone(),
            why,
        }),
    }
}

fn write(folder: &Path, subject: Subject<'_>) -> Result<(), Failure> {
    let path = folder.join(proofs::FILE);
    let json: &dyn Export = named("json").unwrap_or(gate::ALL[0]);
    fs::write(&path, json.text(subject)).map_err(|source| Failure::Write { path, source })
}

/// The proofs in these folders, each once, however often it was named.
fn found(folders: &[PathBuf]) -> Result<Vec<Found>, Failure> {
    let mut shards = Vec::new();
    let mut seen = BTreeSet::new();
    for folder in folders {
        for path in proofs::below(folder)? {
            let real = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
            if seen.insert(real) {
                let proof = proofs::read(&path)?;
                let folder = path.parent().unwrap_or(Path::new("")).to_owned();
                shards.push((folder, proof));
            }
        }
    }
    Ok(shards)
}

/// Gives each stored run a place that no other has: two machines may have begun a run in the same
/// millisecond. What is to be copied from where to where.
fn places(shards: &mut [Found]) -> Result<Vec<(PathBuf, String)>, Failure> {
    let mut taken = BTreeSet::new();
    let mut copies = Vec::new();
    shards.sort_by_key(|(_, proof)| proof.shard);
    for (folder, proof) in shards {
        let shard = proof.shard;
        for stored in proof.cases.iter_mut().flat_map(|case| &mut case.stored) {
            let from = folder.join(&stored.folder);
            if !is_below(&stored.folder) || !from.is_dir() {
                return Err(Failure::NoStoredRun(from));
            }
            if !taken.insert(stored.folder.clone()) {
                stored.folder = other_place(&stored.folder, shard, &taken);
                taken.insert(stored.folder.clone());
            }
            copies.push((from, stored.folder.clone()));
        }
        copies.extend(measurements(folder, proof)?);
    }
    Ok(copies)
}

/// The measurements of a shard: no other has those of the same claim on the same testbed.
fn measurements(folder: &Path, proof: &Proof) -> Result<Vec<(PathBuf, String)>, Failure> {
    let measured = proof.cases.iter().filter_map(|case| case.measured.as_ref());
    let folders = measured.filter_map(|it| it.folder.as_deref());
    let checked = folders.map(|place| {
        let from = folder.join(place);
        if is_below(place) && from.is_dir() {
            Ok((from, place.to_owned()))
        } else {
            Err(Failure::NoStoredRun(from))
        }
    });
    checked.collect()
}

fn other_place(place: &str, shard: Shard, taken: &BTreeSet<String>) -> String {
    let mut other = format!("{place}-of-shard-{}", shard.index);
    while taken.contains(&other) {
        other.push('x');
    }
    other
}

/// Copies a folder with its files. Links are left out: what they lead to may be anything.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
