//! How a 389 Directory Server is reached.

use super::secure_url;
use crate::api::common::SecretKeyRef;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// A 389 Directory Server (389-ds, also sold as Red Hat Directory Server), release 2 or later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Directory389Provider {
    /// The server that people sign in at and that takes writes, for example `ldaps://ds.example.com`. Unless
    /// passwordIsGlobalPolicy is on, each server keeps lock state of its own: make a Directory for each.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = secure_url("ldaps", "ldap"))]
    pub url: String,
    /// The DN that the operator binds as; not the Directory Manager, whom access rules do not bind. It needs `write` on
    /// userPassword, passwordRetryCount, retryCountResetTime, accountUnlockTime and passwordExpirationTime, `read`,
    /// `search` and `compare` on everything else below the suffix, and on the password policy in cn=config.
    #[serde(rename = "bindDN")]
    #[schemars(length(min = 1, max = 512))]
    pub bind_dn: String,
    /// The password of that DN, key `password`.
    pub bind_secret_ref: SecretKeyRef,
    /// Where accounts are looked for. Groups are looked for below the whole suffix that holds it.
    #[serde(rename = "baseDN")]
    #[schemars(length(min = 1, max = 512))]
    pub base_dn: String,
    /// The object class that accounts have; `nsPerson` for those that dsidm makes.
    #[serde(default = "object_class")]
    #[schemars(length(min = 1, max = 128), regex(pattern = "^[A-Za-z][A-Za-z0-9-]*$"))]
    pub object_class: String,
    /// The attribute that holds the name people sign in with.
    #[serde(default = "login_attribute")]
    #[schemars(length(min = 1, max = 128), regex(pattern = "^[A-Za-z][A-Za-z0-9-]*$"))]
    pub login_attribute: String,
    /// The attribute that holds the e-mail address.
    #[serde(default = "email_attribute")]
    #[schemars(length(min = 1, max = 128), regex(pattern = "^[A-Za-z][A-Za-z0-9-]*$"))]
    pub email_attribute: String,
    /// DNs of entries and groups whose accounts are protected; groups are read transitively. They lie below the same
    /// suffix as the accounts. While one cannot be read, every account counts as protected. The server's own
    /// passwordAdminDN counts too where the operator may read it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 512)), extend("x-kubernetes-list-type" = "set"))]
    pub administrators: Vec<String>,
    /// Certificates (PEM) to trust instead of the system's, key `ca.crt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret_ref: Option<SecretKeyRef>,
}

fn object_class() -> String {
    "inetOrgPerson".into()
}

fn login_attribute() -> String {
    "uid".into()
}

fn email_attribute() -> String {
    "mail".into()
}
