//! How each kind of upstream is reached: one file a provider, one member of the union each.

mod active_directory;
mod cxone;
mod directory389;
mod keycloak;
mod okta;
mod openldap;
mod servicenow;

pub use active_directory::{ActiveDirectoryProvider, TargetServer};
pub use cxone::{ClientAuthentication, CxoneProvider};
pub use directory389::Directory389Provider;
pub use keycloak::KeycloakProvider;
pub use okta::{OktaOAuth, OktaProvider};
pub use openldap::OpenLdapProvider;
pub use servicenow::ServiceNowProvider;

use crate::api::{common::SecretKeyRef, schema};
use kube::{
    KubeSchema,
    core::{Message, Rule},
};
use serde::{Deserialize, Serialize};

/// The members of the union, as they stand in manifests.
pub const MEMBERS: &[&str] = &[
    "activeDirectory",
    "cxone",
    "directory389",
    "keycloak",
    "okta",
    "openldap",
    "serviceNow",
];
/// The most calls under way at once that an upstream of no known bound gets.
const MOST_AT_ONCE: u32 = 256;

/// One upstream. Exactly one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = schema::exactly_one_of(MEMBERS))]
pub struct Provider {
    /// A domain of Active Directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_directory: Option<ActiveDirectoryProvider>,
    /// A tenant of NICE CXone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cxone: Option<CxoneProvider>,
    /// A 389 Directory Server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory389: Option<Directory389Provider>,
    /// A realm of a Keycloak server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keycloak: Option<KeycloakProvider>,
    /// An Okta organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub okta: Option<OktaProvider>,
    /// An OpenLDAP server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openldap: Option<OpenLdapProvider>,
    /// A ServiceNow instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_now: Option<ServiceNowProvider>,
}

/// The member that is set.
#[derive(Clone, Copy, Debug)]
pub enum Member<'a> {
    /// A domain of Active Directory.
    ActiveDirectory(&'a ActiveDirectoryProvider),
    /// A tenant of NICE CXone.
    Cxone(&'a CxoneProvider),
    /// A 389 Directory Server.
    Directory389(&'a Directory389Provider),
    /// A realm of a Keycloak server.
    Keycloak(&'a KeycloakProvider),
    /// An Okta organisation.
    Okta(&'a OktaProvider),
    /// An OpenLDAP server.
    OpenLdap(&'a OpenLdapProvider),
    /// A ServiceNow instance.
    ServiceNow(&'a ServiceNowProvider),
}

impl Provider {
    /// The member that is set; `None` where it is one that this release does not know.
    pub fn member(&self) -> Option<Member<'_>> {
        let members = [
            self.active_directory.as_ref().map(Member::ActiveDirectory),
            self.cxone.as_ref().map(Member::Cxone),
            self.directory389.as_ref().map(Member::Directory389),
            self.keycloak.as_ref().map(Member::Keycloak),
            self.okta.as_ref().map(Member::Okta),
            self.openldap.as_ref().map(Member::OpenLdap),
            self.service_now.as_ref().map(Member::ServiceNow),
        ];
        members.into_iter().flatten().next()
    }

    /// Which Secret holds the credential, and its key where the manifest names none. `None` where no member is set.
    pub fn credential(&self) -> Option<(&SecretKeyRef, &'static str)> {
        Some(match self.member()? {
            Member::ActiveDirectory(spec) => (&spec.bind_secret_ref, "password"),
            Member::Cxone(spec) => (&spec.access_key_secret_ref, "access-key-secret"),
            Member::Directory389(spec) => (&spec.bind_secret_ref, "password"),
            Member::Keycloak(spec) => (&spec.client_secret_ref, "client-secret"),
            Member::Okta(spec) => spec.credential()?,
            Member::OpenLdap(spec) => (&spec.bind_secret_ref, "password"),
            Member::ServiceNow(spec) => spec.credential()?,
        })
    }

    /// A second key that is part of the credential, and its default, for a grant that needs two secrets. It stands in the
    /// Secret that [`Provider::credential`] names.
    pub fn second_credential(&self) -> Option<(&SecretKeyRef, &'static str)> {
        match self.member()? {
            Member::Cxone(spec) => spec.client_secret_ref.as_ref().map(|it| (it, "client-secret")),
            Member::ServiceNow(spec) => spec.second_credential(),
            _ => None,
        }
    }

    /// The most calls that the upstream should have under way at once, whatever the Directory allows.
    pub fn most_at_once(&self) -> u32 {
        match self.member() {
            // Its limits are not public.
            Some(Member::Cxone(_)) => 2,
            // Its API semaphores bound each node; their numbers are not documented.
            Some(Member::ServiceNow(_)) => 4,
            _ => MOST_AT_ONCE,
        }
    }

    /// Which Secret holds the certificates to trust.
    pub fn ca_secret_ref(&self) -> Option<&SecretKeyRef> {
        match self.member()? {
            Member::ActiveDirectory(spec) => spec.ca_secret_ref.as_ref(),
            Member::Cxone(spec) => spec.ca_secret_ref.as_ref(),
            Member::Directory389(spec) => spec.ca_secret_ref.as_ref(),
            Member::Keycloak(spec) => spec.ca_secret_ref.as_ref(),
            Member::Okta(spec) => spec.ca_secret_ref.as_ref(),
            Member::OpenLdap(spec) => spec.ca_secret_ref.as_ref(),
            Member::ServiceNow(spec) => spec.ca_secret_ref.as_ref(),
        }
    }

    /// The provider's name as it stands in names of Account objects, metrics and messages.
    pub fn name(&self) -> &'static str {
        match self.member() {
            Some(Member::ActiveDirectory(_)) => "active-directory",
            Some(Member::Cxone(_)) => "cxone",
            Some(Member::Directory389(_)) => "389-ds",
            Some(Member::Keycloak(_)) => "keycloak",
            Some(Member::Okta(_)) => "okta",
            Some(Member::OpenLdap(_)) => "openldap",
            Some(Member::ServiceNow(_)) => "servicenow",
            None => "unknown",
        }
    }
}

/// Plain http and ldap carry passwords in the clear: only to this machine itself.
pub(super) fn secure_url(secure: &str, plain: &str) -> Rule {
    Rule::new(format!(
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
                "client-secret",
                None,
            ),
            (
                json!({"username": "u", "passwordSecretRef": reference, "clientID": "c", "clientSecretRef": reference}),
                "password",
                Some("client-secret"),
            ),
        ] {
            let mut member = members.clone();
            member["url"] = url.into();
            let provider = provider(json!({"serviceNow": member}));
            assert_eq!(provider.credential().map(|(_, key)| key), Some(first), "{members}");
            assert_eq!(provider.second_credential().map(|(_, key)| key), second, "{members}");
            assert_eq!(provider.name(), "servicenow");
        }
        let cxone = json!({"username": "u", "accessKeyID": "k", "accessKeySecretRef": reference});
        let alone = provider(json!({"cxone": cxone}));
        assert_eq!(alone.credential().map(|(_, key)| key), Some("access-key-secret"));
        assert!(alone.second_credential().is_none());
        let okta = provider(json!({"okta": {"url": "https://example.okta.com", "tokenSecretRef": reference}}));
        assert!(okta.second_credential().is_none());
    }

    #[test]
    fn no_more_calls_at_once_than_the_upstream_bears() {
        let reference = json!({"name": "a"});
        let (url, secret) = ("https://example.okta.com", "passwordSecretRef");
        for (member, most) in [
            (
                json!({"serviceNow": {"url": url, "username": "u", secret: reference}}),
                4,
            ),
            (
                json!({"cxone": {"username": "u", "accessKeyID": "k", "accessKeySecretRef": reference}}),
                2,
            ),
            (json!({"okta": {"url": url, "tokenSecretRef": reference}}), MOST_AT_ONCE),
        ] {
            assert_eq!(provider(member.clone()).most_at_once(), most, "{member}");
        }
    }

    #[test]
    fn an_okta_credential_is_a_token_or_a_private_key() {
        let reference = json!({"name": "okta"});
        let oauth = json!({"clientID": "0oa1", "privateKeySecretRef": reference});
        for (member, key) in [
            (json!({"tokenSecretRef": reference}), Some("token")),
            (json!({"oauth": oauth}), Some("private-key")),
            (json!({}), None),
        ] {
            let mut member = member;
            member["url"] = "https://example.okta.com".into();
            let provider = provider(json!({"okta": member}));
            assert_eq!(provider.credential().map(|(_, key)| key), key, "{member}");
        }
        let app = provider(json!({"okta": {"url": "https://example.okta.com", "oauth": oauth}}));
        let scopes = app.okta.unwrap().oauth.unwrap().scopes;
        assert_eq!(
            scopes,
            ["okta.users.manage", "okta.roles.read"],
            "the least that is needed"
        );
    }
}
