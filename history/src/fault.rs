//! What the nemesis notes of its faults, and the windows that its notes make.
//!
//! A fault has up to four [notes](Note), one a [phase](Phase), each the value of an event of the
//! nemesis that is named after the fault. The first says everything that whoever judges the record
//! needs to know: what [class](Class) of fault it is, whom it strikes, and its parameters. So a
//! checker need not know any fault by name.
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use history::fault::{Class, Note, Targets};
//! use history::{Draft, HistoryBuilder};
//!
//! let mut builder = HistoryBuilder::default();
//! let inject = Note::Inject {
//!     id: 0,
//!     class: Class::Isolating,
//!     targets: Targets::Processes(vec![3]),
//!     parameters: BTreeMap::new(),
//! };
//! builder.push(1_000, Draft::fault("partition", inject))?;
//! builder.push(5_000, Draft::fault("partition", Note::heal(0)))?;
//! let windows = builder.finish().windows();
//! assert_eq!((windows[0].inject, windows[0].heal), (0, Some(1)));
//! # Ok::<(), history::RuleError>(())
//! ```

mod class;
mod effect;
mod note;
mod role;
mod targets;
mod window;

pub use class::Class;
pub use effect::{Effect, NoEffect};
pub use note::{Evidence, Note, NoteError, Parameters, Phase};
pub use role::{NoRole, Role, Struck};
pub use targets::{Link, Targets};
pub use window::Window;
