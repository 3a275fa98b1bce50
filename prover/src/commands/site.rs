//! `prover site`: the results as pages in a folder.

use checker::counted;

use crate::cli::SiteArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::serve::{Shelf, Written, asked, write_site};

/// Writes the pages, and says where they begin.
pub(super) fn site(arguments: &SiteArgs) -> Result<Exit, Failure> {
    let shelf = Shelf::open(&arguments.results)?;
    let asked = asked(arguments.commit.as_deref());
    let Written { runs, badges } = write_site(&shelf, &asked, &arguments.out)?;
    let page = arguments.out.join("index.html");
    output::result(&format!(
        "site:    {} with {} and {}",
        page.display(),
        counted(runs as u64, "run"),
        counted(badges as u64, "badge"),
    ))?;
    Ok(Exit::Valid)
}
