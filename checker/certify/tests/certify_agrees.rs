//! Every certificate that the checker issues is confirmed, and no proof proves a verdict that the
//! checker does not reach itself.
//!
//! The two know nothing of each other but docs/certificates.md, so what they agree about is not one
//! mistake made once.

#[path = "certify_agrees/administered.rs"]
mod administered;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certify::{Certified, Standing, Verdict, certify};
use checker::certificate::Certificate;
use checker::search::Limits;
use checker::{Case, Finding, Guarantee, Scope, guarantee, linearize, model, parse};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use history::fault::{Class, Note, Parameters, Targets};
use history::{
    Answer, Draft, Function, Grant, History, HistoryBuilder, Kind, Lease, Mode, Process, Value,
    jsonl,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value as Json, json};
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
    "slot-exclusion",
    "slot-existence",
    "slot-removal",
    "slot-sequence",
    "no-lost-decrement",
    "no-doubled-decrement",
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
    "register:0",
    "register:nil",
    "cas-register:0",
    "cas-register:nil",
    "set",
    "queue",
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

/// Keys from this on are those of the resource.
const RESOURCE: u8 = 2;

struct Worker {
    process: u32,
    pending: Option<Call>,
}

/// What a worker waits for.
#[derive(Clone)]
struct Call {
    function: Function,
    key: u8,
    asked: Value,
}

/// What the resource beside the locks is.
#[derive(Clone, Copy, PartialEq)]
enum Resource {
    None,
    Register,
    Set,
    Queue,
    Counter,
}

/// A lock and a resource, their clients, and what goes wrong between them.
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
    /// Whether grants name slots.
    names_slots: bool,
    /// Whether several permits are asked for at once.
    counts: bool,
    /// Whether the service grants leases, and may end any hold at any time.
    leases: bool,
    resource: Resource,
    /// Whether locks are used at all.
    locks: bool,
    /// What is in the resource.
    elements: Vec<Json>,
    /// The fault that is on, by its name, number and last phase.
    fault: Option<(&'static str, &'static str)>,
    faults: u64,
}

fn history_of(choices: &[u8], slots: usize) -> History {
    let mut choices = Choices(choices.iter());
    if choices.below(3) == Some(2) {
        return administered::history_of(choices);
    }
    let (modes, tokens) = (choices.below(2) == Some(1), choices.below(2) == Some(1));
    let names_slots = !modes && choices.below(2) == Some(1);
    let counts = !(modes || tokens || names_slots) && choices.below(3) == Some(2);
    let leases = !counts && choices.below(3) == Some(2);
    let resource = match choices.below(9) {
        Some(5) => Resource::Register,
        Some(6) => Resource::Set,
        Some(7) => Resource::Queue,
        Some(8) => Resource::Counter,
        _ => Resource::None,
    };
    let locks = resource == Resource::None || choices.below(4) == Some(3);
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
        names_slots,
        counts,
        leases,
        resource,
        locks,
        elements: Vec::new(),
        fault: None,
        faults: 0,
    };
    while world.step().is_some() {}
    world.builder.finish()
}

/// The note of a fault that is about to strike a process.
fn inject(id: u64, fault: &str, target: u32) -> Note {
    let class = match fault {
        "partition" => Class::Isolating,
        "pause" => Class::Halting,
        _ => Class::Breaking,
    };
    Note::Inject {
        id,
        class,
        targets: Targets::Processes(vec![target]),
        parameters: Parameters::new(),
    }
}

impl World<'_> {
    fn step(&mut self) -> Option<()> {
        self.time_ns += u64::from(self.choices.below(4)?) * 500_000;
        if self.locks && self.choices.rarely(10)? {
            return self.break_or_heal();
        }
        if self.leases && !self.holders.is_empty() && self.choices.rarely(8)? {
            self.holders.remove(0);
        }
        let worker = self.choices.below(WORKERS as u8)? as usize;
        match self.workers[worker].pending.clone() {
            None => self.begin(worker),
            Some(call) if call.key >= RESOURCE => self.answer(worker, call),
            Some(Call { function, key, .. }) => self.end(worker, function, key),
        }
    }

    fn break_or_heal(&mut self) -> Option<()> {
        let target = self.workers[self.choices.below(WORKERS as u8)? as usize].process;
        let (fault, phase) = match self.fault {
            Some((fault, "inject")) if self.choices.rarely(4)? => (fault, "missed"),
            Some((fault, "inject")) => (fault, "on"),
            Some((fault, _)) => (fault, "heal"),
            None => {
                self.faults += 1;
                let fault = ["cut", "partition", "pause"][self.choices.below(3)? as usize];
                (fault, "inject")
            }
        };
        self.fault = Some((fault, phase)).filter(|_| !["heal", "missed"].contains(&phase));
        let id = self.faults;
        let note = match phase {
            "inject" => inject(id, fault, target),
            "on" => Note::on(id),
            "missed" => Note::Heal { id, missed: true },
            _ => Note::heal(id),
        };
        self.builder
            .push(self.time_ns, Draft::fault(fault, note))
            .expect("the world keeps to the rules");
        Some(())
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
        let draft = match key {
            0 => draft,
            RESOURCE.. => draft.on(format!("r-{key}")),
            _ => draft.on(format!("lock-{key}")),
        };
        self.builder
            .push(self.time_ns, change(draft))
            .expect("the world keeps to the rules");
    }

    fn invoke(&mut self, worker: usize, call: Call) {
        let asked = call.asked.clone();
        self.push(
            worker,
            Kind::Invoke,
            call.function.clone(),
            call.key,
            |draft| draft.with(asked),
        );
        self.workers[worker].pending = Some(call);
    }

    fn begin(&mut self, worker: usize) -> Option<()> {
        if self.resource != Resource::None && (!self.locks || self.choices.rarely(2)?) {
            return self.access(worker);
        }
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
        let takes_permits = matches!(function, Function::Acquire | Function::Release);
        let asked = match mode {
            1 => Value::Mode(Mode::Read),
            2 => Value::Mode(Mode::Write),
            _ if self.counts && takes_permits => {
                let permits = 1 + u32::from(self.choices.below(3)?);
                permits.try_into().map_or(Value::None, Value::Permits)
            }
            _ => Value::None,
        };
        self.invoke(
            worker,
            Call {
                function: function.clone(),
                key,
                asked,
            },
        );
        if function == Function::Lost {
            self.end(worker, function, key)
        } else {
            Some(())
        }
    }

    /// Begins an operation on the resource.
    fn access(&mut self, worker: usize) -> Option<()> {
        let key = RESOURCE + u8::from(self.choices.rarely(12)?);
        let value = json!(self.choices.below(3)?);
        let next = self
            .elements
            .iter()
            .filter_map(Json::as_i64)
            .max()
            .unwrap_or(0)
            + 1;
        let writes = !self.choices.rarely(2)?;
        let (function, asked) = match (self.resource, writes) {
            (Resource::Queue, true) => (Function::Enqueue, value),
            (Resource::Queue, false) => (Function::Dequeue, Json::Null),
            (_, false) => (Function::Read, Json::Null),
            (Resource::Set, true) => (Function::Add, value),
            (Resource::Counter, true) if self.choices.rarely(8)? => (Function::Write, value),
            (Resource::Counter, true) => (Function::Write, json!(next)),
            (_, true) if self.choices.rarely(2)? => {
                (Function::Cas, json!([value, self.choices.below(3)?]))
            }
            (_, true) => (Function::Write, value),
        };
        self.invoke(
            worker,
            Call {
                function,
                key,
                asked: Value::data(asked),
            },
        );
        Some(())
    }

    /// Ends an operation on the resource, which is shared by its keys: to mix them up is one of the
    /// things that go wrong.
    fn answer(&mut self, worker: usize, call: Call) -> Option<()> {
        let Call {
            function,
            key,
            asked,
        } = call;
        let asked = if let Value::Data(asked) = asked {
            *asked
        } else {
            Json::Null
        };
        let is_lost = self.choices.rarely(12)?;
        if is_lost && self.choices.rarely(2)? {
            return self.lose_answer(worker, function, key);
        }
        let (done, answer) = self.take_effect(&function, &asked);
        if is_lost {
            return self.lose_answer(worker, function, key);
        }
        let answer = match self.choices.below(20)? {
            17 => Json::Null,
            18 => json!(self.choices.below(3)?),
            19 => json!([self.choices.below(3)?]),
            _ => answer,
        };
        self.workers[worker].pending = None;
        if done && !self.choices.rarely(15)? {
            self.push(worker, Kind::Ok, function, key, |draft| {
                draft.with(Value::data(answer))
            });
        } else {
            let observed = !self.choices.rarely(3)?;
            self.push(worker, Kind::Fail, function, key, |draft| {
                let draft = draft.because("refused", "no");
                if observed { draft.observed() } else { draft }
            });
        }
        Some(())
    }

    /// What the resource does, whether it did it, and what it answers.
    fn take_effect(&mut self, function: &Function, asked: &Json) -> (bool, Json) {
        let elements = &mut self.elements;
        let answer = match function {
            Function::Read if self.resource == Resource::Set => Json::Array(elements.clone()),
            Function::Read => elements.first().cloned().unwrap_or(json!(0)),
            Function::Dequeue if elements.is_empty() => Json::Null,
            Function::Dequeue => elements.remove(0),
            Function::Cas if elements.first().unwrap_or(&json!(0)) != &asked[0] => {
                return (false, Json::Null);
            }
            Function::Cas => {
                *elements = vec![asked[1].clone()];
                Json::Null
            }
            Function::Write => {
                *elements = vec![asked.clone()];
                Json::Null
            }
            _ => {
                elements.push(asked.clone());
                Json::Null
            }
        };
        (true, answer)
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
                let answer = self.lease()?.map_or(Answer::Held, Answer::Leased);
                self.push(worker, Kind::Ok, Function::Verify, key, |draft| {
                    draft.answering(answer)
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
                let is_broken = !observed && self.choices.rarely(2)?;
                self.push(worker, Kind::Fail, function, key, |draft| {
                    let draft = draft.because(
                        if is_broken {
                            "connection-closed"
                        } else {
                            "busy"
                        },
                        "no",
                    );
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
        let slot = match self.names_slots {
            true => Some(u32::from(self.choices.below(self.slots as u8)?) + 1),
            false => None,
        };
        let lease = self.lease()?;
        let grant = Grant { slot, token, lease };
        self.push(
            worker,
            Kind::Ok,
            Function::Acquire,
            key,
            |draft| match grant {
                _ if repeats => draft.with(Value::Mode(Mode::Read)),
                grant if grant == Grant::default() => draft,
                grant => draft.with(Value::Grant(grant)),
            },
        );
        Some(())
    }

    /// Mostly a short one, if there are leases at all.
    fn lease(&mut self) -> Option<Option<Lease>> {
        if !self.leases {
            return Some(None);
        }
        let lease = Lease::from_ms(self.choices.below(9)?.into());
        Some(lease)
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

/// The guarantees to judge by.
fn guarantees() -> Vec<Box<dyn Guarantee>> {
    GUARANTEES
        .iter()
        .map(|name| parse(name).expect("it is in the list"))
        .collect()
}

/// What the checker finds, by the names that certificates use, and the certificate that it issues.
fn judge(history: &History, slots: u32, faults: &[&str]) -> (Vec<(String, String)>, Vec<u8>) {
    let scope = Scope {
        slots: slots.try_into().expect("not 0"),
        workers: WORKERS.try_into().ok(),
        faults: faults.iter().map(ToString::to_string).collect(),
        ..Scope::default()
    };
    let case = Case::new(history, &scope, Limits::none());
    let guarantees = guarantees();
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

/// What the certificate states is what the checker found, and every verdict that it states is
/// proved.
fn agree(
    history: &History,
    certified: &Certified,
    verdicts: &[(String, String)],
) -> Result<(), TestCaseError> {
    let stated: Vec<_> = certified
        .claims
        .iter()
        .map(|claim| (claim.of.clone(), claim.verdict.to_string()))
        .collect();
    prop_assert_eq!(&stated, verdicts, "{}", text(history));
    for claim in &certified.claims {
        let expected = match claim.verdict {
            Verdict::Unknown => Standing::NothingClaimed,
            Verdict::Valid | Verdict::Violated => Standing::Proved,
        };
        prop_assert_eq!(claim.standing, expected, "{:?}\n{}", claim, text(history));
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

const CHOICES_MAX: usize = 160;

/// Runs a property over random histories: 5,000 of them, or PROPTEST_CASES. A history is made by
/// choices, for so many slots and these faults.
fn check_property<T: Debug>(
    more: impl Strategy<Value = T>,
    property: impl Fn(&History, u32, &[&str], &[u8], T) -> Result<(), TestCaseError>,
) {
    let cases = std::env::var("PROPTEST_CASES").ok();
    let cases = cases.and_then(|cases| cases.parse().ok()).unwrap_or(5_000);
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let choices = proptest::collection::vec(any::<u8>(), 0..CHOICES_MAX);
    let faults = prop::sample::select(vec![
        &[][..],
        &["cut"][..],
        &["partition"][..],
        &["pause"][..],
    ]);
    let run = |(choices, slots, faults, more): (Vec<u8>, u32, &[&str], T)| {
        property(
            &history_of(&choices, slots as usize),
            slots,
            faults,
            &choices,
            more,
        )
    };
    let outcome = runner.run(&(choices, 1_u32..3, faults, more), run);
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

/// How often each claim had which verdict.
type Tally = BTreeMap<String, BTreeMap<String, u32>>;

#[test]
fn what_the_checker_issues_is_confirmed() {
    let tally = RefCell::new(Tally::default());
    check_property(Just(()), |history, slots, faults, _, ()| {
        let (verdicts, certificate) = judge(history, slots, faults);
        let certified = certify(history, &certificate).map_err(|error| {
            TestCaseError::fail(format!(
                "{error}\n{}{}",
                text(history),
                String::from_utf8_lossy(&certificate)
            ))
        })?;
        for (of, verdict) in &verdicts {
            *tally
                .borrow_mut()
                .entry(of.clone())
                .or_default()
                .entry(verdict.clone())
                .or_default() += 1;
        }
        agree(history, &certified, &verdicts)
    });
    let tally = tally.into_inner();
    for (of, verdicts) in &tally {
        let other = if of == "coverage" {
            "unknown"
        } else {
            "violated"
        };
        let cases: u32 = verdicts.values().sum();
        for verdict in ["valid", other] {
            let count = verdicts.get(verdict).copied().unwrap_or_default();
            assert!(
                count > cases / 200,
                "{of} is hardly ever {verdict}: the generator is lopsided: {tally:#?}"
            );
        }
    }
}

/// The slots are in the file's name, and every fault in the history was selected.
#[test]
fn what_the_checker_issues_for_the_golden_histories_is_confirmed() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden");
    let children = |folder: &Path| {
        fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
    };
    let mut count = 0;
    for file in children(&golden).flat_map(|folder| children(&folder)) {
        let history =
            jsonl::read(fs::read(&file).expect("a file").as_slice()).expect("well-formed");
        let name = file.to_string_lossy();
        let slots = name.split('.').find_map(|part| part.strip_prefix("slots-"));
        let slots = slots.map_or(1, |slots| slots.parse().expect("slots-N"));
        let faults: BTreeSet<String> = history
            .faults()
            .map(|event| event.function.to_string())
            .collect();
        let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
        let (verdicts, certificate) = judge(&history, slots, &faults);
        let certified = certify(&history, &certificate)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        agree(&history, &certified, &verdicts)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        count += 1;
    }
    assert!(count > 40, "{count}");
}

/// The proofs for one history, tried on another that differs in little: whatever they still prove
/// must be so.
#[test]
fn a_proof_for_another_history_proves_only_what_is_so() {
    let change = (any::<prop::sample::Index>(), any::<u8>());
    check_property(change, |history, slots, faults, choices, (at, choice)| {
        let (_, certificate) = judge(history, slots, faults);
        let mut changed = choices.to_vec();
        if !changed.is_empty() {
            let at = at.index(changed.len());
            changed[at] = choice;
        }
        let other = history_of(&changed, slots as usize);
        let (verdicts, _) = judge(&other, slots, faults);
        for certificate in transplanted(&certificate, &other) {
            only_what_is_so(&other, &certificate, &verdicts)?;
        }
        Ok(())
    });
}

/// Whatever a certificate with one claim proves is what the checker found. About refusals the
/// checker leaves more open than there is to prove: with readers, and where exclusion is broken.
fn only_what_is_so(
    history: &History,
    certificate: &[u8],
    verdicts: &[(String, String)],
) -> Result<(), TestCaseError> {
    let Ok(certified) = certify(history, certificate) else {
        return Ok(());
    };
    let claim = &certified.claims[0];
    if claim.standing == Standing::Proved {
        let verdict = claim.verdict.to_string();
        let found = verdicts.iter().find(|(of, _)| *of == claim.of);
        let found = found.map(|(_, verdict)| verdict.as_str());
        let is_open = claim.of == "justified-refusal" && found == Some("unknown");
        prop_assert!(
            is_open || found == Some(&verdict),
            "{} is {verdict}, but {found:?}\n{}{}",
            claim.of,
            text(history),
            String::from_utf8_lossy(certificate)
        );
    }
    Ok(())
}

#[test]
fn a_flipped_byte_is_noticed() {
    let flip = (any::<prop::sample::Index>(), 1..=u8::MAX);
    check_property(flip, |history, slots, faults, _, (at, flip)| {
        let (_, mut certificate) = judge(history, slots, faults);
        let at = at.index(certificate.len());
        certificate[at] ^= flip;
        prop_assert!(
            certify(history, &certificate).is_err(),
            "byte {at} ^ {flip}\n{}",
            text(history)
        );
        Ok(())
    });
}

/// A judgement that was changed by somebody who knows the format, and sealed again.
#[test]
fn a_changed_judgement_is_refused() {
    let picks = (any::<prop::sample::Index>(), any::<prop::sample::Index>());
    check_property(picks, |history, slots, faults, _, (pick, at)| {
        let (verdicts, certificate) = judge(history, slots, faults);
        let body: Json = serde_json::from_slice(&certificate).expect("it is JSON");
        let judgements = body["judgements"].as_array().expect("an array");
        let proved: Vec<_> = judgements
            .iter()
            .filter(|judgement| !judgement["proof"].is_null())
            .collect();
        if proved.is_empty() {
            return Ok(());
        }
        let judgement = proved[pick.index(proved.len())];
        for (change, changed) in changes(history, judgement, at) {
            prop_assert!(
                certify(history, &with_judgement(&body, &changed)).is_err(),
                "{change}: {changed}\nwas {judgement}\n{}",
                text(history)
            );
        }
        let mut changed = judgement.clone();
        changed["of"] = judgements[at.index(judgements.len())]["of"].clone();
        only_what_is_so(history, &with_judgement(&body, &changed), &verdicts)
    });
}

fn with_judgement(body: &Json, judgement: &Json) -> Vec<u8> {
    let mut body = body.clone();
    body.as_object_mut().expect("an object").remove("digest");
    body["judgements"] = json!([judgement]);
    seal(&body)
}

/// Changes that no certificate can bear.
fn changes(
    history: &History,
    judgement: &Json,
    at: prop::sample::Index,
) -> Vec<(&'static str, Json)> {
    let mut changes = Vec::new();
    let mut change = |name, path: &str, value: Json| {
        let mut changed = judgement.clone();
        *changed.pointer_mut(path).expect("it is there") = value;
        changes.push((name, changed));
    };
    let proof = &judgement["proof"];
    for verdict in ["valid", "violated", "unknown"] {
        if judgement["verdict"] != verdict && !(proof.is_null() && verdict == "unknown") {
            change("the verdict", "/verdict", json!(verdict));
        }
    }
    if let Some(events) = proof["contradiction"]["events"].as_array() {
        let mut fewer = events.clone();
        fewer.remove(at.index(events.len()));
        change("an event less", "/proof/contradiction/events", fewer.into());
        let twice = [&events[..], &events[at.index(events.len())..]].concat();
        change(
            "an event twice",
            "/proof/contradiction/events",
            twice.into(),
        );
    }
    if let Some(holds) = proof["scan"]["holds"].as_u64() {
        change("a figure", "/proof/scan/holds", json!(holds + 1));
    }
    let orders = proof["orders"].as_array().map_or(&[][..], Vec::as_slice);
    for (place, order) in orders.iter().enumerate() {
        let path = format!("/proof/orders/{place}");
        let fewer = [&orders[..place], &orders[place + 1..]].concat();
        change("an order less", "/proof/orders", fewer.into());
        let twice = [orders, &orders[place..=place]].concat();
        change("an order twice", "/proof/orders", twice.into());
        let entries = unpack(order);
        if let Some(dropped) = dropped(history, &entries, at) {
            change("an entry less", &path, pack(order, &dropped));
        }
        if let Some(swapped) = swapped(history, &entries, at) {
            change("entries swapped", &path, pack(order, &swapped));
        }
    }
    changes
}

/// Without one of the operations that must be placed.
fn dropped(history: &History, entries: &[i64], at: prop::sample::Index) -> Option<Vec<i64>> {
    let is_certain = |entry: &i64| end_of(history, *entry).is_some();
    let certain: Vec<usize> = (0..entries.len())
        .filter(|place| is_certain(&entries[*place]))
        .collect();
    let place = *certain.get(at.index(certain.len().max(1)))?;
    Some([&entries[..place], &entries[place + 1..]].concat())
}

/// With two operations the wrong way round of which the first ended before the second began.
fn swapped(history: &History, entries: &[i64], at: prop::sample::Index) -> Option<Vec<i64>> {
    let is_after = |one: i64, other: i64| {
        other & 1 == 0 && end_of(history, one).is_some_and(|end| (end as i64) < other >> 1)
    };
    let places = 0..entries.len();
    let pairs = places
        .clone()
        .flat_map(|one| places.clone().map(move |other| (one, other)));
    let pairs: Vec<_> = pairs
        .filter(|(one, other)| is_after(entries[*one], entries[*other]))
        .collect();
    let (one, other) = *pairs.get(at.index(pairs.len().max(1)))?;
    let mut swapped = entries.to_vec();
    swapped.swap(one, other);
    Some(swapped)
}

/// Where the operation of an entry ended, if its outcome is known.
fn end_of(history: &History, entry: i64) -> Option<usize> {
    let end = history.partner(usize::try_from(entry >> 1).ok()?)?;
    let is_certain = entry & 1 == 0 && history.events()[end].kind != Kind::Info;
    is_certain.then_some(end)
}

/// The entries of an order: twice the position, and one more for a revocation.
fn unpack(order: &Json) -> Vec<i64> {
    let deflated = STANDARD
        .decode(order["deflate"].as_str().expect("a text"))
        .expect("base64");
    let mut raw = Vec::new();
    DeflateDecoder::new(&deflated[..])
        .read_to_end(&mut raw)
        .expect("a DEFLATE stream");
    let mut entries = Vec::new();
    let (mut position, mut number, mut shift) = (0, 0_i64, 0);
    for byte in raw {
        number |= i64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            let zigzag = number >> 1;
            position += (zigzag >> 1) ^ -(zigzag & 1);
            entries.push(position << 1 | number & 1);
            (number, shift) = (0, 0);
        }
    }
    entries
}

fn pack(order: &Json, entries: &[i64]) -> Json {
    let mut raw = Vec::new();
    let mut before = 0;
    for entry in entries {
        let difference = (entry >> 1) - before;
        before = entry >> 1;
        let mut number = ((difference << 1) ^ (difference >> 63)) << 1 | entry & 1;
        while number >= 0x80 {
            raw.push(number as u8 | 0x80);
            number >>= 7;
        }
        raw.push(number as u8);
    }
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&raw).expect("a vector takes all");
    let deflate = STANDARD.encode(encoder.finish().expect("a vector takes all"));
    json!({ "key": order["key"], "entries": entries.len(), "raw": raw.len(), "deflate": deflate })
}

#[test]
fn every_model_is_asked_about() {
    let stem = |name: &str| name.split(':').next().unwrap_or_default().to_owned();
    for entry in model::ALL {
        let is_there = MODELS.iter().any(|name| stem(name) == stem(entry.pattern));
        assert!(is_there, "{}", entry.pattern);
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
