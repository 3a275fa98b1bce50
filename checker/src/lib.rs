//! History to verdict and certificate: pure, exact, certifying.
//!
//! A [`Guarantee`] is a property that a history keeps or violates; [`guarantee::ALL`] lists them,
//! [`parse`] finds one by its name, and [`judge`] tells what a history says about several of them.
//! This crate knows no clock, no file, no network and no async.
//!
//! ```
//! use checker::search::Limits;
//! use checker::{Scope, Verdict, judge, merge, parse};
//!
//! let log = br#"{"index":0,"time":0,"process":0,"type":"invoke","f":"acquire","key":"lock-0"}
//! {"index":1,"time":5,"process":0,"type":"ok","f":"acquire","key":"lock-0"}
//! {"index":2,"time":6,"process":1,"type":"invoke","f":"acquire","key":"lock-0"}
//! {"index":3,"time":9,"process":1,"type":"ok","f":"acquire","key":"lock-0"}
//! {"index":4,"time":10,"process":0,"type":"invoke","f":"release","key":"lock-0"}
//! {"index":5,"time":12,"process":0,"type":"ok","f":"release","key":"lock-0"}
//! "#;
//! let history = history::jsonl::read(&log[..])?;
//! let findings = judge(&history, &Scope::default(), Limits::none(), &[parse("exclusion")?]);
//! assert_eq!(merge(&findings), Verdict::Violated);
//! assert_eq!(findings[0].evidence, "1 overlap, longest 1.00 ns");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod administration;
mod asks;
mod beginning;
mod belief;
mod case;
pub mod certificate;
mod contention;
mod cores;
mod crowd;
mod earliest;
mod explain;
mod finding;
pub mod guarantee;
mod heights;
mod hits;
mod hold;
mod holds;
mod impact;
mod judgement;
mod linearizability;
#[cfg(test)]
mod minimal;
pub mod model;
mod order;
mod overlap;
mod peaks;
mod position;
mod rarity;
pub mod search;
mod standing;
mod steps;
mod stretch;
mod sums;
mod sweep;
#[cfg(test)]
mod testing;
mod unsaid_slots;
mod verdict;

pub use belief::Belief;
pub use case::{Case, Scope};
pub use explain::explain;
pub use finding::{
    ByAnswers, Counts, FaultCount, Finding, PREFIX_MAX, Reach, RoleCount, Rule, VIOLATIONS_MAX,
    Violation, anomaly, counted, show_ns,
};
pub use guarantee::{Guarantee, ParseError, judge, merge, parse, parse_all, stem};
pub use hits::{Hit, hits};
pub use hold::{End, Hold};
pub use holds::{Lock, locks};
pub use impact::{Impact, due, impacts};
pub use judgement::{COVERAGE, Judgement, POWER, Row};
pub use linearizability::{Linearized, linearize};
pub use order::Order;
pub use rarity::{bound_at_95, is_of_each_loss, rarity};
pub use unsaid_slots::without_slots;
pub use verdict::Verdict;
