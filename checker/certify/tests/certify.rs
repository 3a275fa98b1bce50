//! Certificates written by hand from docs/certificates.md: what must be accepted, and what must be
//! refused.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certify::{Certified, CertifyError, Standing, Verdict, certify};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use history::fault::{Class, Note, Parameters, Targets};
use history::{
    Answer, Draft, Function, Grant, History, HistoryBuilder, Kind, Mode, Process, Value, jsonl,
};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

const MILLISECOND: u64 = 1_000_000;

/// Reads events like `0?a 0+a:7 1?a:read@b 1!a`: a process, `?` invoke, `+` ok, `-` fail, `!`
/// observed fail or `~` info, the first letter of `acquire`, `verify`, `release` or `lost`, a value
/// (`s1` is a slot) and a key (`k` if there is none). Of data there are `w`rite, `g`et,
/// `c`ompare-and-set, a`d`d, `e`nqueue and de`q`ueue with JSON values; of administration `N`ew
/// (create), `G`row, `S`hrink, `D`estroy, `C`ount, `O`vershoot, `W`ait and `R`equest with slots
/// like `[1,2]`, where `!S` found nothing requested. `#inject:cut:0` and `#heal:cut` are a fault of
/// process 0. An event comes every 10 ms.
fn history(text: &str) -> History {
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
        "on" => Note::On { id },
        "heal" => Note::Heal { id },
        _ => panic!("{phase}"),
    };
    Draft::fault(fault, note)
}

/// `id` is that of the last fault.
fn draft(event: &str, id: u64) -> Draft {
    if let Some(note) = event.strip_prefix('#') {
        return fault(note, id);
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
            slot if slot.starts_with('s') => Value::Grant(Grant {
                slot: slot[1..].parse().ok(),
                token: 0,
            }),
            token => Value::Grant(Grant {
                slot: None,
                token: token.parse().expect("a token"),
            }),
        });
    let draft = if is_none_left {
        draft.because("nothing-requested", "no")
    } else {
        draft
    };
    if is_observed { draft.observed() } else { draft }
}

/// Orders like `0 r0 4`: positions of invocations, `r` before a revocation; one for each key.
fn orders(orders: &[(&str, &str)]) -> Json {
    json!({ "orders": orders.iter().map(|(key, entries)| order(key, entries)).collect::<Vec<_>>() })
}

fn order(key: &str, entries: &str) -> Json {
    let mut raw = Vec::new();
    let mut last = 0;
    let entries: Vec<&str> = entries.split_whitespace().collect();
    for entry in &entries {
        let position: i64 = entry.trim_start_matches('r').parse().expect("a position");
        let difference = position - last;
        last = position;
        let zigzag = ((difference << 1) ^ (difference >> 63)).cast_unsigned();
        push_number(&mut raw, zigzag << 1 | u64::from(entry.starts_with('r')));
    }
    packed(key, entries.len(), &raw)
}

fn packed(key: &str, entries: usize, raw: &[u8]) -> Json {
    json!({ "key": key, "entries": entries, "raw": raw.len(), "deflate": STANDARD.encode(deflate(raw)) })
}

fn deflate(raw: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(raw).expect("a vector takes all");
    encoder.finish().expect("a vector takes all")
}

fn push_number(raw: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        raw.push(number as u8 | 0x80);
        number >>= 7;
    }
    raw.push(number as u8);
}

fn scan(holds: u64, revoked: u64, overlaps: u64, refusals: u64) -> Json {
    json!({ "scan": { "holds": holds, "revoked": revoked, "overlaps": overlaps, "refusals": refusals } })
}

fn against(rule: &str, events: &[u64]) -> Json {
    json!({ "contradiction": { "rule": rule, "key": "k", "events": events } })
}

fn judgement(of: &str, verdict: &str, proof: Json) -> Json {
    json!({ "of": of, "verdict": verdict, "proof": proof })
}

/// The certificate's fields without the digest, which `seal` computes.
fn body(history: &History, slots: u32, judgements: &[Json]) -> Json {
    let mut bytes = Vec::new();
    jsonl::write(history, &mut bytes).expect("a vector takes all");
    json!({
        "format": 2,
        "history": format!("{:x}", Sha256::digest(&bytes)),
        "events": history.events().len(),
        "scope": { "slots": slots, "workers": 5, "faults": ["partition"] },
        "judgements": judgements,
    })
}

fn seal(body: &Json) -> Vec<u8> {
    seal_text(&body.to_string()[1..])
}

/// Seals what comes after the digest.
fn seal_text(rest: &str) -> Vec<u8> {
    let with = |digest: &str| format!("{{\"digest\":\"{digest}\",{rest}\n").into_bytes();
    let digest = format!("{:x}", Sha256::digest(with(&"0".repeat(64))));
    with(&digest)
}

struct Case {
    history: &'static str,
    slots: u32,
    of: String,
    verdict: &'static str,
    proof: Json,
}

impl Case {
    fn history(&self) -> History {
        history(self.history)
    }

    fn sealed(&self) -> Vec<u8> {
        let judgement = judgement(&self.of, self.verdict, self.proof.clone());
        seal(&body(&self.history(), self.slots, &[judgement]))
    }

    fn certify(&self) -> Result<Certified, CertifyError> {
        certify(&self.history(), &self.sealed())
    }

    fn name(&self) -> String {
        format!(
            "{} {} of {:?} by {}",
            self.of, self.verdict, self.history, self.proof
        )
    }
}

fn valid(history: &'static str, slots: u32, of: &str, proof: Json) -> Case {
    Case {
        history,
        slots,
        of: of.to_owned(),
        verdict: "valid",
        proof,
    }
}

fn violated(history: &'static str, slots: u32, of: &str, proof: Json) -> Case {
    Case {
        history,
        slots,
        of: of.to_owned(),
        verdict: "violated",
        proof,
    }
}

const TWO_TURNS: &str = "0?a 0+a 0?r 0+r 1?a 1+a 1?v 1+v:held 1?r 1+r";
const REFUSED: &str = "0?a 0+a 1?a 1!a 0?r 0+r";
const TOKENS: &str = "0?a 0+a:3 0?r 0+r 1?a 1+a:4";
const TOKENS_BACK: &str = "0?a 0+a:4 0?r 0+r 1?a 1+a:3";
const LOSS_NOTIFICATION: &str = "0?a 0+a 0?l 0+l 1?a 1+a";
const READERS: &str = "0?a:read 0+a 1?a 1+a:read 2?a:write 2!a 0?r 0+r 1?r 1+r";
const NESTED: &str = "0?a 0+a:5 0?a 0+a:5 1?a 1!a 0?r 0+r 0?v 0+v:held 0?r 0+r";
const UNKNOWN: &str = "0?a 0~a 1?a 1!a";
const TWO_KEYS: &str = "0?a@a 1?a@b 0+a@a 1+a@b 0?r@a 0+r@a 1?r@b 1~r@b";
const REFUSED_BESIDE_DOUBLE: &str =
    "0?a@a 0+a@a 1?a@a 1!a@a 0?a@b 0+a@b 1?a@b 1+a@b 0?v@b 0+v:held@b 1?v@b 1+v:held@b";
const DOUBLE: &str = "0?a 0+a 1?a 1+a 0?r 0+r 1?r 1+r";
const BOTH_CONFIRMED: &str = "0?a 0+a 1?a 1+a 0?v 0+v:held 1?v 1+v:held";
const CHAIN: &str = "0?a:read 0+a 1?a:read 2?a:write 1+a 0?v 0+v:held 2+a 1?v 1+v:held";
const THREE: &str = "0?a 0+a 1?a 1+a 2?a 2+a 0?v 0+v:held 1?v 1+v:held 2?v 2+v:held";
const GRANTED_INSIDE: &str = "0?a 0+a 1?a 1+a 0?v 0+v:held";
const REVIVED: &str = "0?a 0+a 0?v 0+v:lost 0?v 0+v:held";
const UNOWNED: &str = "0?r 0+r 1?v 1+v:held";
const FREE: &str = "0?a 0!a";
const WRITTEN: &str = "0?w:1 0+w 1?g 1+g:1";
const SWAPPED: &str = "0?c:[null,1] 0+c 1?c:[2,3] 1!c 2?g 2+g:1 2?g 2+g";
const ADDED: &str = "0?d:1 0~d 1?d:1 1+d 1?g 1+g:[1]";
const FROM_EDN: &str = r#"0?d:{"b":1,"a":2} 0+d 1?g 1+g:["~#set",[{"a":2,"b":1}]]"#;
const LINE: &str = "0?e:1 0+e 0?e:2 0+e 1?q 1+q:1 2?q 2~q 1?q 1+q 1?q 1!q";
const COUNTED: &str = "0?w:1 0+w 0?w:2 0+w 1?g 1+g:2";
const STARVED: &str = "0?a 0-a 0?a 0-a";
const HEALED: &str = "0?a 0~a #inject:cut:0 1?a 1!a #heal:cut 1?a 1+a 1?r 1+r";
const STUCK: &str = "0?a 0+a 0?r 0+r 1?a 1-a 1?a 1!a";
const COVERED: &str = "0?a 0+a 1?a #inject:partition:0 0?v #heal:partition 0+v:held";
const SLOTS: &str = "0?a 0+a:s1 1?a 1+a:s2 0?v 0+v:held 1?r 1+r";
const ONE_SLOT: &str = "0?a 0+a:s1 1?a 1+a:s1 0?v 0+v:held 1?v 1+v:held";
const IN_TURN: &str = "9?N 9+N:[1,2] 9?C 9+C:[1,2] 0?a 0+a:s1 0?r 1?a 0+r 1+a:s2";
const SLOT_STUCK: &str = "9?N 9+N:[1,2] 9?C 9+C:[1,2] 0?a 1?a 0+a:s1 1!a 1?a 1!a";
const REMOVED: &str = "9?N 9+N:[1,2] 0?a 0+a:s2 9?S 9+S:[2] 0?v 0+v:lost";
const STILL_HELD: &str = "9?N 9+N:[1,2] 0?a 0+a:s2 9?S 9+S:[2] 0?v 0+v:held";
const GRANTED_AFTER: &str = "9?N 9+N:[1,2] 9?S 9+S:[2] 0?a 0+a:s2";
const RELEASED_LATE: &str = "9?N 9+N:[1,2] 0?a 0+a:s2 9?S 9+S:[2] 9?W 9+W:[2] 0?r 0+r";
const COUNTED_SLOTS: &str = "9?N 9+N:[1,2,3] 9?C 9+C:[1,2,3]";
const VANISHED: &str = "9?N 9+N:[1,2] 9?C 9+C:[1]";
const APPEARED: &str = "9?S 9+S:[2] 0?a 0+a:s2";
const GAP: &str = "9?N 9+N:[1,2,3] 9?S 9+S:[2] 9?O 9+O:[] 9?C 9+C:[1,3]";
const CARRIED_OUT: &str = "9?N 9+N:[1,2,3] 8?R 8+R 9?S 9+S:[3] 9?C 9+C:[1,2]";
const LOST: &str = "9?N 9+N:[1,2,3] 8?R 8+R 9?S 9!S 9?C 9+C:[1,2,3]";
const DOUBLED: &str = "9?C 9+C:[1,2,3] 8?R 8+R 7?S 7~S 9?S 9+S:[2] 9?C 9+C:[1]";
const OWNERS: [&str; 6] = [
    "owner-mutex",
    "owner-semaphore:1",
    "rwlock",
    "fenced",
    "reentrant:1",
    "reentrant-fenced:1",
];

fn of_models(models: &[&str], case: impl Fn(&str) -> Case) -> Vec<Case> {
    models
        .iter()
        .map(|model| case(&format!("model {model}")))
        .collect()
}

fn accepted_valid() -> Vec<Case> {
    let one_key = |entries: &str| orders(&[("k", entries)]);
    let mut cases = vec![
        valid(TWO_TURNS, 1, "exclusion", scan(2, 0, 0, 0)),
        valid(TWO_TURNS, 1, "overlap<=0s", scan(2, 0, 0, 0)),
        valid(TWO_TURNS, 1, "ownership", scan(2, 0, 0, 0)),
        valid(TWO_TURNS, 1, "confirmed-exclusion", one_key("0 2 4 6 8")),
        valid(TWO_TURNS, 1, "justified-refusal", orders(&[])),
        valid(DOUBLE, 2, "exclusion", scan(2, 0, 0, 0)),
        valid(DOUBLE, 1, "overlap<=10ms", scan(2, 0, 1, 0)),
        valid(DOUBLE, 1, "ownership", scan(2, 0, 1, 0)),
        valid(DOUBLE, 2, "confirmed-exclusion", one_key("0 2 4 6")),
        valid(REFUSED, 1, "exclusion", scan(1, 0, 0, 1)),
        valid(REFUSED, 1, "justified-refusal", one_key("0 2 4")),
        valid(REFUSED, 1, "confirmed-exclusion", one_key("0 4")),
        valid(TOKENS, 1, "fencing", scan(2, 0, 0, 0)),
        valid(LOSS_NOTIFICATION, 1, "exclusion", scan(2, 1, 0, 0)),
        valid(
            LOSS_NOTIFICATION,
            1,
            "confirmed-exclusion",
            one_key("0 r0 2 4"),
        ),
        valid(READERS, 1, "exclusion", scan(2, 0, 0, 1)),
        valid(READERS, 1, "confirmed-exclusion", one_key("0 2 6 8")),
        valid(READERS, 1, "justified-refusal", one_key("0 2 4 6 8")),
        valid(READERS, 1, "model rwlock", one_key("0 2 4 6 8")),
        valid(NESTED, 1, "model reentrant:2", one_key("0 2 4 6 8 10")),
        valid(
            NESTED,
            1,
            "model reentrant-fenced:2",
            one_key("0 2 4 6 8 10"),
        ),
        valid(UNKNOWN, 1, "justified-refusal", one_key("0 2")),
        valid(UNKNOWN, 1, "model owner-mutex", one_key("0 2")),
        valid(UNKNOWN, 1, "model reentrant:3", one_key("0 2")),
        valid(TWO_KEYS, 1, "exclusion", scan(2, 0, 0, 0)),
        valid(
            TWO_KEYS,
            1,
            "confirmed-exclusion",
            orders(&[("b", "1"), ("a", "0 4")]),
        ),
        valid(
            TWO_KEYS,
            1,
            "model mutex",
            orders(&[("a", "0 4"), ("b", "1 6")]),
        ),
        // The refused one asks before the holder does: the order is not that of the invocations.
        valid("1?a 0?a 0+a 1!a", 1, "model owner-mutex", one_key("1 0")),
        // The grant falls into the moment after the release was asked for.
        valid(
            "0?a 0+a 0?r 1?a 1+a 0+r",
            1,
            "model mutex",
            one_key("0 2 3"),
        ),
        valid(
            "0?a 0+a 0?r 0!r",
            1,
            "confirmed-exclusion",
            one_key("0 r0 2"),
        ),
        // A mutex without owners may be freed by somebody else.
        valid(
            "0?a 0+a 1?r 1+r 0?v 0+v:lost 0?r 0!r",
            1,
            "model mutex",
            one_key("0 2 4 6"),
        ),
        valid(
            "0?a 0+a 1?a 1+a 1?r 1+r 1?v 1+v:lost 0?r 0+r",
            1,
            "model owner-semaphore:2",
            one_key("0 2 4 6 8"),
        ),
        valid(SLOTS, 1, "slot-exclusion", one_key("0 2 4 6")),
        // Between its grant and its loss; a lock whose grants name no slot says nothing.
        valid(
            "0?a 0+a:s1 1?a@b 1+a@b 1?v@b 1+v:held@b 0?v 0+v:lost 2?a 2+a:s1",
            1,
            "slot-exclusion",
            orders(&[("k", "0 r0 6 8")]),
        ),
        // What others may share has no slot.
        valid("0?a 0+a:s1 1?a:read 1+a", 1, "slot-exclusion", one_key("0")),
        valid(COUNTED_SLOTS, 1, "slot-existence", scan(0, 0, 0, 0)),
        // A grant is a look too; and somebody may have removed the other slot meanwhile.
        valid(
            "9?N 9+N:[1,2] 0?a 0+a:s1 8?S 8~S 9?C 9+C:[1]",
            1,
            "slot-existence",
            scan(1, 0, 0, 0),
        ),
        valid(REMOVED, 1, "slot-removal", scan(1, 1, 0, 0)),
        // It may have been made again, and who was told nothing may release.
        valid(
            "9?N 9+N:[1,2] 0?a 0+a:s2 9?S 9+S:[2] 9?G 9+G:[2] 1?a 1+a:s2 0?r 0+r",
            2,
            "slot-removal",
            scan(2, 0, 0, 0),
        ),
        // The loss was told before the removal was through.
        valid(
            "9?N 9+N:[1] 0?a 0+a:s1 9?D 0?l 0+l 9+D:[1]",
            1,
            "slot-removal",
            scan(1, 1, 0, 0),
        ),
        valid(COUNTED_SLOTS, 1, "slot-sequence", scan(0, 0, 0, 0)),
        valid(
            "9?N 9+N:[1,3] 9?C 9+C:[1,3] 9?O 9+O:[3] 9?C 9+C:[1]",
            1,
            "slot-sequence",
            scan(0, 0, 0, 0),
        ),
        valid(CARRIED_OUT, 1, "no-lost-decrement", scan(0, 0, 0, 0)),
        valid(CARRIED_OUT, 1, "no-doubled-decrement", scan(0, 0, 0, 0)),
        valid(LOST, 1, "slot-sequence", scan(0, 0, 0, 0)),
        // A key without refusals has nothing to justify, whatever else happens there.
        valid(
            REFUSED_BESIDE_DOUBLE,
            1,
            "justified-refusal",
            orders(&[("a", "0 2")]),
        ),
    ];
    cases.extend(accepted_data());
    let all = OWNERS.iter().chain(&[
        "mutex",
        "semaphore:1",
        "semaphore:2",
        "owner-semaphore:4294967295",
    ]);
    let all: Vec<&str> = all.copied().collect();
    cases.extend(of_models(&all, |model| {
        valid(TWO_TURNS, 1, model, one_key("0 2 4 6 8"))
    }));
    let full = [&OWNERS[..], &["mutex", "semaphore:1"]].concat();
    cases.extend(of_models(&full, |model| {
        valid(REFUSED, 1, model, one_key("0 2 4"))
    }));
    cases
}

fn accepted_data() -> Vec<Case> {
    let one_key = |entries: &str| orders(&[("k", entries)]);
    vec![
        valid(WRITTEN, 1, "model register:nil", one_key("0 2")),
        valid(WRITTEN, 1, "model cas-register:7", one_key("0 2")),
        // A read of nil observes nothing: it has no place.
        valid("0?g 0+g 1?g 1+g:0", 1, "model register:0", one_key("2")),
        valid("0?g 0+g", 1, "model register:0", orders(&[])),
        valid(SWAPPED, 1, "model cas-register:nil", one_key("0 2 4")),
        valid(ADDED, 1, "model set", one_key("0 2 4")),
        valid(ADDED, 1, "model set", one_key("2 4 0")),
        valid(FROM_EDN, 1, "model set", one_key("0 2")),
        valid(LINE, 1, "model queue", one_key("0 2 4 6 8 10")),
        valid(
            "0?w:1@r 0+w@r 0?a 0+a",
            1,
            "model register:0",
            orders(&[("r", "0")]),
        ),
        valid("0?w:1@r 0+w@r 0?a 0+a", 1, "model mutex", one_key("2")),
        valid("", 1, "model queue", orders(&[])),
        valid(FROM_EDN, 1, "no-lost-update", scan(0, 0, 0, 0)),
        valid(COUNTED, 1, "no-lost-update", scan(0, 0, 0, 0)),
        valid("0?a 0+a", 1, "progress<=10ms", scan(1, 0, 0, 0)),
        valid(HEALED, 1, "progress<=20ms", scan(1, 0, 0, 1)),
        // Two slots one after the other: the count says that there are two, whatever the scope
        // says.
        valid(IN_TURN, 9, "progress<=80ms", scan(2, 0, 0, 0)),
        // The clock starts when the slot from before is given back, and a removed one does not
        // count.
        valid(
            "9?N 9+N:[1,2] 9?C 9+C:[1,2] 0?a 0+a:s1 #inject:cut:0 #heal:cut 1?a 1+a:s2 0?r 0+r 2?a 2+a:s1",
            2,
            "progress<=30ms",
            scan(3, 0, 0, 0),
        ),
        valid(
            "9?N 9+N:[1,2] 0?a 0+a:s2 9?S 9+S:[2] 9?C 9+C:[1] #inject:cut:0 #heal:cut 1?a 1+a:s1",
            1,
            "progress<=20ms",
            scan(2, 0, 1, 0),
        ),
        // The clock starts when the last slot is made.
        valid(
            "9?N 9+N:[1] #inject:cut:0 #heal:cut 9?G 9+G:[2] 1?a 1+a:s1 2?a 2+a:s2 9?C 9+C:[1,2]",
            2,
            "progress<=40ms",
            scan(2, 0, 0, 0),
        ),
        violated(
            SLOT_STUCK,
            1,
            "progress<=50ms",
            against("never-granted", &[5]),
        ),
        violated(
            "0?a 0+a 1?a 1!a 1?a 1!a",
            2,
            "progress<=20ms",
            against("never-granted", &[2]),
        ),
        valid(COVERED, 1, "coverage", scan(1, 0, 0, 0)),
        // Of two slots a third is kept waiting, and a count that hangs is felt like anything else.
        valid(
            "0?a 0+a:s1 1?a 1+a:s2 2?a #inject:partition:0 0?C #heal:partition 0+C:[1,2]",
            2,
            "coverage",
            scan(2, 0, 0, 0),
        ),
        violated(
            "0?w:1 0+w 1?g 1+g:2",
            1,
            "model register:nil",
            against("no-order", &[3]),
        ),
        violated(
            "0?w:1 0+w 1?g 1+g:1.0",
            1,
            "model register:nil",
            against("no-order", &[3]),
        ),
        violated(
            "0?g 0+g:null 1?g 1+g:1",
            1,
            "model register:0",
            against("no-order", &[3]),
        ),
        violated(
            "0?c:[null,1] 0!c",
            1,
            "model cas-register:nil",
            against("no-order", &[1]),
        ),
        violated(
            "0?d:1 0+d 1?g 1+g:[]",
            1,
            "model set",
            against("no-order", &[3]),
        ),
        violated(
            "0?e:1 0+e 1?q 1+q",
            1,
            "model queue",
            against("no-order", &[3]),
        ),
        violated(
            "0?d:1 0+d 1?g 1+g:[2]",
            1,
            "no-lost-update",
            against("lost-update", &[1, 3]),
        ),
        violated(
            "0?w:1 0+w 1?w:1 1+w",
            1,
            "no-lost-update",
            against("lost-update", &[3, 1]),
        ),
        violated(
            "0?w:2 0+w 1?g 1+g:1",
            1,
            "no-lost-update",
            against("lost-update", &[1, 3]),
        ),
        violated(STARVED, 1, "progress<=10ms", against("never-granted", &[0])),
        violated(STUCK, 1, "progress<=10ms", against("never-granted", &[4])),
    ]
}

fn accepted_invalid() -> Vec<Case> {
    let mut cases = vec![
        // Two readers, neither of whom keeps the writer out all the time.
        violated(CHAIN, 1, "confirmed-exclusion", against("no-order", &[9])),
        violated(
            BOTH_CONFIRMED,
            1,
            "confirmed-exclusion",
            against("no-order", &[7]),
        ),
        violated(DOUBLE, 1, "exclusion", against("too-many-believe", &[1, 3])),
        violated(
            DOUBLE,
            1,
            "overlap<=9ms",
            against("too-many-believe", &[3, 1]),
        ),
        violated(
            THREE,
            2,
            "exclusion",
            against("too-many-believe", &[1, 3, 5]),
        ),
        violated(
            BOTH_CONFIRMED,
            1,
            "confirmed-exclusion",
            against("too-many-confirmed", &[1, 3]),
        ),
        violated(
            THREE,
            2,
            "confirmed-exclusion",
            against("too-many-confirmed", &[5, 3, 1]),
        ),
        violated(
            GRANTED_INSIDE,
            1,
            "confirmed-exclusion",
            against("granted-inside", &[3, 1]),
        ),
        violated(
            THREE,
            2,
            "confirmed-exclusion",
            against("granted-inside", &[5, 1, 3]),
        ),
        violated(REVIVED, 1, "confirmed-exclusion", against("revived", &[1])),
        violated(REVIVED, 1, "ownership", against("revived", &[1])),
        violated(UNOWNED, 1, "ownership", against("unowned", &[1])),
        violated(UNOWNED, 1, "ownership", against("unowned", &[3])),
        violated(
            TOKENS_BACK,
            1,
            "fencing",
            against("token-regressed", &[1, 5]),
        ),
        violated(
            "0?a 1?a 0+a:4 1+a:4",
            1,
            "fencing",
            against("token-regressed", &[3, 2]),
        ),
        violated(
            TOKENS_BACK,
            1,
            "model fenced",
            against("order-of-tokens", &[1, 5]),
        ),
        violated(
            TOKENS_BACK,
            1,
            "model reentrant-fenced:2",
            against("no-order", &[5]),
        ),
        violated(
            FREE,
            1,
            "justified-refusal",
            against("refused-while-free", &[1]),
        ),
        violated(
            REFUSED,
            2,
            "justified-refusal",
            against("refused-while-free", &[3]),
        ),
        violated(
            "0?a:read 0!a",
            1,
            "justified-refusal",
            against("refused-while-free", &[1]),
        ),
        violated(
            "0?a 0+a 0?r 0+r 1?a 1!a",
            1,
            "justified-refusal",
            against("no-order", &[5]),
        ),
        violated(
            THREE,
            1,
            "model owner-semaphore:2",
            against("too-many-hold", &[1, 3, 5]),
        ),
        violated(
            "0?a:read 0+a 1?a:write 1+a",
            1,
            "model rwlock",
            against("too-many-hold", &[3, 1]),
        ),
        violated(DOUBLE, 1, "model mutex", against("no-order", &[3])),
        violated(DOUBLE, 1, "model reentrant:2", against("no-order", &[3])),
        violated(THREE, 1, "model semaphore:2", against("no-order", &[5])),
        violated(
            "0?r 0!r 1?r 1+r",
            1,
            "model semaphore:2",
            against("no-order", &[3]),
        ),
    ];
    cases.extend(
        [
            ("too-many-confirmed", &[1, 3][..]),
            ("granted-inside", &[3, 1]),
        ]
        .map(|(rule, events)| violated(ONE_SLOT, 9, "slot-exclusion", against(rule, events))),
    );
    cases.extend([
        violated(
            STILL_HELD,
            1,
            "slot-removal",
            against("removed-slot-used", &[5, 3, 7]),
        ),
        violated(
            GRANTED_AFTER,
            1,
            "slot-removal",
            against("removed-slot-used", &[3, 5]),
        ),
        violated(
            RELEASED_LATE,
            1,
            "slot-removal",
            against("removed-slot-used", &[5, 3, 7, 9]),
        ),
        violated(
            VANISHED,
            1,
            "slot-existence",
            against("slot-vanished", &[1, 3]),
        ),
        violated(
            APPEARED,
            1,
            "slot-existence",
            against("phantom-slot", &[1, 3]),
        ),
        violated(
            "8?G 9?G 8+G:[2] 9+G:[2]",
            1,
            "slot-existence",
            against("slot-vanished", &[2, 3]),
        ),
        violated(
            "8?S 9?S 9+S:[2] 8+S:[2]",
            1,
            "slot-existence",
            against("phantom-slot", &[2, 3]),
        ),
        violated(
            GAP,
            1,
            "slot-sequence",
            against("gap-after-overshoot", &[5, 7]),
        ),
        violated(GAP, 1, "slot-sequence", against("gap-at-the-end", &[7])),
        violated(
            LOST,
            1,
            "no-lost-decrement",
            against("lost-decrement", &[5, 7]),
        ),
        violated(
            DOUBLED,
            1,
            "no-doubled-decrement",
            against("doubled-decrement", &[9]),
        ),
    ]);
    cases.push(violated(
        "0?a 0+a:s1 0?v 0+v:lost 0?v 0+v:held",
        1,
        "slot-exclusion",
        against("revived", &[1]),
    ));
    cases.extend(of_models(
        &["owner-mutex", "owner-semaphore:1", "rwlock", "fenced"],
        |model| violated(DOUBLE, 1, model, against("too-many-hold", &[1, 3])),
    ));
    cases.extend(of_models(&OWNERS, |model| {
        violated(UNOWNED, 1, model, against("unowned", &[1]))
    }));
    cases.extend(of_models(&OWNERS, |model| {
        violated(LOSS_NOTIFICATION, 1, model, against("told-lost", &[1, 3]))
    }));
    cases.extend(of_models(&OWNERS, |model| {
        violated("0?a 0+a 0?r 0!r", 1, model, against("told-lost", &[1, 3]))
    }));
    cases
}

fn accepted() -> Vec<Case> {
    let mut cases = accepted_valid();
    cases.extend(accepted_invalid());
    cases
}

#[test]
fn what_the_book_describes_is_accepted() {
    for case in accepted() {
        let certified = case
            .certify()
            .unwrap_or_else(|error| panic!("{}: {error}", case.name()));
        let [claim] = &certified.claims[..] else {
            panic!("{}: one claim", case.name())
        };
        assert_eq!(claim.standing, Standing::Proved, "{}", case.name());
        assert_eq!(claim.of, case.of);
        let stated = if claim.verdict == Verdict::Valid {
            "valid"
        } else {
            "violated"
        };
        assert_eq!(stated, case.verdict);
        assert_eq!(certified.scope.slots.get(), case.slots);
        assert!(certified.is_complete());
    }
}

#[test]
fn every_flipped_bit_of_a_certificate_is_noticed() {
    for case in accepted() {
        let history = case.history();
        let mut bytes = case.sealed();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(
                certify(&history, &bytes).is_err(),
                "{}: bit {bit}",
                case.name()
            );
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        for length in 0..bytes.len() {
            assert!(
                certify(&history, &bytes[..length]).is_err(),
                "{}: cut to {length}",
                case.name()
            );
        }
        assert!(
            certify(&history, &[&bytes[..], b"\n"].concat()).is_err(),
            "{}",
            case.name()
        );
    }
}

#[test]
fn every_flipped_bit_of_a_history_is_noticed() {
    for text in [TWO_TURNS, REFUSED, TOKENS, READERS, TWO_KEYS] {
        let history = history(text);
        let judged = judgement("exclusion", "unknown", Json::Null);
        let certificate = seal(&body(&history, 1, &[judged]));
        certify(&history, &certificate).expect("it is the same history");
        let mut bytes = Vec::new();
        jsonl::write(&history, &mut bytes).expect("a vector takes all");
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(changed) = jsonl::read(bytes.as_slice()) {
                let refused = certify(&changed, &certificate).expect_err("it is another history");
                assert!(
                    matches!(refused, CertifyError::OtherHistory(_)),
                    "bit {bit}: {refused}"
                );
            }
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

/// A verdict turned round, or a claim for another guarantee, never goes with the same proof.
#[test]
fn a_proof_proves_nothing_else() {
    for case in accepted() {
        for verdict in ["valid", "violated", "unknown"] {
            if verdict != case.verdict {
                let other = Case {
                    verdict,
                    proof: case.proof.clone(),
                    of: case.of.clone(),
                    ..case
                };
                other.certify().expect_err(&other.name());
            }
        }
        if case.verdict == "violated" && case.history.contains("+a") {
            for events in [
                json!([]),
                json!([0]),
                json!([1, 1]),
                json!([3, 3, 1]),
                json!([900]),
                json!([u64::MAX]),
            ] {
                let mut proof = case.proof.clone();
                proof["contradiction"]["events"] = events;
                let other = Case {
                    proof,
                    of: case.of.clone(),
                    ..case
                };
                other.certify().expect_err(&other.name());
            }
        }
        if case.verdict == "violated" {
            for key in [json!("j"), Json::Null] {
                let mut proof = case.proof.clone();
                proof["contradiction"]["key"] = key;
                let other = Case {
                    proof,
                    of: case.of.clone(),
                    ..case
                };
                let refused = other.certify().expect_err(&other.name()).to_string();
                assert!(
                    refused.contains("no client did anything to this key, key "),
                    "{refused}"
                );
            }
        }
    }
}

#[test]
fn every_figure_must_agree() {
    let case = valid("0?a 0+a 1?a 1!a 0?l 0+l", 1, "exclusion", scan(1, 1, 0, 1));
    case.certify().expect("the figures agree");
    for figures in [
        (0, 1, 0, 1),
        (2, 1, 0, 1),
        (1, 0, 0, 1),
        (1, 1, 1, 1),
        (1, 1, 0, 0),
        (1, 1, 0, u64::MAX),
    ] {
        let (holds, revoked, overlaps, refusals) = figures;
        let other = Case {
            proof: scan(holds, revoked, overlaps, refusals),
            of: case.of.clone(),
            ..case
        };
        refuse(&other, "the figures are");
    }
}

fn refuse(case: &Case, why: &str) {
    let refused = case.certify().expect_err(&case.name()).to_string();
    assert!(
        refused.contains(why),
        "{}: expected {why:?}, but it said {refused:?}",
        case.name()
    );
}

#[test]
fn false_scans_are_refused() {
    let cases = [
        (
            valid(DOUBLE, 1, "exclusion", scan(2, 0, 1, 0)),
            "overlaps with others, key \"k\", event 3",
        ),
        (valid(THREE, 2, "exclusion", scan(3, 0, 1, 0)), "event 5"),
        (
            valid("0?a:read 0+a 1?a 1+a", 9, "exclusion", scan(2, 0, 1, 0)),
            "event 3",
        ),
        (
            valid(DOUBLE, 1, "overlap<=9ms", scan(2, 0, 1, 0)),
            "for longer, key \"k\", event 3",
        ),
        // Nobody knows for how long.
        (
            valid("0?a 0+a 1?a 1+a", 1, "overlap<=1h", scan(2, 0, 1, 0)),
            "for longer",
        ),
        (
            valid(UNOWNED, 1, "ownership", scan(0, 0, 0, 0)),
            "no hold, key \"k\", event 1",
        ),
        (
            valid(REVIVED, 1, "ownership", scan(1, 1, 0, 0)),
            "after it was lost",
        ),
        (
            valid(TWO_TURNS, 1, "fencing", scan(2, 0, 0, 0)),
            "no grant has a token",
        ),
        (
            valid(TOKENS_BACK, 1, "fencing", scan(2, 0, 0, 0)),
            "key \"k\", event 5",
        ),
        (
            valid("0?a 1?a 0+a:4 1+a:4", 1, "fencing", scan(2, 0, 1, 0)),
            "the token is not new",
        ),
        (
            valid(TWO_TURNS, 1, "confirmed-exclusion", scan(2, 0, 0, 0)),
            "another way",
        ),
        (
            valid(TWO_TURNS, 1, "model mutex", scan(2, 0, 0, 0)),
            "another way",
        ),
        (
            valid(TWO_TURNS, 1, "exclusion", orders(&[("k", "0 2 4 6 8")])),
            "another way",
        ),
        (valid(TWO_TURNS, 1, "exclusion", Json::Null), "another way"),
        (
            valid(
                TWO_TURNS,
                1,
                "overlap<=99999999999999999999s",
                scan(2, 0, 0, 0),
            ),
            "no such",
        ),
    ];
    for (case, why) in &cases {
        refuse(case, why);
    }
}

#[test]
fn false_orders_are_refused() {
    let model = |history, model, entries| {
        valid(
            history,
            1,
            &format!("model {model}"),
            orders(&[("k", entries)]),
        )
    };
    let confirmed =
        |history, entries| valid(history, 1, "confirmed-exclusion", orders(&[("k", entries)]));
    let justified =
        |history, entries| valid(history, 1, "justified-refusal", orders(&[("k", entries)]));
    let cases = [
        (
            model(TWO_TURNS, "mutex", "0 2 4 6"),
            "not in the order, key \"k\", event 8",
        ),
        (
            model(TWO_TURNS, "mutex", ""),
            "not in the order, key \"k\", event 0",
        ),
        (
            model(TWO_TURNS, "mutex", "0 2 4 6 6 8"),
            "twice, key \"k\", event 6",
        ),
        (
            model(TWO_TURNS, "mutex", "4 6 8 0 2"),
            "had ended before its place in the order, key \"k\", event 0",
        ),
        (model(TWO_TURNS, "mutex", "0 2 4 8 6"), "had ended before"),
        (model(TWO_TURNS, "mutex", "0 2 4 6 9"), "no invocation"),
        (model(TWO_TURNS, "mutex", "0 2 4 6 999999"), "no invocation"),
        (
            model(TWO_TURNS, "mutex", "-1 0 2 4 6 8"),
            "before the first event",
        ),
        (
            model(TWO_TURNS, "mutex", "0 r0 2 4 6 8"),
            "nothing is revoked in this model",
        ),
        (
            model(DOUBLE, "mutex", "0 2 4 6"),
            "not allowed at its place in the order, key \"k\", event 2",
        ),
        (model(DOUBLE, "owner-mutex", "0 4 2 6"), "had ended before"),
        (model(THREE, "semaphore:2", "0 2 4 6 8 10"), "not allowed"),
        (model(NESTED, "reentrant:1", "0 2 4 6 8 10"), "event 2"),
        (model(NESTED, "owner-mutex", "0 2 4 6 8 10"), "event 2"),
        (
            model("0?a 0+a:5 0?a 0+a:6", "reentrant-fenced:2", "0 2"),
            "event 2",
        ),
        (model("0?a 0+a:5 0?a 0+a:5", "fenced", "0 2"), "event 2"),
        (model(TOKENS_BACK, "fenced", "0 2 4"), "event 4"),
        (
            model("0?a:read 0+a 1?a:read 1+a", "owner-mutex", "0 2"),
            "event 2",
        ),
        (
            model("0?a:read 0+a 1?a:write 1+a", "rwlock", "0 2"),
            "event 2",
        ),
        (model(FREE, "rwlock", "0"), "event 0"),
        (model(UNOWNED, "semaphore:1", "0 2"), "event 0"),
        (model(LOSS_NOTIFICATION, "owner-mutex", "0 2 4"), "event 2"),
        (model("0?a 0+a 1?r 1+r", "owner-mutex", "0 2"), "event 2"),
        (
            model("0?a 0+a 1?v 1+v:held", "owner-semaphore:3", "0 2"),
            "event 2",
        ),
        (
            model("0?a 0+a 0?r 0-r 1?a 1+a", "owner-mutex", "0 2 4"),
            "a place in the order, key \"k\", event 2",
        ),
        (model("0?a 0~a 1?r 1+r", "owner-mutex", "0 2"), "event 2"),
        (confirmed(DOUBLE, "0 2 4 6"), "event 2"),
        (confirmed(DOUBLE, "0 r0 2 4 6"), "event 4"),
        (confirmed(LOSS_NOTIFICATION, "0 2 4"), "event 2"),
        (
            confirmed(LOSS_NOTIFICATION, "0 r0 r0 2 4"),
            "what does not go on is revoked",
        ),
        (
            confirmed(LOSS_NOTIFICATION, "r0 0 2 4"),
            "what does not go on is revoked",
        ),
        (
            confirmed(LOSS_NOTIFICATION, "0 r0 2 4 r2"),
            "what does not go on is revoked",
        ),
        (
            confirmed(LOSS_NOTIFICATION, "0 r0 4"),
            "not in the order, key \"k\", event 2",
        ),
        (confirmed(REVIVED, "0 r0 2 4"), "event 4"),
        (confirmed(REFUSED, "0 2 4"), "a place in the order"),
        (confirmed("0?a 0+a 0?r 0~r", "0 2"), "a place in the order"),
        (
            justified(REFUSED, "0 4"),
            "not in the order, key \"k\", event 2",
        ),
        (justified(REFUSED, "2 0 4"), "event 2"),
        (justified(REFUSED, "0 r0 2 4"), "event 2"),
        (justified(TWO_TURNS, "0 2 4 6 8"), "needs no order"),
        (
            valid(REFUSED, 2, "justified-refusal", orders(&[("k", "0 2 4")])),
            "event 2",
        ),
        (
            valid(
                READERS,
                1,
                "justified-refusal",
                orders(&[("k", "0 6 2 8 4")]),
            ),
            "had ended before",
        ),
        (
            valid(REFUSED, 1, "justified-refusal", orders(&[])),
            "no order, key \"k\"",
        ),
        (
            valid(TWO_TURNS, 1, "confirmed-exclusion", orders(&[])),
            "no order, key \"k\"",
        ),
        (
            valid(TWO_KEYS, 1, "model mutex", orders(&[("a", "0 4")])),
            "no order, key \"b\"",
        ),
        (
            valid(
                TWO_KEYS,
                1,
                "model mutex",
                orders(&[("a", "1 6"), ("b", "1 6")]),
            ),
            "event 1",
        ),
        (
            valid(
                TWO_KEYS,
                1,
                "model mutex",
                orders(&[("a", "0 4"), ("a", "0 4"), ("b", "1 6")]),
            ),
            "another one",
        ),
        (
            valid(
                TWO_KEYS,
                1,
                "model mutex",
                orders(&[("a", "0 4"), ("b", "1 6"), ("c", "")]),
            ),
            "needs no order",
        ),
    ];
    for (case, why) in &cases {
        refuse(case, why);
    }
}

#[test]
fn false_contradictions_are_refused() {
    let no = "do not contradict";
    let cases = [
        (
            violated(
                TWO_TURNS,
                1,
                "exclusion",
                against("too-many-believe", &[1, 5]),
            ),
            no,
        ),
        (
            violated(DOUBLE, 2, "exclusion", against("too-many-believe", &[1, 3])),
            no,
        ),
        (
            violated(
                DOUBLE,
                1,
                "exclusion",
                against("too-many-believe", &[1, 3, 1]),
            ),
            "named twice",
        ),
        (
            violated(DOUBLE, 1, "exclusion", against("too-many-believe", &[1, 2])),
            "not the events",
        ),
        (
            violated(DOUBLE, 1, "exclusion", against("too-many-hold", &[1, 3])),
            "no such rule",
        ),
        (
            violated(
                DOUBLE,
                1,
                "exclusion",
                against("too-many-believe", &[1, 12]),
            ),
            "no such event, key \"k\", event 12",
        ),
        (
            violated(
                DOUBLE,
                1,
                "overlap<=10ms",
                against("too-many-believe", &[1, 3]),
            ),
            no,
        ),
        (
            violated(
                LOSS_NOTIFICATION,
                1,
                "exclusion",
                against("too-many-believe", &[1, 5]),
            ),
            no,
        ),
        // Belief that nobody confirmed may be wrong.
        (
            violated(
                DOUBLE,
                1,
                "confirmed-exclusion",
                against("granted-inside", &[1, 3]),
            ),
            no,
        ),
        (
            violated(
                "0?a 0+a 1?a 1+a",
                1,
                "confirmed-exclusion",
                against("too-many-confirmed", &[1, 3]),
            ),
            no,
        ),
        (
            violated(
                GRANTED_INSIDE,
                1,
                "confirmed-exclusion",
                against("too-many-confirmed", &[1, 3]),
            ),
            no,
        ),
        (
            violated(
                GRANTED_INSIDE,
                1,
                "confirmed-exclusion",
                against("granted-inside", &[1, 3]),
            ),
            no,
        ),
        (
            violated(
                GRANTED_INSIDE,
                1,
                "confirmed-exclusion",
                against("granted-inside", &[3]),
            ),
            no,
        ),
        (
            violated(
                BOTH_CONFIRMED,
                1,
                "confirmed-exclusion",
                against("no-order", &[3]),
            ),
            "there is a legal order",
        ),
        (
            violated(LOSS_NOTIFICATION, 1, "ownership", against("revived", &[1])),
            no,
        ),
        (
            violated(TWO_TURNS, 1, "ownership", against("unowned", &[3])),
            no,
        ),
        (
            violated(TWO_TURNS, 1, "ownership", against("unowned", &[5])),
            no,
        ),
        (
            violated(TOKENS, 1, "fencing", against("token-regressed", &[1, 5])),
            no,
        ),
        (
            violated(
                TOKENS_BACK,
                1,
                "fencing",
                against("token-regressed", &[5, 1]),
            ),
            no,
        ),
        (
            violated(TWO_TURNS, 1, "fencing", against("token-regressed", &[1, 5])),
            no,
        ),
        // Who asks before the other was granted may get the smaller token.
        (
            violated(
                "0?a 1?a 0+a:4 1+a:3",
                1,
                "fencing",
                against("token-regressed", &[2, 3]),
            ),
            no,
        ),
        (
            violated(
                TOKENS,
                1,
                "model fenced",
                against("order-of-tokens", &[1, 5]),
            ),
            no,
        ),
        (
            violated(
                TOKENS_BACK,
                1,
                "model owner-mutex",
                against("order-of-tokens", &[1, 5]),
            ),
            "no such rule",
        ),
        (
            violated(
                REFUSED,
                1,
                "justified-refusal",
                against("refused-while-free", &[3]),
            ),
            no,
        ),
        (
            violated(
                UNKNOWN,
                1,
                "justified-refusal",
                against("refused-while-free", &[3]),
            ),
            no,
        ),
        (
            violated(
                TWO_TURNS,
                1,
                "justified-refusal",
                against("refused-while-free", &[1]),
            ),
            "not the events",
        ),
        // One reader keeps a writer out, whatever the number of slots.
        (
            violated(
                "0?a:read 0+a 1?a 1!a",
                2,
                "justified-refusal",
                against("refused-while-free", &[3]),
            ),
            no,
        ),
        (
            violated(
                "0?a 0+a 1?a:read 1!a",
                2,
                "justified-refusal",
                against("refused-while-free", &[3]),
            ),
            no,
        ),
        (
            violated(REFUSED, 1, "justified-refusal", against("no-order", &[5])),
            "there is a legal order",
        ),
        // A double hold is not the refusals' fault.
        (
            violated(
                BOTH_CONFIRMED,
                1,
                "justified-refusal",
                against("no-order", &[7]),
            ),
            "without the refusals either",
        ),
        (
            violated(
                TWO_TURNS,
                1,
                "model owner-mutex",
                against("too-many-hold", &[1, 5]),
            ),
            no,
        ),
        (
            violated(
                READERS,
                1,
                "model rwlock",
                against("too-many-hold", &[1, 3]),
            ),
            no,
        ),
        (
            violated(
                DOUBLE,
                1,
                "model owner-semaphore:2",
                against("too-many-hold", &[1, 3]),
            ),
            no,
        ),
        (
            violated(
                NESTED,
                1,
                "model reentrant:2",
                against("too-many-hold", &[1, 3]),
            ),
            "no such rule",
        ),
        (
            violated(DOUBLE, 1, "model mutex", against("too-many-hold", &[1, 3])),
            "no such rule",
        ),
        (
            violated(UNOWNED, 1, "model mutex", against("unowned", &[1])),
            "no such rule",
        ),
        (
            violated(
                LOSS_NOTIFICATION,
                1,
                "model owner-mutex",
                against("told-lost", &[5, 3]),
            ),
            no,
        ),
        (
            violated(
                TWO_TURNS,
                1,
                "model owner-mutex",
                against("told-lost", &[5, 7]),
            ),
            no,
        ),
        (
            violated(DOUBLE, 1, "model mutex", against("no-order", &[2])),
            "there is a legal order",
        ),
        (
            violated(DOUBLE, 1, "model semaphore:2", against("no-order", &[7])),
            "there is a legal order",
        ),
        (
            violated(TWO_KEYS, 1, "model mutex", against("no-order", &[7])),
            "no client did anything to this key",
        ),
        (
            violated(DOUBLE, 1, "coverage", against("no-order", &[7])),
            "no such rule",
        ),
        (
            violated(DOUBLE, 1, "model set", against("too-many-hold", &[1, 3])),
            "operations that the model does not have",
        ),
    ];
    for (case, why) in &cases {
        refuse(case, why);
    }
}

#[test]
fn false_claims_about_slots_are_refused() {
    let by = |history, entries| valid(history, 1, "slot-exclusion", orders(&[("k", entries)]));
    let cases = [
        (by(TWO_TURNS, "0 2 4 6 8"), "no grant names a slot"),
        (
            by(ONE_SLOT, "0 2 4 6"),
            "not allowed at its place in the order, key \"k\", event 2",
        ),
        (
            by(ONE_SLOT, "0 r0 2 4 6"),
            "not allowed at its place in the order, key \"k\", event 4",
        ),
        (by(SLOTS, "0 2 4"), "not in the order, key \"k\", event 6"),
        (by(SLOTS, "0 2 2 4 6"), "twice"),
        (by(SLOTS, "0 r2 2 4 6"), "what does not go on is revoked"),
        (
            by("0?a 0+a:s1 1?a 1+a", "0"),
            "some grants of a key name a slot and others do not",
        ),
        // What belongs to a shared grant has no place.
        (by("0?a 0+a:s1 1?a:read 1+a", "0 2"), "no invocation"),
        (
            violated(
                SLOTS,
                1,
                "slot-exclusion",
                against("too-many-confirmed", &[1, 3]),
            ),
            "do not contradict",
        ),
        (
            violated(
                DOUBLE,
                1,
                "slot-exclusion",
                against("too-many-confirmed", &[1, 3]),
            ),
            "do not contradict",
        ),
        (
            violated(
                DOUBLE,
                1,
                "slot-exclusion",
                against("granted-inside", &[3, 1]),
            ),
            "do not contradict",
        ),
        (
            violated(
                "0?a:read 0+a:s1 1?a:read 1+a:s1 0?v 0+v:held 1?v 1+v:held",
                1,
                "slot-exclusion",
                against("too-many-confirmed", &[1, 3]),
            ),
            "do not contradict",
        ),
        (
            violated(REVIVED, 1, "slot-exclusion", against("revived", &[1])),
            "do not contradict",
        ),
        (
            violated(ONE_SLOT, 1, "slot-exclusion", against("no-order", &[7])),
            "no such rule",
        ),
        (
            violated(
                ONE_SLOT,
                2,
                "confirmed-exclusion",
                against("too-many-confirmed", &[1, 3]),
            ),
            "do not contradict",
        ),
    ];
    for (case, why) in &cases {
        refuse(case, why);
    }
}

/// An acquire that says only at its end that it was shared: a beginning of the history that does
/// not reach there must not take it for an exclusive one, or this legal history would have no
/// order.
#[test]
fn false_claims_about_removals_are_refused() {
    let of =
        |history, holds, revoked| valid(history, 1, "slot-removal", scan(holds, revoked, 0, 0));
    let used = |history, events: &[u64]| {
        violated(
            history,
            1,
            "slot-removal",
            against("removed-slot-used", events),
        )
    };
    let made_meanwhile = "9?N 9+N:[2] 0?a 0+a:s2 8?G 9?S 9+S:[2] 8+G:[2] 0?v 0+v:held";
    let (unheld, no, other) = (
        "no slot was held when",
        "do not contradict",
        "not the events",
    );
    let cases = [
        (
            of(STILL_HELD, 1, 0),
            "used after it was removed, key \"k\", event 7",
        ),
        (
            of(GRANTED_AFTER, 1, 0),
            "used after it was removed, key \"k\", event 5",
        ),
        (
            of(RELEASED_LATE, 1, 0),
            "used after it was removed, key \"k\", event 9",
        ),
        (of(TWO_TURNS, 2, 0), unheld),
        (of("9?N 9+N:[1] 9?D 9+D:[1]", 0, 0), unheld),
        (
            of("9?N 9+N:[1] 0?a 0+a:s1 9?D 0?r 0+r 9+D:[1]", 1, 0),
            unheld,
        ),
        (
            of("9?N 9+N:[1] 0?a 0+a:s1 9?D 0?v 0~v 9+D:[1]", 1, 1),
            unheld,
        ),
        (of(made_meanwhile, 1, 0), unheld),
        (used(REMOVED, &[5, 3, 7]), other),
        (used(STILL_HELD, &[5, 7]), other),
        (used(STILL_HELD, &[5, 3]), no),
        (used(STILL_HELD, &[1, 3, 7]), other),
        (used(STILL_HELD, &[7, 3, 5]), other),
        (used(RELEASED_LATE, &[5, 3, 9]), other),
        (used(RELEASED_LATE, &[5, 3, 5, 9]), no),
        (used(made_meanwhile, &[6, 3, 9]), other),
        // Asked for before the slot was gone, and made again before the grant.
        (used("9?N 9+N:[2] 0?a 9?S 9+S:[2] 0+a:s2", &[4, 5]), no),
        (used("9?N 9+N:[2] 9?S 9+S:[2] 0?a 9?G 0+a:s2", &[3, 6]), no),
        // The one that was waited for is another's.
        (
            used(
                "9?N 9+N:[1,2] 0?a 0+a:s2 9?S 9+S:[2] 9?W 9+W:[1] 0?r 0+r",
                &[5, 3, 7, 9],
            ),
            no,
        ),
        (
            used(
                "9?N 9+N:[1,2] 0?a 0+a:s2 9?S 9+S:[2] 9?W 0?r 9+W:[2] 0+r",
                &[5, 3, 8, 9],
            ),
            no,
        ),
        // Nobody knows what was made.
        (used("8?G 8~G 9?S 9+S:[2] 0?a 0+a:s2", &[3, 5]), other),
        (used("9?S 9+S:[2] 8?N 8+N 0?a 0+a:s2", &[1, 5]), no),
    ];
    for (case, why) in &cases {
        refuse(case, why);
    }
}

#[test]
fn false_claims_about_what_is_there_are_refused() {
    let of = |history| valid(history, 1, "slot-existence", scan(0, 0, 0, 0));
    let shown = |history, rule, events: &[u64]| {
        violated(history, 1, "slot-existence", against(rule, events))
    };
    let vanished = |history, events: &[u64]| shown(history, "slot-vanished", events);
    let appeared = |history, events: &[u64]| shown(history, "phantom-slot", events);
    let (untested, no) = ("nobody looked", "do not contradict");
    let cases = [
        (of("9?N 9+N:[1]"), untested),
        (of("9?C 9+C:[1] 9?C 9+C:[1]"), untested),
        (of("8?D 9?N 9+N:[1] 9?C 9+C:[1]"), untested),
        (of("9?N 8?C 9+N:[1] 8+C:[1]"), untested),
        (of("9?G 9+G 9?C 9+C:[1]"), untested),
        (of(VANISHED), "not as it was left, key \"k\", event 3"),
        (of(APPEARED), "not as it was left, key \"k\", event 3"),
        (
            of("9?N 9+N:[1] 9?C 9+C:[1] 9?G 9+G:[1]"),
            "not as it was left, key \"k\", event 5",
        ),
        (
            of("9?N 9+N:[1] 9?C 9+C:[1] 9?D 9+D:[] 9?C 9+C:[1]"),
            "not as it was left, key \"k\", event 7",
        ),
        (
            of("9?N 9+N:[1] 9?C 9+C:[1] 8?G 9?G 8+G:[2] 9+G:[2]"),
            "event 7",
        ),
        (vanished("8?G 9?G 8+G:[2] 9+G:[2]", &[3, 2]), no),
        (vanished("8?G 9?G 8+G:[2] 9+G:[3]", &[2, 3]), no),
        (vanished("8?G 9?G 7?S 7~S 8+G:[2] 9+G:[2]", &[4, 5]), no),
        (appeared("8?G 9?S 8+G:[2] 9+S:[2]", &[2, 3]), no),
        (appeared(VANISHED, &[1, 3]), no),
        (vanished(APPEARED, &[1, 3]), no),
        (vanished(VANISHED, &[3, 1]), no),
        (vanished(VANISHED, &[1, 1]), no),
        (vanished(COUNTED_SLOTS, &[1, 3]), no),
        (vanished("9?N 9+N:[1] 9?S 9+S:[1] 9?C 9+C:[]", &[1, 5]), no),
        (vanished("9?N 9+N:[1] 8?S 8~S 9?C 9+C:[]", &[1, 5]), no),
        (vanished("8?O 9?N 9+N:[1] 9?C 9+C:[] 8+O", &[2, 4]), no),
        (vanished("9?N 9+N:[1] 9?D 9+D:[2] 9?C 9+C:[]", &[1, 5]), no),
        (vanished("9?N 8?C 9+N:[1] 8+C:[]", &[2, 3]), no),
        (appeared("9?S 9+S:[1] 8?G 8~G 0?a 0+a:s1", &[1, 5]), no),
        (appeared("9?S 9+S:[1] 8?N 0?a 0+a:s1", &[1, 4]), no),
        (appeared("9?S 0?a 9+S:[1] 0+a:s1", &[2, 3]), no),
        (appeared("9?S 9+S:[1] 0?a 0+a:s2", &[1, 3]), no),
        (appeared("9?S 9-S 0?a 0+a:s1", &[1, 3]), no),
        (appeared(APPEARED, &[3]), "not the events"),
    ];
    for (case, why) in &cases {
        refuse(case, why);
    }
}

#[test]
fn false_claims_about_gaps_are_refused() {
    let of = |history| valid(history, 1, "slot-sequence", scan(0, 0, 0, 0));
    let left = |history, rule, events: &[u64]| {
        violated(history, 1, "slot-sequence", against(rule, events))
    };
    let (uncounted, no) = ("not counted after the last change", "do not contradict");
    let (after, end) = ("gap-after-overshoot", "gap-at-the-end");
    let cases = [
        (of("0?a 0-a"), "nobody counted"),
        (of("9?N 9+N:[1]"), "never counted"),
        (of("9?C 9+C:[1] 9?G 9+G:[2]"), uncounted),
        (of("9?C 8?G 9+C:[1] 8+G:[2]"), uncounted),
        (of("8?G 9?C 9+C:[1]"), uncounted),
        (
            of(GAP),
            "a gap in the slots is not repaired, key \"k\", event 7",
        ),
        (
            of("9?O 9+O:[] 9?C 9+C:[2] 9?G 9+G:[1] 9?C 9+C:[1,2]"),
            "not repaired, key \"k\", event 3",
        ),
        (of("9?C 9+C:[0,1]"), "event 1"),
        (left(COUNTED_SLOTS, end, &[3]), no),
        (left(GAP, end, &[5]), no),
        (left(GAP, after, &[3, 7]), no),
        (left("9?C 9+C:[2] 9?C 9+C:[1]", end, &[1]), no),
        (left("9?C 9+C:[2] 9?O 9+O:[2]", end, &[1]), no),
        (left("8?G 8~G 9?C 9+C:[2]", end, &[3]), no),
        (left("8?G 8~G 9?O 9+O:[] 9?C 9+C:[2]", after, &[3, 5]), no),
        (
            left("9?O 8?G 9+O:[] 9?C 9+C:[2] 8+G:[2]", after, &[2, 4]),
            no,
        ),
        (
            left("9?O 9+O:[] 8?S 9?C 9+C:[2] 8+S:[1]", after, &[1, 4]),
            no,
        ),
        (left("9?O 8?C 9+O:[] 8+C:[2]", after, &[2, 3]), no),
        (left("9?O 9-O 8?C 8+C:[2]", after, &[1, 3]), no),
    ];
    for (case, why) in &cases {
        refuse(case, why);
    }
}

#[test]
fn false_claims_about_decrements_are_refused() {
    let (lossless, single) = ("no-lost-decrement", "no-doubled-decrement");
    let of = |history, of| valid(history, 1, of, scan(0, 0, 0, 0));
    let lost =
        |history, events: &[u64]| violated(history, 1, lossless, against("lost-decrement", events));
    let doubled =
        |history, event| violated(history, 1, single, against("doubled-decrement", &[event]));
    let no = "do not contradict";
    let (uncertain, unasked) = (
        "every decrement was carried out",
        "every decrement was requested",
    );
    let cases = [
        (of(COUNTED_SLOTS, lossless), "no decrement was requested"),
        (
            of("9?N 9+N:[1] 8?R 8~R 9?C 9+C:[1]", lossless),
            "no decrement was requested",
        ),
        (of(COUNTED_SLOTS, single), "no decrement was carried out"),
        (of(LOST, lossless), uncertain),
        (of(LOST, single), "no decrement was carried out"),
        (of(DOUBLED, single), "lacked more slots than were requested"),
        (
            of(DOUBLED, lossless),
            "lacked more slots than were requested",
        ),
        (of("8?R 8+R 9?C 9+C:[1]", lossless), "not known before"),
        (of("9?N 9+N:[1] 8?R 8+R", lossless), "not counted after"),
        (
            of("9?N 9+N:[1] 8?R 8+R 7?D 7~D 9?C 9+C:[]", lossless),
            "destroyed",
        ),
        // The slot may have gone with the overshoot.
        (
            of("9?N 9+N:[1] 8?R 8+R 7?O 7~O 9?C 9+C:[]", lossless),
            uncertain,
        ),
        (
            of(
                "9?N 9+N:[1,2] 8?R 8+R 9?S 9+S:[2] 9?C 9+C:[1] 9?S 9+S:[1]",
                single,
            ),
            unasked,
        ),
        (
            of("7?G 7~G 9?C 9+C:[1] 8?R 8+R 9?S 9+S:[1] 9?C 9+C:[]", single),
            unasked,
        ),
        (lost(LOST, &[3, 7]), no),
        (lost(LOST, &[5, 1]), no),
        (lost(LOST, &[5]), "not the events"),
        (lost(CARRIED_OUT, &[5, 7]), no),
        // Nobody said that nothing was requested, or not about all requests.
        (lost("9?N 9+N:[1] 8?R 8+R 9?S 9-S 9?C 9+C:[1]", &[5, 7]), no),
        (lost("9?N 9+N:[1] 8?R 9?S 9!S 8+R 9?C 9+C:[1]", &[4, 7]), no),
        (
            lost("9?N 9+N:[1] 8?R 8+R 9?S 9!S 8?R 9?C 9+C:[1]", &[5, 8]),
            no,
        ),
        (lost("9?N 9+N:[1] 8?R 8+R 9?S 7?C 9!S 7+C:[1]", &[6, 7]), no),
        // Another had the request in its hands.
        (
            lost("9?N 9+N:[1] 8?R 8+R 7?S 7~S 9?S 9!S 9?C 9+C:[1]", &[7, 9]),
            no,
        ),
        (
            lost("9?N 9+N:[1] 8?R 8+R 7?S 9?S 9!S 7-S 9?C 9+C:[1]", &[6, 9]),
            no,
        ),
        // A slot may have been made meanwhile.
        (
            lost("9?N 9+N:[1] 8?R 8+R 7?G 7~G 9?S 9!S 9?C 9+C:[1]", &[7, 9]),
            no,
        ),
        (lost("8?R 8+R 9?S 9!S 9?C 9+C:[1]", &[3, 5]), no),
        (doubled(CARRIED_OUT, 7), no),
        (doubled(DOUBLED, 1), no),
        // It may have been requested, or gone in another way; without requests nothing is counted.
        (doubled("9?N 9+N:[1,2] 8?R 8+R 7?R 7~R 9?C 9+C:[]", 7), no),
        (doubled("9?N 9+N:[1,2] 8?R 8+R 7?O 7~O 9?C 9+C:[]", 7), no),
        (doubled("9?N 9+N:[1,2] 9?C 9+C:[]", 3), no),
    ];
    for (case, why) in &cases {
        refuse(case, why);
    }
}

#[test]
fn a_beginning_of_a_history_knows_how_was_asked() {
    let history = "0?a 1?a 1!a 2?a:read 2+a 0+a:read";
    let order = orders(&[("k", "0 1 3")]);
    valid(history, 1, "model rwlock", order)
        .certify()
        .expect("it is legal");
    for event in 0..6 {
        let case = violated(history, 1, "model rwlock", against("no-order", &[event]));
        refuse(&case, "there is a legal order");
    }
}

#[test]
fn false_claims_about_data_are_refused() {
    let one_key = |entries: &str| orders(&[("k", entries)]);
    let nothing = || scan(0, 0, 0, 0);
    let cases = [
        (
            valid(WRITTEN, 1, "model register:nil", one_key("2 0")),
            "not allowed",
        ),
        (
            valid(WRITTEN, 1, "model register:nil", one_key("0")),
            "not in the order",
        ),
        (
            valid(WRITTEN, 1, "model register:nil", one_key("0 r0 2")),
            "nothing is revoked",
        ),
        (
            valid("0?g 0+g", 1, "model register:0", one_key("0")),
            "needs no order",
        ),
        (
            valid("0?g 1?w:1 1+w 0+g", 1, "model register:0", one_key("1 0")),
            "has a place",
        ),
        (
            valid(SWAPPED, 1, "model cas-register:0", one_key("0 2 4")),
            "not allowed",
        ),
        (
            valid("0?c:1 0+c", 1, "model cas-register:0", one_key("0")),
            "does not name two values",
        ),
        (
            valid("0?d:1 0+d 1?g 1+g:1", 1, "model set", one_key("0 2")),
            "not read as an array",
        ),
        (
            valid(
                "0?e:1 0+e 0?e:2 0+e 1?q 1+q:2",
                1,
                "model queue",
                one_key("0 2 4"),
            ),
            "not allowed",
        ),
        (
            valid("0?q 0~q", 1, "model queue", one_key("0")),
            "needs no order",
        ),
        (
            valid("0?w:1 0+w 0?a 0+a", 1, "model register:0", one_key("0")),
            "the model has no such operation",
        ),
        (
            valid(SWAPPED, 1, "model register:nil", one_key("0 2 4")),
            "the model has no such operation",
        ),
        (
            valid(TWO_TURNS, 1, "model set", orders(&[])),
            "nothing in the history is an operation of the model",
        ),
        (
            valid(WRITTEN, 1, "model mutex", orders(&[])),
            "nothing in the history is an operation of the model",
        ),
        (
            violated(WRITTEN, 1, "model register:nil", against("no-order", &[3])),
            "there is a legal order",
        ),
        (
            violated(WRITTEN, 1, "model register:nil", against("unowned", &[3])),
            "no such rule",
        ),
        // An operation that does not fit makes nothing of the whole key certain.
        (
            violated(
                "0?d:1 0+d 1?g 1+g:[] 1?g 1+g:1",
                1,
                "model set",
                against("no-order", &[3]),
            ),
            "does not fit the model",
        ),
        // What was taken out only later may be anything up to then.
        (
            violated(
                "0?e:1 0+e 1?q 2?q 2+q:1 1+q:1",
                1,
                "model queue",
                against("no-order", &[4]),
            ),
            "there is a legal order",
        ),
        (
            valid(TWO_TURNS, 1, "no-lost-update", scan(2, 0, 0, 0)),
            "nothing was written",
        ),
        (
            valid("0?d:1 0+d", 1, "no-lost-update", nothing()),
            "never read",
        ),
        (
            valid("0?d:1 0+d 1?g 1+g", 1, "no-lost-update", nothing()),
            "never read",
        ),
        (
            valid("0?w:1 0+w 1?g 1+g:[1]", 1, "no-lost-update", nothing()),
            "never read",
        ),
        (
            valid("1?g 0?d:1 0+d 1+g:[1]", 1, "no-lost-update", nothing()),
            "never read",
        ),
        (
            valid("0?d:1 0+d 1?g 1+g:[2]", 1, "no-lost-update", nothing()),
            "does not show an update, key \"k\", event 3",
        ),
        (
            valid(
                "0?w:1 0+w 1?w:1 1+w 1?g 1+g:1",
                1,
                "no-lost-update",
                nothing(),
            ),
            "written twice",
        ),
        (
            valid("0?w:2 0+w 1?g 1+g:1", 1, "no-lost-update", nothing()),
            "does not show an update",
        ),
        (
            violated(
                COUNTED,
                1,
                "no-lost-update",
                against("lost-update", &[3, 5]),
            ),
            "do not contradict",
        ),
        (
            violated(
                COUNTED,
                1,
                "no-lost-update",
                against("lost-update", &[1, 4]),
            ),
            "not the events",
        ),
        (
            violated(
                "0?w:1 0+w 0?w:1@j 0+w@j",
                1,
                "no-lost-update",
                against("lost-update", &[1, 3]),
            ),
            "not the events",
        ),
    ];
    for (case, why) in &cases {
        refuse(case, why);
    }
}

#[test]
fn false_claims_about_progress_are_refused() {
    let (valid_within, never) = ("it is not certain", "do not contradict");
    let open = "0?a 0+a #inject:cut:0 0?r 0+r 1?a 1-a 1?a 1-a";
    let cases = [
        (
            valid(WRITTEN, 1, "progress<=1h", scan(0, 0, 0, 0)),
            "nobody asked",
        ),
        (
            valid("0?a 0+a", 1, "progress<=9ms", scan(1, 0, 0, 0)),
            valid_within,
        ),
        (
            valid("0?a 0+a", 2, "progress<=1h", scan(1, 0, 0, 0)),
            valid_within,
        ),
        (
            valid(STARVED, 1, "progress<=10ms", scan(0, 0, 0, 0)),
            valid_within,
        ),
        (
            valid(STUCK, 1, "progress<=10ms", scan(1, 0, 0, 1)),
            valid_within,
        ),
        // It may be held still: its release failed.
        (
            valid(
                "0?a 0+a 0?r 0-r 1?a 1-a 1?a 1-a",
                1,
                "progress<=10ms",
                scan(1, 0, 0, 0),
            ),
            valid_within,
        ),
        (
            violated(
                "0?a 0+a 0?r 0-r 1?a 1-a 1?a 1-a",
                1,
                "progress<=10ms",
                against("never-granted", &[4]),
            ),
            never,
        ),
        (
            valid(open, 1, "progress<=1h", scan(1, 0, 0, 0)),
            valid_within,
        ),
        (
            violated(open, 1, "progress<=10ms", against("never-granted", &[5])),
            never,
        ),
        (
            violated(STARVED, 1, "progress<=10ms", against("never-granted", &[2])),
            never,
        ),
        (
            violated(STARVED, 1, "progress<=1s", against("never-granted", &[0])),
            never,
        ),
        (
            violated(STARVED, 2, "progress<=10ms", against("never-granted", &[0])),
            never,
        ),
        // In turn nobody is kept waiting, and two never wanted it at one time.
        (
            violated(
                "0?a 0+a 0?r 0+r 1?a 1+a 1?r 1+r",
                2,
                "progress<=40ms",
                against("never-granted", &[0]),
            ),
            never,
        ),
        // A slot that is not granted again, counted too early, or not at all.
        (
            valid(SLOT_STUCK, 1, "progress<=50ms", scan(1, 0, 0, 2)),
            valid_within,
        ),
        (
            valid(IN_TURN, 1, "progress<=79ms", scan(2, 0, 0, 0)),
            valid_within,
        ),
        (
            valid(
                "9?C 9+C:[1] 0?a 0+a:s1 9?G 9+G:[2]",
                1,
                "progress<=1h",
                scan(1, 0, 0, 0),
            ),
            valid_within,
        ),
        (
            valid("9?C 9+C:[] 0?a 0+a", 1, "progress<=1h", scan(1, 0, 0, 0)),
            valid_within,
        ),
        // It may be a slot that is gone.
        (
            violated(
                "8?S 8~S 9?N 9+N:[1,2] 9?C 9+C:[1,2] 0?a 1?a 0+a:s1 1!a 1?a 1!a",
                1,
                "progress<=50ms",
                against("never-granted", &[7]),
            ),
            never,
        ),
    ];
    for (case, why) in &cases {
        refuse(case, why);
    }
}

#[test]
fn false_claims_about_coverage_are_refused() {
    let landed = "the fault partition never landed";
    let cases = [
        ("0?a 0!a 1?a", scan(0, 0, 0, 1), "no lock was ever granted"),
        (
            "0?a 0+a 0?v #inject:partition:0 #heal:partition 0+v:held",
            scan(1, 0, 0, 0),
            "no two workers",
        ),
        // Processes 0 and 5 are one worker.
        (
            "0?a 0+a 5?a #inject:partition:0 0?v #heal:partition 0+v:held",
            scan(1, 0, 0, 0),
            "no two workers",
        ),
        ("0?a 0+a 1?a", scan(1, 0, 0, 0), landed),
        // To administer a lock is not to want it, and a count that is answered comes through.
        (
            "0?a 0+a 1?C 1+C:[1] 2?R #inject:partition:0 0?v #heal:partition 0+v:held",
            scan(1, 0, 0, 0),
            "no two workers",
        ),
        (
            "0?a 0+a 1?a #inject:partition:0 0?C 0+C:[1] 0?v #heal:partition 0+v:held",
            scan(1, 0, 0, 0),
            landed,
        ),
        (
            "0?a 0+a 1?a #inject:cut:0 0?v 0~v #heal:cut",
            scan(1, 1, 0, 0),
            landed,
        ),
        (
            "0?a 0+a 1?a #inject:partition:1 0?v #heal:partition 0+v:held",
            scan(1, 0, 0, 0),
            landed,
        ),
        (
            "0?a 0+a 1?a #inject:partition:0 #heal:partition 0?v 0+v:held",
            scan(1, 0, 0, 0),
            landed,
        ),
        (
            "0?a 0+a 1?a #inject:partition:0 0?v 0+v:held 0?v #heal:partition 0+v:held",
            scan(1, 0, 0, 0),
            landed,
        ),
    ];
    for (history, figures, why) in cases {
        refuse(&valid(history, 1, "coverage", figures), why);
    }
    let pair = "0?a 0+a:s1 1?a #inject:partition:0 0?v #heal:partition 0+v:held";
    let of_two = valid(pair, 2, "coverage", scan(1, 0, 0, 0));
    refuse(&of_two, "no two workers");
    let violated = violated(COVERED, 1, "coverage", against("never-granted", &[0]));
    refuse(&violated, "no such rule");
}

#[test]
fn where_nothing_is_claimed_nothing_is_proved() {
    let unknown = Case {
        verdict: "unknown",
        ..valid(DOUBLE, 1, "exclusion", Json::Null)
    };
    let certified = unknown.certify().expect("nothing is claimed");
    assert_eq!(certified.claims[0].standing, Standing::NothingClaimed);
}

/// Thirty acquires at a time can take effect in more sequences than anybody can try.
fn beyond_the_bound() -> (History, Vec<u8>) {
    let asked: String = (0..30).map(|process| format!("{process}?a ")).collect();
    let granted: String = (0..30).map(|process| format!("{process}+a ")).collect();
    let history = history(&(asked + &granted + "30?v 30+v:lost 30?r 30!r"));
    let judged = judgement("model semaphore:30", "violated", against("no-order", &[63]));
    let certificate = seal(&body(&history, 1, &[judged]));
    (history, certificate)
}

#[test]
fn a_search_gives_up_at_its_bound() {
    let (history, certificate) = beyond_the_bound();
    let certified = certify(&history, &certificate).expect("it is not refuted");
    let standing = certified.claims[0].standing;
    assert!(matches!(standing, Standing::NotRechecked(_)));
    assert!(!certified.is_complete());
}

#[test]
fn names_have_one_spelling() {
    let order = orders(&[("k", "0 2 4 6 8")]);
    for of in [
        "",
        "model ",
        "mutex",
        "model mutex:1",
        "model semaphore",
        "model semaphore:0",
        "model semaphore:01",
        "model semaphore:+1",
        "model semaphore:4294967296",
        "model reentrant:99999999999999999999",
        "model register:",
        "model cas-register",
        "model exclusion",
        "Exclusion",
        "overlap",
        "overlap<=",
        "overlap<=5",
        "overlap<=-1s",
        "linearizable",
    ] {
        refuse(
            &valid(TWO_TURNS, 1, of, order.clone()),
            "there is no such guarantee or model",
        );
    }
}

/// Changes a sealed certificate of a legal history, and seals it again.
fn changed(change: impl FnOnce(&mut Json)) -> Result<Certified, CertifyError> {
    let history = history(TWO_TURNS);
    let judged = judgement("model mutex", "valid", orders(&[("k", "0 2 4 6 8")]));
    let mut body = body(&history, 1, &[judged]);
    change(&mut body);
    certify(&history, &seal(&body))
}

type Change = fn(&mut Json);

#[test]
fn the_form_is_strict() {
    changed(|_| {}).expect("unchanged it is accepted");
    let unreadable: [(&str, Change); 16] = [
        ("unknown field", |body| body["more"] = json!(1)),
        ("unknown field in scope", |body| {
            body["scope"]["more"] = json!(1);
        }),
        ("unknown field in judgement", |body| {
            body["judgements"][0]["more"] = json!(1);
        }),
        ("unknown field in order", |body| {
            body["judgements"][0]["proof"]["orders"][0]["more"] = json!(1);
        }),
        ("two kinds of proof", |body| {
            body["judgements"][0]["proof"]["scan"] = scan(2, 0, 0, 0)["scan"].clone();
        }),
        ("no kind of proof", |body| {
            body["judgements"][0]["proof"] = json!({});
        }),
        ("another kind of proof", |body| {
            body["judgements"][0]["proof"] = json!({ "belief": [] });
        }),
        ("no proof", |body| {
            drop(
                body["judgements"][0]
                    .as_object_mut()
                    .map(|judgement| judgement.remove("proof")),
            );
        }),
        ("no workers", |body| {
            drop(
                body["scope"]
                    .as_object_mut()
                    .map(|scope| scope.remove("workers")),
            );
        }),
        ("scope as an array", |body| {
            body["scope"] = json!([1, 5, []]);
        }),
        ("no slots", |body| body["scope"]["slots"] = json!(0)),
        ("too many slots", |body| {
            body["scope"]["slots"] = json!(1_u64 << 32);
        }),
        ("another format", |body| body["format"] = json!(1)),
        ("another verdict", |body| {
            body["judgements"][0]["verdict"] = json!("Valid");
        }),
        ("negative number", |body| {
            body["judgements"][0]["proof"]["orders"][0]["raw"] = json!(-1);
        }),
        ("fraction", |body| {
            body["judgements"][0]["proof"]["orders"][0]["raw"] = json!(5.0);
        }),
    ];
    for (what, change) in unreadable {
        let refused = changed(change).expect_err(what);
        assert!(
            matches!(refused, CertifyError::Unreadable(_)),
            "{what}: {refused}"
        );
    }
    assert_eq!(
        changed(|body| body["judgements"] = json!([])),
        Err(CertifyError::Empty)
    );
    assert_eq!(
        changed(|body| body["events"] = json!(9)),
        Err(CertifyError::OtherHistory("events"))
    );
    let other = changed(|body| body["history"] = json!("0".repeat(64)));
    assert_eq!(other, Err(CertifyError::OtherHistory("history")));
    let upper = changed(|body| {
        body["history"] = json!(body["history"].as_str().expect("text").to_uppercase());
    });
    assert_eq!(upper, Err(CertifyError::OtherHistory("history")));
    let twice =
        changed(|body| body["judgements"] = json!([body["judgements"][0], body["judgements"][0]]));
    assert!(
        twice
            .expect_err("it is judged twice")
            .to_string()
            .contains("judged twice")
    );
}

#[test]
fn the_text_is_strict() {
    let history = history(TWO_TURNS);
    let judged = judgement("exclusion", "valid", scan(2, 0, 0, 0));
    let text = body(&history, 1, &[judged]).to_string()[1..].to_owned();
    certify(&history, &seal_text(&text)).expect("unchanged it is accepted");
    let twice = text.replacen("\"format\":2", "\"format\":2,\"format\":2", 1);
    for changed in [
        twice,
        text.replace(',', ",\n"),
        text.clone() + "\n",
        text.clone() + "{}",
        text.clone() + "\r",
        String::new(),
        "[".repeat(100_000),
    ] {
        let refused = certify(&history, &seal_text(&changed)).expect_err(&changed);
        assert!(matches!(refused, CertifyError::Unreadable(_)), "{refused}");
    }
    let mut upper = seal_text(&text);
    upper[11..75].make_ascii_uppercase();
    assert_eq!(certify(&history, &upper), Err(CertifyError::Changed));
    for bytes in [&b""[..], b"{}\n", b"{\"digest\":\"", b"\xff\xfe"] {
        assert!(matches!(
            certify(&history, bytes),
            Err(CertifyError::Unreadable(_))
        ));
    }
}

#[test]
fn packed_orders_are_strict() {
    let raw = [0, 8, 8, 8, 8];
    let good = packed("k", 5, &raw);
    let with = |field: &str, value: Json| {
        let mut order = good.clone();
        order[field] = value;
        order
    };
    let recode = |bytes: Vec<u8>| with("deflate", json!(STANDARD.encode(bytes)));
    let text = good["deflate"].as_str().expect("text").to_owned();
    let cases = [
        (with("entries", json!(4)), "number of entries"),
        (with("entries", json!(6)), "than there can be"),
        (with("entries", json!(u64::MAX)), "than there can be"),
        (with("raw", json!(4)), "than there can be"),
        (with("raw", json!(6)), "does not inflate"),
        (with("raw", json!(26)), "than there can be"),
        (with("raw", json!(u64::MAX)), "than there can be"),
        (
            with(
                "deflate",
                json!(text.trim_end_matches('=').to_owned() + "==="),
            ),
            "not base64",
        ),
        (with("deflate", json!("")), "does not inflate"),
        (with("deflate", json!("%%%%")), "not base64"),
        (recode(vec![0xff; 8]), "DEFLATE"),
        (
            recode([deflate(&raw), vec![0]].concat()),
            "does not inflate",
        ),
        (recode(deflate(&raw)[..4].to_vec()), "does not inflate"),
        // A bomb: ten million zeros.
        (recode(deflate(&vec![0; 10_000_000])), "does not inflate"),
        (packed("k", 5, &[0, 8, 8, 8, 0x88, 0]), "padded"),
        (packed("k", 5, &[0, 8, 8, 8, 0x88]), "cut off"),
        (
            packed("k", 5, &[0, 8, 8, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0]),
            "too long",
        ),
        (
            packed("k", 5, &[0, 8, 8, 8, 0xfc, 0xff, 0xff, 0xff, 0x7f]),
            "no invocation",
        ),
        (
            packed("k", 5, &[0, 8, 8, 8, 0xfe, 0xff, 0xff, 0xff, 0x7f]),
            "before the first",
        ),
    ];
    let certify = |order: Json| valid(TWO_TURNS, 1, "model mutex", json!({ "orders": [order] }));
    certify(good.clone()).certify().expect("it is legal");
    for (order, why) in cases {
        refuse(&certify(order), why);
    }
}
