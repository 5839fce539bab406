//! Keys that sign, and what they sign: JSON Web Signatures in compact form (RFC 7515), with keys as PEM or as JSON Web
//! Keys (RFC 7517, 7518). What the tokens say is not known here.

use crate::{
    domain::account::{Failure, FailureClass},
    secret::Secret,
};
use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{self, KeyPairComponents, PublicKeyComponents},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
        EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
        RsaSignatureEncoding,
    },
};
use data_encoding::BASE64URL_NOPAD;
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value, json};
use zeroize::{Zeroize, Zeroizing};

/// The curves, by their names in JSON Web Keys, with the algorithm that goes with each.
static CURVES: &[(&str, &str, &EcdsaSigningAlgorithm)] = &[
    ("P-256", "ES256", &ECDSA_P256_SHA256_FIXED_SIGNING),
    ("P-384", "ES384", &ECDSA_P384_SHA384_FIXED_SIGNING),
    ("P-521", "ES512", &ECDSA_P521_SHA512_FIXED_SIGNING),
];
/// What an RSA key can sign with; the first unless the key says otherwise.
static HASHES: &[(&str, &RsaSignatureEncoding)] = &[
    ("RS256", &RSA_PKCS1_SHA256),
    ("RS384", &RSA_PKCS1_SHA384),
    ("RS512", &RSA_PKCS1_SHA512),
];

/// A private key. Not Debug: it is a secret.
pub(super) struct SigningKey {
    pair: Pair,
    algorithm: &'static str,
    id: Option<String>,
}

enum Pair {
    Rsa(Box<rsa::KeyPair>, &'static RsaSignatureEncoding),
    Elliptic(EcdsaKeyPair),
}

impl SigningKey {
    /// Reads a key: PEM (PKCS #8, PKCS #1, SEC 1), or one JSON Web Key, whose `alg` chooses where the key could do several.
    /// `id` goes before the key's own.
    ///
    /// # Errors
    /// `NeedsConfig` where it is none that can sign here.
    pub(super) fn read(text: &Secret, id: Option<&str>) -> Result<Self, Failure> {
        let text = text.expose().trim();
        let mut key = match text.starts_with('{') {
            true => Self::from_jwk(text)?,
            false => Self::from_pem(text)?,
        };
        if let Some(id) = id {
            key.id = Some(id.to_owned());
        }
        Ok(key)
    }

    /// A new key of the curve P-256.
    ///
    /// # Errors
    /// Where this machine has no randomness to give.
    pub(super) fn generate() -> Result<Self, Failure> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_| Failure::new(FailureClass::Transient(None), "a key could not be made"))?;
        Ok(SigningKey {
            pair: Pair::Elliptic(pair),
            algorithm: "ES256",
            id: None,
        })
    }

    fn from_pem(text: &str) -> Result<Self, Failure> {
        if text.contains("BEGIN ENCRYPTED PRIVATE KEY") {
            return Err(bad("is encrypted; put it there without a passphrase"));
        }
        let mut der = PrivateKeyDer::from_pem_slice(text.as_bytes())
            .map_err(|_| bad("is neither a private key in PEM nor a JSON Web Key"))?;
        let bytes = der.secret_der();
        let elliptic = CURVES.iter().find_map(|(_, algorithm, curve)| {
            let pair = EcdsaKeyPair::from_private_key_der(curve, bytes).ok()?;
            Some((Pair::Elliptic(pair), *algorithm))
        });
        let found = elliptic.or_else(|| {
            let pair = match &der {
                PrivateKeyDer::Pkcs1(_) => rsa::KeyPair::from_der(bytes),
                _ => rsa::KeyPair::from_pkcs8(bytes),
            };
            rsa_pair(pair.ok()?, None)
        });
        der.zeroize();
        let (pair, algorithm) = found.ok_or_else(|| bad(UNUSABLE))?;
        Ok(SigningKey {
            pair,
            algorithm,
            id: None,
        })
    }

    fn from_jwk(text: &str) -> Result<Self, Failure> {
        // serde's own words would quote the key.
        let jwk: Jwk = serde_json::from_str(text)
            .map_err(|_| bad("is not a JSON Web Key; copy one key, not a set, with its private members"))?;
        let (pair, algorithm) = jwk.pair().ok_or_else(|| bad(UNUSABLE))?;
        Ok(SigningKey {
            pair,
            algorithm,
            id: jwk.kid,
        })
    }

    /// The public key of an elliptic pair as a JSON Web Key; `None` for RSA.
    pub(super) fn public_jwk(&self) -> Option<Value> {
        let Pair::Elliptic(pair) = &self.pair else { return None };
        let (curve, ..) = CURVES.iter().find(|(_, algorithm, _)| *algorithm == self.algorithm)?;
        // Uncompressed: 4, then both coordinates in the curve's length (SEC 1, 2.3.3).
        let (_, point) = pair.public_key().as_ref().split_first()?;
        let (x, y) = point.split_at_checked(point.len() / 2)?;
        let text = |part: &[u8]| BASE64URL_NOPAD.encode(part);
        Some(json!({"kty": "EC", "crv": curve, "x": text(x), "y": text(y)}))
    }

    /// Signs claims. `alg`, and `kid` where there is one, are added to the header.
    ///
    /// # Errors
    /// Where the key cannot sign, which is not to be expected of one that was read.
    pub(super) fn sign(&self, mut header: Map<String, Value>, claims: &Value) -> Result<String, Failure> {
        header.insert("alg".into(), self.algorithm.into());
        if let Some(id) = &self.id {
            header.insert("kid".into(), id.as_str().into());
        }
        let part = |value: String| BASE64URL_NOPAD.encode(value.as_bytes());
        let mut text = format!("{}.{}", part(Value::from(header).to_string()), part(claims.to_string()));
        let signature = self.signature(text.as_bytes()).ok_or_else(|| bad("does not sign"))?;
        text.push('.');
        BASE64URL_NOPAD.encode_append(&signature, &mut text);
        Ok(text)
    }

    fn signature(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Elliptic(pair) => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
            Pair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature).ok()?;
                Some(signature)
            }
        }
    }
}

const UNUSABLE: &str = "cannot be used; it must be RSA of at least 2048 bits (RS256, RS384, RS512), or of the curve P-256, \
                        P-384 or P-521 (ES256, ES384, ES512)";

fn bad(why: &str) -> Failure {
    Failure::new(FailureClass::NeedsConfig, format!("the Secret's private key {why}"))
}

fn rsa_pair(pair: rsa::KeyPair, algorithm: Option<&str>) -> Option<(Pair, &'static str)> {
    let (name, encoding) = HASHES
        .iter()
        .find(|(name, _)| algorithm.is_none_or(|algorithm| algorithm == *name))?;
    (pair.public_modulus_len() >= 256).then(|| (Pair::Rsa(Box::new(pair), encoding), *name))
}

/// A JSON Web Key with its private members.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    x: Option<Part>,
    y: Option<Part>,
    n: Option<Part>,
    e: Option<Part>,
    d: Option<Part>,
    p: Option<Part>,
    q: Option<Part>,
    dp: Option<Part>,
    dq: Option<Part>,
    qi: Option<Part>,
}

/// A number of a key, base64url on the wire; wiped when dropped.
struct Part(Zeroizing<Vec<u8>>);

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes());
        bytes
            .map(|bytes| Part(Zeroizing::new(bytes)))
            .map_err(|_| de::Error::custom("a member is not base64url"))
    }
}

impl AsRef<[u8]> for Part {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Jwk {
    fn pair(&self) -> Option<(Pair, &'static str)> {
        match self.kty.as_str() {
            "EC" => self.elliptic(),
            "RSA" => self.rsa(),
            _ => None,
        }
    }

    fn elliptic(&self) -> Option<(Pair, &'static str)> {
        let (_, algorithm, curve) = CURVES.iter().find(|(name, ..)| Some(*name) == self.crv.as_deref())?;
        if self.alg.as_deref().is_some_and(|named| named != *algorithm) {
            return None;
        }
        let (d, x, y) = (self.d.as_ref()?, self.x.as_ref()?, self.y.as_ref()?);
        let point = [&[4], x.as_ref(), y.as_ref()].concat();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(curve, d.as_ref(), &point).ok()?;
        Some((Pair::Elliptic(pair), algorithm))
    }

    fn rsa(&self) -> Option<(Pair, &'static str)> {
        let components = KeyPairComponents {
            public_key: PublicKeyComponents {
                n: self.n.as_ref()?.as_ref(),
                e: self.e.as_ref()?.as_ref(),
            },
            d: self.d.as_ref()?.as_ref(),
            p: self.p.as_ref()?.as_ref(),
            q: self.q.as_ref()?.as_ref(),
            dP: self.dp.as_ref()?.as_ref(),
            dQ: self.dq.as_ref()?.as_ref(),
            qInv: self.qi.as_ref()?.as_ref(),
        };
        rsa_pair(rsa::KeyPair::from_components(&components).ok()?, self.alg.as_deref())
    }
}

#[cfg(test)]
mod tests;
