//! How a sandbox is started.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::cxone;
use crate::latency::Latency;
use crate::okta::Settings;
use crate::okta::auth::{OAuthApp, Role, Token};
use crate::seed::{SeedUser, built_in};
use crate::servicenow;

/// Value of the built-in token with an administrator's rights.
pub const ADMIN_TOKEN: &str = "sandbox-admin";
/// Value of the built-in token with help-desk rights: credentials, no profile edits.
pub const HELP_DESK_TOKEN: &str = "sandbox-help-desk";
/// Value of the built-in token that can read only.
pub const READ_ONLY_TOKEN: &str = "sandbox-read-only";
/// Value of the built-in token that cannot read administrator roles.
pub const NO_ROLES_TOKEN: &str = "sandbox-no-roles";
/// Value of the built-in token that may act on administrators too.
pub const SUPER_ADMIN_TOKEN: &str = "sandbox-super-admin";

/// Everything that can be chosen at start. Port 0 lets the system choose.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Options {
    /// Plain HTTP listener of Okta's API.
    pub http: SocketAddr,
    /// Plain HTTP listener of ServiceNow's API.
    pub servicenow_http: SocketAddr,
    /// Plain HTTP listener of CXone's API.
    pub cxone_http: SocketAddr,
    /// TLS listener of the APIs.
    pub https: SocketAddr,
    /// CONNECT proxy.
    pub proxy: SocketAddr,
    /// Control API.
    pub control: SocketAddr,
    /// The certificate of the https listener; without it one is minted for each host that is asked for.
    pub tls: Option<TlsFiles>,
    /// Name from which the organisation's and the users' ids derive.
    pub org: String,
    pub settings: Settings,
    pub latency: Latency,
    pub users: Vec<SeedUser>,
    pub tokens: Vec<Token>,
    pub apps: Vec<OAuthApp>,
    /// The ServiceNow instance.
    pub servicenow: servicenow::Setup,
    /// The CXone tenant.
    pub cxone: cxone::Setup,
}

/// A certificate and its key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TlsFiles {
    /// A PEM chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
}

impl Default for Options {
    fn default() -> Self {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            http: loopback,
            servicenow_http: loopback,
            cxone_http: loopback,
            https: loopback,
            proxy: loopback,
            control: loopback,
            tls: None,
            org: "example".into(),
            settings: Settings::default(),
            latency: Latency::default(),
            users: built_in(),
            tokens: built_in_tokens(),
            apps: Vec::new(),
            servicenow: servicenow::Setup::default(),
            cxone: cxone::Setup::default(),
        }
    }
}

/// A token of the user `operator@example.com`.
pub fn token(name: &str, value: &str, role: Role) -> Token {
    let owner = Some("operator@example.com".to_owned());
    Token {
        name: name.to_owned(),
        value: value.to_owned(),
        role,
        owner,
        revoked: false,
        last_used: None,
    }
}

fn built_in_tokens() -> Vec<Token> {
    vec![
        token("admin", ADMIN_TOKEN, Role::Admin),
        token("help-desk", HELP_DESK_TOKEN, Role::HelpDesk),
        token("read-only", READ_ONLY_TOKEN, Role::ReadOnly),
        token("no-roles", NO_ROLES_TOKEN, Role::NoRoles),
        token("super-admin", SUPER_ADMIN_TOKEN, Role::SuperAdmin),
    ]
}
