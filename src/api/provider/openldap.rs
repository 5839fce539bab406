//! How an OpenLDAP server is reached.

use super::secure_url;
use crate::api::common::SecretKeyRef;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// An OpenLDAP server with the password policy overlay (slapo-ppolicy), release 2.5 or later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenLdapProvider {
    /// The server that takes writes, for example `ldaps://ldap.example.com`.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = secure_url("ldaps", "ldap"))]
    pub url: String,
    /// The DN that the operator binds as; not the rootdn, which access rules do not bind. It needs `manage` on
    /// userPassword, `write` on pwdAccountLockedTime and pwdReset, and `read` on the other pwd attributes, the policies,
    /// the groups and entryUUID.
    #[serde(rename = "bindDN")]
    #[schemars(length(min = 1, max = 512))]
    pub bind_dn: String,
    /// The password of that DN, key `password`.
    pub bind_secret_ref: SecretKeyRef,
    /// Where accounts are looked for. Groups are looked for in the whole database that holds it.
    #[serde(rename = "baseDN")]
    #[schemars(length(min = 1, max = 512))]
    pub base_dn: String,
    /// The object class that accounts have.
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
    /// The overlay's default policy (`ppolicy_default`), for accounts without a pwdPolicySubentry. Absent, it is looked
    /// for in cn=config; where the operator may not read that, the lock state of such accounts is unknown.
    #[serde(default, rename = "defaultPolicyDN", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub default_policy_dn: Option<String>,
    /// DNs of entries and groups whose accounts are protected; groups are read transitively. They lie in the same
    /// database as the accounts. While one cannot be read, every account counts as protected.
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
