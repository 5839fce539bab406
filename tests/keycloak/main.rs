//! The provider `keycloak` against a real server. One server serves all of it, and other suites besides;
//! tests have realms or people of their own.

#[path = "../support/client.rs"]
mod client;
mod finding;
mod lab;
mod links;
mod listing;
mod locks;
mod passwords;
mod proofs;
mod rights;
mod tokens;
