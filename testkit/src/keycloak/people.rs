//! What people do, and what is known of them: signing in, wrong passwords, locks.

use std::time::Duration;

use serde_json::Value;

use super::http::{Answer, Request, encode, send};
use super::{Keycloak, realm};
use crate::wait;

impl Keycloak {
    /// Asks the token endpoint of a realm.
    pub fn token(&self, realm: &str, form: &[(&str, &str)]) -> Answer {
        send(&Request {
            method: "POST",
            url: &format!("{}/realms/{realm}/protocol/openid-connect/token", self.url()),
            form,
            ..Request::default()
        })
        .expect("an answer")
    }

    /// Signs a person in once, by the password grant.
    pub fn sign_in(&self, realm: &str, username: &str, password: &str) -> Answer {
        self.token(
            realm,
            &[
                ("grant_type", "password"),
                ("client_id", "app"),
                ("username", username),
                ("password", password),
            ],
        )
    }

    /// The page of the realm's sign-in, which leads back to a page that anybody may see.
    pub fn sign_in_page(&self, realm: &str) -> String {
        let back = format!("{}/realms/{realm}/.well-known/openid-configuration", self.url());
        format!(
            "{}/realms/{realm}/protocol/openid-connect/auth?client_id=app&response_type=code&redirect_uri={}",
            self.url(),
            encode(&back)
        )
    }

    /// The id of a person.
    #[track_caller]
    pub fn id(&self, realm: &str, username: &str) -> String {
        let users = self.admin(
            "GET",
            &format!("{realm}/users?exact=true&username={}", encode(username)),
            None,
        );
        users[0]["id"]
            .as_str()
            .unwrap_or_else(|| panic!("no {username} in {realm}"))
            .to_owned()
    }

    /// Locks a person by wrong passwords, one after the other: Keycloak counts each behind its answer, and until then it
    /// refuses without counting whoever comes.
    #[track_caller]
    pub fn lock(&self, realm: &str, username: &str) {
        let (id, mut tries, mut failures) = (self.id(realm, username), 0, 0);
        let is_locked = || {
            tries += 1;
            let answer = self.sign_in(realm, username, &format!("wrong {tries}"));
            assert!(matches!(answer.status, 400 | 401), "{}", answer.body);
            let step = || {
                let record = self.brute_force(realm, &id);
                let is_locked = match record["failedLoginNotBefore"].as_i64()? {
                    0 => false,
                    // For good it is the account that is disabled, a moment later.
                    i64::MAX if self.admin("GET", &format!("{realm}/users/{id}"), None)["enabled"] == true => {
                        return None;
                    }
                    _ => true,
                };
                let counted = record["numFailures"].as_i64()?;
                (is_locked || counted > failures).then_some((is_locked, counted))
            };
            // What is not counted by then may never be, and is tried again.
            let (is_locked, counted) = wait::until("a failure to be counted", Duration::from_secs(2), step).ok()?;
            failures = counted;
            is_locked.then_some(())
        };
        wait::until("the brute-force detection to lock", Duration::from_secs(60), is_locked).expect("locked");
    }

    /// What the brute-force detection has counted.
    #[track_caller]
    pub fn brute_force(&self, realm: &str, id: &str) -> Value {
        self.admin("GET", &format!("{realm}/attack-detection/brute-force/users/{id}"), None)
    }
}

/// A person's representation with the password of [`super::initial_password`] and this in it besides.
pub fn person(username: &str, more: &Value) -> Value {
    let mut user = realm::user(username);
    for (name, value) in more.as_object().into_iter().flatten() {
        user[name] = value.clone();
    }
    user
}
