//! Certificates written by hand from docs/certificates.md: what must be accepted, and what must be
//! refused.

mod bound;
mod case;
mod cases;
mod form;
mod seal;
mod shorthand;
