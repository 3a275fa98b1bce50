//! A headless Chromium for tests: opens pages, clicks, measures, takes pictures.
//!
//! It is driven by a few commands of the DevTools protocol as JSON over one web socket. Crates that
//! bring all of that protocol as types take longer to build than everything else here.
//!
//! What goes wrong is a test that fails, so everything panics with its reason.

mod chromium;
mod page;

pub use chromium::{Browser, REQUIRE_VARIABLE};
pub use page::Page;
