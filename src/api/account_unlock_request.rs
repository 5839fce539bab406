//! The kind AccountUnlockRequest.

use crate::api::{RequestStatus, request::RequestFields, schema};
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
    validation = schema::immutable_optional("policy"),
    validation = schema::immutable_optional("reason"),
    validation = schema::immutable_optional("notBefore"),
    validation = schema::immutable_optional("notAfter"),
    validation = schema::stamped(),
    validation = schema::window()
)]
#[serde(rename_all = "camelCase")]
pub struct AccountUnlockRequestSpec {
    /// What every request has.
    #[serde(flatten)]
    pub request: RequestFields,
}
