//! How a ServiceNow instance is reached.

use super::secure_url;
use crate::api::common::SecretKeyRef;
use kube::{
    KubeSchema,
    core::{Message, Rule},
};
use serde::{Deserialize, Serialize};

/// A ServiceNow instance, by its Table API. With `username` alone basic authentication, with `clientID` alone OAuth's client
/// credentials grant, with both its password grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = in_pairs(), validation = one_secret())]
pub struct ServiceNowProvider {
    /// The instance's URL, for example `https://example.service-now.com`.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = secure_url("https", "http"))]
    pub url: String,
    /// The integration user's User ID. It needs the role user_admin (to read and write sys_user) and must be able to read
    /// sys_user_has_role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub username: Option<String>,
    /// That user's password, key `password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_secret_ref: Option<SecretKeyRef>,
    /// The client id of an entry in the application registry.
    #[serde(default, rename = "clientID", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub client_id: Option<String>,
    /// Its client secret, key `client-secret`; in the same Secret as the password where there are both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_ref: Option<SecretKeyRef>,
    /// Holders of one of these roles are protected: they are refused before any write.
    #[serde(default = "administrator_roles")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 100)), extend("x-kubernetes-list-type" = "set"))]
    pub administrator_roles: Vec<String>,
    /// Certificates (PEM) to trust besides the system's, key `ca.crt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret_ref: Option<SecretKeyRef>,
}

/// Roles of the base system that change what others may do, or act as others.
fn administrator_roles() -> Vec<String> {
    [
        "admin",
        "security_admin",
        "user_admin",
        "maint",
        "impersonator",
        "oauth_admin",
        "password_reset_admin",
        "password_reset_credential_manager",
    ]
    .map(str::to_owned)
    .into()
}

impl ServiceNowProvider {
    /// The first key of the credential, and its default: the password where there is one.
    pub fn credential(&self) -> Option<(&SecretKeyRef, &'static str)> {
        let password = self.password_secret_ref.as_ref().map(|it| (it, "password"));
        password.or(self.client_secret_ref.as_ref().map(|it| (it, "client-secret")))
    }

    /// The second key, of the password grant.
    pub fn second_credential(&self) -> Option<(&SecretKeyRef, &'static str)> {
        self.password_secret_ref.as_ref()?;
        self.client_secret_ref.as_ref().map(|it| (it, "client-secret"))
    }
}

fn in_pairs() -> Rule {
    Rule::new(
        "has(self.username) == has(self.passwordSecretRef) && has(self.clientID) == has(self.clientSecretRef) && \
         (has(self.username) || has(self.clientID))",
    )
    .message(Message::Message(
        "set username with passwordSecretRef, or clientID with clientSecretRef, or all four".into(),
    ))
}

/// A refused credential is known by one Secret.
fn one_secret() -> Rule {
    Rule::new(
        "!has(self.passwordSecretRef) || !has(self.clientSecretRef) || self.passwordSecretRef.name == \
         self.clientSecretRef.name",
    )
    .message(Message::Message(
        "passwordSecretRef and clientSecretRef must name the same Secret".into(),
    ))
}
