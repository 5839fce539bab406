//! The Okta provider against the sandbox: each trap of Okta's API by name, and what was really sent and committed by the
//! sandbox's own log.

#[path = "okta/app.rs"]
mod app;
#[path = "support/client.rs"]
mod client;
#[path = "okta/faults.rs"]
mod faults;
#[path = "okta/finding.rs"]
mod finding;
#[path = "okta/log.rs"]
mod log;
#[path = "okta/oauth.rs"]
mod oauth;
#[path = "okta/oddities.rs"]
mod oddities;
#[path = "okta/operations.rs"]
mod operations;
#[path = "okta/rights.rs"]
mod rights;
#[path = "okta/world.rs"]
mod world;
