//! Histories in one line, for tests.

use history::fault::{Class, Note, Parameters, Targets};
use history::{
    Answer, Draft, Function, Grant, History, HistoryBuilder, Kind, Lease, Mark, Mode, Outline,
    Process, Value,
};

const MILLISECOND: u64 = 1_000_000;

fn lease(milliseconds: &str) -> Lease {
    let milliseconds = milliseconds.parse().expect("milliseconds");
    Lease::from_ms(milliseconds).expect("a lease is not 0")
}

/// Reads events like `0?a 0+a:7 1?a:read@b 1!a`: a process, `?` invoke, `+` ok, `-` fail, `!`
/// observed fail or `~` info, the first letter of `acquire`, `verify`, `release` or `lost`, a value
/// (`s1` is a slot, `l50` a grant with a lease of 50 ms, `heldl50` what renews it) and a key (`k` if there is none). Of data there are `w`rite, `g`et,
/// `c`ompare-and-set, a`d`d, `e`nqueue and de`q`ueue with JSON values; of administration `N`ew
/// (create), `G`row, `S`hrink, `D`estroy, `C`ount, `O`vershoot, `W`ait and `R`equest with slots
/// like `[1,2]`, where `!S` found nothing requested. `#inject:cut:0` and `#heal:cut` are a fault of
/// process 0; `#begin`, `#settle` and `#end` are marks. An event comes every 10 ms.
pub(crate) fn history(text: &str) -> History {
    let mut builder = HistoryBuilder::default();
    let mut faults = 0;
    for (index, event) in (0..).zip(text.split_whitespace()) {
        faults += u64::from(event.starts_with("#inject"));
        builder
            .push(index * 10 * MILLISECOND, draft(event, faults))
            .expect(event);
    }
    builder.finish()
}

/// The class of the faults that are called so elsewhere.
fn class(fault: &str) -> Class {
    match fault {
        "partition" => Class::Isolating,
        _ => Class::Breaking,
    }
}

fn fault(note: &str, id: u64) -> Draft {
    let mut words = note.split(':');
    let (phase, fault) = words.next().zip(words.next()).expect("a phase and a fault");
    let targets = words
        .map(|target| target.parse().expect("a process"))
        .collect();
    let note = match phase {
        "inject" => Note::Inject {
            id,
            class: class(fault),
            targets: Targets::Processes(targets),
            parameters: Parameters::new(),
        },
        "on" => Note::on(id),
        "heal" => Note::heal(id),
        _ => panic!("{phase}"),
    };
    Draft::fault(fault, note)
}

/// `id` is that of the last fault.
fn draft(event: &str, id: u64) -> Draft {
    if let Some(note) = event.strip_prefix('#') {
        return match Mark::named(note) {
            Some(Mark::Begin) => Draft::begin(Outline::default()),
            Some(mark) => Draft::mark(mark),
            None => fault(note, id),
        };
    }
    let (event, key) = event.split_once('@').unwrap_or((event, "k"));
    let (event, value) = event.split_once(':').unwrap_or((event, ""));
    let kind_at = event
        .find(|letter: char| !letter.is_ascii_digit())
        .expect("a kind");
    let process = Process::Client(event[..kind_at].parse().expect("a process"));
    let mut letters = event[kind_at..].chars();
    let (kind, is_observed) = match letters.next() {
        Some('?') => (Kind::Invoke, false),
        Some('+') => (Kind::Ok, false),
        Some('-') => (Kind::Fail, false),
        Some('!') => (Kind::Fail, true),
        _ => (Kind::Info, false),
    };
    let function = match letters.next() {
        Some('a') => Function::Acquire,
        Some('v') => Function::Verify,
        Some('r') => Function::Release,
        Some('w') => Function::Write,
        Some('g') => Function::Read,
        Some('c') => Function::Cas,
        Some('d') => Function::Add,
        Some('e') => Function::Enqueue,
        Some('q') => Function::Dequeue,
        Some('N') => Function::Create,
        Some('G') => Function::Grow,
        Some('S') => Function::Shrink,
        Some('D') => Function::Destroy,
        Some('C') => Function::Count,
        Some('O') => Function::Overshoot,
        Some('W') => Function::Wait,
        Some('R') => Function::Request,
        _ => Function::Lost,
    };
    let is_of_data = !matches!(
        function,
        Function::Acquire | Function::Verify | Function::Release | Function::Lost
    );
    let is_none_left = function == Function::Shrink && is_observed;
    let draft = Draft::new(process, kind, function.clone())
        .on(key)
        .with(match value {
            "" => Value::None,
            "read" => Value::Mode(Mode::Read),
            "write" => Value::Mode(Mode::Write),
            "held" => Value::Answer(Answer::Held),
            "lost" => Value::Answer(Answer::Lost),
            slots if function.is_administration() => {
                Value::Slots(serde_json::from_str(slots).expect("slots"))
            }
            json if is_of_data => Value::data(serde_json::from_str(json).expect("JSON")),
            permits if permits.starts_with('p') => {
                Value::Permits(permits[1..].parse().expect("a number of permits"))
            }
            leased if leased.starts_with("held") => {
                let lease = leased.strip_prefix("heldl").expect("a lease");
                Value::Answer(Answer::Leased(self::lease(lease)))
            }
            leased if leased.starts_with('l') => Value::Grant(Grant {
                lease: Some(lease(&leased[1..])),
                ..Grant::default()
            }),
            slot if slot.starts_with('s') => Value::Grant(Grant {
                slot: slot[1..].parse().ok(),
                ..Grant::default()
            }),
            token => Value::Grant(Grant {
                token: token.parse().expect("a token"),
                ..Grant::default()
            }),
        });
    let draft = if is_none_left {
        draft.because("nothing-requested", "no")
    } else {
        draft
    };
    if is_observed { draft.observed() } else { draft }
}
