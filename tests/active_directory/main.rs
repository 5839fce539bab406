//! The Active Directory provider against a real Samba domain controller, signed in as an account with the documented
//! rights and no others: every fact that it tells is compared with what the server does, and every write with the
//! server's own audit log. One domain serves all tests; they keep apart by people.

#[path = "../support/client.rs"]
mod client;
mod lab;
mod listing;
mod locks;
mod lookups;
mod passwords;
mod protected;
mod servers;
mod trouble;
