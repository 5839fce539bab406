//! What every kind of request has in its spec. A kind adds only what it alone asks for.

use crate::api::{Requester, Span, common::AccountSelector, schema};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The fields that all requests share; they stand directly in `spec`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestFields {
    /// The Directory that knows the account.
    #[schemars(length(min = 1, max = 253))]
    pub directory: String,
    /// Which account.
    pub account: AccountSelector,
    /// The AccountPolicy to ask under; without it, the first in name order whose rules admit the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub policy: Option<String>,
    /// Why, for those who read it later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub reason: Option<String>,
    /// Nothing is done before this time (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::optional_date_time")]
    pub not_before: Option<Timestamp>,
    /// Nothing is done after this time (RFC 3339), at most 720h after creation. With it, the same manifest created
    /// again runs only once. Service accounts must set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::optional_date_time")]
    pub not_after: Option<Timestamp>,
    /// Holds the request back. Its time runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
    /// Deletes the finished request after so long. Leave it off under GitOps: the finished object keeps the
    /// manifest from running again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_after_finished: Option<Span>,
    /// Who asks. Written by the API server; what a manifest says here is overwritten or refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-map-type" = "atomic"))]
    pub requester: Option<Requester>,
}
