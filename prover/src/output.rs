//! Where text goes: results to stdout, progress to stderr.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use run::Counters;
use serde::Serialize;
use suite::Pace;
use testbed::Progress;

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

/// Prints a result for programs: one JSON object in a line.
///
/// # Errors
/// As for [`result`].
pub(crate) fn json(schema: Schema, object: &impl Serialize) -> io::Result<()> {
    result(&schema.mark(object).to_string())
}

/// Prints a line that is no result.
pub(crate) fn note(text: &str) {
    // If nobody reads stderr there is nobody to tell.
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Shows what is going on: a spinner on a terminal, a line a step elsewhere, nothing where only
/// results are wanted.
pub(crate) struct Steps {
    spinner: Option<ProgressBar>,
    is_quiet: bool,
}

impl Steps {
    pub(crate) fn new(is_quiet: bool) -> Self {
        let is_live = !is_quiet && io::stderr().is_terminal();
        Self {
            spinner: is_live.then(spinner),
            is_quiet,
        }
    }

    /// Shows how far a run of known length is, and what has happened in it, until it is dropped.
    pub(crate) fn clock(&self, length: Duration, counters: Arc<Counters>) -> Option<Clock> {
        let spinner = self.spinner.as_ref();
        spinner.map(|_| Clock::start(length, counters))
    }

    /// Nothing more goes on.
    pub(crate) fn done(&self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}

impl Progress for Steps {
    fn step(&self, text: &str) {
        match &self.spinner {
            Some(spinner) => spinner.set_message(text.to_owned()),
            None if !self.is_quiet => note(text),
            None => {}
        }
    }
}

fn spinner() -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}

/// A bar that fills as things get done, on a terminal.
pub(crate) struct Bar {
    bar: Option<ProgressBar>,
}

impl Bar {
    /// Of so many things, which are called `noun`.
    pub(crate) fn new(length: u64, noun: &str, is_quiet: bool) -> Self {
        let is_live = !is_quiet && io::stderr().is_terminal();
        let template = format!("{{bar:40}} {{pos}}/{{len}} {noun}{{msg}}");
        let style = ProgressStyle::with_template(&template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Self {
            bar: is_live.then(|| ProgressBar::new(length).with_style(style)),
        }
    }

    /// So far they are.
    pub(crate) fn set(&self, pace: Pace) {
        if let Some(bar) = &self.bar {
            bar.set_position(pace.done);
            bar.set_message(format!(", {pace}"));
        }
    }

    /// Nothing more comes.
    pub(crate) fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A bar that fills as time goes by.
pub(crate) struct Clock {
    bar: ProgressBar,
    ticking: tokio::task::JoinHandle<()>,
}

impl Clock {
    fn start(length: Duration, counters: Arc<Counters>) -> Self {
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} s  {msg}");
        let bar = ProgressBar::new(length.as_secs())
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let ticking = tokio::spawn(tick(bar.clone(), counters));
        Self { bar, ticking }
    }
}

async fn tick(bar: ProgressBar, counters: Arc<Counters>) {
    let mut every_second = tokio::time::interval(Duration::from_secs(1));
    loop {
        every_second.tick().await;
        bar.set_position(bar.elapsed().as_secs());
        bar.set_message(counters.now().to_string());
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.ticking.abort();
        self.bar.finish_and_clear();
    }
}
