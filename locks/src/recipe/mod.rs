//! What the locks on a broker are made of.
//!
//! A lock is written down as its [`Recipe`]: how it is taken, how it is verified, how it is given
//! back. [`RecipeSession`] makes a session of it, over a [`Wire`] to the broker, and keeps its
//! [`Hold`]s. What several locks do alike stands in [`queue`] and [`slots`]; [`race`] is for those
//! that can be overtaken.

mod hold;
pub(crate) mod queue;
mod race;
mod session;
pub(crate) mod slots;
mod steps;
mod transactions;
mod wire;

pub(crate) use hold::{ALONE, Hold};
pub(crate) use race::{Race, race};
pub(crate) use session::{RecipeSession, not_held};
pub(crate) use steps::Recipe;
pub(crate) use wire::Wire;
