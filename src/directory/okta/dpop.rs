//! Proofs of possession (RFC 9449): each request carries a token of its own, signed with a key that nobody else has, so
//! that an access token which leaks is of no use.

use super::jose::SigningKey;
use crate::domain::account::{Failure, FailureClass};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use jiff::Timestamp;
use reqwest::{Method, Url, header::HeaderValue};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// The key that proves: made by this process, and never the one that the client authenticates with.
pub(super) struct Prover {
    key: SigningKey,
    public: Value,
}

impl Prover {
    /// A prover with a new key.
    ///
    /// # Errors
    /// Where this machine has no randomness to give.
    pub(super) fn new() -> Result<Self, Failure> {
        let key = SigningKey::generate()?;
        let unusable = || Failure::new(FailureClass::Permanent, "a proof key has no public part");
        let public = key.public_jwk().ok_or_else(unusable)?;
        Ok(Prover { key, public })
    }

    /// The header `DPoP` of one request. `token` is the hash of the access token that goes with it, see [`hash`]; `nonce` is
    /// what the server asked for.
    ///
    /// # Errors
    /// Where the key cannot sign.
    pub(super) fn proof(
        &self,
        (method, url): (&Method, &Url),
        token: Option<&str>,
        nonce: Option<&str>,
        now: Timestamp,
    ) -> Result<HeaderValue, Failure> {
        let mut claims = Map::from_iter([
            ("htm".to_owned(), method.as_str().into()),
            ("htu".to_owned(), target(url).into()),
            ("iat".to_owned(), now.as_second().into()),
            ("jti".to_owned(), fresh_id().into()),
        ]);
        let optional = [("ath", token), ("nonce", nonce)];
        let present = optional
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
        claims.extend(present);
        let header = Map::from_iter([
            ("typ".to_owned(), "dpop+jwt".into()),
            ("jwk".to_owned(), self.public.clone()),
        ]);
        let proof = self.key.sign(header, &Value::from(claims))?;
        HeaderValue::from_str(&proof)
            .map_err(|_| Failure::new(FailureClass::Permanent, "a proof cannot be put into a header"))
    }
}

/// `htu`: the address without query and fragment (RFC 9449, 4.2).
fn target(url: &Url) -> String {
    let mut bare = url.clone();
    bare.set_query(None);
    bare.set_fragment(None);
    bare.into()
}

/// `ath`: the hash of an access token.
pub(super) fn hash(token: &str) -> String {
    BASE64URL_NOPAD.encode(&Sha256::digest(token.as_bytes()))
}

/// An id that nobody has used: 128 random bits, in hex.
pub(super) fn fresh_id() -> String {
    HEXLOWER.encode(&rand::random::<u128>().to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claims(proof: &HeaderValue) -> (Value, Value) {
        let mut parts = proof.to_str().unwrap().split('.');
        let mut part = || {
            let bytes = BASE64URL_NOPAD.decode(parts.next().unwrap().as_bytes()).unwrap();
            serde_json::from_slice(&bytes).unwrap()
        };
        (part(), part())
    }

    #[test]
    fn a_proof_names_the_request_without_its_query_and_is_never_the_same() {
        let prover = Prover::new().unwrap();
        let url = Url::parse("https://example.okta.com/api/v1/users/00u%2F1?expand=blocks#x").unwrap();
        let now = Timestamp::from_second(1_772_445_100).unwrap();
        let proof = |token, nonce| claims(&prover.proof((&Method::POST, &url), token, nonce, now).unwrap());
        let (header, first) = proof(None, None);
        assert_eq!((&header["typ"], &header["alg"]), (&json!("dpop+jwt"), &json!("ES256")));
        assert_eq!(header["jwk"]["d"], Value::Null, "the private part goes nowhere");
        assert_eq!(first["htm"], "POST");
        assert_eq!(first["htu"], "https://example.okta.com/api/v1/users/00u%2F1");
        assert_eq!(first["iat"], 1_772_445_100);
        assert!(first.get("ath").is_none() && first.get("nonce").is_none());
        let (_, second) = proof(Some("hash"), Some("n"));
        assert_eq!((&second["ath"], &second["nonce"]), (&json!("hash"), &json!("n")));
        assert_ne!(first["jti"], second["jti"]);
    }

    #[test]
    fn each_prover_proves_with_a_key_of_its_own() {
        let url = Url::parse("https://example.okta.com").unwrap();
        let key = || {
            let prover = Prover::new().unwrap();
            let proof = prover.proof((&Method::GET, &url), None, None, Timestamp::UNIX_EPOCH);
            claims(&proof.unwrap()).0["jwk"].clone()
        };
        assert_ne!(key(), key());
    }

    #[test]
    fn a_token_is_hashed_as_the_rfc_says() {
        // RFC 9449, 7: the example's access token and its `ath`.
        let token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
        assert_eq!(hash(token), "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
    }
}
