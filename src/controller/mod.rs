//! What talks to the Kubernetes API server: reading, deciding by [`crate::domain`], doing and recording.

pub mod day_keys;
pub mod enforcement;
pub mod lease;
