//! The CXone provider against the sandbox: each trap of its APIs by name, and what was really sent and committed by the
//! sandbox's own log.

#[path = "../support/client.rs"]
mod client;
mod faults;
mod finding;
mod locks;
mod passwords;
mod probing;
mod quiet;
mod signing;
mod world;
