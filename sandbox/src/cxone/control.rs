//! The control API of the tenant, as JSON under `/_sandbox/cxone/`.
//!
//! | Method and path | Body | Answer |
//! |---|---|---|
//! | GET `agent?key=NAME_OR_ID` | | the agent |
//! | POST `agents` | person | `{agentId}` |
//! | POST `sign-in` | `{login, password, newPassword?}` | `{outcome}` |
//! | POST `lock`, `unlock` | `{login}` | the agent; `unlock` is what an administrator does in the console |
//! | POST `quirk` | `{quirk, on}` | settings |
//! | GET, PATCH `settings` | members to change | settings |

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::quirks::Quirk;
use super::seed::Person;
use super::tenant::{Cxone, Settings};
use super::view::Tenant;
use crate::control::settings::{self, Adjustable};
use crate::control::{Answer, Here, KeyQuery, LoginBody, Refusal, plain};
use crate::shared::Shared;

/// The routes.
pub(crate) fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/agent", get(agent))
        .route("/agents", post(add))
        .route("/sign-in", post(sign_in))
        .route("/lock", post(lock))
        .route("/unlock", post(unlock))
        .merge(settings::routes::<Cxone>())
        .with_state(shared)
}

impl Adjustable for Cxone {
    type Settings = Settings;
    type Quirk = Quirk;

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn adjust(&mut self, settings: Settings) {
        self.settings = settings;
    }

    fn set_quirk(&mut self, quirk: Quirk, on: bool) {
        self.settings.quirks.set(quirk, on);
    }
}

fn find(shared: &Shared, key: &str) -> Answer {
    let agent = Tenant::new(shared).agent(key);
    plain(agent.ok_or_else(|| Refusal::missing(&format!("agent {key}")))?)
}

async fn agent(State(shared): Here, Query(query): Query<KeyQuery>) -> Answer {
    find(&shared, &query.key)
}

async fn add(State(shared): Here, Json(body): Json<Person>) -> Answer {
    plain(json!({"agentId": Tenant::new(&shared).add(&body)}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SignInBody {
    login: String,
    password: String,
    #[serde(default)]
    new_password: Option<String>,
}

async fn sign_in(State(shared): Here, Json(body): Json<SignInBody>) -> Answer {
    let new = body.new_password.as_deref();
    plain(Tenant::new(&shared).sign_in(&body.login, &body.password, new))
}

async fn lock(State(shared): Here, Json(body): Json<LoginBody>) -> Answer {
    Tenant::new(&shared).lock(&body.login)?;
    find(&shared, &body.login)
}

async fn unlock(State(shared): Here, Json(body): Json<LoginBody>) -> Answer {
    Tenant::new(&shared).unlock(&body.login)?;
    find(&shared, &body.login)
}
