//! The results, browsed: behind a server on this machine, and as pages in a folder.

mod archive;
mod asked;
mod folder;
mod headers;
mod query;
mod server;
mod shelf;
mod written;

pub(crate) use asked::asked;
pub(crate) use server::serve;
pub(crate) use shelf::Shelf;
pub(crate) use written::{Written, write_site};
