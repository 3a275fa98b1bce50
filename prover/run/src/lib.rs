//! One run from its first event to its last: workers and nemesis side by side, and the record of
//! what they did.
//!
//! [`Setup`] says what is decided of a run before it begins, [`Stage`] what a testbed offers to it;
//! [`execute`] carries it out into a [`Recording`], whose [`Observer`]s see each event once it is
//! on its way to the history.

mod beliefs;
mod board;
mod burst;
mod call;
mod clock;
mod crew;
mod execution;
mod goal;
mod live;
mod observer;
mod occupied;
mod order;
mod phase;
mod player;
mod recorder;
mod reply;
mod resource;
pub mod seed;
mod setup;
mod shared;
#[cfg(test)]
mod testing;
mod watch;
mod worker;

pub use burst::Skew;
pub use clock::Clock;
pub use execution::{NoticedLoss, Ran, RunError, Stop, execute};
pub use goal::Goal;
pub use live::{Live, Moment, Struck};
pub use observer::Observer;
pub use player::{LeftOut, NemesisError};
pub use recorder::Recording;
pub use setup::{Setup, Stage};
