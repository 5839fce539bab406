//! Service apps with keys of every kind: what the operator is given, and what is registered at the sandbox.

use aws_lc_rs::{
    encoding::AsBigEndian,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
        EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair, RsaKeyPair,
    },
};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use sandbox::okta::auth::{OAuthApp, Role};
use serde_json::{Value, json};

pub const CLIENT_ID: &str = "0oaReadmit";
/// The default of `oauth.scopes`.
pub const SCOPES: &[&str] = &["okta.users.manage", "okta.roles.read"];

/// A private key as the Secret holds it, and its public half.
#[derive(Clone)]
pub struct Key {
    pub secret: String,
    pub public: Value,
}

/// How a key stands in the Secret.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    Pem,
    Jwk,
}

/// A service app.
pub struct App {
    pub key: Key,
    /// `oauth.keyID`.
    pub named: Option<String>,
    /// What the operator asks for.
    pub asked: Vec<&'static str>,
    /// What is granted.
    pub granted: Vec<&'static str>,
    pub role: Option<Role>,
    pub dpop: bool,
}

impl App {
    pub fn new() -> Self {
        Self::with_key(Key::elliptic("P-256", Form::Pem))
    }

    pub fn with_key(key: Key) -> Self {
        App {
            key,
            named: None,
            asked: SCOPES.to_vec(),
            granted: SCOPES.to_vec(),
            role: Some(Role::Admin),
            dpop: false,
        }
    }

    /// The app as it stands in Okta.
    pub fn registered(&self) -> OAuthApp {
        OAuthApp {
            client_id: CLIENT_ID.into(),
            keys: vec![self.key.public.clone()],
            scopes: self.granted.iter().map(|scope| (*scope).to_owned()).collect(),
            role: self.role,
            dpop: self.dpop,
        }
    }
}

fn curve(name: &str) -> &'static EcdsaSigningAlgorithm {
    match name {
        "P-256" => &ECDSA_P256_SHA256_FIXED_SIGNING,
        "P-384" => &ECDSA_P384_SHA384_FIXED_SIGNING,
        "P-521" => &ECDSA_P521_SHA512_FIXED_SIGNING,
        other => panic!("no curve {other}"),
    }
}

fn text(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

fn pem(der: &[u8]) -> String {
    let encoded = BASE64.encode(der);
    let lines: Vec<&str> = encoded
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        lines.join("\n")
    )
}

impl Key {
    /// A key of a curve.
    pub fn elliptic(name: &str, form: Form) -> Self {
        let pair = EcdsaKeyPair::generate(curve(name)).unwrap();
        let point = &pair.public_key().as_ref()[1..];
        let (x, y) = point.split_at(point.len() / 2);
        let public = json!({"kty": "EC", "crv": name, "x": text(x), "y": text(y), "kid": "k1"});
        let secret = match form {
            Form::Pem => pem(pair.to_pkcs8v1().unwrap().as_ref()),
            Form::Jwk => {
                let d = pair.private_key().as_be_bytes().unwrap();
                let mut private = public.clone();
                private["d"] = text(d.as_ref()).into();
                private.to_string()
            }
        };
        Key { secret, public }
    }

    /// An RSA key of 2048 bits; as a JSON Web Key it says which hash it signs with.
    pub fn rsa(algorithm: &str, form: Form) -> Self {
        use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der = pair.as_der().unwrap();
        // version, n, e, d, p, q, dp, dq, qi (RFC 8017, A.1.2)
        let numbers = integers(der.as_ref());
        let number = |index: usize| text(&numbers[index]);
        let public = json!({"kty": "RSA", "n": number(1), "e": number(2), "kid": "k1"});
        let secret = match form {
            Form::Pem => pem(der.as_ref()),
            Form::Jwk => json!({
                "kty": "RSA", "kid": "k1", "alg": algorithm, "n": number(1), "e": number(2), "d": number(3),
                "p": number(4), "q": number(5), "dp": number(6), "dq": number(7), "qi": number(8),
            })
            .to_string(),
        };
        Key { secret, public }
    }
}

/// The integers of the RSAPrivateKey within a PKCS #8 document, without leading zeros.
fn integers(der: &[u8]) -> Vec<Vec<u8>> {
    let (_, outer, _) = element(der);
    let (_, _, rest) = element(outer); // version
    let (_, _, rest) = element(rest); // algorithm
    let (_, key, _) = element(rest);
    let (_, mut left, _) = element(key);
    let mut numbers = Vec::new();
    while !left.is_empty() {
        let (tag, value, rest) = element(left);
        assert_eq!(tag, 2, "an integer");
        let zeros = value.iter().take_while(|byte| **byte == 0).count();
        numbers.push(value[zeros..].to_vec());
        left = rest;
    }
    numbers
}

/// The first element of DER: its tag, its value, and what follows.
fn element(der: &[u8]) -> (u8, &[u8], &[u8]) {
    let (tag, first) = (der[0], usize::from(der[1]));
    let (length, start) = match first {
        0..0x80 => (first, 2),
        _ => {
            let bytes = first - 0x80;
            let length = der[2..2 + bytes]
                .iter()
                .fold(0, |length, byte| length << 8 | usize::from(*byte));
            (length, 2 + bytes)
        }
    };
    (tag, &der[start..start + length], &der[start + length..])
}
