//! How an Okta organisation is reached.

use super::secure_url;
use crate::api::common::SecretKeyRef;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// An Okta organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct OktaProvider {
    /// The organisation's URL, for example `https://example.okta.com`.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = secure_url("https", "http"))]
    pub url: String,
    /// An API token (SSWS), key `token`. Its administrator needs the right to unlock users, reset passwords and read
    /// administrator roles.
    pub token_secret_ref: SecretKeyRef,
    /// Certificates (PEM) to trust besides the system's, key `ca.crt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret_ref: Option<SecretKeyRef>,
}
