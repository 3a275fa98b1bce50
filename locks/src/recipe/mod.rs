//! What the locks on a broker are made of, for whoever writes another. The broken locks are written
//! so: each is a correct recipe with one step done differently.
//!
//! A lock is written down as its [`Recipe`]: how it is taken, how it is verified, how it is given
//! back. [`RecipeSession`] makes a session of it, over a [`Wire`] to the broker, and keeps its
//! [`Hold`]s. What several locks do alike stands in [`queue`] and [`slots`].

mod hold;
pub mod queue;
mod race;
mod session;
pub mod slots;
mod steps;
mod transactions;
mod wire;

pub(crate) use hold::ALONE;
pub use hold::Hold;
pub(crate) use race::{Race, race};
pub use session::{RecipeSession, not_held};
pub use steps::Recipe;
pub use wire::Wire;
