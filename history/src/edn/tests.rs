//! Imports as they are met, what is refused, and the way there and back.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::fault::{Class, Effect, Link, Note, Role, Targets};
use crate::{
    Answer, Draft, Function, Grant, History, HistoryBuilder, Kind, Lease, Mark, Mode, Outline,
    Process, Value,
};

fn history(text: &str) -> History {
    read(text.as_bytes()).unwrap_or_else(|error| panic!("{error} in {text}"))
}

fn problem(text: &str) -> String {
    read(text.as_bytes())
        .expect_err("the text must be refused")
        .to_string()
}

const LINES: &str = "\
{:process 0, :type :invoke, :f :write, :value 3, :index 0, :time 11}
; a comment
{:type :info, :f :start-partition, :value {:n1 #{\"n2\"}}, :process :nemesis, :time 12, :index 1}
{:process 0, :type :ok, :f :write, :value 3, :index 2, :time 13}
";

#[test]
fn one_map_a_line_and_one_vector_are_the_same() {
    let lines = history(LINES);
    assert_eq!(lines.events().len(), 3);
    assert_eq!(lines.faults().count(), 1);
    assert_eq!(history(&format!("[{LINES}]")), lines);
    assert_eq!(history(&format!(" ; first\n({LINES}) ; last")), lines);
    assert_eq!(
        history(&LINES.replace("{:process", "#jepsen.history.Op{:process")),
        lines
    );
    assert_eq!(
        history(&LINES.replace("{:process", "#jepsen.history.Op {:process")),
        lines
    );
    assert_eq!(history(&LINES.replace('\n', "\r\n")), lines);
    assert_eq!(
        history(&format!("#_ #_ [1 2] #{{3}} {LINES} #_{{}}")),
        lines
    );
    assert_eq!(history("").events().len(), 0);
    assert_eq!(history("[]").events().len(), 0);
}

#[test]
fn values_that_json_lacks_are_kept_apart() {
    let texts = [
        "1/3",
        "92233720368547758079",
        "92233720368547758078N",
        ":a",
        "\"~:a\"",
        "#{1 2}",
        "[1, 2]",
        "\\newline",
        "\\]",
    ];
    let value = |text: &str| {
        let text = format!("{{:process 0 :type :invoke :f :write :value {text}}}");
        history(&text).events()[0].value.clone()
    };
    for (place, text) in texts.iter().enumerate() {
        assert!(
            texts[..place]
                .iter()
                .all(|other| value(other) != value(text)),
            "{text}"
        );
    }
    assert_eq!(value("nil"), Value::None);
    assert_eq!(value("[nil 1]"), Value::data(json!([null, 1])));
}

#[test]
fn whatever_clojure_prints_is_read() {
    let value = |text: &str| {
        let ignored = format!(":ignored [{text} {{{text} {text}}}]");
        let text =
            format!("#_ {text} {{:process 0 :type :invoke :f :write {ignored} :value {text}}}");
        history(&text).events()[0].value.clone()
    };
    let cases = [
        (r#""a\bc\f\u00e9\u0022\"""#, json!("a\u{8}c\u{c}é\"\"")),
        (r"\backspace", json!("~c\u{8}")),
        (r"\formfeed", json!("~c\u{c}")),
        (r"\u03bb", json!("~cλ")),
        ("##Inf", json!("~zINF")),
        ("##-Inf", json!("~z-INF")),
        ("##NaN", json!("~zNaN")),
    ];
    for (text, expected) in cases {
        assert_eq!(value(text), Value::data(expected), "{text}");
    }
    assert_eq!(
        history("[##NaN]".replace("##NaN", LINES).as_str()),
        history(LINES)
    );
}

#[test]
fn the_order_of_forms_counts() {
    let history = history(
        "{:process 0 :type :invoke :f :read :index 7 :time 50} {:process 1 :type :invoke :f :read :index 7 :time 40}
         {:process 1 :type :ok :f :read :index -1} {:process 0 :type :ok :f :read :index 20 :time 60}",
    );
    let places: Vec<_> = history
        .events()
        .iter()
        .map(|event| (event.index, event.time))
        .collect();
    assert_eq!(places, [(7, 50), (8, 50), (9, 50), (20, 60)]);
}

#[test]
fn locks_of_hazelcast_are_understood() {
    let history = history(
        "{:process 0 :type :invoke :f :acquire :value \"6f1c-uid\"}
         {:process 0 :type :ok :f :acquire :value {:client \"n1\" :fence 4 :uid \"6f1c-uid\"}}
         {:process 1 :type :invoke :f :acquire :value :read}
         {:process 1 :type :fail :f :acquire :value \"u\" :error [:timed-out \"after\" 5] :observed true}
         {:process 0 :type :invoke :f :release :value \"u\"}
         {:process 0 :type :fail :f :release :error :not-lock-owner :debug (1 2)}
         {:process 0 :type :invoke :f :verify} {:process 0 :type :ok :f :verify :value :lost}
         {:process 0 :type :invoke :f :acquire} {:process 0 :type :ok :f :acquire :value {:fence -1}}",
    );
    let events = history.events();
    assert_eq!(events[0].value, Value::None);
    assert_eq!(
        events[1].value,
        Value::Grant(Grant {
            slot: None,
            token: 4,
            lease: None,
        })
    );
    assert_eq!(events[2].value, Value::Mode(Mode::Read));
    assert!(events[3].observed && !events[5].observed);
    assert_eq!(
        events[3]
            .error
            .as_ref()
            .map(|error| (&*error.kind, &*error.text)),
        Some(("timed-out", "after 5"))
    );
    assert_eq!(
        events[5].error.as_ref().map(|error| &*error.kind),
        Some("not-lock-owner")
    );
    assert_eq!(events[7].value, Value::Answer(Answer::Lost));
    assert_eq!(events[9].value, Value::Grant(Grant::default()));
}

const LEASED: &str = "{:process 0 :type :invoke :f :acquire :time 1}
    {:process 0 :type :ok :f :acquire :value {:slot 2, :lease_ms 5000} :time 2}
    {:process 0 :type :invoke :f :verify :time 3}
    {:process 0 :type :ok :f :verify :value {:answer :held, :lease-ms 7} :time 3}";

#[test]
fn leases_are_read_as_they_are_in_json_lines() {
    let leased = history(LEASED);
    let leases: Vec<_> = leased
        .events()
        .iter()
        .map(|event| event.value.lease())
        .collect();
    assert_eq!(
        leases,
        [None, Lease::from_ms(5000), None, Lease::from_ms(7)]
    );
    let mut lines = Vec::new();
    crate::jsonl::write(&leased, &mut lines).expect("a vector takes all");
    let lines = String::from_utf8(lines).expect("JSON is UTF-8");
    assert!(
        lines.contains(r#""value":{"slot":2,"lease_ms":5000}"#),
        "{lines}"
    );
    assert!(
        lines.contains(r#""value":{"answer":"held","lease_ms":7}"#),
        "{lines}"
    );
    assert_eq!(
        crate::jsonl::read(lines.as_bytes()).expect("well-formed"),
        leased
    );
}

#[test]
fn a_lease_needs_a_clock() {
    assert!(history(LEASED).has_clock());
    let times = |text: &str| -> Vec<u64> {
        let history = history(text);
        history.events().iter().map(|event| event.time).collect()
    };
    for untimed in [
        LEASED.replacen(":time 2", "", 1),
        LEASED.replacen(":time 2", ":time 0", 1),
    ] {
        assert_eq!(times(&untimed), [0; 4]);
        assert!(!history(&untimed).has_clock());
    }
    let without = LEASED.replacen(":time 2", "", 1);
    let without = without
        .replace(":lease_ms 5000", "")
        .replace(", :lease-ms 7", "");
    assert_eq!(
        times(&without),
        [1, 1, 3, 3],
        "without leases times may be missing"
    );
}

#[test]
fn what_is_no_lease_is_refused_with_its_line() {
    for bad in [
        "0",
        "-1",
        "1.5",
        "\"5000\"",
        ":long",
        "1/2",
        "18446744073709551616",
    ] {
        for (lease, line) in [("5000", 2), ("7", 4)] {
            let text = LEASED.replace(&format!(" {lease}}}"), &format!(" {bad}}}"));
            let said = read(text.as_bytes()).expect_err(bad).to_string();
            let expected = format!("line {line}: :lease_ms is missing or no whole number");
            assert!(said.starts_with(&expected), "{bad}: {said}");
        }
    }
    let both = LEASED.replace(":lease_ms 5000", ":lease_ms 5, :lease-ms 50");
    let said = read(both.as_bytes())
        .expect_err("nobody knows which one is meant")
        .to_string();
    assert!(
        said.starts_with("line 2: :lease_ms is missing or beside :lease-ms"),
        "{said}"
    );
    let lost = LEASED.replace(":answer :held", ":answer :lost");
    let said = read(lost.as_bytes())
        .expect_err("what is lost has no lease")
        .to_string();
    assert!(
        said.starts_with("line 4: :value is missing or not what a :verify"),
        "{said}"
    );
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let deep = format!("\n{{:value {}", "[".repeat(10_000));
    let long = format!("\n\n{{:value \"{}\"}}", "x".repeat(FORM_BYTES_MAX));
    let endless = format!("\n\"{}", "x".repeat(FORM_BYTES_MAX + 10));
    let cases = [
        (
            "\n\n{:process 0 :type :invoke :f :steal}",
            "line 3: \"steal\" is not an operation",
        ),
        (
            "{:process 0 :type :ok :f :read}",
            "line 1: process 0 ends read but has invoked nothing",
        ),
        (
            "{:process -1 :type :ok :f :read}",
            "line 1: :process is missing or neither a number",
        ),
        (
            "{:process 4294967296 :type :ok :f :read}",
            "line 1: :process is missing or neither a number",
        ),
        (
            "{:process 0 :f :read}",
            "line 1: :type is missing or none of",
        ),
        ("{:process 0 :type :ok}", "line 1: :f is missing or no name"),
        ("\n42", "line 2: not an operation"),
        ("[\n[1 2]]", "line 2: not an operation"),
        (
            "{:process 0 :type :invoke :f :verify}\n{:process 0 :type :ok :f :verify}",
            "line 2: :value is missing or not what a :verify answers",
        ),
        ("{:a 1 :a 2}", "line 1: not EDN: HashMapDuplicateKey"),
        ("{:a 1]", "line 1: not EDN: UnmatchedDelimiter"),
        ("\n{:a 1", "line 2: the form does not end"),
        ("[\n", "line 2: the form does not end"),
        ("{:a \"b", "line 1: the form does not end"),
        ("#foo", "line 1: the form does not end"),
        ("[#foo}", "line 1: a closing bracket"),
        ("\n]", "line 2: a closing bracket"),
        ("[]\n{}", "line 2: something follows the end"),
        ("\u{feff}[]", "line 1: begins with a byte-order mark"),
        (&deep, "line 2: nested deeper than 100 levels"),
        (&long, "line 3: longer than"),
        (&endless, "line 2: longer than"),
    ];
    for (text, expected) in cases {
        let said = problem(text);
        assert!(
            said.starts_with(expected),
            "expected {expected:?}, but it said {said:?}"
        );
    }
    let said = read(&b"{}\n\xff"[..])
        .expect_err("it is not UTF-8")
        .to_string();
    assert_eq!(said, "line 2: not UTF-8");
}

#[test]
fn notes_of_faults_are_read_with_keywords_and_with_texts() {
    let note = |note: &str| {
        let text = format!("{{:process :nemesis :type :info :f :cut :value {note}}}");
        history(&text).events()[0].value.clone()
    };
    let expected = Value::Note(Box::new(Note::Inject {
        id: 7,
        class: Class::Breaking,
        targets: Targets::Links(vec![Link { from: 0, to: 2 }]),
        parameters: [("for_ms".to_owned(), json!(5))].into(),
    }));
    for text in [
        r#"{:id 7 :phase :inject :class :breaking :targets {:links [[0 2]]} :parameters {"for_ms" 5}}"#,
        r#"{"id" 7 "phase" "inject" "class" "breaking" "targets" {"links" [[0 2]]} "parameters" {"for_ms" 5}}"#,
    ] {
        assert_eq!(note(text), expected);
    }
}

#[test]
fn what_claims_to_be_a_note_must_be_one() {
    let said = |note: &str| {
        problem(&format!(
            "\n{{:process :nemesis :type :info :f :cut :value {note}}}"
        ))
    };
    let without_class = said("{:id 0 :phase :inject :targets {:processes [0]}}");
    assert!(
        without_class.starts_with("line 2: not the note of a fault: missing field `class`"),
        "{without_class}"
    );
    assert!(said("{:id 0 :phase :over}").contains("unknown variant `over`"));
    assert!(said("{:id 0 :phase :heal}").contains("no fault with the id 0 was injected"));
}

#[test]
fn what_a_record_says_of_itself_reads_back() {
    let outline = Outline {
        workload: "mutex".to_owned(),
        lock: "exclusive-queue,verify=passive-declare".to_owned(),
        workers: 5,
        slots: 1,
        heartbeat_ms: 2_000,
        faults: vec!["cut".to_owned(), "pause".to_owned()],
        effects: [("pause".to_owned(), Effect::Delayed)].into(),
        struck: [("cut".to_owned(), [(Role::Holder, 3)].into())].into(),
        guarantees: vec!["progress<=10s".to_owned()],
    };
    let mut builder = HistoryBuilder::default();
    for draft in [
        Draft::begin(outline),
        Draft::mark(Mark::Settle),
        Draft::mark(Mark::End),
    ] {
        builder.push(7, draft).expect("well-formed");
    }
    let history = builder.finish();
    let mut written = Vec::new();
    write(&history, &mut written).expect("a vector takes all");
    assert_eq!(read(written.as_slice()).expect("well-formed"), history);
    let said = problem("{:process :run :type :info :f :begin :value {:workers 5}}");
    assert!(
        said.contains("not the outline of a run: missing field"),
        "{said}"
    );
    let said = problem("{:process :run :type :info :f :over}");
    assert!(said.contains("\"over\" is no mark of a run"), "{said}");
}

/// What the nemesis of another program writes.
fn foreign(name: &str, value: Json) -> Draft {
    Draft::new(Process::Nemesis, Kind::Info, Function::fault(name)).with(Value::data(value))
}

fn any_note() -> impl Strategy<Value = Note> {
    let numbers = || prop::collection::vec(any::<u32>(), 0..3);
    let link = any::<[u32; 2]>().prop_map(Link::from);
    let targets = prop_oneof![
        numbers().prop_map(Targets::Processes),
        numbers().prop_map(Targets::Nodes),
        prop::collection::vec(link, 0..3).prop_map(Targets::Links),
    ];
    let class = prop_oneof![
        Just(Class::Isolating),
        Just(Class::Halting),
        Just(Class::Breaking),
        Just(Class::Slowing),
        Just(Class::Changing),
    ];
    let parameter = prop_oneof![
        any::<u64>().prop_map(Json::from),
        "[~:a]{0,3}".prop_map(Json::from),
        Just(json!({"~:id": [null, "~$phase"]})),
    ];
    let parameters =
        || prop::collection::btree_map("[~:a]{0,3}|parameters", parameter.clone(), 0..3);
    let inject =
        (0..4_u64, class, targets, parameters()).prop_map(|(id, class, targets, parameters)| {
            Note::Inject {
                id,
                class,
                targets,
                parameters,
            }
        });
    prop_oneof![
        inject,
        (0..4_u64, parameters()).prop_map(|(id, evidence)| Note::On { id, evidence }),
        (0..4_u64, any::<bool>()).prop_map(|(id, missed)| Note::Heal { id, missed }),
        (0..4_u64, parameters()).prop_map(|(id, evidence)| Note::Healed { id, evidence }),
    ]
}

#[test]
fn names_that_would_swallow_what_follows_are_written_as_texts() {
    let mut builder = HistoryBuilder::default();
    for name in [
        "~:\\", "~$\\", "~$a\\", "~c\\", "~:;", "~$#_", "~:a b", "~#", "~",
    ] {
        let value = json!({"targets": [name], name: 1});
        builder
            .push(0, foreign(&name[1..], value))
            .expect("well-formed");
    }
    let history = builder.finish();
    let mut written = Vec::new();
    write(&history, &mut written).expect("a vector takes all");
    assert_eq!(read(written.as_slice()).expect("well-formed"), history);
}

/// A random history of all kinds of events, whatever a lock would say to it.
fn any_history() -> impl Strategy<Value = History> {
    let text = any::<String>;
    let data = prop_oneof![
        Just(json!(null)),
        any::<u64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!([number])),
        text().prop_map(|text| json!({ text: ["~:a", "~#set"] })),
        Just(json!({"targets": [0, 1], "~:mode": "~$cut"})),
    ];
    let value = prop_oneof![
        (
            any::<Option<u32>>(),
            prop_oneof![Just(0), any::<u64>()],
            prop_oneof![Just(0), any::<u64>()]
        )
            .prop_map(|(slot, token, lease)| {
                let lease = Lease::from_ms(lease);
                Value::Grant(Grant { slot, token, lease })
            }),
        any::<u64>().prop_map(|lease| {
            let leased = Lease::from_ms(lease).map(Answer::Leased);
            Value::Answer(leased.unwrap_or(Answer::Held))
        }),
        Just(Value::Mode(Mode::Read)),
        Just(Value::Mode(Mode::Write)),
        any::<std::num::NonZeroU32>().prop_map(Value::Permits),
        Just(Value::Answer(Answer::Held)),
        Just(Value::Answer(Answer::Lost)),
        prop::collection::vec(any::<u32>(), 0..4).prop_map(Value::Slots),
        data.prop_map(Value::data),
    ];
    let function = prop_oneof![
        Just(Function::Acquire),
        Just(Function::Verify),
        Just(Function::Release),
        Just(Function::Lost),
        Just(Function::Count),
        Just(Function::Cas)
    ];
    let kind = prop_oneof![Just(Kind::Ok), Just(Kind::Fail), Just(Kind::Info)];
    let event = (
        0..6_u32,
        function,
        kind,
        value,
        text(),
        text(),
        any::<bool>(),
        any_note(),
        0..1_000_000_u64,
    );
    prop::collection::vec(event, 0..30).prop_map(|events| {
        let mut builder = HistoryBuilder::default();
        let mut time = 0;
        for (process, function, kind, value, one, other, observed, note, pause) in events {
            time += pause;
            let fits = Value::parse(
                &serde_json::to_string(&value).expect("a value has JSON"),
                Process::Client(process),
                kind,
                &function,
            );
            let value = fits.unwrap_or_default();
            let mut draft = Draft::new(Process::Client(process), kind, function.clone())
                .on(one.as_str())
                .with(value);
            if matches!(kind, Kind::Fail | Kind::Info) {
                draft = draft.because(other.clone(), one.clone());
            }
            if observed && kind == Kind::Fail {
                draft = draft.observed();
            }
            // What breaks a rule is left out.
            let invocation =
                Draft::new(Process::Client(process), Kind::Invoke, function).on(one.as_str());
            let _ = builder.push(time, invocation);
            let _ = builder.push(time, draft);
            let _ = builder.push(time, foreign(&other, json!({"targets": [one]})));
            let _ = builder.push(time, Draft::fault("cut", note));
        }
        builder.finish()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn json_lines_to_edn_and_back_is_the_same(history in any_history()) {
        let mut lines = Vec::new();
        crate::jsonl::write(&history, &mut lines).expect("a vector takes all");
        let from_lines = crate::jsonl::read(lines.as_slice()).expect("well-formed");
        let mut edn = Vec::new();
        write(&from_lines, &mut edn).expect("a vector takes all");
        let from_edn = read(edn.as_slice()).expect("well-formed");
        prop_assert_eq!(&from_edn, &history);
        let mut again = Vec::new();
        crate::jsonl::write(&from_edn, &mut again).expect("a vector takes all");
        prop_assert!(again == lines);
    }
}
