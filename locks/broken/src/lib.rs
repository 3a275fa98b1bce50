//! Locks with one mistake each. They are here to be caught: a prover that calls one of them valid
//! is itself broken.
//!
//! Each is a `Mistake` in a correct lock, or several that share their code; [`ALL`] lists them.

mod administered;
mod consuming;
mod deaf;
mod declared;
mod granted;
mod made;
mod messages;
mod mistake;
mod no_lock;
mod persisting;
mod probing;
mod reconnecting;
mod registry;
mod released;
mod tokens;
mod verified;

pub use administered::{Decrement, Removed};
pub use consuming::Consuming;
pub use deaf::Deaf;
pub use declared::Declared;
pub use granted::Granted;
pub use made::Made;
pub use messages::Messages;
pub use mistake::Broken;
pub use no_lock::NoLock;
pub use persisting::Persisting;
pub use probing::ReturnedIsTaken;
pub use reconnecting::Reconnecting;
pub use registry::ALL;
pub use released::Released;
pub use tokens::Tokens;
pub use verified::Verified;
