//! From a Directory's spec to its provider: the one place that knows them all. Nothing is sent here.

use super::{
    Directory, active_directory::ActiveDirectory, cxone::Cxone, directory389::Directory389, keycloak::Keycloak,
    okta::Okta, openldap::OpenLdap, servicenow::ServiceNow, throttle::Throttle,
};
use crate::{
    api::provider::{MEMBERS, Member, Provider},
    domain::account::{Failure, FailureClass},
    secret::Secret,
};
use std::{sync::Arc, time::Duration};

/// What every provider needs besides its own settings.
pub struct Settings<'a> {
    /// Certificates to trust, PEM; `None` for the system's.
    pub ca: Option<&'a [u8]>,
    /// The budget of calls.
    pub throttle: Throttle,
    /// How long one exchange may take.
    pub timeout: Duration,
    /// Whether a rule uses groups: reading them costs calls.
    pub groups: bool,
}

/// The provider that a Directory names, with this credential: one secret, or two where `Provider::second_credential`
/// names another.
///
/// # Errors
/// `NeedsConfig` where the settings or the credential's text cannot be used.
pub fn connect(
    provider: &Provider,
    (credential, second): (Secret, Option<Secret>),
    with: Settings<'_>,
) -> Result<Arc<dyn Directory>, Failure> {
    let Settings {
        ca,
        throttle,
        timeout,
        groups,
    } = with;
    Ok(match provider.member() {
        Some(Member::ActiveDirectory(spec)) => Arc::new(ActiveDirectory::new(spec, credential, ca, throttle, timeout)?),
        Some(Member::Cxone(spec)) => Arc::new(Cxone::new(spec, (credential, second), ca, throttle, timeout)?),
        Some(Member::Directory389(spec)) => Arc::new(Directory389::new(spec, credential, ca, throttle, timeout)?),
        Some(Member::Keycloak(spec)) => Arc::new(Keycloak::new(spec, credential, ca, throttle, timeout, groups)?),
        Some(Member::Okta(spec)) => Arc::new(Okta::new(spec, &credential, ca, throttle, timeout, groups)?),
        Some(Member::OpenLdap(spec)) => Arc::new(OpenLdap::new(spec, credential, ca, throttle, timeout)?),
        Some(Member::ServiceNow(spec)) => {
            let secrets = (credential, second);
            Arc::new(ServiceNow::new(spec, secrets, ca, throttle, timeout, groups)?)
        }
        None => {
            let text = format!(
                "spec.provider names no provider that this release knows; set exactly one of {}",
                MEMBERS.join(", ")
            );
            return Err(Failure::new(FailureClass::NeedsConfig, text));
        }
    })
}
