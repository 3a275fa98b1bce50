//! The folder of a run: what is stored before it begins, and what follows from its record.

use std::path::Path;
use std::time::Duration;

use checker::Judgement;
use checker::certificate::Certificate;
use history::{History, Mark};
use jiff::Timestamp;
use plan::Plan;
use plan::manifest::{Git, Manifest};
use plan::spec::RunSpec;
use report::Subject;
use suite::{Criteria, Power, Recheck, recorded, within};

use crate::failure::Failure;
use crate::reading;
use crate::schema::Schema;
use crate::store::{Store, file};
use crate::subject;

/// How far the judgement of a run may search where a sweep does not decide.
const SEARCH_WITHIN: Duration = Duration::from_secs(60);
const SEARCH_BYTES: u64 = 4 << 30;

/// Makes the folder of a run, and stores there what is known beforehand.
pub(crate) fn begin(
    plan: &Plan,
    results: &Path,
    commit: Option<&str>,
) -> Result<(Store, Manifest), Failure> {
    let store = Store::open(results, &plan.name(), Timestamp::now())?;
    let manifest = begin_in(&store, plan, commit)?;
    Ok((store, manifest))
}

/// Stores in the folder of a run what is known beforehand.
pub(crate) fn begin_in(
    store: &Store,
    plan: &Plan,
    commit: Option<&str>,
) -> Result<Manifest, Failure> {
    let manifest = Manifest::begin(plan, Timestamp::now(), git_of(commit));
    store.write_json(file::MANIFEST, &Schema::MANIFEST.mark(&manifest))?;
    store.write_json(file::SCHEDULE, &plan.schedule)?;
    Ok(manifest)
}

/// The commit of what is tested: the one that is named, else that of the prover's own source.
pub(crate) fn git_of(commit: Option<&str>) -> Option<Git> {
    commit.map_or_else(Git::of_program, |commit| Some(Git::given(commit)))
}

/// What was recorded, and what follows from it.
pub(crate) struct Conclusion {
    pub(crate) history: History,
    pub(crate) judgement: Judgement,
    /// What the plan would have caught, if that was tried.
    pub(crate) power: Option<Power>,
    certificate: Certificate,
}

impl Conclusion {
    /// Takes in what the plan would have caught: a plan without power makes `valid` unknown.
    pub(crate) fn add(&mut self, power: Power) {
        self.judgement.verdict = self.judgement.verdict.max(power.verdict());
        let judged = self.judgement.guarantees.iter().rposition(|row| row.judged);
        let place = judged.map_or(0, |last| last + 1);
        self.judgement.guarantees.insert(place, power.row());
        self.power = Some(power);
    }
}

impl Conclusion {
    /// Checks the certificate again.
    pub(crate) fn recheck(&self) -> Recheck {
        Recheck::of_certificate(&self.history, &self.certificate.to_bytes())
    }
}

/// Stores in the manifest what the run has recorded, and how long its workload ran if that had no
/// limit.
pub(crate) fn note_record(
    store: &Store,
    manifest: &mut Manifest,
    plan: &Plan,
    history: &History,
) -> Result<(), Failure> {
    manifest.recorded = Some(recorded(history));
    manifest.settled_ms = plan.until_covered.then(|| settled_ms(history)).flatten();
    Ok(store.write_json(file::MANIFEST, &Schema::MANIFEST.mark(manifest))?)
}

/// How long the workload ran before the last phase began.
fn settled_ms(history: &History) -> Option<u64> {
    let settled = history.mark(Mark::Settle)?;
    Some(history.events()[settled].time / 1_000_000)
}

/// What was asked for, where that had an end that came of the run itself: with this end.
pub(crate) fn as_played(spec: &RunSpec, settled_ms: Option<u64>) -> RunSpec {
    let Some(ms) = settled_ms else {
        return spec.clone();
    };
    RunSpec {
        until_covered: false,
        at_most: None,
        time_limit: Duration::from_millis(ms),
        ..spec.clone()
    }
}

/// Judges what a run has recorded.
pub(crate) fn conclude(
    plan: &mut Plan,
    store: &Store,
    manifest: &Manifest,
) -> Result<Conclusion, Failure> {
    let history = reading::history(&store.path(file::HISTORY))?;
    let criteria = Criteria::of_plan(plan);
    let (judgement, certificate) = within(SEARCH_WITHIN, SEARCH_BYTES, |limits| {
        let judgement = criteria.judge(&history, Some(&manifest.state), limits)?;
        let certificate = criteria.certificate(&history, &judgement, limits);
        Ok::<_, Failure>((judgement, certificate))
    })?;
    Ok(Conclusion {
        history,
        judgement,
        power: None,
        certificate,
    })
}

/// Stores what was found, as evidence and for people.
pub(crate) fn keep(
    store: &Store,
    manifest: &Manifest,
    conclusion: &Conclusion,
    repeat: &str,
) -> Result<(), Failure> {
    let Conclusion {
        history,
        judgement,
        power,
        certificate,
    } = conclusion;
    store.write(file::CERTIFICATE, &certificate.to_bytes())?;
    store.write_json(file::VERDICT, &Schema::VERDICT.mark(judgement))?;
    let subject = Subject {
        mistakes: power.as_ref().map(subject::mistakes),
        repeat: repeat.to_owned(),
        certify: Some(subject::certify(store.folder())),
        ..subject::of_manifest(manifest)
    };
    let page = report::html(&subject, history, judgement)?;
    store.write(file::REPORT, page.as_bytes())?;
    for (name, svg) in report::plots(&subject, history, judgement)? {
        store.write(name, svg.as_bytes())?;
    }
    Ok(())
}
