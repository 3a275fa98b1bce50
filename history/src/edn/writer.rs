//! History to text: one map a line.

use std::io::{self, Write};

use clojure_reader::edn::{self, Edn};

use super::names::keyed;
use super::transit::from_json;
use super::{note, outline};
use crate::{Event, Failure, Function, Grant, History, Lease, Process, Value};

/// Writes a whole history, one map a line; [`read`](super::read) makes an equal history of it.
///
/// # Errors
/// The sink's.
pub fn write(history: &History, mut sink: impl Write) -> io::Result<()> {
    for event in history.events() {
        writeln!(sink, "{}", map(event))?;
    }
    sink.flush()
}

fn map(event: &Event) -> Edn<'_> {
    let mut fields = vec![
        ("index", from_json(&event.index.into())),
        ("time", from_json(&event.time.into())),
        ("process", process(event.process)),
        ("type", Edn::key(kind(event))),
        ("f", function(&event.function)),
        ("value", value(&event.value)),
    ];
    // Without a key of its own a pair as the value would be taken for one of jepsen.independent.
    if let Process::Client(_) = event.process {
        fields.push(("key", event.key.as_deref().map_or(Edn::Nil, Edn::string)));
    }
    fields.extend(
        event
            .error
            .as_deref()
            .map(|failure| ("error", error(failure))),
    );
    fields.extend(event.observed.then_some(("observed", Edn::Bool(true))));
    keyed(fields)
}

fn process(process: Process) -> Edn<'static> {
    match process {
        Process::Client(number) => Edn::Int(number.into()),
        Process::Nemesis => Edn::key("nemesis"),
        Process::Run => Edn::key("run"),
    }
}

fn kind(event: &Event) -> &'static str {
    match event.kind {
        crate::Kind::Invoke => "invoke",
        crate::Kind::Ok => "ok",
        crate::Kind::Fail => "fail",
        crate::Kind::Info => "info",
    }
}

/// A keyword if the name can be one.
fn function(function: &Function) -> Edn<'_> {
    let keyword = Edn::key(function.name());
    let reads_back =
        edn::read_string(&format!("[{keyword}]")).is_ok_and(|again| again.nth(0) == Some(&keyword));
    if reads_back {
        keyword
    } else {
        Edn::string(function.name())
    }
}

fn value(value: &Value) -> Edn<'_> {
    match value {
        Value::None => Edn::Nil,
        Value::Grant(grant) => self::grant(*grant),
        Value::Answer(crate::Answer::Held) => Edn::key("held"),
        Value::Answer(crate::Answer::Leased(lease)) => {
            keyed([("answer", Edn::key("held")), self::lease(*lease)])
        }
        Value::Answer(crate::Answer::Lost) => Edn::key("lost"),
        Value::Mode(crate::Mode::Read) => Edn::key("read"),
        Value::Mode(crate::Mode::Write) => Edn::key("write"),
        Value::Permits(permits) => Edn::Int(permits.get().into()),
        Value::Slots(slots) => {
            Edn::Vector(slots.iter().map(|slot| Edn::Int((*slot).into())).collect())
        }
        Value::Note(note) => note::write(note),
        Value::Outline(outline) => outline::write(outline),
        Value::Data(json) => from_json(json),
    }
}

fn grant(grant: Grant) -> Edn<'static> {
    let slot = grant.slot.map(|slot| ("slot", Edn::Int(slot.into())));
    let token = (grant.token != 0).then(|| ("token", from_json(&grant.token.into())));
    let lease = grant.lease.map(self::lease);
    keyed(slot.into_iter().chain(token).chain(lease))
}

fn lease(lease: Lease) -> (&'static str, Edn<'static>) {
    ("lease_ms", from_json(&lease.ms().into()))
}

fn error(failure: &Failure) -> Edn<'_> {
    keyed([
        ("kind", Edn::string(&*failure.kind)),
        ("text", Edn::string(failure.text.as_str())),
    ])
}
