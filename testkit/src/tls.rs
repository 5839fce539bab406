//! A certificate authority for one test, certificates from it, and random secrets.

use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};

/// An authority whose certificate lies as PEM in a folder; its key stays in memory.
pub struct Authority {
    file: PathBuf,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key, as PEM files.
pub struct Identity {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    /// Makes an authority called `name` and writes its certificate to `ca.pem` in `dir`.
    pub fn new(name: &str, dir: &Path) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().context("generate the authority's key")?;
        let pem = params
            .self_signed(&key)
            .context("sign the authority's certificate")?
            .pem();
        let file = dir.join("ca.pem");
        write(&file, &pem)?;
        Ok(Self {
            file,
            pem,
            issuer: Issuer::new(params, key),
        })
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Issues a server certificate for DNS names and IP addresses, as `<name>.pem` and `<name>.key` in `dir`.
    pub fn issue(&self, name: &str, hosts: &[&str], dir: &Path) -> Result<Identity> {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts).context("name the certificate's hosts")?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().context("generate a server key")?;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .context("sign a server certificate")?;
        let identity = Identity {
            certificate: dir.join(format!("{name}.pem")),
            key: dir.join(format!("{name}.key")),
        };
        write(&identity.certificate, &certificate.pem())?;
        write(&identity.key, &key.serialize_pem())?;
        Ok(identity)
    }
}

/// Writes a new ECDSA P-256 key: the private one (PKCS#8, PEM) to `private`, the public one (PEM) to `public`.
pub fn write_key_pair(private: &Path, public: &Path) -> Result<()> {
    let key = KeyPair::generate().context("generate a key")?;
    write(private, &key.serialize_pem())?;
    write(public, &key.public_key_pem())
}

/// 128 random bits in hexadecimal, for tokens and passwords of test servers.
pub fn random_secret() -> Result<String> {
    use std::io::Read;
    let mut bytes = [0; 16];
    let mut source = std::fs::File::open("/dev/urandom").context("open /dev/urandom")?;
    source.read_exact(&mut bytes).context("read /dev/urandom")?;
    Ok(data_encoding::HEXLOWER.encode(&bytes))
}

/// Writes a file that only its owner may read.
pub fn write(file: &Path, text: &str) -> Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    let opened = options.write(true).create(true).truncate(true).mode(0o600).open(file);
    opened
        .and_then(|mut f| f.write_all(text.as_bytes()))
        .with_context(|| format!("write {}", file.display()))
}
