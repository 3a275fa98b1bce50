//! What helps to put a lock in another language under test: programs to begin with, and a trial of
//! each message.

mod skeleton;
mod trial;

pub use skeleton::{Language, SKELETONS, Skeleton};
pub use trial::{KEY, Remark, Trial};
