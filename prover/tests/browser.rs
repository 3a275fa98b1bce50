//! Reports as people see them, in a headless Chromium. Pictures of them are left in the folder
//! `browser` of cargo's `target/tmp`, to be looked at.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use browser::{Browser, Page};
use serde_json::Value;
use tempfile::TempDir;

/// Several browsers at once would take each other's time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A run of each verdict, simulated: its name, and what is typed.
const RUNS: [(&str, &str); 3] = [
    ("valid", "run --nemesis partition --time-limit 20s --seed 3"),
    (
        "violated",
        "run --lock silent-reconnect --nemesis partition --time-limit 30s --seed 1 --guarantee exclusion",
    ),
    (
        "unknown",
        "run --nemesis pause --coverage pause=revoked --time-limit 2s --seed 1",
    ),
];

fn prover(place: &Path, command: &str) {
    let mut prover = assert_cmd::Command::cargo_bin("prover").expect("it is built");
    let output = prover
        .current_dir(place)
        .args(command.split_whitespace())
        .output()
        .expect("it runs");
    assert!(
        output.status.code().is_some_and(|code| code < 3),
        "{command}: {output:?}"
    );
}

/// The folder of a run with its report.
fn run(place: &TempDir, name: &str, command: &str) -> PathBuf {
    let command = format!("{command} --testbed sim --quiet --results {name}");
    prover(place.path(), &command);
    place.path().join(name).join("latest")
}

fn lines(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("history.jsonl")).expect("a history");
    text.lines().map(str::to_owned).collect()
}

fn pictures() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser")
}

/// Nothing was wrong, and nothing was fetched but the page itself.
fn assert_quiet(page: &Page) {
    assert_eq!(page.complaints(), [""; 0]);
    let requests = page.requests();
    let others = requests
        .iter()
        .filter(|request| !request.starts_with("file:") && !request.starts_with("data:"));
    assert_eq!(others.count(), 0, "{requests:?}");
    let files = requests
        .iter()
        .filter(|request| request.starts_with("file:"));
    assert_eq!(files.count(), 1, "{requests:?}");
}

#[test]
fn reports_open_without_complaints_and_fit_every_screen() {
    let _alone = alone();
    let Some(browser) = Browser::start_or_skip() else {
        return;
    };
    let place = tempfile::tempdir().expect("a temporary folder");
    for (name, command) in RUNS {
        let report = run(&place, name, command).join("report.html");
        for (width, scheme) in [
            (1280, "light"),
            (1280, "dark"),
            (400, "light"),
            (400, "dark"),
        ] {
            let mut page = browser.page(width, 800);
            page.prefer(scheme);
            page.open_file(&report, "");
            assert_quiet(&page);
            assert_eq!(
                page.eval("document.querySelector('.verdict strong').textContent"),
                name
            );
            assert_eq!(page.eval("document.getElementById('viewer').hidden"), false);
            let wide = page.eval("document.documentElement.scrollWidth");
            assert_eq!(wide, width, "{name} is cut off");
            let picture = pictures().join(format!("{name}-{width}-{scheme}.png"));
            page.picture(&picture, true);
        }
    }
}

#[test]
fn the_counterexample_is_seen_without_scrolling() {
    let _alone = alone();
    let Some(browser) = Browser::start_or_skip() else {
        return;
    };
    let place = tempfile::tempdir().expect("a temporary folder");
    let (name, command) = RUNS[1];
    let folder = run(&place, name, command);
    let mut page = browser.page(1280, 800);
    page.open_file(&folder.join("report.html"), "");
    for part in [".ladder", ".story"] {
        let bottom = page.eval(&format!(
            "document.querySelector('#proof {part}').getBoundingClientRect().bottom"
        ));
        assert!(
            bottom.as_f64().is_some_and(|bottom| bottom <= 800.0),
            "{part}: {bottom}"
        );
    }
    page.picture(&pictures().join("counterexample.png"), false);
    assert_eq!(
        page.eval("/\\bnull\\b/.test(document.getElementById('proof').innerText)"),
        false
    );
    // Each of its events leads to its place in the timeline, and to its line.
    let links = page.eval("[...document.querySelectorAll('#proof .ladder a')].map((a) => a.hash)");
    let links: Vec<String> = serde_json::from_value(links).expect("a list");
    assert!(links.len() >= 4, "{links:?}");
    let lines = lines(&folder);
    for link in links {
        page.eval(&format!(
            "document.querySelector('#proof a[href=\"{link}\"]').click()"
        ));
        let index: usize = link
            .trim_start_matches("#event-")
            .parse()
            .expect("a number");
        assert_eq!(selected(&mut page), lines[index]);
        let top = page.eval("document.getElementById('viewer').getBoundingClientRect().top");
        assert!(
            top.as_f64().is_some_and(|top| (0.0..200.0).contains(&top)),
            "{top}"
        );
    }
    assert_quiet(&page);
}

fn selected(page: &mut Page) -> Value {
    page.eval("document.getElementById('line').textContent")
}

#[test]
fn an_event_is_found_by_address_by_number_by_click_and_by_key() {
    let _alone = alone();
    let Some(browser) = Browser::start_or_skip() else {
        return;
    };
    let place = tempfile::tempdir().expect("a temporary folder");
    let (name, command) = RUNS[0];
    let folder = run(&place, name, command);
    let lines = lines(&folder);
    let mut page = browser.page(1280, 800);
    let wanted = lines.len() / 2;
    page.open_file(&folder.join("report.html"), &format!("#event-{wanted}"));
    assert_eq!(selected(&mut page), lines[wanted]);
    page.wait_for("document.getElementById('canvas').dataset.view.split(',')[0] > 0");
    page.picture(&pictures().join("zoomed.png"), false);
    page.resize(400, 800);
    page.eval("document.getElementById('viewer').scrollIntoView()");
    page.picture(&pictures().join("zoomed-400.png"), false);
    page.resize(1280, 800);
    page.eval("document.getElementById('viewer').scrollIntoView()");
    // Where every event of a client that is seen stands, it is what a click finds.
    let is_client = |line: &str| event(line)["process"].is_u64();
    for index in (wanted - 5..wanted + 5).filter(|index| is_client(&lines[*index])) {
        let (x, y) = place_of(&mut page, &event(&lines[index]));
        page.click(x, y);
        let found = event(selected(&mut page).as_str().expect("a line"));
        let expected = event(&lines[index]);
        // Two events of a row may have one time.
        assert_eq!(
            (&found["process"], &found["time"]),
            (&expected["process"], &expected["time"])
        );
        let hash = page.eval("location.hash");
        assert_eq!(hash, format!("#event-{}", found["index"]));
    }
    page.eval("document.querySelector('#find input').value = '7'; document.querySelector('#find button').click()");
    assert_eq!(selected(&mut page), lines[7]);
    page.eval("document.getElementById('canvas').focus()");
    let before = event(&lines[7]);
    page.press("n");
    let next = event(selected(&mut page).as_str().expect("a line"));
    assert_eq!(next["process"], before["process"]);
    assert!(next["index"].as_u64() > before["index"].as_u64());
    page.press("p");
    assert_eq!(selected(&mut page), lines[7]);
    page.press("0");
    page.wait_for("document.getElementById('canvas').dataset.view.startsWith('0,')");
    let whole = page.eval("Number(document.getElementById('canvas').dataset.view.split(',')[1])");
    page.press("+");
    page.wait_for(&format!(
        "document.getElementById('canvas').dataset.view.split(',').map(Number).reduce((a, b) => b - a) === {whole} / 2"
    ));
    assert_quiet(&page);
}

fn event(line: &str) -> Value {
    serde_json::from_str(line).expect("a line is JSON")
}

/// Where an event stands on the screen, by what the canvas says of itself.
fn place_of(page: &mut Page, event: &Value) -> (f64, f64) {
    let (time, process) = (&event["time"], &event["process"]);
    let place = page.eval(&format!(
        "(() => {{
            const canvas = document.getElementById('canvas'), box = canvas.getBoundingClientRect();
            const [begin, end] = canvas.dataset.view.split(',').map(Number);
            const [left, top, height, rows] = canvas.dataset.rows.split(',').map(Number);
            const x = left + ({time} - begin) / (end - begin) * (box.width - left);
            return [box.left + x, box.top + top + ({process} % rows + 0.5) * height];
        }})()"
    ));
    (
        place[0].as_f64().expect("a number"),
        place[1].as_f64().expect("a number"),
    )
}

/// Sixty turns of the wheel: how long each took, and the drawing alone.
const ZOOM_IN_AND_OUT: &str = "(async () => {
    const canvas = document.getElementById('canvas'), times = [];
    for (let step = 0; step < 60; step++) {
        const draws = canvas.dataset.draws, began = performance.now();
        const deltaY = step < 40 ? -100 : 300;
        canvas.dispatchEvent(new WheelEvent('wheel', { deltaY, clientX: 640, clientY: 300, cancelable: true, bubbles: true }));
        while (canvas.dataset.draws === draws) await new Promise(requestAnimationFrame);
        times.push([performance.now() - began, Number(canvas.dataset.drawn)]);
    }
    return times;
})()";

#[test]
fn a_hundred_thousand_operations_answer_a_zoom_at_once() {
    let _alone = alone();
    let Some(browser) = Browser::start_or_skip() else {
        return;
    };
    let place = tempfile::tempdir().expect("a temporary folder");
    prover(
        place.path(),
        "generate --ops 100000 --concurrency 10 --violation 50000 --output big.jsonl",
    );
    prover(place.path(), "report big.jsonl --output big.html");
    let mut page = browser.page(1280, 800);
    page.open_file(&place.path().join("big.html"), "");
    page.eval("document.getElementById('canvas').focus()");
    assert_eq!(
        page.eval("document.getElementById('canvas').dataset.level"),
        "shares"
    );
    page.eval("document.getElementById('viewer').scrollIntoView()");
    page.picture(&pictures().join("crowded.png"), false);
    // From the turn of the wheel to the end of the drawing that follows, in and out again. What
    // else the machine does meanwhile is no matter of the page: the best of three counts.
    let rounds: Vec<Vec<(f64, f64)>> = (0..3)
        .map(|_| serde_json::from_value(page.eval(ZOOM_IN_AND_OUT)).expect("numbers"))
        .collect();
    let slowest = |of: fn(&(f64, f64)) -> f64| {
        let best = |step: usize| {
            rounds
                .iter()
                .map(|round| of(&round[step]))
                .fold(f64::MAX, f64::min)
        };
        (0..60).map(best).fold(0.0, f64::max)
    };
    let (answered, drawn) = (slowest(|time| time.0), slowest(|time| time.1));
    let told = format!("slowest answer {answered:.1} ms, slowest drawing {drawn:.1} ms\n");
    fs::create_dir_all(pictures()).expect("writable");
    fs::write(pictures().join("redraw.txt"), &told).expect("writable");
    assert!(answered < 100.0, "{told}");
    assert_quiet(&page);
}

#[test]
fn hostile_names_run_no_script() {
    let _alone = alone();
    let Some(browser) = Browser::start_or_skip() else {
        return;
    };
    let place = tempfile::tempdir().expect("a temporary folder");
    let name = "</script><script>window.ran = 1</script><img src=x onerror='window.ran = 1'>\n::error::\u{1b}[31m\"value\":null";
    let line = |index: u64, process: u64, kind: &str, function: &str, error: bool| {
        let mut line = serde_json::json!({
            "index": index, "time": index * 1_000_000, "process": process, "type": kind, "f": function, "key": name, "value": null,
        });
        if error {
            line["error"] = serde_json::json!({"kind": name, "text": name});
        }
        line.to_string()
    };
    let history = [
        line(0, 0, "invoke", "acquire", false),
        line(1, 0, "ok", "acquire", false),
        line(2, 1, "invoke", "acquire", false),
        line(3, 1, "ok", "acquire", false),
        line(4, 1, "invoke", "verify", false),
        line(5, 1, "info", "verify", true),
        line(6, 0, "invoke", "release", false),
        line(7, 0, "ok", "release", false),
    ];
    let file = "<img src=x onerror=window.ran=1>.jsonl";
    fs::write(place.path().join(file), history.join("\n") + "\n").expect("writable");
    let mut prover = assert_cmd::Command::cargo_bin("prover").expect("it is built");
    let arguments = ["report", file, "--output", "hostile.html"];
    prover
        .current_dir(place.path())
        .args(arguments)
        .assert()
        .code(0);
    let mut page = browser.page(1280, 800);
    page.open_file(&place.path().join("hostile.html"), "#event-5");
    let line = selected(&mut page);
    assert_eq!(event(line.as_str().expect("a line")), event(&history[5]));
    assert_eq!(page.eval("typeof window.ran"), "undefined");
    assert_eq!(page.eval("document.scripts.length"), 2);
    assert_eq!(page.eval("document.images.length"), 0);
    // What the page would not run even if it were there.
    page.eval("document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = 1' }))");
    assert_eq!(page.eval("typeof window.ran"), "undefined");
    page.picture(&pictures().join("hostile.png"), true);
}
