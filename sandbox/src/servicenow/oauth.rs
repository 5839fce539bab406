//! The token endpoint: client credentials, password and refresh grants (RFC 6749).
//!
//! While a token is good the endpoint gives the same one again, with a shrinking `expires_in`.

use std::collections::HashMap;

use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::instance::{Context, ServiceNow};
use super::quirks::Quirk;
use crate::directory::random_token;
use crate::exchange::{Call, Reply};

/// A client in the application registry.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OAuthClient {
    pub client_id: String,
    pub client_secret: String,
    /// User name of the OAuth Application User, which client credentials need.
    #[serde(default)]
    pub user: Option<String>,
}

#[derive(Debug, Clone)]
struct Grant {
    client: String,
    /// sys_id of the user with whose rights it acts.
    user: String,
    access: String,
    refresh: Option<String>,
    expires: Timestamp,
}

/// Tokens in force.
#[derive(Debug, Default)]
pub(super) struct OAuthState {
    grants: Vec<Grant>,
}

impl OAuthState {
    /// The user whom an access token stands for.
    pub(super) fn user_of(&self, token: &str, now: Timestamp) -> Option<String> {
        let good = |grant: &&Grant| grant.access == token && now < grant.expires;
        self.grants.iter().find(good).map(|grant| grant.user.clone())
    }

    /// Forgets every token.
    pub(super) fn revoke_all(&mut self) {
        self.grants.clear();
    }
}

type Refusal = (&'static str, &'static str);

impl ServiceNow {
    /// Serves the token endpoint.
    pub(super) fn issue_token(&mut self, call: &Call, context: &mut Context) -> Reply {
        let form: HashMap<String, String> = form_urlencoded::parse(&call.body).into_owned().collect();
        match self.grant(&form, context) {
            Ok(grant) => {
                let left = grant.expires.as_second() - context.now.as_second();
                let mut shape = json!({
                    "access_token": grant.access, "token_type": "Bearer", "expires_in": left, "scope": "useraccount",
                });
                if let Some(refresh) = grant.refresh {
                    shape["refresh_token"] = json!(refresh);
                }
                Reply::json(StatusCode::OK, &shape)
            }
            Err((error, description)) => Reply {
                error_code: Some(error.to_owned()),
                ..Reply::json(
                    StatusCode::UNAUTHORIZED,
                    &json!({"error": error, "error_description": description}),
                )
            },
        }
    }

    fn grant(&mut self, form: &HashMap<String, String>, context: &mut Context) -> Result<Grant, Refusal> {
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let client = self
            .clients
            .iter()
            .find(|client| client.client_id == field("client_id") && client.client_secret == field("client_secret"))
            .cloned()
            .ok_or(("invalid_client", "The client id or secret is wrong"))?;
        let denied = (
            "access_denied",
            "The resource owner or authorization server denied the request",
        );
        let user = match field("grant_type") {
            "client_credentials" => {
                if self.has(Quirk::ClientCredentialsOff) {
                    return Err(("unauthorized_client", "The grant type is not enabled on this instance"));
                }
                let name = client
                    .user
                    .as_deref()
                    .ok_or(("unauthorized_client", "No OAuth Application User"))?;
                let user = self.user(name).ok_or(denied)?;
                super::instance::text(user, "sys_id").to_owned()
            }
            "password" => {
                let caller = self.by_password(context, field("username"), field("password"));
                caller.map_err(|_| denied)?.user
            }
            "refresh_token" => {
                let known = |grant: &&Grant| grant.refresh.as_deref() == Some(field("refresh_token"));
                self.oauth.grants.iter().find(known).ok_or(denied)?.user.clone()
            }
            _ => return Err(("unsupported_grant_type", "The grant type is not supported")),
        };
        let with_refresh = field("grant_type") != "client_credentials";
        Ok(self.token_for(&client, user, with_refresh, context.now))
    }

    fn token_for(&mut self, client: &OAuthClient, user: String, with_refresh: bool, now: Timestamp) -> Grant {
        let same = |grant: &&Grant| grant.client == client.client_id && grant.user == user && now < grant.expires;
        if self.has(Quirk::SameToken)
            && let Some(grant) = self.oauth.grants.iter().find(same)
        {
            return grant.clone();
        }
        let grant = Grant {
            client: client.client_id.clone(),
            user,
            access: random_token(86),
            refresh: with_refresh.then(|| random_token(86)),
            expires: now + SignedDuration::from_secs(self.settings.token_seconds),
        };
        self.oauth.grants.push(grant.clone());
        grant
    }
}
