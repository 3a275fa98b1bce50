//! Histories for tests, written as one word an event.

use history::fault::{Class, Note, Parameters, Targets};
use history::{
    Answer, Draft, Function, Grant, History, HistoryBuilder, Kind, Lease, Mark, Mode, Outline,
    Process, Value,
};

/// A history from words such as `0:acquire 0:acquire! 0:verify 0:verify!held 0:release 0:release?`:
/// process, operation, and for an end `!` (ok), `x` (fail), `X` (observed fail) or `?` (info).
/// Digits after `!` are a token, `s1` is a slot, `[1,2]` are slots, `held` and `lost` are answers,
/// `l5`, `s1l5` and `heldl5` have a lease of 5 ms,
/// `read` shares; `=1` after an operation or `!` is a value; a word after `x`, `X` or `?` is the kind
/// of the failure; `k/` before a word names the key. Faults are `+cut:0,1` (inject, with targets),
/// `-cut` (heal) and `=cut` (healed); a `pause` leaves the connection alive. `begin`, `settle` and
/// `end` are marks. Each event is one millisecond after the last, and a word with `~` before it at
/// the same time.
pub(crate) fn history(text: &str) -> History {
    let mut builder = HistoryBuilder::default();
    let mut faults = 0;
    let mut time = 0;
    for word in text.split_whitespace() {
        let (word, step) = match word.strip_prefix('~') {
            Some(word) => (word, 0),
            None => (word, 1_000_000),
        };
        time += step;
        faults += u64::from(word.starts_with('+'));
        builder
            .push(time - 1_000_000, draft(word, faults))
            .unwrap_or_else(|error| panic!("{word}: {error}"));
    }
    builder.finish()
}

/// The class of the faults that are called so elsewhere.
fn class(fault: &str) -> Class {
    match fault {
        "partition" => Class::Isolating,
        "pause" | "freeze" => Class::Halting,
        "slow" => Class::Slowing,
        "grow" => Class::Changing,
        _ => Class::Breaking,
    }
}

fn data(json: &str) -> Value {
    Value::data(serde_json::from_str(json).expect("a value is JSON"))
}

/// `id` is that of the last fault.
fn draft(word: &str, id: u64) -> Draft {
    if let Some(fault) = word.strip_prefix('+') {
        let (fault, targets) = fault.split_once(':').unwrap_or((fault, ""));
        let targets: Vec<u32> = targets
            .split(',')
            .filter_map(|target| target.parse().ok())
            .collect();
        let note = Note::Inject {
            id,
            class: class(fault),
            targets: Targets::Processes(targets),
            parameters: match fault {
                "pause" => Parameters::from([("connection".to_owned(), "lives".into())]),
                _ => Parameters::new(),
            },
        };
        return Draft::fault(fault, note);
    }
    if let Some(fault) = word.strip_prefix('-') {
        return Draft::fault(fault, Note::heal(id));
    }
    if let Some(fault) = word.strip_prefix('=') {
        return Draft::fault(fault, Note::healed(id));
    }
    if let Some(mark) = Mark::named(word) {
        return match mark {
            Mark::Begin => Draft::begin(Outline::default()),
            mark => Draft::mark(mark),
        };
    }
    let (key, word) = word.split_once('/').unwrap_or(("lock-0", word));
    let (process, word) = word
        .split_once(':')
        .expect("a process stands before the colon");
    let process = Process::Client(process.parse().expect("a process is a number"));
    let end = word
        .find(|mark: char| "!xX?".contains(mark))
        .unwrap_or(word.len());
    let (name, asked) = word[..end].split_once('=').unwrap_or((&word[..end], ""));
    let function = Function::operation(name).expect("an operation stands after the colon");
    let draft = |kind| Draft::new(process, kind, function.clone()).on(key);
    match word[end..].split_at(1.min(word.len() - end)) {
        ("", _) if asked.is_empty() => draft(Kind::Invoke),
        ("", _) => draft(Kind::Invoke).with(data(asked)),
        (mark, rest) => ended(draft, mark, rest),
    }
}

/// A grant or an answer with a lease.
fn leased(ok: Draft, said: &str) -> Draft {
    let (what, lease) = said.rsplit_once('l').expect("it has a lease");
    let lease = Lease::from_ms(lease.parse().expect("a lease is a number"));
    if what == "held" {
        return ok.answering(Answer::Leased(lease.expect("not 0")));
    }
    let slot = what.strip_prefix('s');
    ok.with(Value::Grant(Grant {
        slot: slot.map(|slot| slot.parse().expect("a slot is a number")),
        token: 0,
        lease,
    }))
}

/// The end of an operation, by its mark and what follows that.
fn ended(draft: impl Fn(Kind) -> Draft, mark: &str, rest: &str) -> Draft {
    match (mark, rest) {
        ("x", kind) => draft(Kind::Fail).because(kind.to_owned(), ""),
        ("X", "") => draft(Kind::Fail).because("busy", "").observed(),
        ("X", kind) => draft(Kind::Fail).because(kind.to_owned(), "").observed(),
        ("?", "") => draft(Kind::Info),
        ("?", kind) => draft(Kind::Info).because(kind.to_owned(), ""),
        (_, value) if value.starts_with('=') => draft(Kind::Ok).with(data(&value[1..])),
        (_, leased)
            if leased.contains('l') && leased.ends_with(|last: char| last.is_ascii_digit()) =>
        {
            self::leased(draft(Kind::Ok), leased)
        }
        (_, "held") => draft(Kind::Ok).answering(Answer::Held),
        (_, "lost") => draft(Kind::Ok).answering(Answer::Lost),
        (_, "read") => draft(Kind::Ok).with(Value::Mode(Mode::Read)),
        (_, "") => draft(Kind::Ok),
        (_, slots) if slots.starts_with('[') => {
            let slots = serde_json::from_str(slots).expect("slots are an array");
            draft(Kind::Ok).with(Value::Slots(slots))
        }
        (_, number) => {
            let slot = number.strip_prefix('s');
            let number = slot.unwrap_or(number).parse();
            let number: u32 = number.expect("a slot or a token is a number");
            draft(Kind::Ok).with(Value::Grant(match slot {
                Some(_) => Grant {
                    slot: Some(number),
                    ..Grant::default()
                },
                None => Grant {
                    token: number.into(),
                    ..Grant::default()
                },
            }))
        }
    }
}
