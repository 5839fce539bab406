//! The OpenLDAP provider against a real slapd: every fact that it tells is compared with what the server does, and
//! every write with the server's own log.

#[path = "../support/client.rs"]
mod client;
mod lab;
mod listing;
mod locks;
mod lookups;
mod passwords;
mod proxy;
mod servers;
mod trouble;
