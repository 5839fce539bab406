//! Simulated SaaS directories: their HTTP APIs over an in-memory account store, as strict and as odd as documented.
//!
//! For tests, demo and benchmark, where no real tenant can be had. [`Sandbox`] starts one in this process; the binary
//! `readmit-sandbox` starts one of its own, driven through the [control API](control). Every call is kept in the
//! [truth log](truth), which says what was really committed, whatever the caller was told.

pub mod clock;
mod connect;
pub mod control;
pub mod cxone;
pub mod directory;
pub mod exchange;
pub mod faults;
pub mod latency;
pub mod okta;
pub mod options;
pub mod quirks;
mod sandbox;
pub mod seed;
mod server;
pub mod service;
pub mod servicenow;
pub mod shared;
pub mod tls;
pub mod truth;

pub use directory::fingerprint;
pub use faults::{Fault, FaultKind};
pub use latency::Latency;
pub use okta::quirks::Quirk;
pub use okta::user::Status;
pub use okta::{Mail, PageOutcome, SignIn};
pub use options::{ADMIN_TOKEN, HELP_DESK_TOKEN, NO_ROLES_TOKEN, Options, READ_ONLY_TOKEN, SUPER_ADMIN_TOKEN};
pub use sandbox::{AccountState, Addresses, Sandbox};
pub use seed::{SEED_PASSWORD, SeedUser};
pub use truth::{Change, Entry, Origin};
