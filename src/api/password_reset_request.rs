//! The kind PasswordResetRequest.

use crate::api::{Method, RequestStatus, request::RequestFields, schema};
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

/// Asks once that one password be reset, or changed at the next sign-in. Nothing of it changes after creation but `suspend` and `ttlAfterFinished`.
#[derive(CustomResource, Clone, Debug, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "readmit.dev",
    version = "v1alpha1",
    kind = "PasswordResetRequest",
    plural = "passwordresetrequests",
    shortname = "pwr",
    category = "readmit",
    namespaced,
    status = "RequestStatus",
    doc = "Asks once that one password be reset, or changed at the next sign-in.",
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
    validation = schema::immutable("method"),
    validation = schema::immutable("unlock"),
    validation = schema::immutable_optional("recipients"),
    validation = schema::immutable_optional("policy"),
    validation = schema::immutable_optional("reason"),
    validation = schema::immutable_optional("notBefore"),
    validation = schema::immutable_optional("notAfter"),
    validation = schema::stamped(),
    validation = schema::window()
)]
#[serde(rename_all = "camelCase")]
pub struct PasswordResetRequestSpec {
    /// What every request has.
    #[serde(flatten)]
    pub request: RequestFields,
    /// How: `Link` (the directory mails a reset link), `TemporaryPassword` (generated, sealed to recipients) or
    /// `ChangeAtNextSignIn`.
    #[serde(default)]
    pub method: Method,
    /// Whether the reset also clears a lock.
    #[serde(default = "yes")]
    pub unlock: bool,
    /// Whom a temporary password is sealed to, besides the policy's recipients: X25519 recipients (`age1…`). Only
    /// where the policy sets `allowRequestRecipients`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), inner(length(min = 1, max = 128)), extend("x-kubernetes-list-type" = "atomic"))]
    pub recipients: Vec<String>,
}

fn yes() -> bool {
    true
}
