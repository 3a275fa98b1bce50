//! Under what the options of a run stand in its help.

/// The lock, and what is done to it.
pub const TESTED: &str = "What is tested";
/// In which numbers and at which times.
pub const CLIENTS: &str = "How clients act";
/// The nemesis.
pub const BREAKS: &str = "What breaks";
/// What differs from run to run.
pub const CHANCE: &str = "What is left to chance";
/// The testbed.
pub const WHERE: &str = "Where";
/// Guarantees, coverage, power.
pub const JUDGED: &str = "How it is judged";
/// What becomes of it.
pub const OUTPUT: &str = "Output";
