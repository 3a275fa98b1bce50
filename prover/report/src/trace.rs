//! The record as a trace that Perfetto and Chrome open: Google's "trace event format".
//!
//! Three processes: the workers with their operations and what each holds (a thread a worker, and
//! one for each lock that it held, since holds and operations overlap), and the faults (a thread a
//! fault). Slices are written one after the other, so it takes no more memory than the record does.

use std::collections::BTreeMap;
use std::io::{self, Write};

use history::{Event, Function, History, Operation, Process};
use serde_json::{Value as Json, json};

use crate::ending::Ending;
use crate::scene::Scene;
use crate::subject::Subject;
use crate::timeline::key_text;

/// The processes of the trace.
const WORKERS: u32 = 1;
const FAULTS: u32 = 2;

/// Threads of a worker: its operations, then its holds by lock.
const THREADS: u64 = 1 << 20;

/// Writes the trace of a run.
///
/// # Errors
/// The sink takes no more.
pub fn trace(subject: &Subject, history: &History, sink: impl Write) -> io::Result<()> {
    let mut trace = Trace {
        sink,
        is_first: true,
    };
    write!(trace.sink, "{{\"displayTimeUnit\":\"ms\",\"traceEvents\":[")?;
    let scene = Scene::of(history, subject.workers);
    trace.name_processes(subject, &scene)?;
    trace.operations(history, &scene)?;
    trace.holds(&scene)?;
    trace.faults(&scene)?;
    writeln!(trace.sink, "\n]}}")?;
    trace.sink.flush()
}

struct Trace<W> {
    sink: W,
    is_first: bool,
}

impl<W: Write> Trace<W> {
    fn write(&mut self, event: &Json) -> io::Result<()> {
        let separator: &[u8] = if self.is_first { b"\n" } else { b",\n" };
        self.is_first = false;
        self.sink.write_all(separator)?;
        serde_json::to_writer(&mut self.sink, event).map_err(io::Error::from)
    }

    /// What a process or a thread is called, and where it stands.
    fn name(&mut self, (pid, tid): (u32, u64), what: &str, name: &str) -> io::Result<()> {
        let named = format!("{what}_name");
        self.write(
            &json!({"ph": "M", "name": named, "pid": pid, "tid": tid, "args": {"name": name}}),
        )?;
        let (sorted, place) = (format!("{what}_sort_index"), tid.max(u64::from(pid)));
        self.write(&json!({"ph": "M", "name": sorted, "pid": pid, "tid": tid, "args": {"sort_index": place}}))
    }

    fn name_processes(&mut self, subject: &Subject, scene: &Scene) -> io::Result<()> {
        let name = format!("{} under {}", subject.lock, subject.workload);
        self.name((WORKERS, 0), "process", &name)?;
        for worker in 0..scene.workers {
            self.name(
                (WORKERS, thread(worker, None)),
                "thread",
                &format!("worker {worker}"),
            )?;
        }
        if !scene.windows.is_empty() {
            self.name((FAULTS, 0), "process", "faults")?;
        }
        Ok(())
    }

    fn operations(&mut self, history: &History, scene: &Scene) -> io::Result<()> {
        for operation in history.operations() {
            let Process::Client(process) = operation.process() else {
                continue;
            };
            if operation.invoke.function == Function::Lost {
                continue;
            }
            let end = operation.end.map_or(scene.end, |end| end.time);
            let tid = thread(scene.worker(process), None);
            let place = ((WORKERS, tid), operation.invoke.time, end);
            self.slice(
                place,
                &operation.invoke.function.to_string(),
                "operation",
                arguments(&operation),
            )?;
        }
        Ok(())
    }

    fn holds(&mut self, scene: &Scene) -> io::Result<()> {
        let mut named: BTreeMap<u64, ()> = BTreeMap::new();
        for hold in &scene.holds {
            let (tid, key) = (
                thread(hold.worker, Some(hold.key)),
                key_text(scene, hold.key),
            );
            if named.insert(tid, ()).is_none() {
                let name = format!("worker {} holds {key}", hold.worker);
                self.name((WORKERS, tid), "thread", &name)?;
            }
            let confirmed =
                json!({"process": hold.process, "confirmed_ns": hold.confirmed - hold.begin});
            self.slice(
                ((WORKERS, tid), hold.begin, hold.end),
                key,
                "hold",
                confirmed,
            )?;
        }
        Ok(())
    }

    /// A fault may be on twice at one time, so each window has a thread of its own while it
    /// overlaps others of its name.
    fn faults(&mut self, scene: &Scene) -> io::Result<()> {
        let mut threads: Vec<(&str, u64)> = Vec::new();
        for window in &scene.windows {
            let end = window.end.unwrap_or(scene.end);
            let is_free =
                |(name, until): &(&str, u64)| *name == &*window.fault && *until <= window.begin;
            let place = threads.iter().position(is_free).unwrap_or(threads.len());
            let tid = place as u64 + 1;
            if place == threads.len() {
                threads.push((&window.fault, end));
                self.name((FAULTS, tid), "thread", &window.fault)?;
            } else {
                threads[place].1 = end;
            }
            let targets = json!({"targets": window.targets, "index": window.event});
            self.slice(
                ((FAULTS, tid), window.begin, end),
                &window.fault,
                "fault",
                targets,
            )?;
        }
        Ok(())
    }

    fn slice(
        &mut self,
        ((pid, tid), begin, end): ((u32, u64), u64, u64),
        name: &str,
        category: &str,
        arguments: Json,
    ) -> io::Result<()> {
        self.write(&json!({
            "ph": "X", "name": name, "cat": category, "pid": pid, "tid": tid,
            "ts": micros(begin), "dur": micros(end - begin), "args": arguments,
        }))
    }
}

/// The thread of a worker's operations, or of its holds of one lock, which stand below.
fn thread(worker: u32, key: Option<usize>) -> u64 {
    1 + u64::from(worker) * THREADS + key.map_or(0, |key| key as u64 + 1)
}

/// Times of the format are in microseconds.
fn micros(time_ns: u64) -> f64 {
    time_ns as f64 / 1e3
}

fn arguments(operation: &Operation<'_>) -> Json {
    let Event {
        index, key, value, ..
    } = operation.invoke;
    let mut arguments = json!({
        "index": index,
        "process": operation.process(),
        "key": key,
        "outcome": Ending::of(operation.end).name(),
    });
    if *value != history::Value::None {
        arguments["asked"] = json!(value);
    }
    if let Some(end) = operation.end {
        arguments["ended"] = end.index.into();
        if end.value != history::Value::None {
            arguments["answer"] = json!(end.value);
        }
        if let Some(error) = &end.error {
            arguments["error"] = json!(error);
        }
    }
    arguments
}
