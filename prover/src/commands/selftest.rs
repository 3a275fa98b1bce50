//! `prover selftest`: whether every broken lock is caught, and every correct one left alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use checker::counted;
use locks::Lock;
use plan::{PlanError, catalogue, unknown};
use rayon::prelude::*;
use report::list_table;
use run::seed::Seed;
use serde_json::{Value, json};
use suite::Stopwatch;
use suite::selftest::{
    Examined, RUNS_OF_BROKEN, RUNS_OF_CORRECT, Shortcoming, Shown, TIME_LIMIT, examine, spec_of,
    workload_of,
};

use crate::cli::SelftestArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interruption::unless_interrupted;
use crate::output::{self, Bar, Format};
use crate::schema::Schema;

/// Examines the locks and prints what came out.
pub(super) async fn selftest(arguments: &SelftestArgs) -> Result<Exit, Failure> {
    let locks = select(arguments.only.as_deref())?;
    let bar = Bar::new(locks.len() as u64, "locks", arguments.quiet);
    let (examined, _) =
        unless_interrupted(|go_on| examine_all(&locks, arguments.seed, &bar, go_on)).await;
    bar.done();
    let Some(examined) = examined? else {
        return Ok(Exit::Interrupted);
    };
    match arguments.format {
        Format::Human => print(arguments.seed, &examined)?,
        Format::Json => {
            for one in &examined {
                output::json(Schema::SELFTEST, &line(one))?;
            }
        }
    }
    Ok(exit(&examined))
}

fn select(only: Option<&str>) -> Result<Vec<Arc<dyn Lock>>, PlanError> {
    let Some(name) = only else {
        return Ok(catalogue::LOCKS.to_vec());
    };
    let known = || catalogue::LOCKS.iter().map(|lock| lock.name());
    let lock = catalogue::find(name).ok_or_else(|| unknown("lock", name, known()))?;
    Ok(vec![lock])
}

/// All locks at the same time, on all cores; `None` where it was interrupted.
fn examine_all(
    locks: &[Arc<dyn Lock>],
    first: Seed,
    bar: &Bar,
    go_on: &(dyn Fn() -> bool + Sync),
) -> Result<Option<Vec<Examined>>, PlanError> {
    let stopwatch = Stopwatch::start(locks.len() as u64);
    let done = AtomicU64::new(0);
    let examined = locks.par_iter().map(|lock| {
        let examined = examine(lock, first, go_on);
        bar.set(stopwatch.pace(done.fetch_add(1, Ordering::Relaxed) + 1));
        examined
    });
    examined.collect()
}

fn exit(examined: &[Examined]) -> Exit {
    if examined.iter().all(|one| one.shown.is_ok()) {
        Exit::Valid
    } else {
        Exit::Violation
    }
}

fn print(first: Seed, examined: &[Examined]) -> std::io::Result<()> {
    let header = ["lock", "workload", "expected", "shown", "certificates"];
    output::result(&list_table(header, examined.iter().map(row)))?;
    for one in examined {
        if let Err(shortcoming) = &one.shown {
            output::result(&complaint(&*one.lock, shortcoming))?;
        }
    }
    output::result(&format!("\n{}", sentence(first, examined)))
}

fn row(one: &Examined) -> [String; 5] {
    let shown = match &one.shown {
        Ok(Shown::Caught(seed)) => format!("violated by seed {seed}"),
        Ok(Shown::Kept { valid }) => {
            format!("kept in {}, proved by {valid}", counted(one.runs, "run"))
        }
        Err(_) => "NOT AS EXPECTED".to_owned(),
    };
    [
        one.lock.name().to_owned(),
        workload_of(&*one.lock).to_owned(),
        expected(&*one.lock),
        shown,
        match one.certificates {
            0 => "-".to_owned(),
            1 => "1 holds".to_owned(),
            many => format!("{many} hold"),
        },
    ]
}

fn expected(lock: &dyn Lock) -> String {
    match lock.breaks() {
        Some(promise) => format!("breaks {promise}"),
        None => format!("keeps {}", lock.promises().join(", ")),
    }
}

fn complaint(lock: &dyn Lock, shortcoming: &Shortcoming) -> String {
    let repeat = repeat(lock, shortcoming).map_or_else(String::new, |line| format!("\n  {line}"));
    format!("\n{}: {shortcoming}{repeat}", lock.name())
}

fn repeat(lock: &dyn Lock, shortcoming: &Shortcoming) -> Option<String> {
    Some(spec_of(lock, shortcoming.seed()?).command_line())
}

fn sentence(first: Seed, examined: &[Examined]) -> String {
    let broken = examined.iter().filter(|one| one.lock.breaks().is_some());
    let (broken, all) = (broken.count(), examined.len());
    let failed = examined.iter().filter(|one| one.shown.is_err()).count();
    let how = format!(
        "swarms of {} from seed {first} on, up to {RUNS_OF_BROKEN} of each broken lock and {RUNS_OF_CORRECT} of each correct one",
        humantime::format_duration(TIME_LIMIT)
    );
    match failed {
        0 => format!(
            "All as expected: {broken} broken and {} correct locks in simulated {how}.",
            all - broken
        ),
        _ => format!("{failed} of {all} locks not as expected in simulated {how}."),
    }
}

fn line(one: &Examined) -> Value {
    let lock = &*one.lock;
    let mut line = json!({
        "lock": lock.name(),
        "workload": workload_of(lock),
        "breaks": lock.breaks(),
        "promises": lock.promises(),
        "runs": one.runs,
        "certificates": one.certificates,
        "as_expected": one.shown.is_ok(),
    });
    match &one.shown {
        Ok(Shown::Caught(seed)) => line["caught_by"] = json!(seed),
        Ok(Shown::Kept { valid }) => line["valid"] = json!(valid),
        Err(shortcoming) => {
            line["shortcoming"] = json!(shortcoming.to_string());
            line["repeat"] = json!(repeat(lock, shortcoming));
        }
    }
    line
}
