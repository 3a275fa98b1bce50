//! A run among many, and the page about it.

use checker::{Judgement, POWER, Row, Verdict, show_ns};
use jiff::Timestamp;
use plan::manifest::Manifest;
use plan::spec::{program, typed};
use serde::Serialize;
use serde_json::Value;

use crate::error::SiteError;
use crate::folder::{FileEntry, Folder, Record};
use crate::link::href;
use crate::page::{Place, page};
use crate::standing::{Standing, stands};

const TEMPLATE: &str = include_str!("run.html.j2");

/// A run as its folder tells of it.
#[derive(Clone, Debug)]
pub struct Run {
    /// Where it is below the results; its parts are separated by `/`.
    pub path: String,
    /// How it was planned and how it ended, where that can be read.
    pub manifest: Option<Manifest>,
    /// What was found out, where that can be read. It is worth what the standing says.
    pub judgement: Option<Judgement>,
    /// What it stands for.
    pub standing: Standing,
    /// Why, where its guarantees do not say so.
    pub reason: Option<String>,
    /// How long it lasted, in nanoseconds.
    pub lasted_ns: Option<u64>,
    /// Its files, in the order of their names.
    pub files: Vec<FileEntry>,
}

impl Run {
    /// The run in a folder; none if its manifest is that of another program.
    #[must_use]
    pub fn of(folder: Folder) -> Option<Self> {
        let text = folder.manifest?;
        let manifest = text.and_then(|text| manifest(&text)).transpose()?;
        let judgement = folder
            .verdict
            .map(|text| text.and_then(|text| parsed(&text, "verdict/1")));
        let (standing, reason) = stands(&manifest, judgement.as_ref(), &folder.record);
        Some(Self {
            path: folder.path,
            manifest: manifest.ok(),
            judgement: judgement.and_then(Result::ok),
            standing,
            reason,
            lasted_ns: match folder.record {
                Record::Read { lasted_ns, .. } => lasted_ns,
                _ => None,
            },
            files: folder.files,
        })
    }

    /// What was found out, where that counts for something.
    pub(crate) fn said(&self) -> Option<&Judgement> {
        let counts = !matches!(self.standing, Standing::Unfinished | Standing::Broken);
        self.judgement.as_ref().filter(|_| counts)
    }

    /// When it began, in a form whose order is that of time. Where no manifest says so, the name of
    /// the folder does.
    pub(crate) fn time(&self) -> String {
        let began = self.manifest.as_ref().map(|manifest| manifest.began);
        began.map_or_else(|| last_part(&self.path).to_owned(), stamp)
    }

    /// What is tested, for people: the lock, and the workload.
    pub(crate) fn subject(&self) -> (String, String) {
        match &self.manifest {
            Some(manifest) => (manifest.plan.lock.clone(), manifest.plan.workload.clone()),
            None => (self.path.clone(), String::new()),
        }
    }

    /// What broke, by name.
    pub(crate) fn faults(&self) -> String {
        let faults = self.manifest.as_ref().map(|it| it.plan.faults.join(", "));
        match faults {
            Some(none) if none.is_empty() => "none".to_owned(),
            Some(faults) => faults,
            None => String::new(),
        }
    }

    pub(crate) fn testbed(&self) -> String {
        let testbed = self.manifest.as_ref().and_then(|it| it.testbed.as_ref());
        match testbed.map(|it| it.kind.as_str()) {
            Some("none") => "no service".to_owned(),
            kind => kind.unwrap_or_default().to_owned(),
        }
    }

    /// The commit of what was tested, with a mark where the source was changed since.
    pub(crate) fn commit(&self) -> String {
        let git = self.manifest.as_ref().and_then(|it| it.git.as_ref());
        git.map_or_else(String::new, |git| {
            let mark = if git.dirty == Some(true) {
                " + changes"
            } else {
                ""
            };
            format!("{}{mark}", short(&git.commit))
        })
    }

    pub(crate) fn when(&self) -> String {
        let began = self.manifest.as_ref().map(|manifest| manifest.began);
        began.map_or_else(String::new, when)
    }

    pub(crate) fn lasted(&self) -> String {
        self.lasted_ns.map_or_else(String::new, show_ns)
    }

    /// The report, where there is one that counts for something.
    pub(crate) fn report(&self) -> Option<&'static str> {
        match self.standing {
            Standing::Unfinished | Standing::Broken => None,
            _ => has_report(&self.files),
        }
    }
}

/// What the report in a folder is called.
pub(crate) const REPORT: &str = "report.html";

/// The report among files.
pub(crate) fn has_report(files: &[FileEntry]) -> Option<&'static str> {
    files
        .iter()
        .any(|file| file.name == REPORT)
        .then_some(REPORT)
}

/// A moment for people.
pub(crate) fn when(began: Timestamp) -> String {
    began.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A moment as the folders of the results are called by it.
pub(crate) fn stamp(began: Timestamp) -> String {
    began.strftime("%Y%m%dT%H%M%S.%3fZ").to_string()
}

pub(crate) fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The beginning of a commit's name; what is no hash is shown as it is.
pub(crate) fn short(commit: &str) -> &str {
    const SHORT: usize = 10;
    let is_hash = commit.len() >= SHORT && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash { &commit[..SHORT] } else { commit }
}

/// The manifest in a text, if it is one of ours. What is no JSON at all may be one of ours that was
/// damaged.
fn manifest(text: &str) -> Result<Option<Manifest>, String> {
    let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if json.get("prover").is_none() {
        return Ok(None);
    }
    parsed(text, "manifest/1").map(Some)
}

/// A stored object of this form; one that names none is older than the forms.
pub(crate) fn parsed<T: serde::de::DeserializeOwned>(text: &str, form: &str) -> Result<T, String> {
    let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match json.get("schema") {
        Some(other) if other != form => Err(format!(
            "it has the form {other}, which this program does not read: use the prover that made it"
        )),
        _ => serde_json::from_str(text).map_err(|error| error.to_string()),
    }
}

#[derive(Serialize)]
struct View<'a> {
    standing: &'static str,
    says: String,
    reason: Option<&'a str>,
    facts: Vec<(&'static str, String)>,
    guarantees: Vec<RowView<'a>>,
    report: Option<&'static str>,
    archive: bool,
    back: String,
    commands: Vec<(&'static str, String)>,
    files: Vec<FileView<'a>>,
}

#[derive(Serialize)]
struct RowView<'a> {
    name: &'a str,
    role: &'static str,
    verdict: &'static str,
    judged: bool,
    evidence: String,
}

#[derive(Serialize)]
struct FileView<'a> {
    name: &'a str,
    href: String,
    size: String,
}

/// The page about a run.
///
/// # Errors
/// Never, unless a template of the prover is broken.
pub fn run_page(run: &Run, place: &Place<'_>) -> Result<String, SiteError> {
    let (lock, workload) = run.subject();
    let title = format!("{lock} {workload}: {}", run.standing);
    let depth = run.path.split('/').count() + 1;
    let view = View {
        standing: run.standing.word(),
        says: says(run),
        reason: run.reason.as_deref(),
        facts: facts(run),
        guarantees: rows(run),
        report: run.report(),
        archive: place.is_served,
        back: format!("{}index.html", "../".repeat(depth)),
        commands: commands(run, place),
        files: run.files.iter().map(FileView::of).collect(),
    };
    page(&title, TEMPLATE, &view)
}

/// What the standing means, in a sentence.
fn says(run: &Run) -> String {
    let (lock, workload) = run.subject();
    let faults = match run.faults().as_str() {
        "" | "none" => "without faults".to_owned(),
        faults => format!("under {faults}"),
    };
    match run.standing {
        Standing::Valid => format!(
            "The history of {lock} with the workload {workload} {faults} contains no violation of what it was judged by."
        ),
        Standing::Violated => format!(
            "The history of {lock} with the workload {workload} {faults} contradicts what it was judged by."
        ),
        Standing::Unknown => "The history does not decide what it was judged by.".to_owned(),
        Standing::Unfinished => "The run did not come to a judgement: it shows nothing.".to_owned(),
        Standing::Broken => "The files of this run are no evidence of anything.".to_owned(),
    }
}

fn facts(run: &Run) -> Vec<(&'static str, String)> {
    let mut facts = vec![("folder", run.path.clone())];
    let Some(manifest) = &run.manifest else {
        return facts;
    };
    let (lock, workload) = run.subject();
    let services = manifest.testbed.iter().flat_map(|it| &it.services);
    let services: Vec<_> = services.map(|service| service.what.clone()).collect();
    facts.extend([
        ("lock", lock),
        ("workload", workload),
        ("faults", run.faults()),
        ("testbed", run.testbed()),
        ("services", services.join("; ")),
        ("workers", manifest.plan.concurrency.to_string()),
        ("seed", manifest.plan.seed.to_string()),
        ("began", run.when()),
        ("lasted", run.lasted()),
        ("commit", run.commit()),
        ("prover", manifest.prover.clone()),
    ]);
    facts.retain(|(_, text)| !text.is_empty());
    facts
}

fn rows(run: &Run) -> Vec<RowView<'_>> {
    let Some(judgement) = run.said() else {
        return Vec::new();
    };
    let rows = judgement.guarantees.iter();
    rows.map(|row| RowView {
        name: &row.finding.guarantee,
        role: role(row, judgement),
        verdict: Standing::from(row.finding.verdict).word(),
        judged: row.judged,
        evidence: evidence(row),
    })
    .collect()
}

fn role(row: &Row, judgement: &Judgement) -> &'static str {
    match (row.judged, &judgement.promised_by) {
        _ if row.finding.guarantee == POWER => "asked of the run",
        (false, _) => "only shown",
        (true, _) if row.is_about_the_run() => "asked of the run",
        (true, Some(_)) => "promised",
        (true, None) => "asked for",
    }
}

/// What a verdict stands on, and why where it is open.
pub(crate) fn evidence(row: &Row) -> String {
    let finding = &row.finding;
    match &finding.reason {
        Some(reason) if finding.verdict == Verdict::Unknown && finding.evidence.is_empty() => {
            reason.clone()
        }
        Some(reason) if finding.verdict == Verdict::Unknown => {
            format!("{}: {reason}", finding.evidence)
        }
        _ => finding.evidence.clone(),
    }
}

/// What can be done with the run next, as it can be typed: only what its files allow.
fn commands(run: &Run, place: &Place<'_>) -> Vec<(&'static str, String)> {
    let Some(manifest) = &run.manifest else {
        return Vec::new();
    };
    let folder = format!("{}/{}", place.results.trim_end_matches('/'), run.path);
    let has = |name: &str| run.files.iter().any(|file| file.name.starts_with(name));
    let is_violated = run.standing == Standing::Violated;
    let is_decided = is_violated || run.standing == Standing::Valid;
    let is_recorded = has("history.jsonl");
    let all = [
        (
            is_violated && manifest.is_of_script(),
            ["find the fewest steps that violate it", "shrink"],
        ),
        (
            is_decided && is_recorded && has("certificate.json"),
            ["check the evidence again", "certify"],
        ),
        (is_recorded, ["judge it again", "check"]),
        (has("schedule.json"), ["repeat it", "replay"]),
    ];
    let works = all.into_iter().filter(|(works, _)| *works);
    works
        .map(|(_, [what, name])| (what, typed(program(), &[name.to_owned(), folder.clone()])))
        .collect()
}

impl<'a> FileView<'a> {
    pub(crate) fn of(file: &'a FileEntry) -> Self {
        Self {
            name: &file.name,
            href: href(&file.name),
            size: size(file.bytes),
        }
    }
}

/// `12.3 kB`.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 3] = ["kB", "MB", "GB"];
    let mut amount = bytes;
    let mut tenths = bytes * 10;
    let mut unit = "B";
    for larger in UNITS {
        if amount < 1_000 {
            break;
        }
        (amount, tenths, unit) = (amount / 1_000, tenths / 1_000, larger);
    }
    if unit == "B" {
        return format!("{bytes} B");
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run with these files, as its manifest and its verdict say.
    fn run(change: fn(&mut Value), verdict: &str, files: &[&str]) -> Run {
        let stored = include_str!("../../tests/cmd/check.in/whole/manifest.json");
        let mut manifest: Value = serde_json::from_str(stored).expect("JSON");
        manifest
            .as_object_mut()
            .expect("an object")
            .remove("recorded");
        change(&mut manifest);
        let row = serde_json::json!({
            "judged": true, "guarantee": "exclusion", "verdict": verdict, "evidence": "", "violations": [],
        });
        let judgement = serde_json::json!({
            "schema": "verdict/1", "verdict": verdict, "incomplete": false, "guarantees": [row],
        });
        let files = files.iter().map(|name| FileEntry {
            name: (*name).to_owned(),
            bytes: 1,
        });
        Run::of(Folder {
            path: "lock/1".to_owned(),
            manifest: Some(Ok(manifest.to_string())),
            verdict: Some(Ok(judgement.to_string())),
            record: Record::Read {
                events: 1,
                digest: String::new(),
                lasted_ns: None,
            },
            files: files.collect(),
        })
        .expect("one of ours")
    }

    const FILES: [&str; 3] = ["certificate.json", "history.jsonl", "schedule.json"];

    fn advised(run: &Run) -> Vec<String> {
        let place = Place {
            results: "results",
            is_served: true,
        };
        let all = commands(run, &place).into_iter();
        let last = |command: &str| command.rsplit(' ').nth(1).map(str::to_owned);
        all.filter_map(|(_, command)| last(&command)).collect()
    }

    fn simulated(manifest: &mut Value) {
        manifest["state"] = "finished".into();
        manifest["testbed"] = serde_json::json!(testbed::Described::simulated());
    }

    fn of_program(manifest: &mut Value) {
        simulated(manifest);
        manifest["spec"]["lock"] = "process:python3 my_lock.py".into();
    }

    fn on_docker(manifest: &mut Value) {
        simulated(manifest);
        manifest["testbed"]["kind"] = "docker".into();
    }

    #[test]
    fn only_what_works_for_a_run_is_advised() {
        let of = |change, files: &[&str]| {
            let run = run(change, "violated", files);
            assert_eq!(run.standing, Standing::Violated, "{:?}", run.reason);
            advised(&run)
        };
        assert_eq!(
            of(simulated, &FILES),
            ["shrink", "certify", "check", "replay"]
        );
        assert_eq!(of(of_program, &FILES), ["certify", "check", "replay"]);
        assert_eq!(of(on_docker, &FILES), ["certify", "check", "replay"]);
        assert_eq!(of(on_docker, &["history.jsonl"]), ["check"]);
        let valid = run(simulated, "valid", &FILES);
        assert_eq!(advised(&valid), ["certify", "check", "replay"]);
        let damaged = Run {
            manifest: None,
            ..valid
        };
        assert_eq!(advised(&damaged), [""; 0]);
    }

    #[test]
    fn a_violation_stands_where_the_run_ended_early() {
        fn stuck(manifest: &mut Value) {
            simulated(manifest);
            manifest["state"] = "stuck".into();
        }
        let run = run(stuck, "violated", &FILES);
        assert_eq!(run.standing, Standing::Violated);
        let why = run.reason.expect("it says why");
        assert!(
            why.ends_with("what was recorded until then shows the violation"),
            "{why}"
        );
        assert!(!why.contains("did not come to its end"), "{why}");
    }

    #[test]
    fn sizes_are_short() {
        let sizes = [0, 999, 1_000, 123_456, 9_876_543_210].map(size);
        assert_eq!(sizes, ["0 B", "999 B", "1.0 kB", "123.4 kB", "9.8 GB"]);
    }

    #[test]
    fn a_commit_is_short_and_a_name_is_whole() {
        assert_eq!(short("0123456789abcdef"), "0123456789");
        assert_eq!(short("v1.2.3-rc1-something"), "v1.2.3-rc1-something");
    }
}
