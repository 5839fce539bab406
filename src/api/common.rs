//! What several kinds share: whom a request is about, who asks, actions and limits.

use crate::api::{Span, schema};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What may be done to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Action {
    /// Clear a lock.
    Unlock,
    /// Reset a password or force its change.
    ResetPassword,
}

impl Action {
    /// The word as it stands in manifests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Action::Unlock => "Unlock",
            Action::ResetPassword => "ResetPassword",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a password is reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Method {
    /// The directory mails a reset link to the owner.
    #[default]
    Link,
    /// A generated password, sealed to recipients, that must be changed at the next sign-in.
    TemporaryPassword,
    /// The password stays, and must be changed at the next sign-in.
    ChangeAtNextSignIn,
}

impl Method {
    /// The word as it stands in manifests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Link => "Link",
            Method::TemporaryPassword => "TemporaryPassword",
            Method::ChangeAtNextSignIn => "ChangeAtNextSignIn",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which account. Exactly one member.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = schema::exactly_one_of(&["login", "id", "email"]))]
pub struct AccountSelector {
    /// The name the owner signs in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub login: Option<String>,
    /// The directory's immutable id (Okta: `00u…`, OpenLDAP: entryUUID, ServiceNow: sys_id, CXone: agentId).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub id: Option<String>,
    /// The e-mail address that the directory holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub email: Option<String>,
}

/// Who asks, as the API server knew them when the request was created.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Requester {
    /// The Kubernetes username.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub username: Option<String>,
    /// The Kubernetes user's uid, where the authenticator gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub uid: Option<String>,
    /// The Kubernetes groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 2048), inner(length(max = 1024)), extend("x-kubernetes-list-type" = "atomic"))]
    pub groups: Vec<String>,
}

/// At most `max` such actions on one account in every stretch of `per`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Limit {
    /// Which actions count, together.
    #[schemars(length(min = 1, max = 8), extend("x-kubernetes-list-type" = "set"))]
    pub actions: Vec<Action>,
    /// How many.
    #[schemars(range(min = 1, max = 60))]
    pub max: u32,
    /// In which stretch of time, at most 720h.
    #[x_kube(validation = schema::within_memory())]
    pub per: Span,
}

/// A rule in CEL over `request`, `requester`, `account` and `now`, and what is said when it is not true.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyRule {
    /// A boolean expression in the Common Expression Language.
    #[schemars(length(min = 1, max = 2048))]
    pub expression: String,
    /// Said to the requester when the rule says no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub message: Option<String>,
}

/// Which key of which Secret in the operator's namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretKeyRef {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The key within the Secret; the field that refers to it documents its default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub key: Option<String>,
}
