//! How each kind of upstream is reached: one file a provider, one member of the union each.

mod active_directory;
mod directory389;
mod okta;
mod openldap;

pub use active_directory::{ActiveDirectoryProvider, TargetServer};
pub use directory389::Directory389Provider;
pub use okta::OktaProvider;
pub use openldap::OpenLdapProvider;

use crate::api::{common::SecretKeyRef, schema};
use kube::{KubeSchema, core::Message};
use serde::{Deserialize, Serialize};

/// One upstream. Exactly one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = schema::exactly_one_of(&["activeDirectory", "directory389", "okta", "openldap"]))]
pub struct Provider {
    /// A domain of Active Directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_directory: Option<ActiveDirectoryProvider>,
    /// A 389 Directory Server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory389: Option<Directory389Provider>,
    /// An Okta organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub okta: Option<OktaProvider>,
    /// An OpenLDAP server with the password policy overlay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openldap: Option<OpenLdapProvider>,
}

impl Provider {
    /// Which Secret holds the credential, and the default of its key.
    pub fn credential(&self) -> Option<(&SecretKeyRef, &'static str)> {
        match self {
            Provider {
                active_directory: Some(domain),
                ..
            } => Some((&domain.bind_secret_ref, "password")),
            Provider {
                directory389: Some(directory),
                ..
            } => Some((&directory.bind_secret_ref, "password")),
            Provider { okta: Some(okta), .. } => Some((&okta.token_secret_ref, "token")),
            Provider {
                openldap: Some(openldap),
                ..
            } => Some((&openldap.bind_secret_ref, "password")),
            Provider {
                active_directory: None,
                directory389: None,
                okta: None,
                openldap: None,
            } => None,
        }
    }

    /// Which Secret holds the certificates to trust.
    pub fn ca_secret_ref(&self) -> Option<&SecretKeyRef> {
        let okta = self.okta.as_ref().and_then(|okta| okta.ca_secret_ref.as_ref());
        let openldap = || self.openldap.as_ref()?.ca_secret_ref.as_ref();
        let active_directory = || self.active_directory.as_ref()?.ca_secret_ref.as_ref();
        let directory389 = || self.directory389.as_ref()?.ca_secret_ref.as_ref();
        okta.or_else(openldap).or_else(active_directory).or_else(directory389)
    }

    /// The provider's name as it stands in names of Account objects, metrics and messages.
    pub fn name(&self) -> &'static str {
        match self {
            Provider {
                active_directory: Some(_),
                ..
            } => "active-directory",
            Provider {
                directory389: Some(_), ..
            } => "389-ds",
            Provider { okta: Some(_), .. } => "okta",
            Provider { openldap: Some(_), .. } => "openldap",
            Provider {
                active_directory: None,
                directory389: None,
                okta: None,
                openldap: None,
            } => "unknown",
        }
    }
}

/// Plain http and ldap carry passwords in the clear: only to this machine itself. `scheme` is the secure one.
pub(super) fn secure_url(secure: &str, plain: &str) -> kube::core::Rule {
    kube::core::Rule::new(format!(
        "isURL(self) && (url(self).getScheme() == '{secure}' || (url(self).getScheme() == '{plain}' \
         && url(self).getHostname() in ['localhost', '127.0.0.1', '::1']))"
    ))
    .message(Message::Message(format!(
        "must be an {secure}:// URL; {plain}:// is allowed to this machine's loopback address only"
    )))
}
