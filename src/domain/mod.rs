//! What is decided, without I/O, clock or chance: the same input gives the same decision.
//!
//! `decide` is the entry; it asks for facts one at a time, so that nothing is read that is not needed, and names at
//! most one effect. `claimless`, `claimed` and `recovery` are the three ways in which effects are followed up.

pub mod account;
pub mod busy;
pub mod case;
pub mod cel;
pub mod claimed;
pub mod claimless;
pub mod decide;
pub mod decision;
pub mod enforcement;
pub mod executed;
pub mod lease;
pub mod ledger;
pub mod limits;
pub mod lock_log;
pub mod lockouts;
pub mod markers;
pub mod observed;
pub mod password;
pub mod person;
pub mod plan;
pub mod policy;
pub mod queue;
pub mod recovery;
pub mod request;
pub mod rule;
pub mod selector;
pub mod settings;
pub mod status;
