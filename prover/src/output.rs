//! Where text goes: results to stdout, progress to stderr.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use plan::spec::as_called;
use report::{list_table, wrapped_table};
use run::Live;
use serde::Serialize;
use suite::Pace;
use testbed::Progress;
use tokio::task::JoinHandle;
use tokio::time::interval;

use crate::line::{self, Length};
use crate::schema::Schema;

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables for people
    Human,
    /// One JSON object a line
    Json,
}

/// Prints a line of results.
///
/// # Errors
/// Nobody takes it any more.
pub(crate) fn result(text: &str) -> io::Result<()> {
    match writeln!(anstream::stdout(), "{text}") {
        // Whoever read it has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Prints a sentence behind its label: in a terminal in as many lines as it needs, else in one.
pub(crate) fn labelled(label: &str, text: &str) -> io::Result<()> {
    let label = format!("{label}:");
    result(&match terminal() {
        Some(width) => hanging(&label, text, width.into()),
        None => format!("{label:<LABEL$}{text}"),
    })
}

/// How wide labels are.
const LABEL: usize = 9;

/// A text in lines of so many columns, all of it behind the label.
fn hanging(label: &str, text: &str, width: usize) -> String {
    let mut lines = vec![format!("{label:<LABEL$}")];
    let mut used = LABEL;
    for (place, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        let is_first = place == 0 || used == LABEL;
        if !is_first && used + 1 + length > width {
            lines.push(" ".repeat(LABEL));
            used = LABEL;
        } else if !is_first {
            lines.last_mut().expect("there is one").push(' ');
            used += 1;
        }
        lines.last_mut().expect("there is one").push_str(word);
        used += length;
    }
    lines.join("\n")
}

/// Prints a result for programs: one JSON object in a line.
///
/// # Errors
/// As for [`result`].
pub(crate) fn json(schema: Schema, object: &impl Serialize) -> io::Result<()> {
    result(&schema.mark(object).to_string())
}

/// Prints a line that is no result. Commands in it are those that run this program again.
pub(crate) fn note(text: &str) {
    // If nobody reads stderr there is nobody to tell.
    let _ = writeln!(anstream::stderr(), "{}", harmless(&as_called(text)));
}

/// Prints what went wrong.
pub fn error(text: &str) {
    note(&format!("error: {text}"));
}

/// What a lock under test has said may stand in it: nothing that moves the cursor or turns text around,
/// and on GitHub nothing that its runner takes for a command.
#[must_use]
pub fn harmless(text: &str) -> String {
    let text = gate::text::lines(text);
    if std::env::var_os("GITHUB_ACTIONS").is_some() {
        return gate::text::logged(&text);
    }
    text
}

/// Prints lines of results that advise commands: those that run this program again.
pub(crate) fn advice(text: &str) -> io::Result<()> {
    result(&as_called(text))
}

/// Prints a table that fits where it is shown.
pub(crate) fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> io::Result<()> {
    result(&wrapped_table(header, rows, width()))
}

/// Prints a table that fits into a terminal, and is whole where there is none: a line a row.
pub(crate) fn wide_table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> io::Result<()> {
    match terminal() {
        Some(width) => result(&wrapped_table(header, rows, width)),
        None => result(&list_table(header, rows)),
    }
}

/// How wide tables and help may be where nobody looks through a terminal.
const WIDTH: u16 = 80;

/// How many columns results have: those of the terminal, if they go to one.
pub(crate) fn width() -> u16 {
    terminal().unwrap_or(WIDTH)
}

/// How many lines the terminal has that results go to, if they go to one.
pub(crate) fn height() -> Option<u16> {
    let (_, terminal_size::Height(lines)) = terminal_size::terminal_size_of(io::stdout())?;
    Some(lines)
}

/// How many columns the terminal has that results go to, if they go to one.
pub(crate) fn terminal() -> Option<u16> {
    let (terminal_size::Width(columns), _) = terminal_size::terminal_size_of(io::stdout())?;
    Some(columns)
}

/// Shows what is going on: a spinner on a terminal; elsewhere a line a step, and one now and then
/// while a step takes long; nothing where only results are wanted.
pub(crate) struct Steps {
    spinner: Option<ProgressBar>,
    is_quiet: bool,
    doing: Arc<Mutex<Option<Doing>>>,
    ticking: Option<JoinHandle<()>>,
}

/// What goes on.
enum Doing {
    /// A step, since then.
    Step(String, Instant),
    /// A run.
    Run(Arc<Live>, Length),
}

/// How often a line says how far things are where there is no terminal.
const EVERY: Duration = Duration::from_secs(10);

/// How often a terminal shows it.
const OFTEN: Duration = Duration::from_millis(250);

impl Steps {
    /// To be called within a runtime.
    pub(crate) fn new(is_quiet: bool) -> Self {
        let is_live = !is_quiet && io::stderr().is_terminal();
        let spinner = is_live.then(spinner);
        let doing = Arc::default();
        let ticking = (!is_quiet).then(|| tokio::spawn(tick(spinner.clone(), Arc::clone(&doing))));
        Self {
            spinner,
            is_quiet,
            doing,
            ticking,
        }
    }

    /// Shows where a run stands, until the next step.
    pub(crate) fn follow(&self, live: Arc<Live>, length: Length) {
        self.set(Doing::Run(live, length));
    }

    /// Shows a step that was told before, since now.
    pub(crate) fn again(&self, text: &str) {
        self.set(Doing::Step(text.to_owned(), Instant::now()));
    }

    /// Says something that stays on the terminal.
    pub(crate) fn say(&self, text: &str) {
        if !self.is_quiet {
            self.aside(|| note(text));
        }
    }

    /// Prints something while nothing else is shown.
    pub(crate) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.spinner {
            Some(spinner) => spinner.suspend(print),
            None => print(),
        }
    }

    /// Nothing more goes on.
    pub(crate) fn done(&self) {
        *lock(&self.doing) = None;
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }

    fn set(&self, doing: Doing) {
        if let Some(spinner) = &self.spinner {
            spinner.set_message(match &doing {
                Doing::Step(text, _) => text.clone(),
                Doing::Run(..) => doing.line(true).unwrap_or_default(),
            });
        }
        *lock(&self.doing) = Some(doing);
    }
}

impl Progress for Steps {
    fn step(&self, text: &str) {
        if self.spinner.is_none() && !self.is_quiet {
            note(text);
        }
        self.set(Doing::Step(text.to_owned(), Instant::now()));
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        if let Some(ticking) = &self.ticking {
            ticking.abort();
        }
        self.done();
    }
}

impl Doing {
    /// Nothing where there is nothing to tell yet.
    fn line(&self, is_on_terminal: bool) -> Option<String> {
        match self {
            Self::Step(text, since) => line::of_step(text, since.elapsed()),
            Self::Run(live, length) if is_on_terminal => {
                Some(line::of_run_on_terminal(&live.now()?, *length))
            }
            Self::Run(live, length) => Some(line::of_run(&live.now()?, *length)),
        }
    }
}

async fn tick(spinner: Option<ProgressBar>, doing: Arc<Mutex<Option<Doing>>>) {
    let mut ticks = interval(if spinner.is_some() { OFTEN } else { EVERY });
    // The first comes at once.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let is_on_terminal = spinner.is_some();
        let line = lock(&doing)
            .as_ref()
            .and_then(|doing| doing.line(is_on_terminal));
        match (line, &spinner) {
            (Some(line), Some(spinner)) => spinner.set_message(line),
            (Some(line), None) => note(&line),
            (None, _) => {}
        }
    }
}

/// A panic elsewhere does not tear it: it is replaced as a whole.
fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

fn spinner() -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}

/// How far many things are: a bar on a terminal, a line now and then elsewhere.
pub(crate) struct Bar {
    bar: Option<ProgressBar>,
    noun: &'static str,
    /// When a line is due, where lines are wanted.
    due: Option<Mutex<Instant>>,
}

impl Bar {
    /// Of so many things, which are called `noun`.
    pub(crate) fn new(length: u64, noun: &'static str, is_quiet: bool) -> Self {
        let is_live = !is_quiet && io::stderr().is_terminal();
        let template = format!("{{bar:40}} {{pos}}/{{len}} {noun}{{msg}}");
        let style = ProgressStyle::with_template(&template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let due = || Mutex::new(Instant::now() + EVERY);
        Self {
            bar: is_live.then(|| ProgressBar::new(length).with_style(style)),
            noun,
            due: (!is_quiet && !is_live).then(due),
        }
    }

    /// So far they are.
    pub(crate) fn set(&self, pace: Pace) {
        if let Some(bar) = &self.bar {
            bar.set_length(pace.done + pace.left);
            bar.set_position(pace.done);
            bar.set_message(format!(", {pace}"));
        }
        if let Some(due) = &self.due {
            let mut due = lock(due);
            if Instant::now() >= *due {
                *due = Instant::now() + EVERY;
                note(&line::of_many(pace, self.noun));
            }
        }
    }

    /// Nothing more comes.
    pub(crate) fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_hangs_behind_its_label() {
        let text = hanging(
            "shown:",
            "in this run a lock kept exclusion and progress",
            30,
        );
        assert_eq!(
            text,
            "shown:   in this run a lock\n         kept exclusion and\n         progress"
        );
        assert_eq!(
            hanging("open:", "a-word-that-is-longer-than-a-line x", 20),
            "open:    a-word-that-is-longer-than-a-line\n         x"
        );
        assert_eq!(hanging("next:", "go on", 80), "next:    go on");
    }
}
