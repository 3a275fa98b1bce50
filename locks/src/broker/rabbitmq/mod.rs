//! The broker surface on a real RabbitMQ, through lapin. No type of lapin leaves this folder, and
//! its automatic recovery stays off: it would hide outcomes that nobody knows.
//!
//! Two properties of lapin that shape what is here: it reports a channel's death among the events
//! of its connection without saying which channel ([`end`]), and it hands a returned message to
//! whichever confirm comes next ([`channel`], `publish`).

mod broker;
mod channel;
mod connection;
mod consumer;
mod end;
mod errors;

pub use broker::RabbitMq;
