//! Every certificate that the checker issues is confirmed, and no proof proves a verdict that the checker does not reach itself.
//!
//! The two know nothing of each other but the book's description of certificates, so what they agree about is not one mistake made once.

use checker::certificate::Certificate;
use checker::search::Limits;
use checker::{Case, Finding, Guarantee, Scope, guarantee, linearize, parse};
use history::{
    Answer, Draft, Function, Grant, History, HistoryBuilder, Kind, Mode, Process, Value, jsonl,
};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use prover::certify::{Certified, Standing, certify};
use sha2::{Digest, Sha256};

const GUARANTEES: &[&str] = &[
    "exclusion",
    "confirmed-exclusion",
    "overlap<=2ms",
    "ownership",
    "fencing",
    "no-lost-update",
    "progress<=2ms",
    "justified-refusal",
    "coverage",
];

const MODELS: &[&str] = &[
    "mutex",
    "owner-mutex",
    "semaphore:1",
    "semaphore:2",
    "owner-semaphore:1",
    "owner-semaphore:2",
    "rwlock",
    "reentrant:2",
    "fenced",
    "reentrant-fenced:2",
];

/// The choices that make a history; each is a small number.
struct Choices<'a>(std::slice::Iter<'a, u8>);

impl Choices<'_> {
    fn below(&mut self, end: u8) -> Option<u8> {
        self.0.next().map(|choice| choice % end)
    }

    /// Happens about once in so many times; the simplest choice is that it does not.
    fn rarely(&mut self, times: u8) -> Option<bool> {
        Some(self.below(times)? == times - 1)
    }
}

const WORKERS: u32 = 3;

struct Worker {
    process: u32,
    pending: Option<(Function, u8)>,
}

/// A lock, its clients, and what goes wrong between them.
struct World<'a> {
    choices: Choices<'a>,
    builder: HistoryBuilder,
    time_ns: u64,
    workers: Vec<Worker>,
    /// Who holds which key, as the service sees it.
    holders: Vec<(u32, u8)>,
    token: u64,
    slots: usize,
    modes: bool,
    tokens: bool,
}

fn history_of(choices: &[u8], slots: usize) -> History {
    let mut choices = Choices(choices.iter());
    let (modes, tokens) = (choices.below(2) == Some(1), choices.below(2) == Some(1));
    let workers = (0..WORKERS)
        .map(|process| Worker {
            process,
            pending: None,
        })
        .collect();
    let mut world = World {
        choices,
        builder: HistoryBuilder::default(),
        time_ns: 0,
        workers,
        holders: Vec::new(),
        token: 0,
        slots,
        modes,
        tokens,
    };
    while world.step().is_some() {}
    world.builder.finish()
}

impl World<'_> {
    fn step(&mut self) -> Option<()> {
        self.time_ns += u64::from(self.choices.below(4)?) * 500_000;
        let worker = self.choices.below(WORKERS as u8)? as usize;
        match self.workers[worker].pending.clone() {
            None => self.begin(worker),
            Some((function, key)) => self.end(worker, function, key),
        }
    }

    fn push(
        &mut self,
        worker: usize,
        kind: Kind,
        function: Function,
        key: u8,
        change: impl FnOnce(Draft) -> Draft,
    ) {
        let draft = Draft::new(
            Process::Client(self.workers[worker].process),
            kind,
            function,
        );
        let draft = if key == 0 {
            draft
        } else {
            draft.on(format!("lock-{key}"))
        };
        self.builder
            .push(self.time_ns, change(draft))
            .expect("the world keeps to the rules");
    }

    fn begin(&mut self, worker: usize) -> Option<()> {
        let key = u8::from(self.choices.rarely(8)?);
        let process = self.workers[worker].process;
        let holds = self.holders.contains(&(process, key));
        let usual = if holds {
            Function::Release
        } else {
            Function::Acquire
        };
        let function = match self.choices.below(12)? {
            0..7 => usual,
            7..9 => Function::Verify,
            9 => Function::Lost,
            10 => Function::Acquire,
            _ => Function::Release,
        };
        let mode = if self.modes && function == Function::Acquire {
            self.choices.below(3)?
        } else {
            0
        };
        self.push(
            worker,
            Kind::Invoke,
            function.clone(),
            key,
            |draft| match mode {
                1 => draft.with(Value::Mode(Mode::Read)),
                2 => draft.with(Value::Mode(Mode::Write)),
                _ => draft,
            },
        );
        self.workers[worker].pending = Some((function.clone(), key));
        if function == Function::Lost {
            self.end(worker, function, key)
        } else {
            Some(())
        }
    }

    fn end(&mut self, worker: usize, function: Function, key: u8) -> Option<()> {
        let wrong = self.choices.rarely(6)?;
        if function != Function::Lost && self.choices.rarely(12)? {
            return self.lose_answer(worker, function, key);
        }
        let who = (self.workers[worker].process, key);
        let held = self.holders.contains(&who);
        let agrees = wrong
            != match function {
                Function::Acquire => {
                    self.holders
                        .iter()
                        .filter(|(_, other)| *other == key)
                        .count()
                        < self.slots
                }
                Function::Lost => false,
                _ => held,
            };
        self.workers[worker].pending = None;
        match (function, agrees) {
            (Function::Acquire, true) => self.grant(worker, key)?,
            (Function::Verify, true) => {
                self.push(worker, Kind::Ok, Function::Verify, key, |draft| {
                    draft.answering(Answer::Held)
                });
            }
            (Function::Verify, false) => {
                self.push(worker, Kind::Ok, Function::Verify, key, |draft| {
                    draft.answering(Answer::Lost)
                });
            }
            (Function::Lost, _) => {
                self.holders.retain(|holder| *holder != who);
                self.push(worker, Kind::Ok, Function::Lost, key, |draft| draft);
            }
            (Function::Release, true) => {
                self.holders.retain(|holder| *holder != who);
                self.push(worker, Kind::Ok, Function::Release, key, |draft| draft);
            }
            (function, _) => {
                let observed = !self.choices.rarely(3)?;
                self.push(worker, Kind::Fail, function, key, |draft| {
                    let draft = draft.because("busy", "no");
                    if observed { draft.observed() } else { draft }
                });
            }
        }
        Some(())
    }

    fn grant(&mut self, worker: usize, key: u8) -> Option<()> {
        self.holders.push((self.workers[worker].process, key));
        let repeats = self.modes && self.choices.rarely(4)?;
        if self.tokens && !self.choices.rarely(6)? {
            self.token = if self.choices.rarely(8)? {
                self.token.saturating_sub(1)
            } else {
                self.token + 1
            };
        }
        let token = if self.tokens { self.token } else { 0 };
        self.push(worker, Kind::Ok, Function::Acquire, key, |draft| {
            match (repeats, token) {
                (true, _) => draft.with(Value::Mode(Mode::Read)),
                (false, 0) => draft,
                (false, token) => draft.with(Value::Grant(Grant { slot: None, token })),
            }
        });
        Some(())
    }

    /// Nobody knows the outcome: it took effect or not, and the worker goes on under another name.
    fn lose_answer(&mut self, worker: usize, function: Function, key: u8) -> Option<()> {
        let process = self.workers[worker].process;
        let took_effect = self.choices.rarely(2)?;
        match function {
            Function::Acquire if took_effect => self.holders.push((process, key)),
            _ if took_effect => self.holders.retain(|(holder, _)| *holder != process),
            _ => {}
        }
        self.push(worker, Kind::Info, function, key, |draft| {
            draft.because("timeout", "no answer")
        });
        self.workers[worker] = Worker {
            process: process + WORKERS,
            pending: None,
        };
        Some(())
    }
}

/// The guarantees to judge by. What justifies a refusal among shared holds or several slots is left out until the checker keeps to the
/// book there: it takes shared holds for exclusive ones, and its orders name releases of unknown outcome.
fn guarantees(history: &History, slots: u32) -> Vec<Box<dyn Guarantee>> {
    let shares = history
        .events()
        .iter()
        .any(|event| matches!(event.value, Value::Mode(_)));
    let judged = GUARANTEES
        .iter()
        .filter(|name| **name != "justified-refusal" || (slots == 1 && !shares));
    judged
        .map(|name| parse(name).expect("it is in the list"))
        .collect()
}

/// What the checker finds, by the names that certificates use, and the certificate that it issues.
fn judge(history: &History, slots: u32) -> (Vec<(String, String)>, Vec<u8>) {
    let scope = Scope {
        slots: slots.try_into().expect("not 0"),
        ..Scope::default()
    };
    let case = Case::new(history, &scope, Limits::none());
    let guarantees = guarantees(history, slots);
    let findings: Vec<Finding> = guarantees
        .iter()
        .map(|guarantee| guarantee.judge(&case))
        .collect();
    let models: Vec<_> = MODELS
        .iter()
        .map(|name| linearize(history, name, Limits::none()).expect("it is in the list"))
        .collect();
    let verdicts = findings
        .iter()
        .map(|finding| (finding.guarantee.clone(), finding.verdict.to_string()));
    let of_models = MODELS
        .iter()
        .zip(&models)
        .map(|(name, model)| (format!("model {name}"), model.finding.verdict.to_string()));
    let verdicts = verdicts.chain(of_models).collect();
    (
        verdicts,
        Certificate::issue(&case, &guarantees, &findings, &models).to_bytes(),
    )
}

fn agree(
    history: &History,
    certified: &Certified,
    verdicts: &[(String, String)],
) -> Result<(), TestCaseError> {
    let stated: Vec<_> = certified
        .claims
        .iter()
        .map(|claim| {
            (
                claim.of.clone(),
                format!("{:?}", claim.verdict).to_lowercase(),
            )
        })
        .collect();
    prop_assert_eq!(&stated, verdicts, "{}", text(history));
    for claim in &certified.claims {
        let is_count = ["no-lost-update", "progress<=2ms", "coverage"].contains(&claim.of.as_str());
        let is_unknown = stated.contains(&(claim.of.clone(), "unknown".to_owned()));
        let expected = match claim.standing {
            Standing::Proved => !is_count && !is_unknown,
            Standing::NothingClaimed => is_unknown,
            Standing::NotRechecked(_) => is_count,
        };
        prop_assert!(expected, "{claim:?}\n{}", text(history));
    }
    Ok(())
}

fn text(history: &History) -> String {
    let mut bytes = Vec::new();
    jsonl::write(history, &mut bytes).expect("a vector takes all");
    String::from_utf8(bytes).expect("it is JSON")
}

/// The judgements of a certificate, each alone, in a new certificate for another history.
fn transplanted(certificate: &[u8], onto: &History) -> Vec<Vec<u8>> {
    let mut body: serde_json::Value = serde_json::from_slice(certificate).expect("it is JSON");
    let judgements = body["judgements"].as_array().expect("an array").clone();
    let fields = body.as_object_mut().expect("an object");
    fields.remove("digest");
    fields.insert(
        "history".to_owned(),
        format!("{:x}", Sha256::digest(text(onto))).into(),
    );
    fields.insert("events".to_owned(), onto.events().len().into());
    let certificate = |judgement: &serde_json::Value| {
        body["judgements"] = vec![judgement.clone()].into();
        seal(&body)
    };
    judgements.iter().map(certificate).collect()
}

fn seal(body: &serde_json::Value) -> Vec<u8> {
    let with = |digest: &str| {
        format!("{{\"digest\":\"{digest}\",{}\n", &body.to_string()[1..]).into_bytes()
    };
    let digest = format!("{:x}", Sha256::digest(with(&"0".repeat(64))));
    with(&digest)
}

const CHOICES_MAX: usize = 120;

proptest! {
    #[test]
    fn what_the_checker_issues_is_confirmed(choices in proptest::collection::vec(any::<u8>(), 0..CHOICES_MAX), slots in 1_u32..3) {
        let history = history_of(&choices, slots as usize);
        let (verdicts, certificate) = judge(&history, slots);
        let certified = certify(&history, &certificate);
        let certified = certified.map_err(|error| TestCaseError::fail(format!("{error}\n{}{}", text(&history), String::from_utf8_lossy(&certificate))))?;
        agree(&history, &certified, &verdicts)?;
    }

    /// The proofs for one history, tried on another that differs in little: whatever they still prove must be so.
    #[test]
    fn a_proof_for_another_history_proves_only_what_is_so(
        choices in proptest::collection::vec(any::<u8>(), 0..CHOICES_MAX),
        at in any::<prop::sample::Index>(),
        choice in any::<u8>(),
        slots in 1_u32..3,
    ) {
        let (_, certificate) = judge(&history_of(&choices, slots as usize), slots);
        let mut changed = choices;
        if !changed.is_empty() {
            let at = at.index(changed.len());
            changed[at] = choice;
        }
        let other = history_of(&changed, slots as usize);
        let (verdicts, _) = judge(&other, slots);
        for certificate in transplanted(&certificate, &other) {
            let Ok(certified) = certify(&other, &certificate) else { continue };
            let claim = &certified.claims[0];
            let is_judged = verdicts.iter().any(|(of, _)| *of == claim.of);
            if claim.standing == Standing::Proved && is_judged {
                let proved = (claim.of.clone(), format!("{:?}", claim.verdict).to_lowercase());
                prop_assert!(verdicts.contains(&proved), "{proved:?}\n{}{}", text(&other), String::from_utf8_lossy(&certificate));
            }
        }
    }
}

#[test]
fn every_guarantee_is_asked_about() {
    for entry in guarantee::ALL {
        let stem = entry.pattern.split("<=").next().unwrap_or_default();
        assert!(
            GUARANTEES
                .iter()
                .any(|name| name.split("<=").next() == Some(stem)),
            "{}",
            entry.pattern
        );
    }
}
