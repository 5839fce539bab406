//! How an Okta organisation is reached.

use super::secure_url;
use crate::api::{common::SecretKeyRef, schema};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// An Okta organisation, as an administrator's API token or as a service app of the organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = schema::exactly_one_of(&["tokenSecretRef", "oauth"]))]
pub struct OktaProvider {
    /// The organisation's URL, for example `https://example.okta.com`.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = secure_url("https", "http"))]
    pub url: String,
    /// An API token (SSWS), key `token`. Its administrator needs the right to unlock users, reset passwords and read
    /// administrator roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_secret_ref: Option<SecretKeyRef>,
    /// A service app that signs in with a private key, in place of an API token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth: Option<OktaOAuth>,
    /// Certificates (PEM) to trust besides the system's, key `ca.crt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret_ref: Option<SecretKeyRef>,
}

/// A service app (an "API Services" integration) whose client authentication is "Public key / Private key". It needs the
/// scopes, granted under "Okta API Scopes", and an administrator role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct OktaOAuth {
    /// The app's client id, for example `0oa1gjh63g214q0Hq0g4`.
    #[serde(rename = "clientID")]
    #[schemars(length(min = 1, max = 128))]
    pub client_id: String,
    /// Its private key, key `private-key`: RSA of 2048 bits or more, or P-256, P-384 or P-521, as PEM or as a JSON Web Key.
    pub private_key_secret_ref: SecretKeyRef,
    /// The id of the key (`kid`) at the app, where it has several. A JSON Web Key brings its own.
    #[serde(default, rename = "keyID", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub key_id: Option<String>,
    /// What tokens are asked for. All of it must be granted to the app, else Okta gives none. Add `okta.logs.read` to be
    /// told why accounts were locked, and to recognise a mailed link whose reply was lost.
    #[serde(default = "scopes")]
    #[schemars(
        length(min = 1, max = 16),
        inner(length(min = 1, max = 64), regex(pattern = "^[A-Za-z0-9._-]+$")),
        extend("x-kubernetes-list-type" = "set")
    )]
    pub scopes: Vec<String>,
}

/// The least that unlocks and resets need.
fn scopes() -> Vec<String> {
    ["okta.users.manage", "okta.roles.read"].map(str::to_owned).into()
}

impl OktaProvider {
    /// Which Secret holds the credential, and its key where the manifest names none.
    pub fn credential(&self) -> Option<(&SecretKeyRef, &'static str)> {
        let token = self.token_secret_ref.as_ref().map(|it| (it, "token"));
        token.or(self
            .oauth
            .as_ref()
            .map(|oauth| (&oauth.private_key_secret_ref, "private-key")))
    }
}
