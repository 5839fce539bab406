//! Conditions as the Kubernetes API conventions define them (`meta/v1.Condition`), with bounds on every text so that
//! rules over a whole status stay within the API server's cost limit.

use crate::api::schema;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One observation of the state of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What is observed, in CamelCase.
    #[schemars(length(max = 64))]
    pub r#type: String,
    /// `True`, `False` or `Unknown`.
    #[schemars(length(max = 7))]
    pub status: String,
    /// Why, as one word of a closed set.
    #[schemars(length(max = 64))]
    pub reason: String,
    /// For people: what happened, and what to do next.
    #[schemars(length(max = 4096))]
    pub message: String,
    /// When `status` last flipped.
    #[schemars(schema_with = "schema::date_time")]
    pub last_transition_time: Timestamp,
    /// The generation of the object that this observation is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

/// The condition types.
pub mod types {
    /// A policy permits the request.
    pub const PERMITTED: &str = "Permitted";
    /// Goes from Unknown to True or False once, and stays.
    pub const SUCCEEDED: &str = "Succeeded";
    /// Mirrors `Succeeded` for kstatus and Argo CD.
    pub const READY: &str = "Ready";
    /// Present while something is still to be done.
    pub const RECONCILING: &str = "Reconciling";
    /// Present when it ended badly, or waits for a person.
    pub const STALLED: &str = "Stalled";
    /// Of a request whose account has its credentials in another Directory: what was asked for is done there. The reason
    /// is that of a success; whether the Directory that the request names follows is `Succeeded`.
    pub const DONE_AT_SOURCE: &str = "DoneAtSource";
    /// Of a Directory with `spec.lockouts`: whether all locked accounts are shown as Account objects.
    pub const LOCKOUTS_LISTED: &str = "LockoutsListed";
    /// Of a Directory with `spec.lockouts` whose upstream keeps a log of locks: whether it can be read.
    pub const LOCK_CAUSES_KNOWN: &str = "LockCausesKnown";
}
