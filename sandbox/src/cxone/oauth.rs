//! Signing in as an application: discovery, the token endpoint with access keys (RFC 6749), and the older way with an
//! access key alone.

use std::collections::HashMap;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::errors::{ApiError, ApiResult};
use super::quirks::Quirk;
use super::tenant::{Agent, Context, Cxone};
use crate::directory::random_token;
use crate::exchange::{Call, Reply};

/// A token in force.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    access: String,
    refresh: String,
    /// Number of the agent with whose rights it acts.
    owner: u64,
    expires: Timestamp,
}

impl Cxone {
    /// `GET /.well-known/openid-configuration`.
    pub(super) fn openid(&self, call: &Call) -> Reply {
        let base = &call.base;
        let token = match self.has(Quirk::ForeignTokenEndpoint) {
            true => "https://tokens.elsewhere.example/auth/token".to_owned(),
            false => format!("{base}/auth/token"),
        };
        let methods = match self.has(Quirk::ClientSecretPostOnly) {
            true => ["client_secret_post"],
            false => ["client_secret_basic"],
        };
        let body = json!({
            "issuer": base, "token_endpoint": token, "token_endpoint_auth_methods_supported": methods,
        });
        Reply::json(StatusCode::OK, &body)
    }

    /// `GET /.well-known/cxone-configuration`.
    pub(super) fn discovery(&self, call: &Call) -> ApiResult<Reply> {
        if call.parameter("tenantId").as_deref() != Some(&self.tenant_id) {
            return Err(ApiError::userhub(StatusCode::NOT_FOUND, "TENANT_NOT_FOUND"));
        }
        let in_cloud = call.base.ends_with(".niceincontact.com") || call.base.contains(".niceincontact.com:");
        let api = match (self.has(Quirk::ForeignApiEndpoint), in_cloud) {
            (true, _) => "https://api-na1.niceincontact.com.elsewhere.example".to_owned(),
            (false, true) => "https://api-na1.niceincontact.com".to_owned(),
            (false, false) => call.base.clone(),
        };
        let body = json!({
            "private": false, "ui_endpoint": "https://na1.nice-incontact.com", "auth_endpoint": call.base,
            "api_endpoint": api, "area": "na1", "cluster": "c42", "domain": "niceincontact.com",
            "uhDomain": "nice-incontact.com", "tenantId": self.tenant_id,
        });
        Ok(Reply::json(StatusCode::OK, &body))
    }

    /// `POST /auth/token`.
    pub(super) fn issue_token(&mut self, call: &Call, context: &Context) -> ApiResult<Reply> {
        let form: HashMap<String, String> = form_urlencoded::parse(&call.body).into_owned().collect();
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        if !self.is_client(call, &form) {
            return Err(ApiError::oauth(StatusCode::UNAUTHORIZED, "invalid_client"));
        }
        let invalid = || ApiError::oauth(StatusCode::BAD_REQUEST, "invalid_grant");
        let owner = match field("grant_type") {
            "password" => self
                .owner_of(field("username"), field("password"))
                .ok_or_else(invalid)?,
            "refresh_token" if !self.has(Quirk::RefreshRefused) => {
                let known = |grant: &&Grant| grant.refresh == field("refresh_token");
                self.grants.iter().find(known).ok_or_else(invalid)?.owner
            }
            "refresh_token" => return Err(invalid()),
            _ => return Err(ApiError::oauth(StatusCode::BAD_REQUEST, "unsupported_grant_type")),
        };
        let grant = self.grant(owner, context.now);
        let body = json!({
            "access_token": grant.access, "refresh_token": grant.refresh, "token_type": "Bearer",
            "id_token": self.id_token(owner), "expires_in": self.settings.token_seconds,
        });
        Ok(Reply::json(StatusCode::OK, &body))
    }

    /// `POST /authentication/v1/token/access-key`.
    pub(super) fn issue_by_key(&mut self, call: &Call, context: &Context) -> ApiResult<Reply> {
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        let owner = self
            .owner_of(text("accessKeyId"), text("accessKeySecret"))
            .ok_or_else(|| ApiError::userhub(StatusCode::UNAUTHORIZED, "UNAUTHORIZED"))?;
        let grant = self.grant(owner, context.now);
        let body = json!({
            "access_token": grant.access, "refresh_token": grant.refresh, "token_type": "Bearer",
            "id_token": self.id_token(owner), "expires_in": self.settings.token_seconds,
        });
        Ok(Reply::json(StatusCode::OK, &body))
    }

    /// `POST /public/user/refresh`, whose answer has other names.
    pub(super) fn refresh_by_key(&mut self, call: &Call, context: &Context) -> ApiResult<Reply> {
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let known = |grant: &&Grant| body["token"].as_str() == Some(&grant.refresh);
        let owner = match self.grants.iter().find(known) {
            Some(grant) if !self.has(Quirk::RefreshRefused) => grant.owner,
            _ => return Err(ApiError::userhub(StatusCode::UNAUTHORIZED, "UNAUTHORIZED")),
        };
        let grant = self.grant(owner, context.now);
        let body = json!({
            "token": grant.access, "refreshToken": grant.refresh,
            "tokenExpirationTimeSec": self.settings.token_seconds, "refreshTokenExpirationTimeSec": 7200,
        });
        Ok(Reply::json(StatusCode::OK, &body))
    }

    /// Who calls, by a bearer token.
    pub(super) fn caller(&self, call: &Call, now: Timestamp) -> Option<&Agent> {
        let token = call.header("authorization")?.strip_prefix("Bearer ")?;
        let grant = self
            .grants
            .iter()
            .find(|grant| grant.access == token && now < grant.expires)?;
        let may = |agent: &&Agent| agent.agent_id == grant.owner && agent.active && !agent.locked;
        self.agents.iter().find(may)
    }

    fn is_client(&self, call: &Call, form: &HashMap<String, String>) -> bool {
        let basic = call.header("authorization").and_then(|header| {
            let bytes = BASE64.decode(header.strip_prefix("Basic ")?.as_bytes()).ok()?;
            let text = String::from_utf8(bytes).ok()?;
            let (id, secret) = text.split_once(':')?;
            Some((decoded(id), decoded(secret)))
        });
        let posted = form.get("client_id").cloned().zip(form.get("client_secret").cloned());
        let posted = posted.filter(|_| !self.has(Quirk::ClientSecretBasicOnly));
        let basic = basic.filter(|_| !self.has(Quirk::ClientSecretPostOnly));
        basic.or(posted).is_some_and(|client| client == self.client)
    }

    /// The agent whose access key this is, where it may sign in.
    fn owner_of(&self, id: &str, secret: &str) -> Option<u64> {
        let key = self.keys.iter().find(|key| key.id == id && key.secret == secret)?;
        let owner = self.agent(&key.owner)?;
        (owner.active && !owner.locked).then_some(owner.agent_id)
    }

    fn grant(&mut self, owner: u64, now: Timestamp) -> Grant {
        let grant = Grant {
            access: random_token(86),
            refresh: random_token(86),
            owner,
            expires: now + SignedDuration::from_secs(self.settings.token_seconds),
        };
        self.grants.push(grant.clone());
        grant
    }

    /// A JWT whose signature nobody here checks.
    fn id_token(&self, owner: u64) -> String {
        let user = self.agents.iter().find(|agent| agent.agent_id == owner);
        let claims = json!({
            "iss": "https://cxone.niceincontact.com", "tenantId": self.tenant_id,
            "sub": format!("user:{}", user.map(|agent| agent.user_id.clone()).unwrap_or_default()),
        });
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        format!("{}.{}.c2lnbmF0dXJl", part(&json!({"alg": "RS256"})), part(&claims))
    }
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}
