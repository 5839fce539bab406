//! What is decided, without I/O, clock or chance: the same input gives the same decision.
//!
//! `decide` is the entry; it asks for facts one at a time, so that nothing is read that is not needed, and names at
//! most one effect. `claimless`, `claimed` and `recovery` are the three ways in which effects are followed up; `routed` is
//! what is different where an account's credentials live in another Directory than the one that the request names.

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
pub mod guid;
pub mod hindrance;
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
pub mod readings;
pub mod recovery;
pub mod request;
pub mod route;
pub mod routed;
pub mod rule;
pub mod selector;
pub mod settings;
pub mod status;
