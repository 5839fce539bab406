//! The kind AccountPolicy: a "reset process".

use crate::api::{
    Action, Condition, Method, Span,
    common::{Limit, PolicyRule},
    schema,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who may ask for what, for whom, how often and how. Written by the platform team; a requester needs the verb `use`.
#[derive(CustomResource, Clone, Debug, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "readmit.dev",
    version = "v1alpha1",
    kind = "AccountPolicy",
    plural = "accountpolicies",
    category = "readmit",
    status = "AccountPolicyStatus",
    doc = "Who may ask for what, for whom, how often and how.",
    printcolumn = r#"{"name":"ACTIONS","type":"string","jsonPath":".spec.actions"}"#,
    printcolumn = r#"{"name":"DIRECTORIES","type":"string","jsonPath":".spec.directories"}"#,
    printcolumn = r#"{"name":"READY","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"MESSAGE","type":"string","priority":1,"jsonPath":".status.conditions[?(@.type==\"Ready\")].message"}"#,
    printcolumn = r#"{"name":"AGE","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct AccountPolicySpec {
    /// What may be asked for.
    #[schemars(length(min = 1, max = 8), extend("x-kubernetes-list-type" = "set"))]
    pub actions: Vec<Action>,
    /// In which Directories. Where the credentials of a Directory's accounts live in another one, both.
    #[schemars(length(min = 1, max = 64), inner(length(min = 1, max = 253)), extend("x-kubernetes-list-type" = "set"))]
    pub directories: Vec<String>,
    /// From which namespaces; all where absent. The verb `use` guards in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::label_selector")]
    pub namespaces: Option<LabelSelector>,
    /// Whether service accounts may ask.
    #[serde(default)]
    pub service_accounts: bool,
    /// Whether somebody may ask for their own account.
    #[serde(default)]
    pub self_service: bool,
    /// Rules about who asks. All must be true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "atomic"))]
    pub requester: Vec<PolicyRule>,
    /// Rules about the account. All must be true; where its credentials live in another Directory, of the account there
    /// too (`account.directory` tells them apart).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "atomic"))]
    pub accounts: Vec<PolicyRule>,
    /// How often, for one account. `[]` switches limits off.
    #[serde(default = "limits")]
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "atomic"))]
    pub limits: Vec<Limit>,
    /// A request ends at the latest so long after its creation; at most 720h.
    #[serde(default = "max_validity")]
    #[x_kube(validation = schema::within_memory())]
    pub max_validity: Span,
    /// How passwords are reset.
    #[serde(default)]
    pub password: PasswordPolicy,
}

/// How passwords are reset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PasswordPolicy {
    /// Which methods a request may choose.
    #[serde(default = "methods")]
    #[schemars(length(min = 1, max = 3), extend("x-kubernetes-list-type" = "set"))]
    pub methods: Vec<Method>,
    /// How many characters a temporary password has.
    #[serde(default = "length")]
    #[schemars(range(min = 20, max = 64))]
    pub length: u32,
    /// Whom temporary passwords are sealed to: X25519 recipients of age (`age1…`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), inner(length(min = 1, max = 128)), extend("x-kubernetes-list-type" = "set"))]
    pub recipients: Vec<String>,
    /// Whether a request may name further recipients. Never for service accounts.
    #[serde(default)]
    pub allow_request_recipients: bool,
    /// Whether sessions are ended after a reset, where the directory can.
    #[serde(default = "yes")]
    pub revoke_sessions: bool,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        PasswordPolicy {
            methods: methods(),
            length: length(),
            recipients: Vec::new(),
            allow_request_recipients: false,
            revoke_sessions: true,
        }
    }
}

fn limits() -> Vec<Limit> {
    vec![Limit {
        actions: vec![Action::ResetPassword],
        max: 3,
        per: Span::from_hours(24),
    }]
}

fn max_validity() -> Span {
    Span::from_hours(24)
}

fn methods() -> Vec<Method> {
    vec![Method::Link, Method::ChangeAtNextSignIn]
}

fn length() -> u32 {
    20
}

fn yes() -> bool {
    true
}

/// What the operator found out about the policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
#[serde(rename_all = "camelCase")]
pub struct AccountPolicyStatus {
    /// The generation that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready: whether every expression compiles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 8),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"])
    )]
    pub conditions: Vec<Condition>,
}
