//! The key that temporary passwords are sealed to: made for one run, never written down.

use std::io::Read;

use age::armor::ArmoredReader;
use age::secrecy::ExposeSecret;
use age::x25519::Identity;
use anyhow::{Context, Result};

/// An X25519 identity of age.
pub(super) struct Key(Identity);

impl Key {
    pub(super) fn generate() -> Self {
        Key(Identity::generate())
    }

    /// What a policy names.
    pub(super) fn recipient(&self) -> String {
        self.0.to_public().to_string()
    }

    /// The key itself, for somebody who goes on with a demo that was left up.
    pub(super) fn secret(&self) -> String {
        self.0.to_string().expose_secret().to_owned()
    }

    /// Opens what was sealed to it.
    pub(super) fn open(&self, sealed: &str) -> Result<String> {
        let decryptor = age::Decryptor::new(ArmoredReader::new(sealed.as_bytes())).context("read the age file")?;
        let mut reader = decryptor
            .decrypt(std::iter::once(&self.0 as &dyn age::Identity))
            .context("open the age file")?;
        let mut password = String::new();
        reader.read_to_string(&mut password).context("read the password")?;
        Ok(password)
    }
}
