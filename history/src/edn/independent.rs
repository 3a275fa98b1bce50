//! Where keys stand: histories of `jepsen.independent` and others.

use super::*;
use crate::History;

fn problem(text: &str) -> String {
    let read = read(text.as_bytes()).map(|_| ());
    read.expect_err(text).to_string()
}

/// The keys of the events, `-` where there is none, and their values as JSON.
fn keys_and_values(history: &History) -> Vec<String> {
    let event = |event: &crate::Event| {
        let value = serde_json::to_string(&event.value).expect("a value has JSON");
        format!("{} {value}", event.key.as_deref().unwrap_or("-"))
    };
    history.events().iter().map(event).collect()
}

fn read_text(text: &str) -> Vec<String> {
    let history = read(text.as_bytes());
    keys_and_values(&history.unwrap_or_else(|error| panic!("{error} in {text}")))
}

fn operation(process: u32, kind: &str, rest: &str) -> String {
    format!("{{:process {process} :type :{kind} :f {rest}}}\n")
}

#[test]
fn keys_are_taken_out_of_values_where_every_value_is_a_pair() {
    let register = operation(0, "invoke", ":write :value [0 1]")
        + &operation(0, "ok", ":write :value [0 1]")
        + "{:process :nemesis :type :info :f :start :value [1 2]}"
        + &operation(0, "invoke", ":write :value [1 5]")
        + &operation(0, "ok", ":write :value [1 5]")
        + &operation(1, "invoke", ":read :value #jepsen/tuple [:a nil]")
        + &operation(1, "ok", ":read :value #jepsen/tuple [:a [3 4]]")
        + &operation(2, "invoke", ":cas :value [\"b\" [0 1]]")
        + &operation(2, "info", ":cas :value [\"b\" [0 1]]");
    assert_eq!(
        read_text(&register),
        [
            "0 1", "0 1", "- [1,2]", "1 5", "1 5", "a null", "a [3,4]", "b [0,1]", "b [0,1]"
        ]
    );
    let lock = operation(0, "invoke", ":acquire :value [7 nil]")
        + &operation(0, "ok", ":acquire :value [7 {:fence 3}]")
        + &operation(0, "invoke", ":release :value [7 nil]");
    assert_eq!(read_text(&lock), ["7 null", "7 {\"token\":3}", "7 null"]);
    let cas = operation(0, "invoke", ":cas :value [3 [1 2]]");
    assert_eq!(read_text(&cas), ["3 [1,2]"]);
    let slots = operation(0, "invoke", ":create :value [:a nil]")
        + &operation(0, "ok", ":create :value [:a [1 2]]");
    assert_eq!(read_text(&slots), ["a null", "a [1,2]"]);
}

#[test]
fn pairs_that_are_values_stay() {
    for plain in [
        ":cas :value [1 2]",
        ":cas :value [nil [1 2]]",
        ":create :value [1 2]",
        ":write :value [1 2 3]",
        ":write :value [nil 1]",
        ":write :key nil :value [1 2]",
        ":enqueue :key nil :value [\"a\" 1]",
        ":write :key \"a\" :value [7 nil]",
    ] {
        let text = operation(0, "invoke", plain);
        assert!(!read_text(&text)[0].starts_with(['1', '7']), "{text}");
    }
    let set = operation(0, "invoke", ":add :value 1")
        + &operation(1, "invoke", ":read")
        + &operation(1, "ok", ":read :value [1 2]");
    assert_eq!(read_text(&set)[2], "- [1,2]");
}

#[test]
fn where_nobody_can_say_what_is_a_key_the_history_is_refused() {
    let looks = "line 2: the value [7 v] looks like one of jepsen.independent, but not every";
    let mut cases = vec![
        (
            operation(0, "invoke", ":write :value 1")
                + &operation(1, "invoke", ":write :value [7 1]"),
            looks,
        ),
        (
            operation(0, "invoke", ":write :value [7 1]") + &operation(1, "invoke", ":read"),
            "line 2: the value is no [k v] of jepsen.independent",
        ),
        (
            operation(0, "invoke", ":write :value [7 1]") + &operation(0, "ok", ":write"),
            "line 2: the value is no [k v] of jepsen.independent",
        ),
        (
            operation(0, "invoke", ":write :value [7 1]")
                + &operation(0, "ok", ":write :value [8 1]"),
            "line 2: process 0 ends write on another key",
        ),
        (
            operation(0, "invoke", ":acquire") + &operation(0, "ok", ":acquire :value [7 nil]"),
            looks,
        ),
    ];
    for lock in ["acquire", "release", "verify", "lost"] {
        cases.push((
            operation(0, "invoke", ":read")
                + &operation(1, "invoke", &format!(":{lock} :value [7 nil]")),
            looks,
        ));
    }
    for (text, expected) in cases {
        let said = problem(&text);
        assert!(said.starts_with(expected), "{said} in {text}");
    }
}

#[test]
fn whoever_says_that_keys_are_in_the_values_is_believed() {
    let cas = operation(0, "invoke", ":cas :value [[1 2] [3 4]]");
    assert_eq!(read_text(&cas), ["- [[1,2],[3,4]]"]);
    let history = read_independent(cas.as_bytes()).expect("they are");
    assert_eq!(keys_and_values(&history), ["[1,2] [3,4]"]);
    let plain = operation(0, "invoke", ":write :value 1");
    let refused = read_independent(plain.as_bytes()).expect_err("they are not");
    assert!(refused.to_string().contains("--independent"), "{refused}");
}

#[test]
fn what_has_no_key_is_written_so_that_it_reads_back() {
    for line in [
        r#"{"index":0,"time":0,"process":0,"type":"invoke","f":"enqueue","key":null,"value":["a",1]}"#,
        r#"{"index":0,"time":0,"process":0,"type":"invoke","f":"release","key":null,"value":"~a"}"#,
        r#"{"index":0,"time":0,"process":0,"type":"invoke","f":"write","key":null,"value":[0,1]}"#,
    ] {
        let history = crate::jsonl::read(line.as_bytes()).expect("well-formed");
        let mut written = Vec::new();
        write(&history, &mut written).expect("a vector takes all");
        assert_eq!(read(written.as_slice()).expect("well-formed"), history);
    }
}

#[test]
fn several_permits_at_once_are_read() {
    for rest in [
        ":acquire :value 2",
        ":acquire :value 2N",
        ":acquire :value {:permits 2}",
        ":release :value 2",
        ":release :value {:amount 2}",
    ] {
        let text = operation(0, "invoke", rest);
        assert_eq!(read_text(&text), ["- 2"], "{rest}");
    }
    for value in [
        "0",
        "-2",
        "1.5",
        "2M",
        "4/2",
        "\"2\"",
        "\\2",
        ":2",
        "[2]",
        "#{2}",
        "(:k 2)",
        "##Inf",
        "true",
        "#foo 2",
        "{:permits \"2\"}",
        "{:permits 1, :amount 2}",
        "{:permits [2]}",
    ] {
        for function in [":acquire", ":release"] {
            let said = problem(&operation(
                0,
                "invoke",
                &format!("{function} :key nil :value {value}"),
            ));
            assert!(
                said.contains("a number is that of the permits"),
                "{value}: {said}"
            );
        }
    }
    for value in [
        "nil",
        "\"a-client\"",
        ":somebody",
        "{:client 7}",
        "{:permits nil, :fence 3}",
    ] {
        for function in [":acquire", ":release"] {
            read_text(&operation(
                0,
                "invoke",
                &format!("{function} :value {value}"),
            ));
        }
    }
    assert_eq!(
        read_text(&operation(
            0,
            "invoke",
            ":acquire :value {\"permits\" 2 :amount 2}"
        )),
        ["- 2"]
    );
    for rest in [
        ":acquire :value 0",
        ":acquire :value -2",
        ":release :value 1.5",
    ] {
        let said = problem(&operation(0, "invoke", rest));
        assert!(said.contains("a number is that of the permits"), "{said}");
    }
    let granted = |value: &str| {
        let ok = operation(0, "ok", &format!(":acquire :value {value}"));
        operation(0, "invoke", ":acquire :value 2") + &ok
    };
    assert_eq!(read_text(&granted("{:permits 2}")), ["- 2", "- 2"]);
    for value in ["{:permits 2 :slot 1}", "{:token 4}"] {
        let said = problem(&granted(value));
        assert!(said.contains("names a slot, a token or a lease"), "{said}");
    }
}
