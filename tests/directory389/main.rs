//! The 389 Directory Server provider against a real server, as a delegated identity with the documented rights. Judged
//! by the ldap-utils and by the server's own logs.

#[path = "../support/client.rs"]
mod client;
mod lab;
mod listing;
mod locks;
mod lookups;
mod passwords;
mod policies;
mod trouble;
