//! OAuth for service apps: access tokens by client credentials with `private_key_jwt`, bound to a DPoP key where the
//! app (or the quirk `dpop-required`) demands it (RFC 6749, 7523, 9449).

use std::collections::{HashMap, HashSet};

use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::auth::{Caller, OAuthApp};
use super::errors::{ApiError, ApiResult};
use super::jwt::{Jwt, hash, thumbprint};
use super::org::{Context, Okta};
use super::quirks::Quirk;
use crate::directory::random_token;
use crate::exchange::{Call, Reply};

/// Seconds by which a proof's clock may differ.
const SKEW: i64 = 300;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Tokens in force, ids that were used, and the nonce in force.
#[derive(Debug, Default)]
pub(super) struct OAuthState {
    tokens: HashMap<String, Grant>,
    used: HashSet<String>,
    nonce: Option<(String, Timestamp)>,
}

#[derive(Debug, Clone)]
struct Grant {
    client: String,
    scopes: Vec<String>,
    expires: Timestamp,
    /// Thumbprint of the key that the token is bound to.
    key: Option<String>,
}

/// An answer of the token endpoint that is not a token: error and description.
type Refusal = (&'static str, &'static str);

impl Okta {
    /// Ends every access token, as an administrator or a change of keys does.
    pub fn revoke_access_tokens(&mut self) {
        self.oauth.tokens.clear();
    }

    /// Wants another nonce from now on.
    pub fn rotate_nonce(&mut self) {
        self.oauth.nonce = None;
    }

    /// Serves the token endpoint.
    pub(super) fn issue_token(&mut self, call: &Call, context: &Context) -> Reply {
        match self.grant(call, context) {
            Ok(shape) => Reply::json(StatusCode::OK, &shape),
            Err((error, description)) => {
                let status = if error == "invalid_client" {
                    StatusCode::UNAUTHORIZED
                } else {
                    StatusCode::BAD_REQUEST
                };
                let reply = Reply::json(status, &json!({"error": error, "error_description": description}));
                let reply = Reply {
                    error_code: Some(error.to_owned()),
                    ..reply
                };
                if error != "use_dpop_nonce" {
                    return reply;
                }
                let nonce = self.nonce(context.now);
                reply.with_header("dpop-nonce", &nonce)
            }
        }
    }

    fn grant(&mut self, call: &Call, context: &Context) -> Result<serde_json::Value, Refusal> {
        let form: HashMap<String, String> = form_urlencoded::parse(&call.body).into_owned().collect();
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        if field("grant_type") != "client_credentials" {
            return Err(("unsupported_grant_type", "Only client_credentials is supported here"));
        }
        let address = format!("{}{}", call.base, call.path);
        if field("client_assertion_type") != ASSERTION_TYPE {
            return Err(("invalid_client", "A client assertion is required"));
        }
        let app = self.assert_client(field("client_assertion"), &address, context.now)?;
        let scopes: Vec<String> = field("scope").split_whitespace().map(str::to_owned).collect();
        if scopes.is_empty() || scopes.iter().any(|scope| !app.scopes.contains(scope)) {
            return Err(("invalid_scope", "A requested scope is not granted to this app"));
        }
        let bound = app.dpop || self.has(Quirk::DpopRequired);
        let key = if bound || call.header("dpop").is_some() {
            Some(self.token_proof(call, &address, context.now)?)
        } else {
            None
        };
        let token = random_token(48);
        let lifetime = self.settings.access_token_seconds;
        let expires = context.now + SignedDuration::from_secs(lifetime);
        let kind = if key.is_some() { "DPoP" } else { "Bearer" };
        let shape = json!({
            "token_type": kind, "expires_in": lifetime, "access_token": token, "scope": scopes.join(" "),
        });
        self.oauth.tokens.insert(
            token,
            Grant {
                client: app.client_id,
                scopes,
                expires,
                key,
            },
        );
        Ok(shape)
    }

    /// Checks a client assertion and finds the app.
    fn assert_client(&mut self, assertion: &str, address: &str, now: Timestamp) -> Result<OAuthApp, Refusal> {
        let refuse = |why| ("invalid_client", why);
        let jwt = Jwt::decode(assertion).ok_or(refuse("The client assertion is not a JWT"))?;
        let client = jwt.text("iss").to_owned();
        let app = self
            .apps
            .iter()
            .find(|app| app.client_id == client && jwt.text("sub") == client);
        let app = app
            .cloned()
            .ok_or(refuse("iss and sub must be the id of a known client"))?;
        let wanted = &jwt.header["kid"];
        let mut keys = app.keys.iter().filter(|key| wanted.is_null() || key["kid"] == *wanted);
        if !keys.any(|key| jwt.is_signed_by(key)) {
            return Err(refuse("The client assertion's signature does not fit a registered key"));
        }
        if jwt.text("aud") != address {
            return Err(refuse("aud must be the address of the token endpoint"));
        }
        let left = jwt.seconds("exp").unwrap_or(0) - now.as_second();
        if !(1..=3600).contains(&left) {
            return Err(refuse("exp must lie within the next hour"));
        }
        if jwt.text("jti").is_empty() || !self.oauth.used.insert(format!("{client}/{}", jwt.text("jti"))) {
            return Err(refuse("jti must be fresh"));
        }
        Ok(app)
    }

    /// Checks the proof that comes with a token request; answers the key's thumbprint.
    fn token_proof(&mut self, call: &Call, address: &str, now: Timestamp) -> Result<String, Refusal> {
        let refuse = |why| ("invalid_dpop_proof", why);
        let proof = call.header("dpop").ok_or(refuse("The DPoP proof is missing"))?;
        let nonce = self.nonce(now);
        let jwt = self.proof(proof, call.method.as_str(), address, now).map_err(refuse)?;
        if jwt.text("nonce") != nonce {
            return Err(("use_dpop_nonce", "Authorization server requires nonce in DPoP proof"));
        }
        Ok(thumbprint(&jwt.header["jwk"]))
    }

    /// Checks what every DPoP proof must have.
    fn proof(&mut self, proof: &str, method: &str, address: &str, now: Timestamp) -> Result<Jwt, &'static str> {
        let jwt = Jwt::decode(proof).ok_or("The DPoP proof is not a JWT")?;
        if jwt.header["typ"] != "dpop+jwt" {
            return Err("typ must be dpop+jwt");
        }
        let key = jwt.header["jwk"].clone();
        if key["d"] != serde_json::Value::Null || !jwt.is_signed_by(&key) {
            return Err("The DPoP proof's signature does not fit its public key");
        }
        if jwt.text("htm") != method || jwt.text("htu") != address {
            return Err("htm and htu must be this request's method and address without query");
        }
        if jwt
            .seconds("iat")
            .is_none_or(|iat| (iat - now.as_second()).abs() > SKEW)
        {
            return Err("iat is missing or too far from now");
        }
        if jwt.text("jti").is_empty() || !self.oauth.used.insert(format!("dpop/{}", jwt.text("jti"))) {
            return Err("jti must be fresh");
        }
        Ok(jwt)
    }

    /// The nonce in force; it changes once a day.
    fn nonce(&mut self, now: Timestamp) -> String {
        let day = SignedDuration::from_hours(24);
        let fresh = self.oauth.nonce.take().filter(|(_, since)| now < *since + day);
        let (nonce, since) = fresh.unwrap_or_else(|| (random_token(24), now));
        self.oauth.nonce = Some((nonce.clone(), since));
        nonce
    }

    /// The app behind an access token.
    ///
    /// # Errors
    /// E0000011 for an unknown or expired token, the wrong scheme, or a bad proof.
    pub(super) fn oauth_caller(&mut self, scheme: &str, token: &str, call: &Call, now: Timestamp) -> ApiResult<Caller> {
        let invalid = |why: &str| ApiError::new("E0000011").because(why);
        let grant = self
            .oauth
            .tokens
            .get(token)
            .cloned()
            .filter(|grant| now < grant.expires);
        let grant = grant.ok_or_else(|| invalid("the access token is unknown or has expired"))?;
        match &grant.key {
            Some(key) if scheme.eq_ignore_ascii_case("DPoP") => {
                let proof = call
                    .header("dpop")
                    .ok_or_else(|| invalid("the DPoP proof is missing"))?;
                let address = format!("{}{}", call.base, call.path);
                let jwt = self
                    .proof(proof, call.method.as_str(), &address, now)
                    .map_err(invalid)?;
                if thumbprint(&jwt.header["jwk"]) != *key || jwt.text("ath") != hash(token) {
                    return Err(invalid("the DPoP proof belongs to another key or token"));
                }
            }
            None if scheme.eq_ignore_ascii_case("Bearer") => {}
            _ => return Err(invalid("the access token is of another type")),
        }
        let app = self.apps.iter().find(|app| app.client_id == grant.client);
        let role = app.ok_or_else(|| invalid("the app is gone"))?.role;
        let rights = role.map(super::auth::Role::rights).unwrap_or_default();
        Ok(Caller {
            name: grant.client,
            rights,
            user: None,
            scopes: Some(grant.scopes),
        })
    }
}
