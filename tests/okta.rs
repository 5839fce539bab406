//! The Okta provider against the sandbox: each trap of Okta's API by name, and what was really sent and committed by the
//! sandbox's own log.

#[path = "okta/faults.rs"]
mod faults;
#[path = "okta/finding.rs"]
mod finding;
#[path = "okta/operations.rs"]
mod operations;
#[path = "okta/rights.rs"]
mod rights;
#[path = "okta/world.rs"]
mod world;
