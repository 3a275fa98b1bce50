//! Whole runs of the program against a real RabbitMQ: what it says, how it exits, and what it
//! leaves behind.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use testbed::testing::{docker_or_skip, shared_broker};

/// Every wait in these tests ends by itself after this.
const PATIENCE: Duration = Duration::from_secs(120);

/// A folder for results, and the arguments that are the same for all runs.
struct Bench {
    results: TempDir,
    testbed: String,
}

impl Bench {
    /// On the broker that the tests of this binary share; none where there is no Docker.
    async fn shared() -> Option<Self> {
        let broker = shared_broker().await?;
        Some(Self::on(format!("amqp://guest:guest@{}", broker.amqp)))
    }

    fn on(testbed: String) -> Self {
        let results = tempfile::tempdir().expect("a temporary folder");
        Self { results, testbed }
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = prover();
        command.args(["--testbed", &self.testbed, "--results"]);
        command.arg(self.results.path());
        command.args(arguments.split_whitespace());
        command
    }

    fn run(&self, arguments: &str) -> Output {
        self.command(arguments).output().expect("the program runs")
    }

    fn start(&self, arguments: &str) -> Running {
        let mut command = self.command(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Running(command.spawn().expect("the program starts"))
    }

    fn latest(&self) -> PathBuf {
        self.results.path().join("latest")
    }

    /// Waits until a run that was started has recorded something.
    fn wait_for_events(&self, count: usize) {
        let history = self.latest().join("history.jsonl");
        wait_for("events in the history", || {
            fs::read_to_string(&history).is_ok_and(|text| text.lines().count() >= count)
        });
    }
}

/// A run in the background; it does not outlive the test.
struct Running(Child);

impl Running {
    fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args([signal, &self.0.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(status.success());
    }

    fn exit_code(&mut self) -> Option<i32> {
        self.0.wait().expect("the program ends").code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn prover() -> Command {
    Command::new(env!("CARGO_BIN_EXE_prover"))
}

fn check(path: &Path) -> Output {
    prover()
        .arg("check")
        .arg(path)
        .output()
        .expect("the program runs")
}

fn text(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{out}{err}")
}

fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < PATIENCE, "no {what} within {PATIENCE:?}");
        std::thread::yield_now();
    }
}

/// Containers and networks of all runs that belong to the process with this id.
fn standing(owner: u32) -> String {
    let label = format!("label=prover.owner.pid={owner}");
    let ids = |kind: &[&str]| {
        let output = Command::new("docker")
            .args(kind)
            .args(["-q", "--filter", &label])
            .output();
        String::from_utf8_lossy(&output.expect("docker runs").stdout).into_owned()
    };
    ids(&["ps", "-a"]) + &ids(&["network", "ls"])
}

#[tokio::test]
async fn a_partition_of_a_holder_is_survived_by_the_true_mutex() {
    let Some(bench) = Bench::shared().await else {
        return;
    };
    let output = bench.run(
        "--nemesis partition --time-limit 20s --nemesis-interval 1s --nemesis-duration 6s --hold 2s --rate 50 --seed 1",
    );
    let said = text(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.starts_with("testbed: amqp"), "{said}");
    assert!(said.contains("partition took a lock away in"), "{said}");
    let run = bench.latest();
    for file in [
        "manifest.json",
        "schedule.json",
        "verdict.json",
        "report.html",
        "plots/timeline.svg",
    ] {
        assert!(run.join(file).is_file(), "{file}");
    }
    let checked = check(&run);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
    let certified = prover()
        .arg("certify")
        .args([run.join("history.jsonl"), run.join("certificate.json")])
        .output()
        .expect("the program runs");
    assert_eq!(certified.status.code(), Some(0), "{}", text(&certified));
    assert!(text(&certified).contains("coverage             valid    holds"));
}

/// Slots that a client takes away and gives back are counted on the real broker.
#[tokio::test]
async fn slots_are_changed_beside_a_workload_that_leaves_them_alone() {
    let Some(bench) = Bench::shared().await else {
        return;
    };
    let output = bench.run(
        "-w semaphore --nemesis grow,shrink --coverage changed --time-limit 12s --nemesis-interval 500ms --nemesis-duration 2s --seed 1",
    );
    let said = text(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("shrink"), "{said}");
    let history = std::fs::read_to_string(bench.latest().join("history.jsonl"));
    let history = history.expect("a history");
    for slots in ["[1,2]", "[1,2,3]", "[1,2,3,4]"] {
        let counted = format!(r#""f":"count","key":"lock-0","value":{slots}"#);
        assert!(history.contains(&counted), "{slots}: {said}");
    }
}

#[tokio::test]
async fn a_lock_that_always_says_yes_is_found_out() {
    let Some(bench) = Bench::shared().await else {
        return;
    };
    let output = bench.run("--lock no-lock --time-limit 3s --seed 1");
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("exclusion is violated") && said.contains("double hold"),
        "{said}"
    );
    assert!(
        said.contains("repeat:") && said.contains("--seed 1"),
        "{said}"
    );
}

#[tokio::test]
async fn a_run_too_short_for_a_fault_proves_nothing() {
    let Some(bench) = Bench::shared().await else {
        return;
    };
    let output =
        bench.run("--nemesis partition --time-limit 3s --seed 1 --guarantee confirmed-exclusion");
    let said = text(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("warning: no partition fits into 3s"),
        "{said}"
    );
    assert!(said.contains("partition never happened"), "{said}");
}

#[tokio::test]
async fn a_lone_worker_proves_nothing() {
    let Some(bench) = Bench::shared().await else {
        return;
    };
    let output = bench.run("--concurrency 1 --time-limit 2s --seed 1");
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
}

#[tokio::test]
async fn bursts_are_measured() {
    let Some(bench) = Bench::shared().await else {
        return;
    };
    let output = bench.run("--burst --hold 10ms --time-limit 3s --seed 1");
    let said = text(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("bursts:") && said.contains("(p99)"), "{said}");
}

#[tokio::test]
async fn a_killed_run_leaves_a_history_that_can_be_checked() {
    let Some(bench) = Bench::shared().await else {
        return;
    };
    let mut running = bench.start("--time-limit 60s --seed 1");
    bench.wait_for_events(50);
    running.signal("-KILL");
    running.exit_code();
    let output = check(&bench.latest());
    let said = text(&output);
    assert!(said.contains("the history is incomplete"), "{said}");
    assert_eq!(output.status.code(), Some(2), "{said}");
}

#[tokio::test]
async fn an_interrupted_run_keeps_its_history() {
    let Some(bench) = Bench::shared().await else {
        return;
    };
    let mut running = bench.start("--time-limit 60s --seed 1");
    bench.wait_for_events(50);
    running.signal("-INT");
    assert_eq!(running.exit_code(), Some(130));
    let manifest = fs::read_to_string(bench.latest().join("manifest.json")).expect("a manifest");
    assert!(manifest.contains("\"interrupted\""), "{manifest}");
    assert_eq!(check(&bench.latest()).status.code(), Some(2));
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_a_harness_error() {
    let output = Bench::on("amqp://127.0.0.1:1".to_owned()).run("--time-limit 1s");
    let said = text(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("failed to connect to the broker at 127.0.0.1:1"),
        "{said}"
    );
}

/// The last event of a run is not the first that is heard of it.
#[tokio::test]
async fn where_there_is_no_terminal_lines_tell_how_far_a_run_is_unless_it_is_quiet() {
    let Some(bench) = Bench::shared().await else {
        return;
    };
    let quiet = Bench::on(bench.testbed.clone());
    let started = |bench: &Bench, options: &str| {
        let mut command = bench.command(options);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        Running(command.spawn().expect("the program starts"))
    };
    let mut quiet = started(&quiet, "--time-limit 12s --seed 1 --power-within 0s -q");
    let mut loud = started(&bench, "--time-limit 60s --seed 1 --nemesis cut");
    let err = loud.0.stderr.take().expect("it is piped");
    // A run ends, and with it what it says: this is no wait without an end.
    let mut lines = BufReader::new(err).lines().map_while(Result::ok);
    let line = lines.find(|line| line.starts_with("running "));
    let line = line.expect("a line of the run");
    assert!(
        line.contains("/60 s · ") && line.contains(" grant"),
        "{line}"
    );
    loud.signal("-INT");
    assert_eq!(loud.exit_code(), Some(130));
    assert_eq!(quiet.exit_code(), Some(0));
    let mut said = String::new();
    let err = quiet.0.stderr.as_mut().expect("it is piped");
    err.read_to_string(&mut said).expect("text");
    assert_eq!(said, "");
}

/// As people see it: `script` gives the program a terminal.
#[tokio::test]
async fn on_a_terminal_one_line_tells_where_a_run_stands() {
    let Some(bench) = Bench::shared().await else {
        return;
    };
    let asked = "--nemesis cut --time-limit 6s --nemesis-interval 1s --nemesis-duration 3s --seed 1 --power-within 0s";
    let said = on_a_terminal(&bench.command(asked));
    for part in [
        "running 0/6 s · ",
        " · next fault in 1 s",
        " grants",
        " · cut on worker ",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let plain = without_controls(&said);
    assert!(plain.contains("\n\nguarantee "), "{plain}");
}

/// What a terminal is sent. That of `script` is one of util-linux, which every Debian has.
fn on_a_terminal(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words
        .map(|word| format!("'{}'", word.to_string_lossy()))
        .collect();
    let output = Command::new("script")
        .args(["-q", "-e", "-c", &words.join(" "), "/dev/null"])
        .stdin(Stdio::null())
        .output();
    let output = output.expect("script is there: it is a part of util-linux");
    let said = text(&output);
    assert!(output.status.code().is_some_and(|code| code <= 2), "{said}");
    said
}

/// The text of the lines as they stay on the terminal.
fn without_controls(said: &str) -> String {
    let mut plain = String::new();
    for line in said.replace("\r\n", "\n").split('\n') {
        // What was written over is gone.
        let last = line.rsplit('\r').next().unwrap_or_default();
        let mut parts = last.split('\x1b');
        plain += parts.next().unwrap_or_default();
        for part in parts {
            let end = part.find(|c: char| c.is_ascii_alphabetic());
            plain += end.map_or("", |end| &part[end + 1..]);
        }
        plain.push('\n');
    }
    plain
}

/// An account that may not do what locks do says nothing of a lock.
#[tokio::test]
async fn what_the_service_refuses_to_the_account_is_a_harness_error() {
    let Some(broker) = shared_broker().await else {
        return;
    };
    let rabbitmqctl = |arguments: &str| {
        let mut command = Command::new("docker");
        command.args(["exec", &broker.container, "rabbitmqctl", "-q"]);
        let done = command.args(arguments.split_whitespace()).output();
        let done = done.expect("docker is there");
        assert!(done.status.success(), "{}", text(&done));
    };
    rabbitmqctl("add_user poor secret");
    rabbitmqctl("set_permissions -p / poor ^$ .* .*");
    let bench = Bench::on(format!("amqp://poor:secret@{}/%2f", broker.amqp));
    for lock in ["exclusive-queue", "exclusive-consumer"] {
        let output = bench.run(&format!("--lock {lock} --time-limit 3s"));
        let said = text(&output);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(
            said.contains("the service refuses that to the account"),
            "{said}"
        );
        assert!(said.contains("refused for user 'poor'"), "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
    let stored = fs::read_to_string(bench.latest().join("manifest.json"));
    assert!(!stored.expect("a manifest").contains("secret"));
}

#[tokio::test]
async fn a_daemon_that_does_not_answer_is_a_harness_error() {
    let bench = Bench::on("docker".to_owned());
    let mut command = bench.command("--time-limit 1s");
    let output = command
        .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
        .output();
    let output = output.expect("the program runs");
    let said = text(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("reach the docker daemon"), "{said}");
}

#[tokio::test]
async fn an_image_that_cannot_be_had_is_a_harness_error() {
    if !docker_or_skip().await {
        return;
    }
    let output = Bench::on("docker".to_owned())
        .run("--time-limit 1s --rabbitmq amqp-prover-test/no-such-image:1");
    let said = text(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("obtain the image amqp-prover-test/no-such-image:1"),
        "{said}"
    );
}

#[tokio::test]
async fn a_run_takes_its_broker_down_and_clean_does_it_for_a_killed_one() {
    if !docker_or_skip().await {
        return;
    }
    let bench = Bench::on("docker".to_owned());
    let mut finished = bench.start("--time-limit 4s --seed 1");
    assert_eq!(finished.exit_code(), Some(0));
    assert_eq!(standing(finished.0.id()), "");

    let mut killed = bench.start("--time-limit 60s --seed 2");
    let owner = killed.0.id();
    wait_for("container of the run", || !standing(owner).is_empty());
    killed.signal("-KILL");
    killed.exit_code();
    // The daemon may still be at work on a request that was cut off.
    wait_for("clean machine", || {
        let cleaned = prover().arg("clean").output().expect("the program runs");
        assert_eq!(cleaned.status.code(), Some(0), "{}", text(&cleaned));
        standing(owner).is_empty()
    });
}

/// A proxy that is told to stop waits for the request that is under way. Two signals that come
/// together must not let it.
#[test]
fn who_interrupts_twice_need_not_wait() {
    let mut command = prover();
    command.args(["proxy", "--listen", "127.0.0.1:0", "--seed", "1"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running(command.spawn().expect("the program starts"));
    let _under_way = half_a_request(&address_of(&mut running));
    for signal in ["-STOP", "-INT", "-TERM", "-CONT"] {
        running.signal(signal);
    }
    assert_eq!(running.exit_code(), Some(130));
    let mut said = String::new();
    let mut stderr = running.0.stderr.take().expect("it is piped");
    stderr.read_to_string(&mut said).expect("it is text");
    assert!(
        said.contains("interrupted again") && said.contains(" clean` removes"),
        "{said}"
    );
}

/// A request whose body the server waits for.
fn half_a_request(address: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("the proxy listens");
    let head = "POST /proxies HTTP/1.1\r\nHost: proxy\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("it reads");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("it wants the body");
    assert_eq!(&answer, b"HTTP/1.1 100");
    stream
}

/// Where a proxy that was just started says it listens.
fn address_of(proxy: &mut Running) -> String {
    let stdout = proxy.0.stdout.take().expect("it is piped");
    let mut line = String::new();
    BufReader::new(stdout)
        .read_line(&mut line)
        .expect("it says where");
    let (_, rest) = line.split_once("http://").expect("it names an address");
    rest.split(',').next().unwrap_or(rest).to_owned()
}
