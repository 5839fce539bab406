//! How Active Directory is reached.

use crate::api::common::SecretKeyRef;
use kube::{KubeSchema, core::Message};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One domain of Active Directory, over LDAPS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActiveDirectoryProvider {
    /// A writable domain controller of the accounts' domain, for example `ldaps://dc1.corp.example.com`. Not a global
    /// catalog: its ports take no writes.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = ldaps_url())]
    pub url: String,
    /// The account that the operator signs in as: a DN, `readmit@corp.example.com` or `CORP\readmit`. It needs the rights
    /// that the README lists on the accounts that it may act on, and is no administrator.
    #[schemars(length(min = 1, max = 512))]
    pub bind_name: String,
    /// The password of that account, key `password`.
    pub bind_secret_ref: SecretKeyRef,
    /// Where accounts are looked for. Absent: in the whole domain.
    #[serde(default, rename = "baseDN", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub base_dn: Option<String>,
    /// Which domain controller is read and written: the one in `url`, or the PDC emulator, which every failed sign-in of
    /// the domain is reported to.
    #[serde(default)]
    pub target_server: TargetServer,
    /// Certificates (PEM) to trust instead of the system's, key `ca.crt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret_ref: Option<SecretKeyRef>,
}

/// Which domain controller is read and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TargetServer {
    /// The one that `url` names.
    #[default]
    Named,
    /// The PDC emulator, found from there, at the same port.
    #[serde(rename = "PDC")]
    Pdc,
}

/// Passwords are written over encrypted connections alone, so that plain ldap is of no use, not even to loopback.
fn ldaps_url() -> kube::core::Rule {
    kube::core::Rule::new("isURL(self) && url(self).getScheme() == 'ldaps'").message(Message::Message(
        "must be an ldaps:// URL; Active Directory takes passwords over encrypted connections alone".into(),
    ))
}
