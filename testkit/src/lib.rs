//! Real servers for tests and for the demo: a Kubernetes control plane (with a proxy that can misbehave in front of it),
//! OpenLDAP, 389 Directory Server, a Samba domain controller and Keycloak, started on loopback and ended by process id,
//! also when a test panics or is killed.
//!
//! This crate knows nothing of the operator: what starts the product, applies its manifests or judges its results
//! belongs elsewhere. Everything here blocks; a caller inside an async runtime uses `spawn_blocking`.

pub mod api_proxy;
pub mod assets;
pub mod control_plane;
pub mod dirsrv;
pub mod http;
pub mod keycloak;
pub mod ldap;
pub mod ldif;
pub mod mail;
pub mod packages;
pub mod ports;
pub mod process;
pub mod proxy;
pub mod samba;
pub mod skip;
pub mod slapd;
pub mod tls;
pub mod wait;
mod watchdog;
pub mod workspace;

/// Writes one line to standard error past the capture of the test harness, so that somebody who waits for a build
/// or an installation sees why.
pub(crate) fn announce(line: &str) {
    use std::io::Write;
    // A closed standard error is no reason to fail a test.
    let _ = writeln!(std::io::stderr(), "testkit: {line}");
}
