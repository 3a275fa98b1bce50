//! The results clicked through in a headless Chromium, as somebody does who looks for a run.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use browser::{Browser, Page};

const PROVER: &str = env!("CARGO_BIN_EXE_prover");

/// The program that serves; it ends with the test.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(place: &Path) -> Self {
        let mut child = Command::new(PROVER)
            .args(["serve", "--port", "0"])
            .current_dir(place)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it is built");
        let mut line = String::new();
        let out = child.stdout.take().expect("it is piped");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("results: ").expect("an address");
        let address = address.to_owned();
        Self { child, address }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(place: &Path, options: &str) {
    let words = format!("{options} --testbed sim --quiet --power-within 0s");
    let output = Command::new(PROVER)
        .args(words.split_whitespace())
        .current_dir(place)
        .output()
        .expect("it is built");
    assert!(
        output.status.code().is_some_and(|code| code < 3),
        "{output:?}"
    );
}

/// Clicks what a selector finds.
fn click(page: &mut Page, selector: &str) {
    page.eval(&format!("document.querySelector({selector:?}).click()"));
}

/// The verdicts of the rows that are seen.
fn seen(page: &mut Page) -> String {
    let rows = "[...document.querySelectorAll('tr[data-verdict]')].filter((row) => !row.hidden)";
    let verdicts = page.eval(&format!(
        "{rows}.map((row) => row.dataset.verdict).join(' ')"
    ));
    verdicts.as_str().expect("text").to_owned()
}

fn assert_quiet(page: &Page) {
    assert_eq!(page.complaints(), [""; 0]);
}

#[test]
fn results_are_clicked_through() {
    let Some(browser) = Browser::start_or_skip() else {
        return;
    };
    let place = tempfile::tempdir().expect("a temporary folder");
    run(place.path(), "--nemesis partition --seed 3");
    run(place.path(), "--lock no-lock --time-limit 5s --seed 1");
    run(
        place.path(),
        "--lock no-lock --time-limit 5s --seeds 0..4 --keep-going",
    );
    let server = Server::start(place.path());
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    std::fs::create_dir_all(&pictures).expect("writable");

    let mut page = browser.page(1280, 800);
    page.open(&server.address);
    // The campaign, the run of its shortest counterexample, and the two runs.
    assert_eq!(seen(&mut page), "violated violated violated valid");
    page.picture(&pictures.join("serve.png"), true);
    page.eval("document.querySelector('input[name=text]').value = 'exclusive'; document.querySelector('form.filter').dispatchEvent(new Event('input', {bubbles: true}))");
    assert_eq!(seen(&mut page), "valid");
    page.eval("document.querySelector('input[name=text]').value = ''; document.querySelector('form.filter').dispatchEvent(new Event('input', {bubbles: true}))");
    assert_quiet(&page);

    // Two are ticked, no more can be, and they are compared.
    page.eval(
        "[...document.querySelectorAll('input[name=run]')].slice(-2).forEach((box) => box.click())",
    );
    assert_eq!(
        page.eval("document.querySelector('input[name=run]').disabled"),
        true
    );
    click(&mut page, "form[action=compare] button");
    page.wait_for("document.title === 'Two runs compared' && document.readyState === 'complete'");
    assert_eq!(
        page.eval("document.body.innerText.includes('noticed after')"),
        true
    );
    assert_quiet(&page);

    // From there to a run, and to its report.
    click(&mut page, "a[href^='runs']");
    page.wait_for(
        "document.querySelector('.verdict') !== null && document.readyState === 'complete'",
    );
    assert_quiet(&page);
    click(&mut page, "a[href='report.html']");
    page.wait_for(
        "location.pathname.endsWith('report.html') && document.readyState === 'complete'",
    );
    assert_eq!(
        page.eval("document.querySelectorAll('svg').length > 0"),
        true
    );
    assert_quiet(&page);

    // The campaign leads to its shortest counterexample.
    page.open(&server.address);
    click(&mut page, "a[href*='campaign'][href$='report.html']");
    page.wait_for("location.pathname.includes('campaign') && document.readyState === 'complete'");
    assert_eq!(
        page.eval("document.body.innerText.includes('Saturation')"),
        true
    );
    click(&mut page, "a[href*='seed-']");
    page.wait_for("location.pathname.includes('/seed-') && document.readyState === 'complete'");
    assert_quiet(&page);

    // Nothing is cut off on a small screen.
    for scheme in ["light", "dark"] {
        let mut small = browser.page(400, 800);
        small.prefer(scheme);
        small.open(&server.address);
        let fits = "document.documentElement.scrollWidth <= 400";
        assert_eq!(small.eval(fits), true, "{scheme}");
        small.picture(&pictures.join(format!("serve-400-{scheme}.png")), true);
        assert_quiet(&small);
    }
}
