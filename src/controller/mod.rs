//! The shell: follows objects, gathers facts, carries out effects and records results. What is to be done is decided
//! in `domain`; nothing here decides about an account.

pub mod accounts;
pub mod catalog;
pub mod claims;
pub mod context;
pub mod day_keys;
pub mod directories;
pub mod enforcement;
pub mod execute;
pub mod follow;
pub mod gather;
pub mod kinds;
pub mod lease;
pub mod line;
pub mod lock_log;
pub mod lockouts;
pub mod pass;
pub mod prepare;
pub mod record;
pub mod requests;
pub mod rights;
pub mod run;
pub mod supervisor;
pub mod sweeper;
pub mod tries;
pub mod work;
pub mod workqueue;
pub mod works;

pub use run::run;
