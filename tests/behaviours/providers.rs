//! Which providers there are, for every suite that runs over all of them.

use crate::fixture::Fixture;

#[path = "active_directory.rs"]
mod active_directory;
#[path = "cxone.rs"]
mod cxone;
#[path = "directory389.rs"]
mod directory389;
#[path = "keycloak.rs"]
mod keycloak;
#[path = "okta.rs"]
mod okta;
#[path = "openldap.rs"]
mod openldap;
#[path = "servicenow.rs"]
mod servicenow;

/// A provider: its name, and what starts its server.
pub type Provider = (&'static str, fn() -> anyhow::Result<Box<dyn Fixture>>);

/// Every provider, in the order of the matrix.
#[rustfmt::skip] // One line a provider.
pub const PROVIDERS: &[Provider] = &[
    ("389-ds", directory389::start),
    ("keycloak", keycloak::start),
    ("okta", okta::start),
    ("okta-app", okta::start_app),
    ("openldap", openldap::start),
    ("active-directory", active_directory::start),
    ("servicenow", servicenow::start),
    ("cxone", cxone::start),
];
