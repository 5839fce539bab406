//! JSON Web Tokens as service apps send them: decoding, and signatures under a JSON Web Key (RFC 7515, 7517, 7518).

use aws_lc_rs::signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A decoded token whose signature has not been looked at yet.
#[derive(Debug)]
pub(super) struct Jwt {
    pub(super) header: Value,
    pub(super) claims: Value,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

impl Jwt {
    /// Decodes the compact form.
    pub(super) fn decode(text: &str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let part = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).ok();
        Some(Self {
            header: serde_json::from_slice(&part(header)?).ok()?,
            claims: serde_json::from_slice(&part(claims)?).ok()?,
            signed: signed.as_bytes().to_vec(),
            signature: part(signature)?,
        })
    }

    /// A claim's text, or the empty string.
    pub(super) fn text(&self, claim: &str) -> &str {
        self.claims[claim].as_str().unwrap_or_default()
    }

    /// A claim's number of seconds.
    pub(super) fn seconds(&self, claim: &str) -> Option<i64> {
        self.claims[claim].as_i64()
    }

    /// Whether the signature is that key's, under the algorithm that the header names.
    pub(super) fn is_signed_by(&self, jwk: &Value) -> bool {
        let member = |name: &str| {
            BASE64URL_NOPAD
                .decode(jwk[name].as_str().unwrap_or_default().as_bytes())
                .ok()
        };
        let algorithm = self.header["alg"].as_str().unwrap_or_default();
        if let Some(parameters) = rsa(algorithm) {
            let (Some(n), Some(e)) = (member("n"), member("e")) else {
                return false;
            };
            let key = RsaPublicKeyComponents { n: &n, e: &e };
            return key.verify(parameters, &self.signed, &self.signature).is_ok();
        }
        let (Some(curve), Some(x), Some(y)) = (elliptic(algorithm), member("x"), member("y")) else {
            return false;
        };
        let point = [&[4], x.as_slice(), y.as_slice()].concat();
        UnparsedPublicKey::new(curve, point)
            .verify(&self.signed, &self.signature)
            .is_ok()
    }
}

fn rsa(algorithm: &str) -> Option<&'static RsaParameters> {
    match algorithm {
        "RS256" => Some(&signature::RSA_PKCS1_2048_8192_SHA256),
        "RS384" => Some(&signature::RSA_PKCS1_2048_8192_SHA384),
        "RS512" => Some(&signature::RSA_PKCS1_2048_8192_SHA512),
        _ => None,
    }
}

fn elliptic(algorithm: &str) -> Option<&'static signature::EcdsaVerificationAlgorithm> {
    match algorithm {
        "ES256" => Some(&signature::ECDSA_P256_SHA256_FIXED),
        "ES384" => Some(&signature::ECDSA_P384_SHA384_FIXED),
        "ES512" => Some(&signature::ECDSA_P521_SHA512_FIXED),
        _ => None,
    }
}

/// Base64url of the SHA-256 of a text, as in `ath` (RFC 9449).
pub(super) fn hash(text: &str) -> String {
    BASE64URL_NOPAD.encode(&Sha256::digest(text.as_bytes()))
}

/// A key's thumbprint (RFC 7638).
pub(super) fn thumbprint(jwk: &Value) -> String {
    let members: &[&str] = if jwk["kty"] == "RSA" {
        &["e", "kty", "n"]
    } else {
        &["crv", "kty", "x", "y"]
    };
    // Listed in the order of names that the RFC asks for, whichever order the map keeps.
    let required: serde_json::Map<String, Value> = members
        .iter()
        .map(|name| ((*name).to_owned(), jwk[*name].clone()))
        .collect();
    hash(&json!(required).to_string())
}
