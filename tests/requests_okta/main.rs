//! Requests, from manifest to sign-in, on the real API server and a simulated Okta whose own log tells what was really
//! done.

#[path = "../support/mod.rs"]
mod support;

mod credentials;
mod lockouts;
mod lost;
mod people;
mod resets;
mod trouble;
mod unlocks;
