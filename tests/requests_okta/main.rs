//! Requests, from manifest to sign-in, on the real API server and a simulated Okta whose own log tells what was really
//! done.

#[path = "../support/mod.rs"]
mod support;

#[path = "../okta/app.rs"]
mod app;
mod calls;
mod credentials;
mod explained;
mod lockouts;
mod lost;
mod oddities;
mod people;
mod resets;
mod service_app;
mod trouble;
mod unlocks;
