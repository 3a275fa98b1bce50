//! The list of experiments. The command line is made from it.

use std::fmt;

use async_trait::async_trait;
use clap::error::ErrorKind;
use clap::{ArgMatches, Args, Command, FromArgMatches, Subcommand};

use super::{Cost, Matrix};
use crate::exit::Exit;
use crate::failure::Failure;

/// A question, and how it is answered.
#[async_trait]
pub trait Experiment: Send + Sync {
    /// The name on the command line.
    fn name(&self) -> &'static str;

    /// The question, in one line.
    fn summary(&self) -> &'static str;

    /// What it takes, how long that lasts, and what it leaves, as its help says.
    fn details(&self) -> &'static str;

    /// Adds its options to a command.
    fn options(&self, command: Command) -> Command;

    /// Finds the answer and prints it.
    ///
    /// # Errors
    /// What stood in the way; it knows its exit code.
    async fn conduct(&self, options: &ArgMatches) -> Result<Exit, Failure>;
}

impl fmt::Debug for dyn Experiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Every experiment.
pub const ALL: &[&dyn Experiment] = &[&Cost, &Matrix];

/// The options of an experiment of which nothing was said.
pub(super) fn assumed<T: Args>() -> T {
    let command = T::augment_args(Command::new("experiment"));
    let parsed = command.try_get_matches_from(["experiment"]);
    let options = parsed.and_then(|options| T::from_arg_matches(&options));
    options.expect("every option has a default")
}

/// An experiment that was chosen on the command line, with its options.
#[derive(Debug)]
pub struct Chosen {
    experiment: &'static dyn Experiment,
    options: ArgMatches,
}

impl Chosen {
    /// Conducts it.
    ///
    /// # Errors
    /// Those of [`Experiment::conduct`].
    pub async fn conduct(&self) -> Result<Exit, Failure> {
        self.experiment.conduct(&self.options).await
    }
}

impl FromArgMatches for Chosen {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let chosen = matches.subcommand().and_then(|(name, options)| {
            let experiment = *ALL.iter().find(|known| known.name() == name)?;
            let options = options.clone();
            Some(Self {
                experiment,
                options,
            })
        });
        chosen.ok_or_else(|| clap::Error::new(ErrorKind::MissingSubcommand))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Subcommand for Chosen {
    fn augment_subcommands(command: Command) -> Command {
        let own = |known: &&dyn Experiment| {
            // What the options say of themselves is for whoever reads the code.
            let command = known.options(Command::new(known.name()));
            command.about(known.summary()).after_help(known.details())
        };
        command.subcommands(ALL.iter().map(own))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        ALL.iter().any(|known| known.name() == name)
    }
}
