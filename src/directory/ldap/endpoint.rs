//! Where a server is and how it is trusted. The certificate is always verified; there is no way to switch that off.

use super::Fault;
use crate::domain::account::{Failure, FailureClass};
use ldap3::{LdapConnSettings, LdapError};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::BuilderVerifierExt;
use std::{io, net::IpAddr, sync::Arc};
use url::Url;

/// A server's address and how its certificate is judged.
#[derive(Clone)]
pub struct Endpoint {
    url: Url,
    tls: Option<Arc<ClientConfig>>,
}

impl Endpoint {
    /// Takes an `ldaps://` URL, or an `ldap://` one to loopback. With `ca_pem` those certificates alone are trusted,
    /// else the system's.
    ///
    /// # Errors
    /// `NeedsConfig`, with what to change.
    pub fn new(url: &str, ca_pem: Option<&[u8]>) -> Result<Self, Failure> {
        let url = Url::parse(url).map_err(|e| needs_config("the URL is not well-formed").detail(e.to_string()))?;
        let host = url.host_str().unwrap_or_default();
        let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        if host.is_empty() || !bare || !url.username().is_empty() || url.password().is_some() {
            return Err(needs_config(
                "the URL must be scheme, host and port alone, for example ldaps://ldap.example.com",
            ));
        }
        let tls = match url.scheme() {
            "ldaps" => Some(Arc::new(trust(ca_pem)?)),
            "ldap" if is_loopback(host) => None,
            "ldap" => {
                return Err(needs_config(
                    "plain ldap:// is allowed to this machine's loopback address only; use ldaps://",
                ));
            }
            _ => return Err(needs_config("the URL must begin with ldaps://")),
        };
        Ok(Endpoint { url, tls })
    }

    /// The same scheme, port and trust at another host.
    ///
    /// # Errors
    /// The name is none of a host, or plain `ldap://` would leave this machine.
    pub fn at(&self, host: &str) -> Result<Endpoint, Failure> {
        let refuse = || needs_config("a domain controller's DNS name is no host name that can be connected to");
        let mut url = self.url.clone();
        url.set_host(Some(host)).map_err(|_| refuse())?;
        match url.host_str() {
            Some(host) if self.tls.is_some() || is_loopback(host) => Ok(Endpoint {
                url,
                tls: self.tls.clone(),
            }),
            _ => Err(refuse()),
        }
    }

    /// Whether the connection is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// The port, where the URL names one.
    pub fn port(&self) -> Option<u16> {
        self.url.port()
    }

    /// The server's address.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// How a connection to it is made.
    pub(super) fn settings(&self) -> LdapConnSettings {
        let settings = LdapConnSettings::new();
        match &self.tls {
            Some(tls) => settings.set_config(tls.clone()),
            None => settings,
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn trust(ca_pem: Option<&[u8]>) -> Result<ClientConfig, Failure> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| needs_config("TLS cannot be set up").detail(e.to_string()))?;
    let Some(pem) = ca_pem else {
        return builder
            .with_platform_verifier()
            .map(|builder| builder.with_no_client_auth())
            .map_err(|e| {
                needs_config("the system has no certificates to trust; set caSecretRef").detail(e.to_string())
            });
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        certificate
            .map_err(|e| e.to_string())
            .and_then(|certificate| roots.add(certificate).map_err(|e| e.to_string()))
            .map_err(|e| needs_config("a certificate in caSecretRef cannot be read").detail(e))?;
    }
    if roots.is_empty() {
        return Err(needs_config("caSecretRef holds no PEM certificate"));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn needs_config(text: &str) -> Failure {
    Failure::new(FailureClass::NeedsConfig, text)
}

/// Why no connection came about. What an administrator must change is told apart from an outage.
pub(super) fn connect_fault(error: LdapError) -> Fault {
    let detail = error.to_string();
    let public = match &error {
        LdapError::Io { source } => tls_error(source).and_then(tls_advice),
        LdapError::Rustls { source } => tls_advice(source),
        LdapError::DNSName { .. } => Some("the URL's host cannot be verified by a certificate; use a host name"),
        _ => None,
    };
    match public {
        Some(public) => Fault::Untrusted { public, detail },
        None if is_hang_up(&error) => Fault::HungUp(detail),
        None => Fault::Unreachable(detail),
    }
}

/// A connection that ends within the handshake; an ordinary outage refuses the connection instead.
fn is_hang_up(error: &LdapError) -> bool {
    use io::ErrorKind::{ConnectionReset, UnexpectedEof};
    matches!(error, LdapError::Io { source } if matches!(source.kind(), ConnectionReset | UnexpectedEof))
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn tls_advice(error: &rustls::Error) -> Option<&'static str> {
    use rustls::CertificateError as Certificate;
    match error {
        rustls::Error::InvalidCertificate(
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
        ) => Some("the LDAP server's certificate is for another host name than the URL's"),
        rustls::Error::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => {
            Some("the LDAP server's certificate has expired")
        }
        rustls::Error::InvalidCertificate(_) => Some(
            "the LDAP server's certificate is not trusted; name the certificates of the authority that signed it in caSecretRef",
        ),
        rustls::Error::InvalidMessage(_) => {
            Some("the LDAP server's answer is no TLS; check that the URL's port speaks TLS")
        }
        rustls::Error::AlertReceived(_) | rustls::Error::PeerIncompatible(_) => {
            Some("the LDAP server and the operator agree on no way to encrypt; check the server's TLS settings")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_ldap_is_for_loopback() {
        let ca = rcgen_pem();
        for (url, admitted) in [
            ("ldap://localhost:1389", true),
            ("ldap://127.0.0.1", true),
            ("ldap://[::1]:389", true),
            ("ldaps://ldap.example.com", true),
            ("ldap://ldap.example.com", false),
            ("ldap://localhost@ldap.example.com", false),
            ("ldap://127.0.0.1.example.com", false),
            ("ldap://", false),
            ("ldaps://ldap.example.com/dc=example", false),
            ("ldaps://ldap.example.com?x", false),
            ("ldapi://%2fvar%2frun", false),
            ("https://ldap.example.com", false),
            ("ldap.example.com", false),
        ] {
            let made = Endpoint::new(url, Some(ca.as_bytes()));
            assert_eq!(made.is_ok(), admitted, "{url}");
            assert!(made.err().is_none_or(|f| f.class == FailureClass::NeedsConfig));
        }
    }

    #[test]
    fn a_ca_that_is_none_is_refused() {
        for pem in [
            "",
            "no certificate",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            let failure = Endpoint::new("ldaps://ldap.example.com", Some(pem.as_bytes()))
                .err()
                .unwrap();
            assert!(failure.public.contains("caSecretRef"), "{}", failure.public);
        }
    }

    fn rcgen_pem() -> String {
        let folder = tempfile::tempdir().unwrap();
        testkit::tls::Authority::new("test", folder.path())
            .unwrap()
            .pem()
            .to_owned()
    }
}
