//! A lock that grants everything, but for one message, at which it does what no program should:
//! `misbehaving FAULT MESSAGE COUNT FILE`, from the COUNT-th message of that type on; then the file is
//! there.

#![expect(
    clippy::print_stderr,
    clippy::zombie_processes,
    reason = "it does what no program should"
)]

use std::io::{BufRead, Write, stdin, stdout};
use std::process::{Command, exit};

use serde_json::{Value, json};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [fault, message, count, file] = arguments.as_slice() else {
        eprintln!("usage: misbehaving FAULT MESSAGE COUNT FILE");
        exit(2);
    };
    let mut left: u32 = count.parse().expect("a number");
    for line in stdin().lock().lines() {
        let line = line.expect("text");
        let request: Value = serde_json::from_str(&line).expect("JSON");
        let asked = request["body"]["type"].as_str().expect("a type").to_owned();
        if asked == *message {
            left = left.saturating_sub(1);
            if left == 0 {
                std::fs::write(file, "").expect("there is a place for it");
                misbehave(fault, &request);
                continue;
            }
        }
        say(&answer(&request));
        if asked == "close" {
            return;
        }
    }
}

/// What a program should say.
fn answer(request: &Value) -> Value {
    let asked = request["body"]["type"].as_str().expect("a type");
    let mut body = match asked {
        "init" => {
            json!({"name": "misbehaving", "kind": "mutex", "operations": ["acquire", "verify", "release", "create"]})
        }
        "acquire" | "verify" => json!({"held": true}),
        "create" => json!({"slots": [1]}),
        _ => json!({}),
    };
    body["type"] = format!("{asked}_ok").into();
    body["in_reply_to"] = request["body"]["msg_id"].clone();
    json!({"src": request["dest"], "dest": request["src"], "body": body})
}

/// What it should not.
fn misbehave(fault: &str, request: &Value) {
    let mut proper = answer(request);
    match fault {
        "no-json" => write("{\"src\":\"n0\",\n"),
        "no-message" => write("[1,2,3]\n"),
        "no-text" => write_bytes(b"\xff\xfe\n"),
        "stray-print" => {
            write("connected!\n");
            say(&proper);
        }
        "blank-line" => write("\n"),
        "twice" => {
            say(&proper);
            say(&proper);
        }
        "to-nothing" => {
            proper["body"]["in_reply_to"] = 9999.into();
            say(&proper);
        }
        "out-of-order" => {
            let id = request["body"]["msg_id"].as_u64().unwrap_or_default();
            proper["body"]["in_reply_to"] = (id + 1).into();
            say(&proper);
        }
        "wrong-type" => {
            proper["body"]["type"] = "count_ok".into();
            proper["body"] =
                json!({"type": "count_ok", "slots": [], "in_reply_to": request["body"]["msg_id"]});
            say(&proper);
        }
        "another-field" => {
            proper["body"]["lease"] = 5.into();
            say(&proper);
        }
        "another-name" => {
            proper["src"] = "n77".into();
            say(&proper);
        }
        "contradiction" => {
            let id = &request["body"]["msg_id"];
            let body = json!({"type": "error", "in_reply_to": id, "code": 13, "kind": "busy"});
            say(&json!({"src": request["dest"], "dest": request["src"], "body": body}));
        }
        "long-line" => {
            for _ in 0..100 {
                write_bytes(&[b'x'; 1 << 20]);
            }
            write("\n");
        }
        "endless" => loop {
            write_bytes(&[b'y'; 1 << 16]);
        },
        "endless-lines" => loop {
            say(&proper);
        },
        "endless-stderr" => loop {
            eprintln!("still here");
        },
        "half-line" => {
            let text = proper.to_string();
            write(&text[..text.len() / 2]);
            exit(0);
        }
        "exit" => exit(0),
        "exit-1" => exit(1),
        "panic" => panic!("as told"),
        "silence" => {}
        "child" => {
            child(&[]);
            say(&proper);
            exit(0);
        }
        "daemon" => {
            child(&["setsid"]);
            say(&proper);
        }
        other => panic!("there is no fault {other}"),
    }
}

/// A process that stays; with `setsid` it leaves the group, too.
fn child(prefix: &[&str]) {
    let words = [prefix, &["sleep", "600"]].concat();
    let child = Command::new(words[0]).args(&words[1..]).spawn();
    child.expect("sleep is there");
}

fn say(message: &Value) {
    write(&format!("{message}\n"));
}

fn write(text: &str) {
    write_bytes(text.as_bytes());
}

/// Whoever reads no more is the end of it.
fn write_bytes(bytes: &[u8]) {
    let mut out = stdout().lock();
    if out.write_all(bytes).and_then(|()| out.flush()).is_err() {
        exit(0);
    }
}
