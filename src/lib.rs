//! Readmit: a Kubernetes operator that lets people back into their accounts.
//!
//! See `ARCHITECTURE.md` for the bird's eye view.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::unreachable
    )
)]

pub mod api;
pub mod clock;
pub mod config;
pub mod controller;
pub mod directory;
pub mod domain;
pub mod failpoint;
pub mod manifests;
pub mod observe;
pub mod output;
pub mod seal;
pub mod secret;
pub mod web;
