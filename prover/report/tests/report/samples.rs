//! Runs as they could have been recorded: what reports are made of in tests, and looked at by
//! people.

use std::num::NonZeroU32;

use checker::search::Limits;
use checker::{COVERAGE, Judgement, Row, Scope, Verdict};
use history::fault::{Class, Note, Parameters, Targets};
use history::{Answer, Draft, Function, History, HistoryBuilder, Kind, Process, Value};
use report::{Fact, Mistake, Picture, Skew, Subject};

pub(crate) const MS: u64 = 1_000_000;
pub(crate) const S: u64 = 1_000 * MS;

/// A run with its judgement.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) subject: Subject,
    pub(crate) history: History,
    pub(crate) judgement: Judgement,
}

impl Sample {
    fn new(name: &'static str, subject: Subject, criteria: Criteria, script: Script) -> Self {
        let history = script.finish();
        let judgement = criteria.judge(&subject, &history);
        Self {
            name,
            subject,
            history,
            judgement,
        }
    }

    pub(crate) fn html(&self) -> String {
        report::html(&self.subject, &self.history, &self.judgement).expect("templates are sound")
    }

    pub(crate) fn plots(&self) -> Vec<Picture> {
        report::plots(&self.subject, &self.history, &self.judgement).expect("templates are sound")
    }
}

/// The guarantees that decide the verdict, beside coverage, and those that are only shown.
pub(crate) struct Criteria {
    judged: &'static [&'static str],
    shown: &'static [&'static str],
}

impl Criteria {
    fn judge(&self, subject: &Subject, history: &History) -> Judgement {
        let names = || self.judged.iter().chain(&[COVERAGE]).chain(self.shown);
        let guarantees: Vec<_> = names()
            .map(|name| checker::parse(name).expect("known"))
            .collect();
        let scope = Scope {
            workers: std::num::NonZeroU32::new(subject.workers),
            faults: subject.faults.clone(),
            ..Scope::default()
        };
        let findings = checker::judge(history, &scope, Limits::none(), &guarantees);
        let rows: Vec<_> = (0..)
            .zip(findings)
            .map(|(place, finding)| Row {
                judged: place <= self.judged.len(),
                finding,
            })
            .collect();
        let judged = rows.iter().filter(|row| row.judged).map(|row| &row.finding);
        Judgement {
            verdict: checker::merge(judged),
            incomplete: false,
            unfinished: None,
            missing_event: None,
            promised_by: Some(subject.lock.clone()),
            linearized: Vec::new(),
            guarantees: rows,
        }
    }
}

pub(crate) fn subject(lock: &str, faults: &[&str]) -> Subject {
    Subject {
        lock: lock.to_owned(),
        workload: "mutex".to_owned(),
        faults: faults.iter().map(ToString::to_string).collect(),
        workers: 5,
        slots: NonZeroU32::MIN,
        setting: vec![
            Fact::new("testbed", "docker: RabbitMQ 4.0.5 (prover/rabbitmq:4.0)"),
            Fact::new("image digest", format!("sha256:{}", "4f".repeat(32))),
            Fact::new("proxy", "embedded proxy, one link a worker"),
            Fact::new("began", "2026-02-03T04:05:06Z"),
            Fact::new("seed", "7"),
        ],
        bounds: Vec::new(),
        skew: None,
        repeat: format!(
            "cargo run -p prover -- --lock {lock} --workload mutex --nemesis {} --seed 7",
            faults.join(",")
        ),
        certify: Some("prover certify results/latest".to_owned()),
        plan: vec![Fact::new("workers", "5"), Fact::new("keys", "1")],
        origin: vec![Fact::new("prover", "0.1.0")],
        is_run: true,
        losses: Vec::new(),
        mistakes: None,
    }
}

fn mistake(lock: &str, outcome: &str) -> Mistake {
    Mistake {
        lock: lock.to_owned(),
        breaks: "exclusion".to_owned(),
        outcome: outcome.to_owned(),
    }
}

/// Events in any order of writing; they are put into the order of time.
#[derive(Default)]
pub(crate) struct Script {
    events: Vec<(u64, Draft)>,
    faults: u64,
}

impl Script {
    fn at(&mut self, time: u64, process: u32, kind: Kind, function: Function, key: &str) {
        self.events.push((
            time,
            Draft::new(Process::Client(process), kind, function).on(key),
        ));
    }

    fn draft(process: u32, kind: Kind, function: Function, key: &str) -> Draft {
        Draft::new(Process::Client(process), kind, function).on(key)
    }

    /// An operation that takes effect.
    pub(crate) fn ok(&mut self, time: u64, took: u64, process: u32, function: Function, key: &str) {
        self.at(time, process, Kind::Invoke, function.clone(), key);
        self.at(time + took, process, Kind::Ok, function, key);
    }

    pub(crate) fn verify(&mut self, time: u64, took: u64, process: u32, key: &str, answer: Answer) {
        self.at(time, process, Kind::Invoke, Function::Verify, key);
        let end = Self::draft(process, Kind::Ok, Function::Verify, key).answering(answer);
        self.events.push((time + took, end));
    }

    /// A number is read from the counter, or written to it.
    fn value(&mut self, time: u64, took: u64, process: u32, function: Function, number: u64) {
        let (invoke, ok) = [Kind::Invoke, Kind::Ok]
            .map(|kind| Self::draft(process, kind, function.clone(), "counter"))
            .into();
        let number = Value::data(number.into());
        let (asked, answered) = match function {
            Function::Write => (number, Value::None),
            _ => (Value::None, number),
        };
        self.events.push((time, invoke.with(asked)));
        self.events.push((time + took, ok.with(answered)));
    }

    pub(crate) fn refused(&mut self, time: u64, took: u64, process: u32, key: &str) {
        self.at(time, process, Kind::Invoke, Function::Acquire, key);
        let end = Self::draft(process, Kind::Fail, Function::Acquire, key)
            .because("busy", "RESOURCE_LOCKED")
            .observed();
        self.events.push((time + took, end));
    }

    pub(crate) fn unknown(
        &mut self,
        time: u64,
        took: u64,
        process: u32,
        function: Function,
        key: &str,
    ) {
        self.at(time, process, Kind::Invoke, function.clone(), key);
        let end = Self::draft(process, Kind::Info, function, key)
            .because("heartbeat-missed", "nothing heard for 4s");
        self.events.push((time + took, end));
    }

    pub(crate) fn fault(&mut self, name: &str, from: u64, to: u64, targets: &[u32]) {
        let id = self.faults;
        self.faults += 1;
        let inject = Note::Inject {
            id,
            class: match name {
                "pause" => Class::Halting,
                "crash" => Class::Breaking,
                _ => Class::Isolating,
            },
            targets: Targets::Processes(targets.to_vec()),
            parameters: Parameters::new(),
        };
        for (time, note) in [(from, inject), (to, Note::heal(id))] {
            self.events.push((time, Draft::fault(name, note)));
        }
    }

    pub(crate) fn finish(mut self) -> History {
        self.events.sort_by_key(|(time, _)| *time);
        let mut builder = HistoryBuilder::default();
        for (time, draft) in self.events {
            builder
                .push(time, draft)
                .expect("the script keeps to the rules");
        }
        builder.finish()
    }
}

/// The locks go round among five workers, who ask and are refused meanwhile. Workers are
/// `processes` now.
fn rounds(script: &mut Script, from: u64, to: u64, processes: [u32; 5], keys: &[&str]) {
    let mut at = from;
    let mut round = 0_usize;
    while at + 600 * MS <= to {
        let key = keys[round % keys.len()];
        let holder = processes[round % 5];
        script.ok(
            at,
            3 * MS + (round as u64 % 7) * MS / 3,
            holder,
            Function::Acquire,
            key,
        );
        for (step, other) in processes
            .iter()
            .filter(|other| **other != holder)
            .enumerate()
        {
            script.refused(
                at + (60 + 90 * step as u64) * MS,
                2 * MS + step as u64 * MS / 2,
                *other,
                key,
            );
        }
        for verify in 1..=3 {
            script.verify(
                at + 110 * verify * MS,
                MS + (round as u64 % 5) * MS / 4,
                holder,
                key,
                Answer::Held,
            );
        }
        script.ok(at + 450 * MS, 2 * MS, holder, Function::Release, key);
        at += 500 * MS;
        round += 1;
    }
}

const CONFIRMED: Criteria = Criteria {
    judged: &["confirmed-exclusion"],
    shown: &["exclusion"],
};
const EXCLUSION: Criteria = Criteria {
    judged: &["exclusion"],
    shown: &[],
};

/// Every promise is kept, though holders are cut off again and again.
pub(crate) fn valid() -> Sample {
    let mut script = Script::default();
    let mut processes = [0, 1, 2, 3, 4];
    for (cycle, base) in (0..6).map(|cycle| (cycle, cycle as u64 * 10 * S)) {
        rounds(
            &mut script,
            base + 10 * MS,
            base + 5 * S,
            processes,
            &["lock-0", "lock-1"],
        );
        let victim = cycle % 5;
        let process = processes[victim];
        script.ok(base + 5 * S, 4 * MS, process, Function::Acquire, "lock-0");
        script.fault(
            "partition",
            base + 5 * S + 150 * MS,
            base + 9 * S,
            &[process],
        );
        script.unknown(
            base + 5 * S + 200 * MS,
            3 * S,
            process,
            Function::Verify,
            "lock-0",
        );
        processes[victim] += 5;
        for (step, other) in processes
            .iter()
            .enumerate()
            .filter(|(place, _)| *place != victim)
        {
            for attempt in 0..12 {
                let time = base + 5 * S + (230 + step as u64 * 31 + attempt * 250) * MS;
                script.refused(time, 2 * MS, *other, "lock-0");
            }
        }
    }
    let subject = Subject {
        skew: Some(Skew {
            bursts: 118,
            median_ns: 18_400,
            p99_ns: 402_000,
        }),
        ..subject("exclusive-queue", &["partition"])
    };
    Sample::new("valid", subject, CONFIRMED, script)
}

/// A paused client goes on believing for 4.93 s after the broker gave its lock to somebody else.
/// `criteria` decide whose promise that breaks.
pub(crate) fn double_hold(name: &'static str, lock: &str, criteria: Criteria) -> Sample {
    let mut script = Script::default();
    rounds(&mut script, 10 * MS, 5 * S, [0, 1, 2, 3, 4], &["lock-0"]);
    script.ok(5 * S, 4 * MS, 2, Function::Acquire, "lock-0");
    script.verify(5 * S + 90 * MS, MS, 2, "lock-0", Answer::Held);
    script.fault("partition", 5 * S + 150 * MS, 17 * S, &[2]);
    for (attempt, process) in (0..24).zip([0, 1, 3].into_iter().cycle()) {
        script.refused(
            5 * S + (250 + attempt * 230) * MS,
            2 * MS,
            process,
            "lock-0",
        );
    }
    script.ok(10 * S + 997 * MS, 3 * MS, 4, Function::Acquire, "lock-0");
    for verify in 0..20 {
        script.verify(
            11 * S + (100 + verify * 250) * MS,
            MS,
            4,
            "lock-0",
            Answer::Held,
        );
    }
    script.ok(16 * S + 200 * MS, 2 * MS, 4, Function::Release, "lock-0");
    script.unknown(
        5 * S + 200 * MS,
        10 * S + 730 * MS,
        2,
        Function::Verify,
        "lock-0",
    );
    rounds(
        &mut script,
        17 * S + 100 * MS,
        30 * S,
        [0, 1, 7, 3, 4],
        &["lock-0"],
    );
    Sample::new(name, subject(lock, &["partition"]), criteria, script)
}

/// What the lock promises is kept, and what it does not promise is not.
pub(crate) fn unpromised() -> Sample {
    double_hold(
        "unpromised",
        "exclusive-queue",
        Criteria {
            judged: &["confirmed-exclusion"],
            shown: &["exclusion", "overlap<=1s"],
        },
    )
}

/// The promise itself is broken.
pub(crate) fn violated() -> Sample {
    double_hold(
        "violated",
        "persistent-mutex",
        Criteria {
            judged: &["exclusion"],
            shown: &["confirmed-exclusion"],
        },
    )
}

/// Two clients make the next number from the same one.
pub(crate) fn lost_update() -> Sample {
    let mut script = Script::default();
    for (process, begin) in [(0, S), (1, S + 500 * MS)] {
        script.ok(begin, MS, process, Function::Acquire, "counter");
        script.value(begin + MS, MS, process, Function::Read, 4);
        script.value(begin + S, MS, process, Function::Write, 5);
        script.ok(
            begin + S + 2 * MS,
            MS,
            process,
            Function::Release,
            "counter",
        );
    }
    let criteria = Criteria {
        judged: &["no-lost-update"],
        shown: &["exclusion"],
    };
    Sample::new("lost-update", subject("no-lock", &[]), criteria, script)
}

/// The holder dies, and nobody gets its lock any more.
pub(crate) fn starved() -> Sample {
    let mut script = Script::default();
    rounds(&mut script, 10 * MS, 4 * S, [0, 1, 2, 3, 4], &["lock-0"]);
    script.ok(5 * S, 4 * MS, 2, Function::Acquire, "lock-0");
    script.fault("crash", 5 * S + 150 * MS, 7 * S, &[2]);
    script.unknown(5 * S + 200 * MS, MS, 2, Function::Verify, "lock-0");
    for attempt in 0..20 {
        script.refused((8_000 + attempt * 500) * MS, 2 * MS, 1, "lock-0");
    }
    let criteria = Criteria {
        judged: &["progress<=4s"],
        shown: &["exclusion"],
    };
    Sample::new(
        "starved",
        subject("lock-file", &["crash"]),
        criteria,
        script,
    )
}

/// Who waits is granted the lock in the end, much later than it should.
pub(crate) fn late() -> Sample {
    let mut script = Script::default();
    script.ok(S, 4 * MS, 2, Function::Acquire, "lock-0");
    script.fault("pause", 2 * S, 3 * S, &[2]);
    script.ok(4 * S, 2 * MS, 2, Function::Release, "lock-0");
    script.ok(5 * S, 9 * S, 1, Function::Acquire, "lock-0");
    let criteria = Criteria {
        judged: &["progress<=4s"],
        shown: &[],
    };
    Sample::new("late", subject("slow-lock", &["pause"]), criteria, script)
}

/// No fault struck anybody.
pub(crate) fn unknown() -> Sample {
    let mut script = Script::default();
    rounds(&mut script, 10 * MS, 3 * S, [0, 1, 2, 3, 4], &["lock-0"]);
    let subject = Subject {
        bounds: vec!["The testbed is simulated.".to_owned()],
        ..subject("exclusive-queue", &["partition"])
    };
    Sample::new("unknown", subject, CONFIRMED, script)
}

/// Nothing was recorded.
pub(crate) fn empty() -> Sample {
    let mut sample = Sample::new(
        "empty",
        subject("exclusive-queue", &[]),
        CONFIRMED,
        Script::default(),
    );
    sample.judgement.verdict = Verdict::Unknown;
    sample.judgement.incomplete = true;
    sample
}

/// Everything that somebody else can name is named badly.
pub(crate) fn hostile() -> Sample {
    const NAME: &str = "</text><script>alert('1')</script>&\"\u{0}\u{202e}]]>";
    let mut script = Script::default();
    script.ok(S, MS, 0, Function::Acquire, NAME);
    script.fault(NAME, S + 100 * MS, 3 * S, &[0]);
    script.ok(2 * S, MS, 1, Function::Acquire, NAME);
    script.at(4 * S, 1, Kind::Invoke, Function::Verify, NAME);
    let failed = Script::draft(1, Kind::Info, Function::Verify, NAME).because(NAME, NAME);
    script.events.push((5 * S, failed));
    script.ok(6 * S, MS, 0, Function::Release, NAME);
    let facts = || vec![Fact::new("testbed", NAME), Fact::new("commit", NAME)];
    let subject = Subject {
        workload: NAME.to_owned(),
        setting: facts(),
        bounds: vec![NAME.to_owned()],
        plan: facts(),
        origin: facts(),
        mistakes: Some(vec![mistake(NAME, NAME)]),
        ..subject(NAME, &[NAME])
    };
    Sample::new("hostile", subject, EXCLUSION, script)
}

/// A long run of very many events, in which two out of five workers always think that they hold the
/// lock.
pub(crate) fn long(holds: u64) -> Sample {
    let mut script = Script::default();
    for hold in 0..holds {
        let process = (hold % 5) as u32;
        script.ok(hold * 10 * MS, 9 * MS, process, Function::Acquire, "lock-0");
        script.ok(
            hold * 10 * MS + 22 * MS,
            2 * MS,
            process,
            Function::Release,
            "lock-0",
        );
    }
    Sample::new("long", subject("no-lock", &[]), EXCLUSION, script)
}

/// All that are worth looking at.
pub(crate) fn all() -> Vec<Sample> {
    vec![
        valid(),
        unpromised(),
        violated(),
        lost_update(),
        starved(),
        late(),
        unknown(),
        empty(),
        hostile(),
        long(20_000),
    ]
}
