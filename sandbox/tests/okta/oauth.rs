//! OAuth service apps: private-key assertions, scopes, roles, DPoP.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use data_encoding::BASE64URL_NOPAD;
use sandbox::Options;
use sandbox::okta::auth::{OAuthApp, Role};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::client::Fixture;

/// A P-256 key that signs tokens.
struct Key(EcdsaKeyPair);

impl Key {
    fn generate() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    fn jwk(&self) -> Value {
        let point = self.0.public_key().as_ref();
        let encode = |part: &[u8]| BASE64URL_NOPAD.encode(part);
        json!({"kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..])})
    }

    fn sign(&self, header: Value, claims: Value) -> String {
        let part = |value: Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self
            .0
            .sign(&SystemRandom::new(), signed.as_bytes())
            .expect("a signature");
        format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
    }

    fn proof(&self, jti: &str, method: &str, address: &str, more: Value) -> String {
        let mut claims = json!({"jti": jti, "htm": method, "htu": address, "iat": jiff::Timestamp::now().as_second()});
        claims
            .as_object_mut()
            .expect("claims")
            .extend(more.as_object().expect("more claims").clone());
        self.sign(json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk()}), claims)
    }
}

struct App {
    fixture: Fixture,
    key: Key,
}

impl App {
    async fn start(role: Option<Role>, dpop: bool) -> Self {
        let key = Key::generate();
        let app = OAuthApp {
            client_id: "0oaApp".into(),
            keys: vec![key.jwk()],
            scopes: vec!["okta.users.read".into(), "okta.users.manage".into()],
            role,
            dpop,
        };
        Self {
            fixture: Fixture::with(Options {
                apps: vec![app],
                ..Options::default()
            })
            .await,
            key,
        }
    }

    fn endpoint(&self) -> String {
        self.fixture.address("/oauth2/v1/token")
    }

    fn claims(&self, jti: &str) -> Value {
        let now = jiff::Timestamp::now().as_second();
        json!({"iss": "0oaApp", "sub": "0oaApp", "aud": self.endpoint(), "exp": now + 300, "iat": now, "jti": jti})
    }

    async fn ask(&self, key: &Key, claims: Value, scope: &str, proof: Option<String>) -> (u16, Option<String>, Value) {
        let assertion = key.sign(json!({"alg": "ES256"}), claims);
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", scope),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", &assertion),
        ];
        let mut request = self.fixture.http.post(self.endpoint()).form(&form);
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        let response = request.send().await.expect("an answer");
        let nonce = response
            .headers()
            .get("dpop-nonce")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        (response.status().as_u16(), nonce, response.json().await.expect("JSON"))
    }

    async fn read(&self, authorization: &str, proof: Option<String>) -> u16 {
        let request = self.fixture.http.get(self.fixture.address("/api/v1/users/bob"));
        let request = request.header("authorization", authorization);
        let request = if let Some(proof) = proof {
            request.header("dpop", proof)
        } else {
            request
        };
        request.send().await.expect("an answer").status().as_u16()
    }
}

#[tokio::test]
async fn a_signed_assertion_gets_a_token_for_an_hour() {
    let app = App::start(Some(Role::HelpDesk), false).await;
    let (status, _, token) = app.ask(&app.key, app.claims("1"), "okta.users.read", None).await;
    assert_eq!(
        (status, &token["token_type"], &token["expires_in"]),
        (200, &json!("Bearer"), &json!(3600))
    );
    let bearer = format!("Bearer {}", token["access_token"].as_str().expect("a token"));
    assert_eq!(app.read(&bearer, None).await, 200);
    let unlock = app
        .fixture
        .http
        .post(app.fixture.address("/api/v1/users/alice/lifecycle/unlock"));
    let refused = unlock.header("authorization", &bearer).send().await.expect("an answer");
    assert_eq!(refused.status(), 403, "the scope covers reading only");
    app.fixture.sandbox.advance(3_600_000);
    assert_eq!(app.read(&bearer, None).await, 401);
}

#[tokio::test]
async fn bad_assertions_and_scopes_are_refused() {
    let app = App::start(Some(Role::Admin), false).await;
    let changed = |name: &str, value: Value| {
        let mut claims = app.claims(name);
        claims[name] = value;
        claims
    };
    let now = jiff::Timestamp::now().as_second();
    for claims in [
        changed("aud", json!("https://elsewhere.example/oauth2/default/v1/token")),
        changed("exp", json!(now - 1)),
        changed("exp", json!(now + 4000)),
        changed("iss", json!("0oaOther")),
        changed("jti", json!("")),
    ] {
        let (status, _, error) = app.ask(&app.key, claims.clone(), "okta.users.read", None).await;
        assert_eq!((status, &error["error"]), (401, &json!("invalid_client")), "{claims}");
    }
    let (_, _, error) = app
        .ask(&Key::generate(), app.claims("2"), "okta.users.read", None)
        .await;
    assert_eq!(error["error"], "invalid_client", "another key");
    let (status, _, error) = app
        .ask(&app.key, app.claims("3"), "okta.users.read okta.logs.read", None)
        .await;
    assert_eq!((status, &error["error"]), (400, &json!("invalid_scope")));
    app.ask(&app.key, app.claims("4"), "okta.users.read", None).await;
    let (_, _, error) = app.ask(&app.key, app.claims("4"), "okta.users.read", None).await;
    assert_eq!(error["error"], "invalid_client", "an assertion is good for one use");
}

#[tokio::test]
async fn a_token_without_a_role_may_do_nothing() {
    let app = App::start(None, false).await;
    let (_, _, token) = app.ask(&app.key, app.claims("1"), "okta.users.read", None).await;
    let bearer = format!("Bearer {}", token["access_token"].as_str().expect("a token"));
    assert_eq!(app.read(&bearer, None).await, 403);
}

#[tokio::test]
async fn dpop_asks_for_a_nonce_and_binds_the_token_to_the_key() {
    let app = App::start(Some(Role::Admin), true).await;
    let (key, endpoint) = (Key::generate(), app.endpoint());
    let scope = "okta.users.read";
    let (status, _, error) = app.ask(&app.key, app.claims("1"), scope, None).await;
    assert_eq!((status, &error["error"]), (400, &json!("invalid_dpop_proof")));
    let bare = key.proof("p1", "POST", &endpoint, json!({}));
    let (status, nonce, error) = app.ask(&app.key, app.claims("2"), scope, Some(bare)).await;
    assert_eq!((status, &error["error"]), (400, &json!("use_dpop_nonce")));
    let proof = key.proof("p2", "POST", &endpoint, json!({"nonce": nonce.expect("a nonce")}));
    let (status, _, token) = app.ask(&app.key, app.claims("3"), scope, Some(proof)).await;
    assert_eq!((status, &token["token_type"]), (200, &json!("DPoP")));
    let value = token["access_token"].as_str().expect("a token");
    let (target, ath) = (
        app.fixture.address("/api/v1/users/bob"),
        BASE64URL_NOPAD.encode(&Sha256::digest(value)),
    );
    let bound = format!("DPoP {value}");
    let good = key.proof("p3", "GET", &target, json!({"ath": ath}));
    assert_eq!(app.read(&bound, Some(good.clone())).await, 200);
    for (authorization, proof, why) in [
        (bound.clone(), Some(good), "a proof is good for one use"),
        (bound.clone(), None, "a proof is required"),
        (format!("Bearer {value}"), None, "a bound token is not a bearer token"),
        (
            bound.clone(),
            Some(key.proof("p4", "GET", &target, json!({}))),
            "ath is required",
        ),
        (
            bound.clone(),
            Some(key.proof("p5", "POST", &target, json!({"ath": ath}))),
            "another method",
        ),
        (
            bound.clone(),
            Some(key.proof("p6", "GET", &endpoint, json!({"ath": ath}))),
            "another address",
        ),
        (
            bound,
            Some(Key::generate().proof("p7", "GET", &target, json!({"ath": ath}))),
            "another key",
        ),
    ] {
        assert_eq!(app.read(&authorization, proof).await, 401, "{why}");
    }
}
