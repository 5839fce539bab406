//! What signatures look like; that they are valid is shown by the simulated organisation, which verifies them.

use super::*;

fn parts(text: &str) -> (Value, Value, Vec<u8>) {
    let parts: Vec<Vec<u8>> = text
        .split('.')
        .map(|part| BASE64URL_NOPAD.decode(part.as_bytes()).unwrap())
        .collect();
    let json = |index: usize| serde_json::from_slice(&parts[index]).unwrap();
    (json(0), json(1), parts[2].clone())
}

#[test]
fn a_signature_has_the_fixed_length_of_its_curve_and_names_its_key() {
    let mut key = SigningKey::generate().unwrap();
    key.id = Some("k1".into());
    let header = Map::from_iter([("typ".to_owned(), "x".into())]);
    let (header, claims, signature) = parts(&key.sign(header, &json!({"a": 1})).unwrap());
    assert_eq!(header, json!({"typ": "x", "alg": "ES256", "kid": "k1"}));
    assert_eq!(claims, json!({"a": 1}));
    assert_eq!(
        signature.len(),
        64,
        "two numbers of 32 bytes, and no DER (RFC 7518, 3.4)"
    );
}

#[test]
fn a_public_key_has_no_private_member() {
    let public = SigningKey::generate().unwrap().public_jwk().unwrap();
    let members: Vec<&str> = public.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members.len(), 4);
    for member in ["kty", "crv", "x", "y"] {
        assert!(public[member].is_string(), "{member}");
    }
}

#[test]
fn an_algorithm_that_does_not_fit_the_key_is_refused() {
    for (curve, algorithm) in [("P-256", "ES384"), ("P-256", "RS256"), ("secp256k1", "ES256K")] {
        let jwk = json!({"kty": "EC", "crv": curve, "alg": algorithm, "d": "AQ", "x": "AQ", "y": "AQ"});
        let failure = SigningKey::read(&Secret::new(jwk.to_string()), None).err().unwrap();
        assert_eq!(failure.class, FailureClass::NeedsConfig, "{curve} {algorithm}");
    }
}
