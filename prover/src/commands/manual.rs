//! `prover completions` and `prover man`: what shells and manuals know of the program, made from
//! the same definition as its help.

use std::fs;

use clap_mangen::Man;
use plan::spec::typed;

use crate::cli::{CompletionsArgs, ManArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::help::definition;
use crate::output;

/// Prints what lets a shell complete the command line.
pub(super) fn completions(arguments: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut command = definition();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, name, &mut script);
    output::result(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Exit::Valid)
}

/// Prints the manual page of the program, or writes one for each command.
pub(super) fn man(arguments: &ManArgs) -> Result<Exit, Failure> {
    let Some(folder) = &arguments.folder else {
        let mut page = Vec::new();
        Man::new(definition()).render(&mut page)?;
        output::result(String::from_utf8_lossy(&page).trim_end())?;
        return Ok(Exit::Valid);
    };
    let written =
        fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(definition(), folder));
    written.map_err(|source| Failure::Write {
        path: folder.clone(),
        source,
    })?;
    let page = folder.join("prover.1").to_string_lossy().into_owned();
    output::result(&format!(
        "read it: {}",
        typed("man", &["-l".to_owned(), page])
    ))?;
    Ok(Exit::Valid)
}
