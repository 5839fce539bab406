//! How each kind of upstream is reached: one file a provider, one member of the union each.

mod active_directory;
mod directory389;
mod okta;
mod openldap;
mod servicenow;

pub use active_directory::{ActiveDirectoryProvider, TargetServer};
pub use directory389::Directory389Provider;
pub use okta::OktaProvider;
pub use openldap::OpenLdapProvider;
pub use servicenow::ServiceNowProvider;

use crate::api::{common::SecretKeyRef, schema};
use kube::{KubeSchema, core::Message};
use serde::{Deserialize, Serialize};

/// The most calls under way at once that an upstream of no known bound gets.
const MOST_AT_ONCE: u32 = 256;

/// One upstream. Exactly one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = schema::exactly_one_of(&["activeDirectory", "directory389", "okta", "openldap", "serviceNow"]))]
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
    /// A ServiceNow instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_now: Option<ServiceNowProvider>,
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
                service_now: Some(service_now),
                ..
            } => service_now.credential(),
            Provider {
                active_directory: None,
                directory389: None,
                okta: None,
                openldap: None,
                service_now: None,
            } => None,
        }
    }

    /// A second key that is part of the credential, and its default, for a grant that needs two secrets. It stands in the
    /// Secret that [`Provider::credential`] names.
    pub fn second_credential(&self) -> Option<(&SecretKeyRef, &'static str)> {
        self.service_now.as_ref()?.second_credential()
    }

    /// The most calls that the upstream should have under way at once, whatever the Directory allows.
    pub fn most_at_once(&self) -> u32 {
        match self.service_now {
            // Its API semaphores bound each node; their numbers are not documented.
            Some(_) => 4,
            None => MOST_AT_ONCE,
        }
    }

    /// Which Secret holds the certificates to trust.
    pub fn ca_secret_ref(&self) -> Option<&SecretKeyRef> {
        let okta = self.okta.as_ref().and_then(|okta| okta.ca_secret_ref.as_ref());
        let openldap = || self.openldap.as_ref()?.ca_secret_ref.as_ref();
        let active_directory = || self.active_directory.as_ref()?.ca_secret_ref.as_ref();
        let directory389 = || self.directory389.as_ref()?.ca_secret_ref.as_ref();
        let service_now = || self.service_now.as_ref()?.ca_secret_ref.as_ref();
        okta.or_else(openldap)
            .or_else(active_directory)
            .or_else(directory389)
            .or_else(service_now)
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
                service_now: Some(_), ..
            } => "servicenow",
            Provider {
                active_directory: None,
                directory389: None,
                okta: None,
                openldap: None,
                service_now: None,
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn provider(member: Value) -> Provider {
        serde_json::from_value(member).unwrap()
    }

    #[test]
    fn a_servicenow_credential_is_one_key_or_two() {
        let reference = json!({"name": "sn"});
        let url = "https://example.service-now.com";
        for (members, first, second) in [
            (
                json!({"username": "u", "passwordSecretRef": reference}),
                "password",
                None,
            ),
            (
                json!({"clientID": "c", "clientSecretRef": reference}),
                "clientSecret",
                None,
            ),
            (
                json!({"username": "u", "passwordSecretRef": reference, "clientID": "c", "clientSecretRef": reference}),
                "password",
                Some("clientSecret"),
            ),
        ] {
            let mut member = members.clone();
            member["url"] = url.into();
            let provider = provider(json!({"serviceNow": member}));
            assert_eq!(provider.credential().map(|(_, key)| key), Some(first), "{members}");
            assert_eq!(provider.second_credential().map(|(_, key)| key), second, "{members}");
            assert_eq!(provider.name(), "servicenow");
            assert_eq!(provider.most_at_once(), 4, "its semaphores bound each node");
        }
        let okta = provider(json!({"okta": {"url": "https://example.okta.com", "tokenSecretRef": reference}}));
        assert!(okta.second_credential().is_none() && okta.most_at_once() > 4);
    }
}
