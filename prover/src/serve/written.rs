//! The results as pages in a folder, for documentation: the same pages as those of the server, with
//! the files that they lead to. The same results give the same bytes.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use site::{
    Asked, FileEntry, Filter, Group, Place, Run, SiteError, badge, index, proofs, run_page,
};

use super::Shelf;
use crate::failure::Failure;
use crate::store::file;

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// Runs with a page.
    pub(crate) runs: usize,
    /// Badges.
    pub(crate) badges: usize,
}

/// The files that are left out: what the prover and the brokers said meanwhile is long, and names
/// the machine.
const LEFT_OUT: &str = ".log";

/// A history is packed.
const PACKED: &str = "history.jsonl.gz";

/// Writes the pages into a folder, which is made where it is not there.
pub(crate) fn write_site(shelf: &Shelf, asked: &Asked, out: &Path) -> Result<Written, Failure> {
    make(out)?;
    if shelf.holds(out) {
        return Err(Failure::InResults(out.to_owned()));
    }
    let all = shelf.all();
    let (runs, groups) = (all.runs(), all.groups());
    let place = Place {
        results: &shelf.called,
        is_served: false,
    };
    for run in &runs {
        write_run(shelf, run, &place, out)?;
    }
    for group in &groups {
        write_group(shelf, group, out)?;
    }
    let proofs = proofs(&runs, &groups, asked);
    for proof in &proofs {
        let svg = badge(&proof.badge()).map_err(Failure::Site)?;
        put(out, &format!("badges/{}", proof.file()), svg.as_bytes())?;
    }
    let list = index(&runs, &groups, &proofs, &Filter::default(), &place);
    put_page(out, "index.html", list)?;
    Ok(Written {
        runs: runs.len(),
        badges: proofs.len(),
    })
}

fn write_run(shelf: &Shelf, run: &Run, place: &Place<'_>, out: &Path) -> Result<(), Failure> {
    let folder = format!("runs/{}", run.path);
    let mut shown = run.clone();
    shown.files = copy(shelf, &run.path, &run.files, out)?;
    put_page(
        out,
        &format!("{folder}/index.html"),
        run_page(&shown, place),
    )
}

fn write_group(shelf: &Shelf, group: &Group, out: &Path) -> Result<(), Failure> {
    copy(shelf, &group.path, &group.files, out)?;
    // What a proof was said to show when it was made is not believed.
    match group.page().transpose() {
        Some(page) => put_page(out, &format!("runs/{}/{}", group.path, file::REPORT), page),
        None => Ok(()),
    }
}

/// Copies the files of a folder; returns what became of them.
fn copy(
    shelf: &Shelf,
    path: &str,
    files: &[FileEntry],
    out: &Path,
) -> Result<Vec<FileEntry>, Failure> {
    let mut copied = Vec::new();
    for entry in files.iter().filter(|entry| !entry.name.ends_with(LEFT_OUT)) {
        let from = shelf.file(&format!("{path}/{}", entry.name));
        let name = if entry.name == file::HISTORY {
            PACKED.to_owned()
        } else {
            entry.name.clone()
        };
        let to = out.join("runs").join(path).join(&name);
        let bytes = from
            .and_then(|from| copy_file(&from, &to, name == PACKED))
            .map_err(|source| Failure::Write { path: to, source })?;
        copied.push(FileEntry { name, bytes });
    }
    Ok(copied)
}

/// Copies a file; returns how long the copy is.
fn copy_file(from: &Path, to: &Path, is_packed: bool) -> io::Result<u64> {
    make_parent(to)?;
    if !is_packed {
        return fs::copy(from, to);
    }
    // Without a time and a name in it: the same history has the same bytes.
    let mut packing = GzBuilder::new().write(File::create(to)?, Compression::default());
    io::copy(&mut File::open(from)?, &mut packing)?;
    Ok(packing.finish()?.metadata()?.len())
}

fn put_page(out: &Path, name: &str, page: Result<String, SiteError>) -> Result<(), Failure> {
    put(out, name, page.map_err(Failure::Site)?.as_bytes())
}

fn put(out: &Path, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    let path: PathBuf = out.join(name);
    let written = make_parent(&path).and_then(|()| fs::write(&path, bytes));
    written.map_err(|source| Failure::Write { path, source })
}

fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

fn make(out: &Path) -> Result<(), Failure> {
    fs::create_dir_all(out).map_err(|source| Failure::Write {
        path: out.to_owned(),
        source,
    })
}
