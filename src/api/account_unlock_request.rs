//! The kind AccountUnlockRequest.

use crate::api::{RequestStatus, Requester, Span, common::AccountSelector, schema};
use jiff::Timestamp;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

/// Asks once that one account be unlocked. Nothing of it changes after creation but `suspend` and `ttlAfterFinished`.
#[derive(CustomResource, Clone, Debug, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "readmit.dev",
    version = "v1alpha1",
    kind = "AccountUnlockRequest",
    plural = "accountunlockrequests",
    shortname = "aur",
    category = "readmit",
    namespaced,
    status = "RequestStatus",
    doc = "Asks once that one account be unlocked.",
    selectable = ".status.outcome",
    selectable = ".spec.directory",
    validation = schema::terminal_status(),
    printcolumn = r#"{"name":"ACCOUNT","type":"string","jsonPath":".spec.account['login','email','id']"}"#,
    printcolumn = r#"{"name":"DIRECTORY","type":"string","jsonPath":".spec.directory"}"#,
    printcolumn = r#"{"name":"STATE","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"REQUESTER","type":"string","jsonPath":".spec.requester.username"}"#,
    printcolumn = r#"{"name":"POLICY","type":"string","priority":1,"jsonPath":".status.policy.name"}"#,
    printcolumn = r#"{"name":"MESSAGE","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#,
    printcolumn = r#"{"name":"AGE","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[x_kube(
    validation = schema::immutable("directory"),
    validation = schema::immutable("account"),
    validation = schema::immutable("policy"),
    validation = schema::immutable("reason"),
    validation = schema::immutable("notBefore"),
    validation = schema::immutable("notAfter"),
    validation = schema::stamped(),
    validation = schema::window()
)]
#[serde(rename_all = "camelCase")]
pub struct AccountUnlockRequestSpec {
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
