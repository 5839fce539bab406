//! How a realm of a Keycloak server is reached.

use super::secure_url;
use crate::api::common::SecretKeyRef;
use kube::{
    KubeSchema,
    core::{Message, Rule},
};
use serde::{Deserialize, Serialize};

/// One realm of a Keycloak server, release 26 or later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeycloakProvider {
    /// The server's admin URL, for example `https://sso.example.com`; with its path where `http-relative-path` is set.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = secure_url("https", "http"))]
    pub url: String,
    /// The realm that holds the accounts. Not `master`, whose accounts administer the server itself.
    #[schemars(length(min = 1, max = 255), regex(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$"))]
    #[x_kube(validation = not_master())]
    pub realm: String,
    /// A confidential client of that realm with a service account, which has the roles manage-users, view-realm,
    /// view-clients and view-events of the client realm-management.
    #[serde(rename = "clientID")]
    #[schemars(length(min = 1, max = 255))]
    pub client_id: String,
    /// The client's secret, key `client-secret`.
    pub client_secret_ref: SecretKeyRef,
    /// Certificates (PEM) to trust besides the system's, key `ca.crt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret_ref: Option<SecretKeyRef>,
}

fn not_master() -> Rule {
    Rule::new("self != 'master'").message(Message::Message(
        "must not be master: its accounts administer Keycloak itself; put people into a realm of their own".into(),
    ))
}
