//! How a tenant of NICE CXone is reached.

use super::secure_url;
use crate::api::{Span, common::SecretKeyRef, schema};
use kube::{
    KubeSchema,
    core::{Message, Rule},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A tenant of NICE CXone, by its Admin, Authentication and UserHub APIs. An access key signs in: by a registered
/// application (`clientID` and `clientSecretRef`), or alone at its area's host (`areaUrl`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = one_way_in(), validation = one_secret())]
pub struct CxoneProvider {
    /// The sign-in host, `https://cxone-gov.niceincontact.com` for the government cloud. All other hosts are learned from it,
    /// and must be NICE's.
    #[serde(default = "sign_in_host")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = secure_url("https", "http"))]
    pub url: String,
    /// The API user's user name. It is never acted on, and must be able to read every agent and to reset passwords.
    #[schemars(length(min = 1, max = 256))]
    pub username: String,
    /// The id of an access key of that user.
    #[serde(rename = "accessKeyID")]
    #[schemars(length(min = 1, max = 256))]
    pub access_key_id: String,
    /// The access key's secret, key `access-key-secret`.
    pub access_key_secret_ref: SecretKeyRef,
    /// The client id of an application that NICE registered (back end, single tenant).
    #[serde(default, rename = "clientID", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub client_id: Option<String>,
    /// Its client secret, key `client-secret`; in the same Secret as the access key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_ref: Option<SecretKeyRef>,
    /// How the token endpoint takes the client secret.
    #[serde(default)]
    pub client_authentication: ClientAuthentication,
    /// The area's host, for example `https://na1.nice-incontact.com`, where an access key signs in without an application. NICE
    /// calls this the older way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = secure_url("https", "http"))]
    pub area_url: Option<String>,
    /// The API's host, where it is not to be learned from the sign-in host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = secure_url("https", "http"))]
    pub api_url: Option<String>,
    /// The version of the Admin API.
    #[serde(default = "api_version")]
    #[schemars(length(min = 1, max = 16), regex(pattern = "^v[0-9]{1,3}\\.[0-9]{1,2}$"))]
    pub api_version: String,
    /// Holders of one of these roles, as UserHub names them, are protected: they are refused before any write. An empty
    /// list, for tenants without UserHub, protects nobody but the API user and `protectedAccounts`.
    #[serde(default = "administrator_roles")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 128)), extend("x-kubernetes-list-type" = "set"))]
    pub administrator_roles: Vec<String>,
    /// Ids of login authenticators by which people sign in elsewhere (single sign-on): their passwords are not reset here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 128)), extend("x-kubernetes-list-type" = "set"))]
    pub external_authenticators: Vec<String>,
    /// How often the list of locked agents is read while requests wait for an unlock by hand: once for all of them.
    #[serde(default = "poll")]
    #[x_kube(validation = schema::within_memory())]
    pub poll: Span,
    /// Certificates (PEM) to trust besides the system's, key `ca.crt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret_ref: Option<SecretKeyRef>,
}

/// How a client secret is sent (RFC 6749 2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ClientAuthentication {
    /// In the Authorization header, which CXone's discovery advertises.
    #[default]
    Basic,
    /// In the form.
    Post,
}

fn sign_in_host() -> String {
    "https://cxone.niceincontact.com".into()
}

fn api_version() -> String {
    "v34.0".into()
}

fn administrator_roles() -> Vec<String> {
    vec!["Administrator".into()]
}

fn poll() -> Span {
    Span::from_secs(60)
}

fn one_way_in() -> Rule {
    Rule::new("has(self.clientID) == has(self.clientSecretRef) && has(self.clientID) != has(self.areaUrl)").message(
        Message::Message("set clientID with clientSecretRef, or areaUrl, and not both".into()),
    )
}

/// A refused credential is known by one Secret.
fn one_secret() -> Rule {
    Rule::new("!has(self.clientSecretRef) || self.accessKeySecretRef.name == self.clientSecretRef.name").message(
        Message::Message("accessKeySecretRef and clientSecretRef must name the same Secret".into()),
    )
}
