//! The last words on a run: what it showed, what it did not, and what to do next.

use checker::{COVERAGE, Judgement, POWER, Row, Verdict};
use plan::manifest::Manifest;
use plan::spec::{program, typed};

use crate::store::file;

/// What is said at the end of a run.
pub(crate) struct Ending {
    /// What the record decides.
    pub(crate) shown: String,
    /// What nobody may take for shown.
    pub(crate) open: String,
    /// The command that goes on from here.
    pub(crate) next: String,
}

impl Ending {
    /// On the run of this manifest, which is stored in this folder.
    pub(crate) fn of(manifest: &Manifest, judgement: &Judgement, folder: &str) -> Self {
        Self {
            shown: shown(manifest, judgement),
            open: open(manifest, judgement),
            next: next(manifest, judgement, folder),
        }
    }
}

/// In one sentence, what the record decides.
fn shown(manifest: &Manifest, judgement: &Judgement) -> String {
    let lock = &manifest.plan.lock;
    if let Some(why) = &judgement.unfinished
        && judgement.verdict != Verdict::Violated
    {
        return format!("nothing, for {why}");
    }
    match judgement.verdict {
        Verdict::Valid => {
            let kept = names(judgement, |row| row.finding.verdict == Verdict::Valid);
            if kept.is_empty() {
                return "that this run put the lock to the test".to_owned();
            }
            format!("in this run {lock} kept {kept}{}", tested(judgement))
        }
        Verdict::Violated => {
            let broken = names(judgement, |row| row.finding.verdict == Verdict::Violated);
            format!("{lock} does not keep {broken}: the record contradicts it")
        }
        Verdict::Unknown => {
            let kept = names(judgement, |row| row.finding.verdict == Verdict::Valid);
            let open = "what would make the run a proof is open";
            match kept.as_str() {
                "" => format!("nothing: {open}"),
                kept => format!("no violation of {kept}, but {open}"),
            }
        }
    }
}

/// How the faults put a run to the test.
fn tested(judgement: &Judgement) -> String {
    let mut rows = judgement.guarantees.iter();
    let coverage = rows.find(|row| row.judged && row.finding.guarantee == COVERAGE);
    let faults = coverage.map_or(&[][..], |row| &row.finding.counts.faults);
    let revoked: u64 = faults.iter().map(|fault| fault.revoked).sum();
    match revoked {
        0 => String::new(),
        1 => ", though a fault took the lock away once".to_owned(),
        times => format!(", though faults took the lock away {times} times"),
    }
}

/// What the record leaves open.
fn open(manifest: &Manifest, judgement: &Judgement) -> String {
    let is_simulated = manifest
        .testbed
        .as_ref()
        .is_some_and(|testbed| testbed.caveat().is_some());
    let elsewhere = if is_simulated {
        ", and what a real service does: this one was simulated"
    } else {
        ""
    };
    match judgement.verdict {
        Verdict::Valid => {
            let beside = judgement.guarantees.iter().filter(|row| !row.judged);
            let beside = beside.filter(|row| row.finding.verdict == Verdict::Violated);
            let beside: Vec<_> = beside.map(|row| row.finding.guarantee.as_str()).collect();
            let beside = match beside.as_slice() {
                [] => String::new(),
                names => format!("; {} was not kept, and is not promised", names.join(", ")),
            };
            format!("what other runs do{elsewhere}{beside}")
        }
        Verdict::Violated if is_simulated => {
            "whether a real service lets it happen: this one was simulated".to_owned()
        }
        Verdict::Violated => "how often that happens: this is one run".to_owned(),
        Verdict::Unknown => {
            let lock = &manifest.plan.lock;
            let asked = names(judgement, |_| true);
            match asked.as_str() {
                "" => "everything about the lock".to_owned(),
                asked => format!("whether {lock} keeps {asked}"),
            }
        }
    }
}

/// The command that goes on from here.
fn next(manifest: &Manifest, judgement: &Judgement, folder: &str) -> String {
    let command = |name: &str| typed(program(), &[name.to_owned(), folder.to_owned()]);
    let report = format!("{folder}/{}", file::REPORT);
    match judgement.verdict {
        Verdict::Valid => command("certify"),
        Verdict::Violated if manifest.is_of_script() => command("shrink"),
        Verdict::Violated => command("replay"),
        Verdict::Unknown => format!("read {report}"),
    }
}

/// What of the lock was judged and is so.
fn names(judgement: &Judgement, is_so: impl Fn(&Row) -> bool) -> String {
    let rows = judgement.guarantees.iter();
    let about_lock = rows
        .filter(|row| row.judged && ![COVERAGE, POWER].contains(&row.finding.guarantee.as_str()));
    let names: Vec<_> = about_lock
        .filter(|row| is_so(row))
        .map(|row| row.finding.guarantee.as_str())
        .collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use checker::Finding;
    use plan::Plan;
    use plan::spec::RunSpec;
    use testbed::Described;

    use super::*;

    fn manifest() -> Manifest {
        let spec = RunSpec {
            testbed: "sim".to_owned(),
            ..RunSpec::default()
        };
        let plan = Plan::new(&spec).expect("a plan");
        let mut manifest = Manifest::begin(&plan, jiff::Timestamp::UNIX_EPOCH, None);
        manifest.testbed = Some(Described::simulated());
        manifest
    }

    fn judgement(rows: &[(&str, bool, Verdict)]) -> Judgement {
        let row = |(name, judged, verdict): &(&str, bool, Verdict)| Row {
            judged: *judged,
            finding: Finding {
                guarantee: (*name).to_owned(),
                verdict: *verdict,
                ..Finding::default()
            },
        };
        let judged = rows.iter().filter(|(_, judged, _)| *judged);
        Judgement {
            verdict: judged
                .map(|(.., verdict)| *verdict)
                .max()
                .unwrap_or_default(),
            incomplete: false,
            unfinished: None,
            missing_event: None,
            guarantees: rows.iter().map(row).collect(),
            promised_by: None,
            linearized: Vec::new(),
        }
    }

    fn said(judgement: &Judgement) -> [String; 3] {
        let Ending { shown, open, next } = Ending::of(&manifest(), judgement, "results/x");
        [shown, open, next]
    }

    #[test]
    fn a_valid_run_says_what_it_does_not_show() {
        use Verdict::{Valid, Violated};
        let said = said(&judgement(&[
            ("confirmed-exclusion", true, Valid),
            ("progress<=10s", true, Valid),
            (COVERAGE, true, Valid),
            ("exclusion", false, Violated),
        ]));
        assert_eq!(
            said[0],
            "in this run exclusive-queue kept confirmed-exclusion and progress<=10s"
        );
        assert!(
            said[1].contains("simulated") && said[1].contains("exclusion was not kept"),
            "{said:?}"
        );
        assert!(said[2].ends_with("certify results/x"), "{said:?}");
    }

    #[test]
    fn what_cannot_be_played_as_a_script_is_repeated() {
        let violated = judgement(&[("exclusion", true, Verdict::Violated)]);
        let next = |manifest: &Manifest| Ending::of(manifest, &violated, "results/x").next;
        assert!(next(&manifest()).ends_with("shrink results/x"));
        let mut of_program = manifest();
        of_program.spec.lock = Some("process:python3 my_lock.py".to_owned());
        assert!(next(&of_program).ends_with("replay results/x"));
        let elsewhere = Manifest {
            testbed: None,
            ..manifest()
        };
        assert!(next(&elsewhere).ends_with("replay results/x"));
    }

    #[test]
    fn a_violated_run_leads_to_fewer_steps_and_an_open_one_to_its_report() {
        use Verdict::{Unknown, Valid, Violated};
        let violated = said(&judgement(&[
            ("exclusion", true, Violated),
            (COVERAGE, true, Unknown),
        ]));
        assert!(
            violated[0].contains("does not keep exclusion"),
            "{violated:?}"
        );
        assert!(violated[2].ends_with("shrink results/x"), "{violated:?}");
        let open = said(&judgement(&[
            ("exclusion", true, Valid),
            (COVERAGE, true, Unknown),
        ]));
        assert!(
            open[0].starts_with("no violation of exclusion, but "),
            "{open:?}"
        );
        assert_eq!(open[1], "whether exclusive-queue keeps exclusion");
        assert_eq!(open[2], "read results/x/report.html");
        let mut killed = judgement(&[("exclusion", true, Valid)]);
        (killed.verdict, killed.unfinished) = (Unknown, Some("the run was interrupted".to_owned()));
        assert_eq!(said(&killed)[0], "nothing, for the run was interrupted");
    }
}
