//! The crash sweep: real operators on real API servers, killed, stopped, deceived and raced at every write and every
//! send, and a checker that compares what was recorded with what the directories really did.
//!
//! [`cases`] says what is tried, [`sample`] which of it a short run tries, [`lane`] tries it and records a [`history`],
//! [`check`] judges histories and knows neither of the others' insides, [`timeline`] tells one in short. `docs/sweep.md` is
//! the way in.

pub mod case;
pub mod cases;
pub mod caught;
pub mod check;
pub mod history;
pub mod lane;
pub mod runner;
pub mod sample;
pub mod timeline;
