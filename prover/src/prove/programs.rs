//! The programs among the locks of a claims file. Each is introduced once: what it promised first is
//! what all runs judge it by.

use std::collections::BTreeMap;
use std::path::Path;

use claims::{Case, File, Mistake};
use locks::Chosen;
use plan::spec::RunSpec;
use plan::{PROGRAM, Plan};
use process::CommandLine;

use crate::causes::with_causes;
use crate::evidence::digest;
use crate::lock;

/// What a program said of itself, or why it said nothing.
type Introduced = Result<Chosen, String>;

/// The programs of a file.
pub(crate) struct Programs {
    introduced: BTreeMap<Command, Introduced>,
    files: BTreeMap<String, String>,
}

/// How a program is started, and what it is told.
type Command = (String, Vec<String>);

impl Programs {
    /// Starts each program of a file once. One that says nothing of itself says nothing about the other
    /// claims: what is wrong with it is told where it is run.
    ///
    /// # Errors
    /// What a claim asks for does not suit what its program is.
    pub(crate) async fn of(file: &File) -> Result<Self, Mistake> {
        let mut programs = BTreeMap::new();
        for case in file.cases.iter().filter(|case| case.is_of_program()) {
            let command = command(&case.spec);
            if !programs.contains_key(&command) {
                let introduced = lock::chosen(&case.spec).await;
                programs.insert(command.clone(), introduced.map_err(|it| with_causes(&it)));
            }
            if let Some(Ok(lock)) = programs.get(&command) {
                check(file, case, lock)?;
            }
        }
        Ok(Self {
            files: files(programs.keys()),
            introduced: programs,
        })
    }

    /// SHA-256 of the files that their commands name, by their paths.
    pub(super) const fn files(&self) -> &BTreeMap<String, String> {
        &self.files
    }

    /// The lock of a case.
    pub(super) async fn lock(&self, case: &Case) -> Introduced {
        match self.introduced.get(&command(&case.spec)) {
            Some(introduced) => introduced.clone(),
            None => lock::chosen(&case.spec)
                .await
                .map_err(|it| with_causes(&it)),
        }
    }
}

/// What cannot be read is none of their files: whoever starts it says so.
fn files<'a>(commands: impl Iterator<Item = &'a Command>) -> BTreeMap<String, String> {
    let commands = commands.filter_map(|(lock, _)| lock.strip_prefix(PROGRAM));
    let parsed = commands.filter_map(|command| CommandLine::parse(command).ok());
    let words = parsed.flat_map(|line| std::iter::once(line.program).chain(line.arguments));
    let read = words.filter_map(|word| {
        let path = Path::new(&word);
        let sha256 = path.is_file().then(|| digest(path).ok()).flatten()?;
        Some((word, sha256))
    });
    read.collect()
}

fn check(file: &File, case: &Case, lock: &Chosen) -> Result<(), Mistake> {
    let plan = Plan::of(lock.clone(), &case.spec, None);
    let plan = plan.map_err(|error| file.mistake(case, &error))?;
    file.check(case, &plan)
}

fn command(spec: &RunSpec) -> Command {
    let lock = spec.lock.clone().unwrap_or_default();
    (lock, spec.options.clone())
}
