//! How each kind of upstream is reached: one file a provider, one member of the union each.

mod active_directory;
mod directory389;
mod keycloak;
mod okta;
mod openldap;

pub use active_directory::{ActiveDirectoryProvider, TargetServer};
pub use directory389::Directory389Provider;
pub use keycloak::KeycloakProvider;
pub use okta::OktaProvider;
pub use openldap::OpenLdapProvider;

use crate::api::{common::SecretKeyRef, schema};
use kube::{
    KubeSchema,
    core::{Message, Rule},
};
use serde::{Deserialize, Serialize};

/// The members of the union, as they stand in manifests.
pub const MEMBERS: &[&str] = &["activeDirectory", "directory389", "keycloak", "okta", "openldap"];

/// One upstream. Exactly one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = schema::exactly_one_of(MEMBERS))]
pub struct Provider {
    /// A domain of Active Directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_directory: Option<ActiveDirectoryProvider>,
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
}

/// The member that is set.
#[derive(Clone, Copy, Debug)]
pub enum Member<'a> {
    /// A domain of Active Directory.
    ActiveDirectory(&'a ActiveDirectoryProvider),
    /// A 389 Directory Server.
    Directory389(&'a Directory389Provider),
    /// A realm of a Keycloak server.
    Keycloak(&'a KeycloakProvider),
    /// An Okta organisation.
    Okta(&'a OktaProvider),
    /// An OpenLDAP server.
    OpenLdap(&'a OpenLdapProvider),
}

impl Provider {
    /// The member that is set; `None` where it is one that this release does not know.
    pub fn member(&self) -> Option<Member<'_>> {
        let members = [
            self.active_directory.as_ref().map(Member::ActiveDirectory),
            self.directory389.as_ref().map(Member::Directory389),
            self.keycloak.as_ref().map(Member::Keycloak),
            self.okta.as_ref().map(Member::Okta),
            self.openldap.as_ref().map(Member::OpenLdap),
        ];
        members.into_iter().flatten().next()
    }

    /// Which Secret holds the credential, and its key where the manifest names none. `None` where no member is set.
    pub fn credential(&self) -> Option<(&SecretKeyRef, &'static str)> {
        Some(match self.member()? {
            Member::ActiveDirectory(spec) => (&spec.bind_secret_ref, "password"),
            Member::Directory389(spec) => (&spec.bind_secret_ref, "password"),
            Member::Keycloak(spec) => (&spec.client_secret_ref, "client-secret"),
            Member::Okta(spec) => (&spec.token_secret_ref, "token"),
            Member::OpenLdap(spec) => (&spec.bind_secret_ref, "password"),
        })
    }

    /// Which Secret holds the certificates to trust.
    pub fn ca_secret_ref(&self) -> Option<&SecretKeyRef> {
        match self.member()? {
            Member::ActiveDirectory(spec) => spec.ca_secret_ref.as_ref(),
            Member::Directory389(spec) => spec.ca_secret_ref.as_ref(),
            Member::Keycloak(spec) => spec.ca_secret_ref.as_ref(),
            Member::Okta(spec) => spec.ca_secret_ref.as_ref(),
            Member::OpenLdap(spec) => spec.ca_secret_ref.as_ref(),
        }
    }

    /// The provider's name as it stands in names of Account objects, metrics and messages.
    pub fn name(&self) -> &'static str {
        match self.member() {
            Some(Member::ActiveDirectory(_)) => "active-directory",
            Some(Member::Directory389(_)) => "389-ds",
            Some(Member::Keycloak(_)) => "keycloak",
            Some(Member::Okta(_)) => "okta",
            Some(Member::OpenLdap(_)) => "openldap",
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
