//! What the server's administrator does: realms are made, and everything in them is looked at or changed, behind the
//! operator's back.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;

use super::http::{Answer, Request, send};
use super::server::ADMINISTRATOR;
use super::{Keycloak, distribution};

/// Admin tokens live for 60 s.
const TOKEN_AGE: Duration = Duration::from_secs(30);

impl Keycloak {
    /// Makes a realm from a representation, see [`super::realm()`]. One at a time, whichever process asks: that
    /// is heavy work, and all tests begin with it at once.
    ///
    /// # Panics
    /// Where Keycloak does not take it.
    pub fn import(&self, representation: &Value) {
        let _alone = distribution::lock(&self.importing).expect("others get done");
        let answer = self.send_as_admin("POST", "/admin/realms", Some(representation));
        assert_eq!(answer.status, 201, "{}", answer.body);
    }

    /// Sends a request to the admin API as the server's administrator; the path begins behind `/admin/realms/`.
    ///
    /// # Panics
    /// Where there is no answer, or an error answer.
    #[track_caller]
    pub fn admin(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let answer = self.send_as_admin(method, &format!("/admin/realms/{path}"), body);
        assert!(
            answer.status < 300,
            "{method} {path} answered {}: {}",
            answer.status,
            answer.body
        );
        answer.json()
    }

    /// The same, whatever the answer; the path begins at the server.
    #[track_caller]
    pub fn send_as_admin(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let token = self.admin_token().expect("the administrator signs in");
        send(&Request {
            method,
            url: &format!("{}{path}", self.url()),
            bearer: Some(&token),
            json: body,
            ..Request::default()
        })
        .expect("an answer")
    }

    fn admin_token(&self) -> Result<String> {
        let mut kept = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((made, token)) = &*kept
            && made.elapsed() < TOKEN_AGE
        {
            return Ok(token.clone());
        }
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", ADMINISTRATOR),
            ("client_secret", &self.place.secret),
        ];
        let answer = self.token("master", &form);
        let json = answer.json();
        let token = json["access_token"]
            .as_str()
            .with_context(|| format!("no token: {}", answer.body))?;
        *kept = Some((Instant::now(), token.to_owned()));
        Ok(token.to_owned())
    }
}
