//! TLS for whatever host a client asks for, with certificates minted on the spot by a test authority, or with one that
//! was given.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// A certificate authority that exists for one run.
#[derive(Debug)]
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
    minted: Mutex<HashMap<String, Arc<CertifiedKey>>>,
    given: Option<Arc<CertifiedKey>>,
}

impl Authority {
    /// Generates the authority.
    ///
    /// # Errors
    /// When key generation fails.
    pub fn generate() -> anyhow::Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params
            .distinguished_name
            .push(DnType::CommonName, "Sandbox test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self {
            pem,
            issuer: Issuer::new(params, key),
            minted: Mutex::default(),
            given: None,
        })
    }

    /// Serves this certificate (a PEM chain, its own first) and key (PEM) to whoever asks for whatever host, and mints
    /// none.
    ///
    /// # Errors
    /// When a file cannot be read, holds no certificate or key, or the two do not belong together.
    pub fn give(&mut self, certificate: &Path, key: &Path) -> anyhow::Result<()> {
        let chain: Vec<CertificateDer> = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect)
            .with_context(|| format!("cannot read certificates from {}", certificate.display()))?;
        anyhow::ensure!(!chain.is_empty(), "{} holds no certificate", certificate.display());
        let private =
            PrivateKeyDer::from_pem_file(key).with_context(|| format!("cannot read a key from {}", key.display()))?;
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let certified = CertifiedKey::from_der(chain, private, &provider)
            .with_context(|| format!("the key in {} is not that of {}", key.display(), certificate.display()))?;
        self.given = Some(Arc::new(certified));
        Ok(())
    }

    /// The authority's certificate, PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A TLS configuration that serves every host name.
    ///
    /// # Errors
    /// When the TLS library refuses its own defaults.
    pub fn server_config(self: &Arc<Self>) -> anyhow::Result<ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let resolver = Arc::new(Resolver(Arc::clone(self)));
        let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// A certificate for a host name; without one, for loopback.
    fn mint(&self, host: Option<&str>) -> anyhow::Result<Arc<CertifiedKey>> {
        let names = match host {
            Some(host) => vec![host.to_owned()],
            None => vec!["localhost".into(), "127.0.0.1".into(), "::1".into()],
        };
        let mut minted = self
            .minted
            .lock()
            .expect("the certificate cache's lock is never poisoned");
        if let Some(known) = minted.get(&names[0]) {
            return Ok(Arc::clone(known));
        }
        let mut params = CertificateParams::new(names.clone())?;
        params.distinguished_name.push(DnType::CommonName, names[0].as_str());
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let signing = rustls::crypto::aws_lc_rs::sign::any_supported_type(&private).context("a minted key")?;
        let certified = Arc::new(CertifiedKey::new(vec![certificate.der().clone()], signing));
        minted.insert(names[0].clone(), Arc::clone(&certified));
        Ok(certified)
    }
}

#[derive(Debug)]
struct Resolver(Arc<Authority>);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if let Some(given) = &self.0.given {
            return Some(Arc::clone(given));
        }
        match self.0.mint(hello.server_name()) {
            Ok(certified) => Some(certified),
            Err(error) => {
                eprintln!("sandbox: no certificate for {:?}: {error:#}", hello.server_name());
                None
            }
        }
    }
}
