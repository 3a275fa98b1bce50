//! A folder of results as evidence: which files it has, and whether what they say follows from what
//! was recorded. Nothing here runs anything, and nothing is asked of the checker: what counts is what
//! `certify` finds proved.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use ::certify::{Certified, Standing as Recheck, certify};
use checker::{COVERAGE, POWER, Row, Verdict, stem};
use claims::{Counterexample, Measured, Proof, Standing, Stored, Tested};
use gate::attestation::{Digests, Tests, is_beside};
use gate::name;
use plan::manifest::Manifest;
use rayon::prelude::*;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use suite::{recorded, tallied};

use crate::experiment::cost::SAMPLES;
use crate::failure::Failure;
use crate::proofs;
use crate::reading;
use crate::schema::Schema;
use crate::store::file;

/// A folder as evidence.
#[derive(Debug)]
pub(crate) struct Evidence {
    /// Its files.
    pub(crate) files: Digests,
    /// What it was made from: the claims file, or the plan of the run.
    pub(crate) configuration: Digests,
    /// What was put to the test, and what came of it.
    pub(crate) tests: Tests,
    /// How many runs there are.
    pub(crate) runs: usize,
    /// What does not follow, each with the file that says it.
    pub(crate) problems: Vec<String>,
    /// What could not be re-checked.
    pub(crate) open: Vec<String>,
}

/// `verdict.json`, as far as it is asked.
#[derive(Debug, Deserialize)]
struct Said {
    verdict: Verdict,
    unfinished: Option<String>,
    missing_event: Option<u64>,
    guarantees: Vec<Row>,
}

/// A measurement, as far as it is asked.
#[derive(Debug, Deserialize)]
struct Sampled {
    round: u64,
    subject: String,
    operation: String,
    slots: u32,
    round_trips: u32,
}

/// One run.
struct Run {
    seed: u64,
    /// The lock, as it was asked for and as it is called.
    locks: Vec<String>,
    workload: String,
    said: Said,
}

/// Examines the folder of a run or of a proof.
///
/// # Errors
/// It is neither, or it cannot be read.
pub(crate) fn examine(folder: &Path) -> Result<Evidence, Failure> {
    let mut problems = Vec::new();
    let files = digests(folder, &mut problems)?;
    let places: Vec<&str> = runs(&files).collect();
    let mut open = Vec::new();
    let examined: Vec<_> = places
        .par_iter()
        .map(|place| (*place, of_run(folder, place)))
        .collect();
    let mut all = BTreeMap::new();
    for (place, run) in examined {
        match run {
            Ok((run, not_rechecked)) => {
                open.extend(not_rechecked);
                all.insert(place.to_owned(), run);
            }
            Err(problem) => problems.push(problem),
        }
    }
    let (configuration, tests) = if files.contains_key(proofs::FILE) {
        let proof = proofs::read(&folder.join(proofs::FILE))?;
        let cases = proof.cases.iter();
        problems.extend(cases.flat_map(|case| of_case(case, &proof, &all)));
        let measured = proof.cases.iter();
        problems.extend(measured.filter_map(|case| mismeasured(folder, case)));
        problems.extend(unlisted(&proof, &all));
        problems.extend(astray(&proof, &files));
        let source = (proof.source.path.clone(), proof.source.sha256.clone());
        let programs = proof.programs.clone().into_iter();
        let made_from = programs.chain([source]).collect();
        (made_from, Tests::of_proof(&proof))
    } else if files.contains_key(file::MANIFEST) {
        let said = all.get("").map(|run| &run.said);
        let tests = said.map(|said| Tests::of_run(&said.guarantees, said.unfinished.as_deref()));
        if places.is_empty() {
            problems.push(format!(
                "{}: it is missing: the run was not judged",
                file::VERDICT
            ));
        }
        (plan_of(&files), tests.unwrap_or_default())
    } else {
        return Err(Failure::NoEvidence(folder.to_owned()));
    };
    Ok(Evidence {
        runs: places.len(),
        files,
        configuration,
        tests,
        problems,
        open,
    })
}

/// What a run was made from.
fn plan_of(files: &Digests) -> Digests {
    let names = [file::MANIFEST, file::SCHEDULE].iter();
    let found = names.filter_map(|name| files.get_key_value(*name));
    found
        .map(|(name, digest)| (name.clone(), digest.clone()))
        .collect()
}

/// The folders that hold a run, from that of the evidence: those with a verdict.
fn runs(files: &Digests) -> impl Iterator<Item = &str> {
    files.keys().filter_map(|path| {
        let place = path.strip_suffix(file::VERDICT)?;
        let place = place.strip_suffix('/').unwrap_or(place);
        (path == file::VERDICT || path.ends_with(&format!("/{}", file::VERDICT))).then_some(place)
    })
}

/// Every file below a folder but for what speaks of the statement itself. A link `latest` to one of
/// its neighbours is a convenience; every other link leads out of what is attested.
fn digests(folder: &Path, problems: &mut Vec<String>) -> Result<Digests, Failure> {
    let mut files = Digests::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        let path = folder.join(&below);
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| Failure::Open { path, source }
        };
        let entries = fs::read_dir(&path).map_err(failed(&path))?;
        for entry in entries {
            let entry = entry.map_err(failed(&path))?;
            let kind = entry.file_type().map_err(failed(&entry.path()))?;
            let below = below.join(entry.file_name());
            let name = spelled(&below);
            if kind.is_dir() {
                folders.push(below);
            } else if kind.is_file() && !is_beside(&name) {
                let digest = digest(&entry.path()).map_err(failed(&entry.path()))?;
                files.insert(name, digest);
            } else if !kind.is_file() && !is_latest(&entry.path()) {
                problems.push(format!("{name} is no file: put one in its place"));
            }
        }
    }
    Ok(files)
}

/// Whether it is the link `latest`, and what it leads to is in the folder that it is in.
fn is_latest(link: &Path) -> bool {
    let stays = |folder: &Path| {
        Some(
            link.canonicalize()
                .ok()?
                .starts_with(folder.canonicalize().ok()?),
        )
    };
    link.is_symlink()
        && link.file_name().is_some_and(|name| name == "latest")
        && link.parent().and_then(stays).unwrap_or(false)
}

/// With `/` between the parts, on every system.
fn spelled(path: &Path) -> String {
    let parts = path.iter().map(|part| part.to_string_lossy().into_owned());
    parts.collect::<Vec<_>>().join("/")
}

/// The SHA-256 of a file, in lower-case hex.
///
/// # Errors
/// It cannot be read.
pub(crate) fn digest(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok(format!("{:x}", hasher.finalize()))
}

/// What a run says, if its certificate proves it, and what of that could not be re-checked; else what
/// is wrong.
fn of_run(folder: &Path, place: &str) -> Result<(Run, Vec<String>), String> {
    let folder = folder.join(place);
    let at = |name: &str| match place {
        "" => name.to_owned(),
        _ => format!("{place}/{name}"),
    };
    let said =
        said(&folder.join(file::VERDICT)).map_err(|why| format!("{}: {why}", at(file::VERDICT)))?;
    let manifest = manifest(&folder).map_err(|why| format!("{}: {why}", at(file::MANIFEST)))?;
    let history =
        reading::history(&folder).map_err(|why| format!("{}: {why}", at(file::HISTORY)))?;
    let certified = fs::read(folder.join(file::CERTIFICATE))
        .map_err(|why| why.to_string())
        .and_then(|bytes| certify(&history, &bytes).map_err(|why| why.to_string()))
        .map_err(|why| format!("{}: {why}", at(file::CERTIFICATE)))?;
    if let Some(why) = disagreement(&said, &certified).or_else(|| unjudged(&said, &manifest)) {
        return Err(format!("{}: {why}", at(file::VERDICT)));
    }
    let unfinished = manifest.state.unfinished();
    if let (Some(why), None) = (unfinished, &said.unfinished) {
        let why = format!("{why}, and the verdict does not say so");
        return Err(format!("{}: {why}", at(file::VERDICT)));
    }
    if manifest
        .recorded
        .as_ref()
        .is_some_and(|it| *it != recorded(&history))
    {
        let why = "the history is not the one that its run recorded";
        return Err(format!("{}: {why}", at(file::HISTORY)));
    }
    let not_rechecked = certified
        .claims
        .iter()
        .filter_map(|claim| match claim.standing {
            Recheck::NotRechecked(why) => {
                Some(format!("{}: {}: {why}", at(file::CERTIFICATE), claim.of))
            }
            _ => None,
        });
    let open = not_rechecked.collect();
    let run = Run {
        seed: manifest.plan.seed.0,
        locks: manifest
            .spec
            .lock
            .into_iter()
            .chain([manifest.plan.lock])
            .collect(),
        workload: manifest.plan.workload,
        said,
    };
    Ok((run, open))
}

/// What the run was to be judged by, and coverage always, and the verdict does not judge.
fn unjudged(said: &Said, manifest: &Manifest) -> Option<String> {
    let planned = manifest.plan.judged.iter().map(String::as_str);
    let mut planned = planned.chain([COVERAGE]);
    let is_judged = |name: &str| {
        let mut judged = said.guarantees.iter().filter(|row| row.judged);
        judged.any(|row| row.finding.guarantee == name)
    };
    let missing = planned.find(|name| !is_judged(name))?;
    Some(format!(
        "the run was to be judged by {missing}, and the verdict does not say so"
    ))
}

/// Where the measurements of a case are.
fn measured_in(case: &Tested) -> String {
    format!("runs/{}/{}/cost", case.claim.id, case.testbed)
}

/// Cases that are there twice, and measurements that no claim speaks of.
fn astray(proof: &Proof, files: &Digests) -> Vec<String> {
    let mut names = BTreeSet::new();
    let all = proof.cases.iter().map(name);
    let twice = all.filter(|it| !names.insert(it.clone()));
    let twice = twice.map(|name| format!("{}: {name} is there twice", proofs::FILE));
    let measured = proof.cases.iter().filter(|case| case.measured.is_some());
    let due = measured.map(|case| format!("{}/{SAMPLES}", measured_in(case)));
    let due: BTreeSet<String> = due.collect();
    let is_stray = |path: &&String| path.ends_with(&format!("/{SAMPLES}")) && !due.contains(*path);
    let strays = files.keys().filter(is_stray);
    let strays = strays.map(|path| format!("{path}: no claim speaks of it: move it away"));
    twice.chain(strays).collect()
}

/// What is said of costs and does not follow from the measurements.
pub(crate) fn mismeasured(folder: &Path, case: &Tested) -> Option<String> {
    let Measured { cost, folder: own } = case.measured.as_ref()?;
    let due = measured_in(case);
    let Some(own) = own.as_deref().filter(|own| *own == due) else {
        let is_empty = case.summary.judged_runs() == 0;
        return (!is_empty).then(|| format!("{}: {}: no measurements", proofs::FILE, name(case)));
    };
    let path = folder.join(own).join(SAMPLES);
    let wrong = |why: &str| Some(format!("{own}/{SAMPLES}: {why}"));
    let Ok(text) = fs::read_to_string(path) else {
        return wrong("it cannot be read");
    };
    let samples: Result<Vec<Sampled>, _> = text.lines().map(serde_json::from_str).collect();
    let Ok(samples) = samples else {
        return wrong("a line is no measurement");
    };
    let is_of = |it: &Sampled| {
        it.operation == cost.operation.name()
            && it.slots == cost.slots
            && case.lock.starts_with(&it.subject)
    };
    if !samples.iter().all(is_of) {
        return wrong("it is of another lock or operation");
    }
    if !samples
        .iter()
        .map(|it| it.round)
        .eq(0..samples.len() as u64)
    {
        return wrong("its rounds are not numbered one after the other");
    }
    let is_shown = |it: &Counterexample| {
        let mut failing = case.summary.failing.iter();
        it.guarantee == cost.guarantee() && failing.any(|seed| seed.0 == it.seed)
    };
    let shown = case.counterexample.as_ref();
    if !shown.map_or(case.summary.failing.is_empty(), is_shown) {
        return wrong("the counterexample is none of its rounds");
    }
    let dear = samples
        .iter()
        .filter(|it| it.round_trips > cost.round_trips);
    let counts = (samples.len() as u64, dear.count());
    if counts != (case.summary.judged_runs(), case.summary.failing.len()) {
        return wrong("it shows something else than is counted");
    }
    None
}

/// Runs in the folder that no claim speaks of.
fn unlisted(proof: &Proof, runs: &BTreeMap<String, Run>) -> Vec<String> {
    let stored = proof.cases.iter().flat_map(|case| &case.stored);
    let listed: BTreeSet<&str> = stored.map(|it| it.folder.trim_end_matches('/')).collect();
    let others = runs.keys().filter(|place| !listed.contains(place.as_str()));
    others
        .map(|place| format!("{place}: no claim speaks of this run: move it away"))
        .collect()
}

fn said(path: &Path) -> Result<Said, String> {
    let text = fs::read_to_string(path).map_err(|why| why.to_string())?;
    let json: serde_json::Value = serde_json::from_str(&text).map_err(|why| why.to_string())?;
    Schema::VERDICT
        .check(&json)
        .map_err(|form| format!("it has the form {form}"))?;
    serde_json::from_value(json).map_err(|why| why.to_string())
}

fn manifest(folder: &Path) -> Result<Manifest, String> {
    let found = reading::manifest_beside(&folder.join(file::HISTORY));
    let found = found.map_err(|why| why.to_string())?;
    found.ok_or_else(|| "it is missing, or none of ours".to_owned())
}

/// What a verdict says that its certificate does not: a row that is decided must be claimed so there,
/// and the whole must follow from the rows that were judged. Of power no certificate speaks.
fn disagreement(said: &Said, certified: &Certified) -> Option<String> {
    let of_certificate = |name: &str| {
        let mut claims = certified.claims.iter();
        let claim = claims.find(|claim| claim.of == name || claim.of == format!("model {name}"));
        claim.map(|claim| claim.verdict.to_string())
    };
    for row in &said.guarantees {
        let finding = &row.finding;
        let is_claimed = of_certificate(&finding.guarantee) == Some(finding.verdict.to_string());
        let asks = finding.verdict != Verdict::Unknown && finding.guarantee != POWER;
        if asks && !is_claimed {
            return Some(format!(
                "it says that {} is {}, and the certificate does not",
                finding.guarantee, finding.verdict
            ));
        }
    }
    let judged = said.guarantees.iter().filter(|row| row.judged);
    let worst = judged.map(|row| row.finding.verdict).max();
    let is_whole = said.unfinished.is_none() && said.missing_event.is_none();
    let follows = match said.verdict {
        Verdict::Valid => worst == Some(Verdict::Valid) && is_whole,
        Verdict::Violated => worst == Some(Verdict::Violated),
        Verdict::Unknown => true,
    };
    (!follows).then(|| format!("{} does not follow from what was judged", said.verdict))
}

impl Run {
    /// Whether it was judged by what the runs of a case are counted by.
    fn is_judged_like(&self, case: &Tested) -> bool {
        let judged = self.said.guarantees.iter().filter(|row| row.judged);
        let names = judged.map(|row| tallied(&row.finding.guarantee));
        let of_lock: BTreeSet<&str> = names.filter(|it| ![COVERAGE, POWER].contains(it)).collect();
        case.summary.judged().eq(of_lock)
    }

    /// What it was judged by and violates.
    fn violated(&self) -> impl Iterator<Item = &str> {
        let judged = self.said.guarantees.iter().filter(|row| row.judged);
        let violated = judged.filter(|row| row.finding.verdict == Verdict::Violated);
        violated.map(|row| row.finding.guarantee.as_str())
    }
}

/// What a proof says of a claim that its stored runs do not.
fn of_case(case: &Tested, proof: &Proof, runs: &BTreeMap<String, Run>) -> Vec<String> {
    let (name, mut problems) = (name(case), Vec::new());
    let mut say = |what: String| problems.push(format!("{}: {name}: {what}", proofs::FILE));
    let again = case.again(proof.shard);
    let is_decided = matches!(case.standing, Standing::Confirmed | Standing::Contradicted);
    if is_decided && again.standing != case.standing {
        say(format!(
            "how it stands does not follow from its counts: {}",
            again.why
        ));
    }
    let failing = |seed: u64| case.summary.failing.iter().any(|it| it.0 == seed);
    let broken = |seed: u64| case.summary.broken.iter().any(|(it, _)| it.0 == seed);
    for Stored { seed, folder } in &case.stored {
        match runs.get(folder.trim_end_matches('/')) {
            _ if !is_below(folder) => say(format!("{folder} is no folder of this proof")),
            _ if broken(*seed) => {}
            None => say(format!(
                "its run of seed {seed} is not in {folder}, or does not hold"
            )),
            Some(run) if run.seed != *seed => {
                say(format!(
                    "the run in {folder} has the seed {}, not {seed}",
                    run.seed
                ));
            }
            Some(run) if run.workload != case.workload || !run.locks.contains(&case.lock) => {
                say(format!(
                    "the run in {folder} is of another lock or workload"
                ));
            }
            Some(run) if !run.is_judged_like(case) => {
                say(format!(
                    "the run in {folder} is not judged by what its counts say"
                ));
            }
            Some(run) if run.violated().next().is_some() != failing(*seed) => {
                say(format!(
                    "the run in {folder} shows something else than is counted"
                ));
            }
            Some(_) => {}
        }
    }
    // What was measured is counted again, and shows itself.
    let of_run = case.counterexample.as_ref();
    if let Some(shown) = of_run.filter(|_| case.measured.is_none()) {
        let of_seed = case.stored.iter().filter(|it| it.seed == shown.seed);
        let mut shows = of_seed.filter_map(|it| runs.get(&it.folder));
        let is_shown = shows.any(|run| run.violated().any(|it| stem(it) == stem(&shown.guarantee)));
        if !is_shown {
            say(format!(
                "no stored run of seed {} violates {}",
                shown.seed, shown.guarantee
            ));
        }
    }
    problems
}

/// Whether a path stays in the folder that it begins in.
pub(crate) fn is_below(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    !path.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)))
}
