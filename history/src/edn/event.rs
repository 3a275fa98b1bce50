//! The map of one operation.

use clojure_reader::edn::Edn;
use serde_json::Value as Json;

use super::keys::Keys;
use super::names::name;
use super::transit::to_json;
use super::{FormError, note, outline};
use crate::value::permits;
use crate::{
    Answer, Event, Failure, Function, Grant, Kind, Lease, Mark, Mode, Process, RuleError, Value,
};

/// The event of a map, which follows one with this index and time, if there is one; and whether its
/// time is its own.
pub(super) fn event(
    form: &Edn<'_>,
    last: Option<(u64, u64)>,
    keys: &mut Keys,
) -> Result<(Event, bool), FormError> {
    let map = match form {
        Edn::Tagged(_, value) => value,
        form => form,
    };
    let Edn::Map(_) = map else {
        return Err(FormError::NotAMap);
    };
    let nil = Edn::Nil;
    let field = |name: &'static str| map.get(&Edn::key(name)).unwrap_or(&nil);
    let process = process(field("process"))?;
    let function = function(field("f"), process)?;
    let kind = kind(field("type"), process)?;
    let (key, value) = match process {
        Process::Nemesis | Process::Run => (None, field("value")),
        Process::Client(_) => {
            keys.split(map.get(&Edn::key("key")), field("value"), kind, &function)?
        }
    };
    let fails = matches!(kind, Kind::Fail | Kind::Info);
    let time = time(map, last);
    let event = Event {
        index: index(field("index"), last.map(|(index, _)| index)),
        time: time.unwrap_or(last.map_or(0, |(_, time)| time)),
        process,
        kind,
        key,
        value: self::value(value, process, kind, &function)?,
        function,
        error: failure(field("error")).filter(|_| fails).map(Box::new),
        observed: *field("observed") == Edn::Bool(true),
    };
    Ok((event, time.is_some()))
}

/// The time of a map, if it has one that does not go back.
fn time(map: &Edn<'_>, last: Option<(u64, u64)>) -> Option<u64> {
    let time = map.get(&Edn::key("time")).and_then(natural);
    time.filter(|time| last.is_none_or(|(_, last)| last <= *time))
}

fn process(edn: &Edn<'_>) -> Result<Process, FormError> {
    let problem = "neither a number from 0 to 4294967295 nor :nemesis nor :run";
    match (edn, name(edn)) {
        (_, Some("nemesis")) => Ok(Process::Nemesis),
        (_, Some("run")) => Ok(Process::Run),
        (edn, _) => natural(edn)
            .and_then(|number| u32::try_from(number).ok())
            .map(Process::Client)
            .ok_or(FormError::Field {
                field: ":process",
                problem,
            }),
    }
}

fn function(edn: &Edn<'_>, process: Process) -> Result<Function, FormError> {
    let name = name(edn).ok_or(FormError::Field {
        field: ":f",
        problem: "no name",
    })?;
    match process {
        Process::Nemesis => Ok(Function::fault(name)),
        Process::Run => Mark::named(name).map(Function::Mark).ok_or_else(|| {
            RuleError::UnknownMark {
                name: name.to_owned(),
            }
            .into()
        }),
        Process::Client(_) => Function::operation(name).ok_or_else(|| {
            RuleError::UnknownOperation {
                name: name.to_owned(),
            }
            .into()
        }),
    }
}

fn kind(edn: &Edn<'_>, process: Process) -> Result<Kind, FormError> {
    match name(edn) {
        Some(_) if matches!(process, Process::Nemesis | Process::Run) => Ok(Kind::Info),
        Some("invoke") => Ok(Kind::Invoke),
        Some("ok") => Ok(Kind::Ok),
        Some("fail") => Ok(Kind::Fail),
        Some("info") => Ok(Kind::Info),
        _ => Err(FormError::Field {
            field: ":type",
            problem: "none of :invoke, :ok, :fail and :info",
        }),
    }
}

fn index(edn: &Edn<'_>, last: Option<u64>) -> u64 {
    let least = last.map_or(0, |last| last.saturating_add(1));
    natural(edn).map_or(least, |index| index.max(least))
}

fn natural(edn: &Edn<'_>) -> Option<u64> {
    match edn {
        Edn::Int(number) => u64::try_from(*number).ok(),
        Edn::BigInt(number) => u64::try_from(number).ok(),
        _ => None,
    }
}

fn value(
    edn: &Edn<'_>,
    process: Process,
    kind: Kind,
    function: &Function,
) -> Result<Value, FormError> {
    Ok(match (process, function, kind) {
        (Process::Client(_), Function::Acquire, kind) => acquired(edn, kind)?,
        (Process::Client(_), Function::Release, _) => several(edn, function)?,
        (Process::Nemesis, ..) => note::read(edn)?.unwrap_or_else(|| Value::data(to_json(edn))),
        (Process::Run, ..) => outline::read(edn)?,
        (Process::Client(_), Function::Verify, Kind::Ok) => answer(edn)?,
        (Process::Client(_), function, _) if function.is_administration() => slots(edn)?,
        _ => Value::data(to_json(edn)),
    })
}

/// A single permit is what an acquire is for where nobody says more.
fn acquired(edn: &Edn<'_>, kind: Kind) -> Result<Value, FormError> {
    let grant = if kind == Kind::Ok { grant(edn)? } else { None };
    match (several(edn, &Function::Acquire)?, grant) {
        (Value::Permits(permits), Some(grant)) if permits.get() > 1 => {
            if grant == Value::Grant(Grant::default()) {
                Ok(Value::Permits(permits))
            } else {
                Err(RuleError::NamedPermits.into())
            }
        }
        (permits @ Value::Permits(_), None) => Ok(permits),
        (_, grant) => Ok(grant.or_else(|| mode(edn)).unwrap_or_default()),
    }
}

/// The keys of a number of permits in a map.
const AMOUNTS: [&str; 2] = ["permits", "amount"];

/// The number of permits, `2`, `{:permits 2}` or `{:amount 2}`, or a name; what else is in a map
/// says nothing of them.
fn several(edn: &Edn<'_>, function: &Function) -> Result<Value, RuleError> {
    let Edn::Map(entries) = edn else {
        return permits(&to_json(edn), function);
    };
    let is_said = |key: &Edn<'_>| name(key).is_some_and(|name| AMOUNTS.contains(&name));
    let said = entries.iter().filter(|(key, _)| is_said(key));
    let said: Vec<Json> = said.map(|(_, value)| to_json(value)).collect();
    let mut numbers = said.iter().filter(|said| !said.is_null());
    let Some(number) = numbers.next() else {
        return Ok(Value::None);
    };
    if number.is_number() && numbers.all(|other| other == number) {
        return permits(number, function);
    }
    Err(RuleError::NoPermits {
        function: function.clone(),
        amount: said.into(),
    })
}

fn mode(edn: &Edn<'_>) -> Option<Value> {
    match name(edn) {
        Some("read") => Some(Value::Mode(Mode::Read)),
        Some("write") => Some(Value::Mode(Mode::Write)),
        _ => None,
    }
}

fn grant(edn: &Edn<'_>) -> Result<Option<Value>, FormError> {
    let Edn::Map(_) = edn else { return Ok(None) };
    let field = |name: &'static str| edn.get(&Edn::key(name)).and_then(natural);
    let slot = field("slot").and_then(|slot| u32::try_from(slot).ok());
    let token = field("token").or_else(|| field("fence")).unwrap_or(0);
    let lease = lease(edn)?;
    Ok(Some(Value::Grant(Grant { slot, token, lease })))
}

/// The keys of a lease in a map; we write the first.
const LEASES: [&str; 2] = ["lease_ms", "lease-ms"];

/// The lease that a map names. One that cannot be understood is no reason to believe for ever, and
/// of two nobody knows which one is meant.
fn lease(edn: &Edn<'_>) -> Result<Option<Lease>, FormError> {
    let said = LEASES.iter().filter_map(|name| edn.get(&Edn::key(*name)));
    let mut said = said.filter(|said| **said != Edn::Nil);
    let refused = |problem| FormError::Field {
        field: ":lease_ms",
        problem,
    };
    match (said.next(), said.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(refused("beside :lease-ms: leave one of them out")),
        (Some(said), None) => {
            let lease = natural(said).and_then(Lease::from_ms);
            let why = "no whole number of milliseconds above 0";
            lease.map(Some).ok_or_else(|| refused(why))
        }
    }
}

fn slots(edn: &Edn<'_>) -> Result<Value, FormError> {
    let slot = |item: &Edn<'_>| natural(item).and_then(|slot| u32::try_from(slot).ok());
    let slots = match edn {
        Edn::Nil => return Ok(Value::None),
        Edn::Vector(items) => items.iter().map(slot).collect(),
        _ => None,
    };
    slots.map(Value::Slots).ok_or(FormError::Field {
        field: ":value",
        problem: "not a vector of slots, which are numbers from 0 to 4294967295",
    })
}

fn answer(edn: &Edn<'_>) -> Result<Value, FormError> {
    let lease = lease(edn)?;
    let said = edn.get(&Edn::key("answer")).unwrap_or(edn);
    let answer = match (name(said), lease) {
        (Some("held"), Some(lease)) => Answer::Leased(lease),
        (Some("held"), None) => Answer::Held,
        (Some("lost"), None) => Answer::Lost,
        _ => {
            return Err(FormError::Field {
                field: ":value",
                problem: "not what a :verify answers: :held, :lost or {:answer :held, :lease_ms 5000}",
            });
        }
    };
    Ok(Value::Answer(answer))
}

/// Jepsen's errors have no fixed form: `:timeout`, `[:not-leader "n1"]`, a text.
fn failure(edn: &Edn<'_>) -> Option<Failure> {
    let (kind, text) = match edn {
        Edn::Nil => return None,
        Edn::Key(name) => (name.to_string(), String::new()),
        Edn::Vector(items) => match items.as_slice() {
            [Edn::Key(name), rest @ ..] => (name.to_string(), texts(rest)),
            _ => (OTHER.to_owned(), plain(edn)),
        },
        Edn::Map(_) => {
            let field = |name: &'static str| edn.get(&Edn::key(name));
            match (field("kind").and_then(name), field("text").and_then(name)) {
                (Some(kind), Some(text)) => (kind.to_owned(), text.to_owned()),
                _ => (OTHER.to_owned(), plain(edn)),
            }
        }
        _ => (OTHER.to_owned(), plain(edn)),
    };
    Some(Failure {
        kind: kind.into(),
        text,
    })
}

/// The kind of an error that names none.
const OTHER: &str = "error";

fn texts(items: &[Edn<'_>]) -> String {
    items.iter().map(plain).collect::<Vec<_>>().join(" ")
}

fn plain(edn: &Edn<'_>) -> String {
    name(edn).map_or_else(|| to_json(edn).to_string(), str::to_owned)
}
