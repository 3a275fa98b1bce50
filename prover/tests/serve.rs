//! The results in a browser and as pages: what is answered, what is refused, and that nothing that
//! was killed or altered is called valid.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use tempfile::TempDir;

const PROVER: &str = env!("CARGO_BIN_EXE_prover");

/// What was typed, in a folder; its exit code and its results.
fn prover(place: &Path, arguments: &str) -> (Option<i32>, String) {
    let output = Command::new(PROVER)
        .args(arguments.split_whitespace())
        .current_dir(place)
        .output()
        .expect("it is built");
    let said = String::from_utf8(output.stdout).expect("text");
    (output.status.code(), said)
}

/// Results with a run of each kind: valid, violated, killed, and with a history that was cut off.
struct Results {
    place: TempDir,
}

impl Results {
    fn new() -> Self {
        let results = Self {
            place: tempfile::tempdir().expect("a temporary folder"),
        };
        for (name, options, exit) in [
            (
                "valid",
                "--nemesis partition --seed 3 --commit 0123456789ab",
                0,
            ),
            ("violated", "--lock no-lock --time-limit 5s --seed 1", 1),
        ] {
            let sim = "--testbed sim --quiet --power-within 0s --format json";
            let (code, said) = prover(results.path(), &format!("run {options} {sim}"));
            assert_eq!(code, Some(exit), "{said}");
            let run: Value = serde_json::from_str(&said).expect("JSON");
            let folder = results
                .path()
                .join(run["folder"].as_str().expect("a folder"));
            fs::rename(folder, results.run(name)).expect("it is there");
        }
        results.copy("valid", "killed");
        let manifest = results.run("killed").join("manifest.json");
        let text = fs::read_to_string(&manifest).expect("it is there");
        let running = text.replace(r#""state": "finished""#, r#""state": "running""#);
        assert_ne!(running, text);
        fs::write(&manifest, running).expect("writable");
        results.copy("valid", "deep/below/cut");
        let history = results.run("deep/below/cut").join("history.jsonl");
        let text = fs::read_to_string(&history).expect("it is there");
        let end = text.trim_end().rfind('\n').expect("lines") + 1;
        fs::write(&history, &text[..end]).expect("writable");
        results
    }

    fn path(&self) -> &Path {
        self.place.path()
    }

    fn run(&self, name: &str) -> PathBuf {
        self.path().join("results").join(name)
    }

    fn copy(&self, from: &str, to: &str) {
        fs::create_dir_all(self.run(to)).expect("writable");
        for entry in fs::read_dir(self.run(from)).expect("it is there") {
            let path = entry.expect("readable").path();
            if path.is_file() {
                let name = path.file_name().expect("a name");
                fs::copy(&path, self.run(to).join(name)).expect("writable");
            }
        }
    }
}

/// The program that serves them.
struct Server {
    child: Child,
    address: String,
}

struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Server {
    fn start(results: &Results) -> Self {
        let mut child = Command::new(PROVER)
            .args(["serve", "--port", "0"])
            .current_dir(results.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it is built");
        let mut line = String::new();
        let out = child.stdout.take().expect("it is piped");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("results: http://");
        let address = address.and_then(|address| address.strip_suffix('/'));
        let address = address.unwrap_or_else(|| panic!("{line}")).to_owned();
        assert!(address.starts_with("127.0.0.1:"), "{address}");
        Self { child, address }
    }

    fn ask(&self, method: &str, path: &str, host: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        write!(stream, "{method} {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").expect("it reads");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("it answers");
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.expect("a head");
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.lines();
        let status = lines.next().expect("a status").split(' ').nth(1);
        let headers = lines.filter_map(|line| line.split_once(": "));
        Answer {
            status: status.and_then(|it| it.parse().ok()).expect("a number"),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            body: bytes[end + 4..].to_vec(),
        }
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &self.address)
    }

    fn page(&self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.headers["content-type"].starts_with("text/html"));
        String::from_utf8(answer.body).expect("text")
    }

    /// Interrupts it, as Ctrl-C does.
    fn end(mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        let told = Command::new("kill").args(["-INT", &id]).status();
        assert!(told.expect("every POSIX system has it").success());
        self.child.wait().expect("it ends")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The verdicts of the rows of a list.
fn listed(page: &str) -> Vec<&str> {
    let rows = page.split("data-verdict=\"").skip(1);
    rows.filter_map(|row| row.split('"').next()).collect()
}

#[tokio::test]
async fn results_are_browsed() {
    let results = Results::new();
    let server = Server::start(&results);

    let mut all = server.page("/");
    assert_eq!(all, server.page("/index.html"));
    let mut verdicts = listed(&all);
    verdicts.sort_unstable();
    assert_eq!(verdicts, ["broken", "unfinished", "valid", "violated"]);
    assert!(all.contains("the run was killed, or is not over yet"));
    assert!(all.contains("0123456789"));
    all = server.page("/?text=NO-lock&verdict=");
    assert_eq!(listed(&all), ["violated"]);
    assert_eq!(
        listed(&server.page("/?verdict=valid&text=mutex+sim")),
        ["valid"]
    );
    assert_eq!(listed(&server.page("/?text=nothing-like-this")), [""; 0]);

    let both = server.page("/compare?run=valid&run=violated");
    for said in ["exclusion", "noticed after", "35 overlaps", "partition"] {
        assert!(both.contains(said), "{said}: {both}");
    }
    assert_eq!(server.get("/compare?run=valid").status, 400);
    assert_eq!(server.get("/compare?run=valid&run=none").status, 404);

    let page = server.page("/runs/violated/");
    assert!(
        page.contains("href=\"report.html\"") && page.contains(" shrink "),
        "{page}"
    );
    let cut = server.page("/runs/deep/below/cut/index.html");
    assert!(
        cut.contains("<strong>broken</strong>") && !cut.contains(">valid<"),
        "{cut}"
    );
    let there = server.get("/runs/valid");
    assert_eq!(
        (there.status, &*there.headers["location"]),
        (303, "/runs/valid/")
    );

    let report = server.get("/runs/valid/report.html");
    assert_eq!(
        report.body,
        fs::read(results.run("valid/report.html")).expect("it is there")
    );
    let policy = &report.headers["content-security-policy"];
    assert!(
        policy.starts_with("sandbox") && !policy.contains("same-origin"),
        "{policy}"
    );
    let plot = server.get("/runs/valid/plots/timeline.svg");
    assert_eq!(
        (plot.status, &*plot.headers["content-type"]),
        (200, "image/svg+xml")
    );
    let badge = server.get("/badges/all.svg");
    assert!(String::from_utf8_lossy(&badge.body).starts_with("<svg"));

    let packed = server.get("/runs/violated/archive.tar.gz");
    unpack(&packed.body, results.path()).await;
    let (code, said) = prover(results.path(), "check violated --format json");
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(prover(results.path(), "certify violated").0, Some(0));

    assert_eq!(server.end().code(), Some(0));
}

async fn unpack(bytes: &[u8], place: &Path) {
    let mut tar = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut tar).expect("gzip");
    let mut archive = tokio_tar::Archive::new(tar.as_slice());
    archive.unpack(place).await.expect("an archive");
}

#[test]
fn nothing_else_is_answered() {
    let results = Results::new();
    fs::write(results.path().join("secret.txt"), "secret").expect("writable");
    fs::write(results.run("notes.txt"), "mine").expect("writable");
    std::os::unix::fs::symlink("../../secret.txt", results.run("valid/link")).expect("writable");
    std::os::unix::fs::symlink("/", results.run("valid/root")).expect("writable");
    let server = Server::start(&results);
    for path in [
        "/runs/../secret.txt",
        "/runs/valid/../../secret.txt",
        "/runs/valid/../../../secret.txt",
        "/runs/%2e%2e/secret.txt",
        "/runs/valid/%2e%2e/%2e%2e/secret.txt",
        "/runs/valid%2f..%2f..%2fsecret.txt",
        "/runs/valid/..%5c..%5csecret.txt",
        "/runs//etc/passwd",
        "/runs/valid/link",
        "/runs/valid/root/etc/passwd",
        "/runs/notes.txt",
        "/runs/valid/%00",
        "/runs/valid/%ff",
        "/runs/nothing/index.html",
        "/badges/..%2findex.html",
        "/elsewhere",
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(
            !String::from_utf8_lossy(&answer.body).contains("secret\n"),
            "{path}"
        );
    }
    for host in ["example.org", "127.0.0.1.example.org", "attacker:80", ""] {
        assert_eq!(server.ask("GET", "/", host).status, 403, "{host}");
    }
    assert_eq!(server.ask("GET", "/", "localhost:1").status, 200);
    assert_eq!(server.ask("POST", "/", &server.address).status, 405);
}

#[test]
fn the_pages_of_the_same_results_are_the_same() {
    let results = Results::new();
    let names = |out: &str| {
        let mut files = BTreeMap::new();
        collect(&results.path().join(out), "", &mut files);
        files
    };
    for out in ["one", "other"] {
        let (code, said) = prover(results.path(), &format!("site {out} --commit 0123456789ab"));
        assert_eq!(code, Some(0));
        assert!(said.contains("4 runs and 3 badges"), "{said}");
    }
    let pages = names("one");
    assert!(pages == names("other"), "the bytes differ");
    let text = |name: &str| String::from_utf8_lossy(&pages[name]).into_owned();
    let list = text("index.html");
    assert_eq!(listed(&list).len(), 4);
    assert!(
        !list.contains("href=\"/") && !list.contains("href=\"http"),
        "{list}"
    );
    assert!(text("badges/exclusive-queue-mutex.svg").contains("valid 0123456789"));
    assert!(text("badges/no-lock-mutex.svg").contains("outdated (violated"));
    // What is copied is still evidence.
    assert_eq!(prover(results.path(), "check one/runs/violated").0, Some(1));
    assert_eq!(prover(results.path(), "certify one/runs/valid").0, Some(0));
    // Every link leads to a page or a file.
    for (name, bytes) in pages
        .iter()
        .filter(|(name, _)| name.ends_with("index.html"))
    {
        let page = String::from_utf8_lossy(bytes).replace("&#x2f;", "/");
        for link in page
            .split("<a href=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
        {
            let target = results
                .path()
                .join("one")
                .join(name)
                .with_file_name("")
                .join(link);
            assert!(target.is_file(), "{name}: {link}");
        }
    }
    let (code, _) = prover(results.path(), "site results/pages");
    assert_eq!(code, Some(254));
}

/// A proof of one claim that a run contradicts, which says of it what it is told to.
fn store_proof(results: &Results, name: &str, standing: &str) {
    let verdicts = json!({"valid": 0, "violated": 1, "unknown": 0});
    let summary = json!({
        "runs": 1, "verdicts": verdicts, "events": 1, "operations": 1, "holds": 1, "contended": 1,
        "must_take": false, "taken": 0, "faults": {}, "failing": [7], "open": [], "broken": [],
        "guarantees": {"exclusion": {"judged": true, "verdicts": verdicts, "overlaps": 1, "exposure_ns_max": 1}},
    });
    let case = json!({
        "claim": {"id": "excludes", "says": "at most one holds it", "expected": "holds", "line": 3},
        "testbed": "sim", "lock": "no-lock", "workload": "mutex", "nemesis": "cut", "seeds": "7..8",
        "standing": standing, "why": "not violated in 400 runs", "summary": summary, "repeat": "prover prove",
    });
    let proof = json!({
        "schema": "proof/1", "prover": "0", "source": {"path": "claims.toml", "sha256": "00", "title": "What it keeps"},
        "git": {"commit": "0123456789abcdef0123456789abcdef01234567", "dirty": false},
        "profile": "full", "shard": {"index": 1, "count": 1}, "began": "2026-02-03T04:05:06Z",
        "state": "finished", "cases": [case],
    });
    fs::create_dir_all(results.run(name)).expect("writable");
    fs::write(results.run(name).join("proof.json"), proof.to_string()).expect("writable");
    let green = "<div class=\"verdict valid\">passed</div>";
    fs::write(results.run(name).join("report.html"), green).expect("writable");
}

#[test]
fn a_proof_is_decided_again_by_its_counts() {
    let results = Results {
        place: tempfile::tempdir().expect("a temporary folder"),
    };
    store_proof(&results, "prove/1", "contradicted");
    let badge = "badges/claims.toml.svg";
    // Whose claims file nobody can read is one of claims all the same.
    let seen = |out: &str| {
        let (code, said) = prover(results.path(), &format!("site {out} --commit 0123456789ab"));
        assert_eq!(code, Some(0), "{said}");
        let read = |name: &str| {
            let path = results.path().join(out).join(name);
            fs::read_to_string(path).expect("it is written")
        };
        [
            read("index.html"),
            read("runs/prove/1/report.html"),
            if results.path().join(out).join(badge).exists() {
                read(badge)
            } else {
                read("badges/claims.svg")
            },
        ]
    };
    let [list, page, svg] = seen("honest");
    assert!(list.contains(">What it keeps</a>"), "{list}");
    assert!(page.contains("1 of 1 case keep"), "{page}");
    assert!(svg.contains("violated 0123456789"), "{svg}");

    store_proof(&results, "prove/1", "confirmed");
    let [list, page, svg] = seen("forged");
    let server = Server::start(&results);
    assert_eq!(server.page("/runs/prove/1/report.html"), page);
    let served = String::from_utf8(server.get(&format!("/{badge}")).body).expect("text");
    assert!(
        served.contains("does not follow from its counts"),
        "{served}"
    );
    for text in [&list, &page, &svg] {
        assert!(text.contains("does not follow from its counts"), "{text}");
        assert!(!text.contains("not violated in 400 runs"), "{text}");
    }
    assert!(list.contains("data-verdict=\"broken\""), "{list}");
    assert!(!page.contains("class=\"verdict valid\""), "{page}");
    assert!(!svg.contains("#1a7f37"), "{svg}");

    let no_proof = results.run("prove/1").join("proof.json");
    fs::write(
        no_proof,
        r#"{"state":"finished","cases":[{"standing":"confirmed"}]}"#,
    )
    .expect("writable");
    let [list, page, svg] = seen("none");
    assert!(list.contains("proof.json: missing field"), "{list}");
    assert!(page.contains("proof.json: missing field"), "{page}");
    assert!(!svg.contains("#1a7f37") && svg.contains("unknown"), "{svg}");
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("it is there") {
        let path = entry.expect("readable").path();
        let name = format!(
            "{prefix}{}",
            path.file_name().expect("a name").to_string_lossy()
        );
        if path.is_dir() {
            collect(&path, &format!("{name}/"), files);
        } else {
            files.insert(name, fs::read(&path).expect("readable"));
        }
    }
}
