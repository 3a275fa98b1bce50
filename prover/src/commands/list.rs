//! `prover list`: what there is to choose from, made from the registries.

use std::collections::BTreeMap;
use std::time::Duration;

use checker::counted;
use locks::Lock;
use nemesis::Fault;
use plan::spec::time::written;
use plan::{catalogue, unknown};
use report::wrapped_table;
use testbed::services;

use crate::cli::{ListArgs, ListKind};
use crate::exit::Exit;
use crate::experiment;
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::schema::Schema;

/// Something that can be chosen, as it is listed.
struct Listed {
    /// What is said of it beside its name.
    facts: Vec<(&'static str, String)>,
    name: String,
    /// What it is, in one line.
    line: String,
    /// The promise that it breaks on purpose.
    breaks: Option<String>,
    /// The values of its options, by name.
    values: Vec<(&'static str, String)>,
}

/// How a kind of things is listed.
struct Kind {
    /// What one of them is called.
    noun: &'static str,
    /// What is asked of its line.
    about: &'static str,
    schema: Schema,
    all: Vec<Listed>,
}

/// Prints a registry, or what there is to say of one of it.
pub(super) fn list(arguments: &ListArgs) -> Result<Exit, Failure> {
    let kind = kind(arguments.kind);
    let is_human = arguments.format == Format::Human;
    if let Some(name) = &arguments.name {
        let one = kind.find(name)?;
        let text = if is_human {
            kind.whole(one)
        } else {
            kind.json(one)
        };
        output::result(&text)?;
        return Ok(Exit::Valid);
    }
    if arguments.broken && arguments.kind != ListKind::Locks {
        return Err(Failure::OnlyLocks);
    }
    if is_human {
        kind.print(arguments.broken)?;
    } else {
        let listed = kind.all.iter();
        for one in listed.filter(|one| one.breaks.is_some() || !arguments.broken) {
            output::result(&kind.json(one))?;
        }
    }
    Ok(Exit::Valid)
}

impl Kind {
    fn find(&self, name: &str) -> Result<&Listed, Failure> {
        let found = self.all.iter().find(|one| one.name == name);
        let names = self.all.iter().map(|one| one.name.as_str());
        found.ok_or_else(|| unknown(self.noun, name, names).into())
    }

    /// The correct ones or the broken ones, each in a line; then how the others are had.
    fn print(&self, broken: bool) -> std::io::Result<()> {
        let listed = self.all.iter();
        let chosen: Vec<&Listed> = listed
            .filter(|one| one.breaks.is_some() == broken)
            .collect();
        let rows = chosen
            .iter()
            .map(|one| [one.name.clone(), one.line.clone()]);
        output::table([self.noun, self.about], rows)?;
        let Some(first) = chosen.first().filter(|one| !one.facts.is_empty()) else {
            return Ok(());
        };
        let (noun, name) = (self.noun, &first.name);
        let more = format!("`prover list {noun}s {name}` shows all about that one");
        let others = self.all.len() - chosen.len();
        output::advice(&match (broken, others) {
            (false, 1..) => format!(
                "\n{} with one mistake each, there to be caught: `prover list {}s --broken`\n{more}",
                counted(others as u64, self.noun),
                self.noun
            ),
            _ => format!("\n{more}"),
        })
    }

    /// Everything about one.
    fn whole(&self, one: &Listed) -> String {
        let breaks = one.breaks.iter();
        let breaks = breaks.map(|broken| ("breaks", format!("{broken}, on purpose")));
        let facts = self.facts(one).into_iter().chain(breaks);
        let facts = facts.filter(|(_, text)| !text.is_empty());
        let facts = facts.map(|(what, text)| [what.to_owned(), text]);
        let values = one.values.iter();
        let values = values.map(|(name, values)| [format!("{name}="), values.clone()]);
        let header = [self.noun, &one.name];
        wrapped_table(header, facts.chain(values), output::width())
    }

    fn json(&self, one: &Listed) -> String {
        let named = [(self.noun, one.name.clone())].into_iter();
        let breaks = one.breaks.iter().map(|broken| ("breaks", broken.clone()));
        let pairs: BTreeMap<_, _> = named.chain(self.facts(one)).chain(breaks).collect();
        self.schema.mark(&pairs).to_string()
    }

    fn facts(&self, one: &Listed) -> Vec<(&'static str, String)> {
        let line = [(self.about, one.line.clone())].into_iter();
        line.chain(one.facts.clone()).collect()
    }
}

fn kind(kind: ListKind) -> Kind {
    let (noun, about, schema, all): (_, _, _, Vec<Listed>) = match kind {
        ListKind::Locks => ("lock", "what it is", Schema::LOCK, locks().collect()),
        ListKind::Workloads => (
            "workload",
            "what its clients do",
            Schema::WORKLOAD,
            workloads().collect(),
        ),
        ListKind::Faults => ("fault", "what it does", Schema::FAULT, faults().collect()),
        ListKind::Guarantees => (
            "guarantee",
            "when it holds",
            Schema::GUARANTEE,
            guarantees().collect(),
        ),
        ListKind::Models => ("model", "what it is", Schema::MODEL, models().collect()),
        ListKind::Experiments => (
            "experiment",
            "what it asks",
            Schema::EXPERIMENT,
            experiments().collect(),
        ),
        ListKind::Services => (
            "service",
            "what it is",
            Schema::SERVICE,
            services().collect(),
        ),
    };
    Kind {
        noun,
        about,
        schema,
        all,
    }
}

impl Listed {
    /// Of which there is no more to say than a line.
    fn plain(name: &str, line: &str) -> Self {
        Self {
            facts: Vec::new(),
            name: name.to_owned(),
            line: line.to_owned(),
            breaks: None,
            values: Vec::new(),
        }
    }
}

fn locks() -> impl Iterator<Item = Listed> {
    catalogue::LOCKS.iter().map(|lock| of_lock(&**lock))
}

fn of_lock(lock: &dyn Lock) -> Listed {
    let options = lock.options().iter().map(|choice| choice.name);
    let values = lock.options().iter().map(|choice| match choice.values {
        [] => (choice.name, "a time".to_owned()),
        values => (choice.name, values.join(", ")),
    });
    let facts = vec![
        ("kind", lock.kind().to_string()),
        ("promises", lock.promises().join(", ")),
        ("needs", lock.needs().join(", ")),
        ("options", options.collect::<Vec<_>>().join(", ")),
    ];
    Listed {
        facts,
        breaks: lock.breaks().map(str::to_owned),
        values: values.collect(),
        ..Listed::plain(lock.name(), lock.summary())
    }
}

fn workloads() -> impl Iterator<Item = Listed> {
    workloads::ALL.iter().map(|workload| Listed {
        facts: vec![
            ("default lock", workload.default_lock().to_owned()),
            ("questions", workload.questions().join(", ")),
        ],
        ..Listed::plain(workload.name(), workload.summary())
    })
}

fn faults() -> impl Iterator<Item = Listed> {
    let all = nemesis::ALL.iter();
    all.map(|fault| {
        let settable = fault.settable();
        let names = settable.iter().map(|parameter| parameter.name);
        let values = settable.iter().map(|parameter| {
            let text = format!("{} [{}]", parameter.summary, parameter.default);
            (parameter.name, text)
        });
        Listed {
            facts: vec![
                ("class", fault.class().to_string()),
                ("needs", fault.needs().to_string()),
                ("has to recover", recovery(*fault)),
                (
                    "in all",
                    if fault.is_in_all() {
                        "yes"
                    } else {
                        "by name only"
                    }
                    .to_owned(),
                ),
                ("parameters", names.collect::<Vec<_>>().join(", ")),
            ],
            values: values.collect(),
            ..Listed::plain(fault.name(), fault.summary())
        }
    })
}

/// What progress waits for after a fault, beside the clients that it struck.
fn recovery(fault: &dyn Fault) -> String {
    let recovery = fault.recovery();
    match recovery.within() {
        Duration::ZERO => recovery.to_string(),
        within => format!("{recovery}: D of progress<=D is {} longer", written(within)),
    }
}

fn experiments() -> impl Iterator<Item = Listed> {
    let all = experiment::ALL.iter();
    all.map(|known| Listed::plain(known.name(), known.summary()))
}

fn services() -> impl Iterator<Item = Listed> {
    services::ALL.iter().map(|service| {
        let image = service.image(None);
        let built = image.recipe.map(|recipe| recipe.tag());
        Listed {
            facts: vec![
                ("image", image.reference.or(built).unwrap_or_default()),
                ("gives a lock away", service.gives_away().to_owned()),
            ],
            ..Listed::plain(service.name(), service.summary())
        }
    })
}

fn guarantees() -> impl Iterator<Item = Listed> {
    let all = checker::guarantee::ALL.iter();
    all.map(|entry| Listed::plain(entry.pattern, entry.meaning))
}

fn models() -> impl Iterator<Item = Listed> {
    let all = checker::model::ALL.iter();
    all.map(|entry| Listed::plain(entry.pattern, entry.meaning))
}
