//! The ServiceNow provider against the sandbox: each trap of the Table API by name, and what was really sent and committed
//! by the sandbox's own log.

mod access;
mod changes;
#[path = "../support/client.rs"]
mod client;
mod credentials;
mod faults;
mod finding;
mod tickets;
mod world;
