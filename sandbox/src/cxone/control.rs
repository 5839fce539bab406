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
use serde_json::{Value, json};

use super::quirks::Quirk;
use super::seed::Person;
use super::tenant::{Cxone, Settings};
use super::view::Tenant;
use crate::control::{Answer, Here, Refusal, merge, plain};
use crate::shared::Shared;

/// The routes.
pub(crate) fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/agent", get(agent))
        .route("/agents", post(add))
        .route("/sign-in", post(sign_in))
        .route("/lock", post(lock))
        .route("/unlock", post(unlock))
        .route("/quirk", post(quirk))
        .route("/settings", get(settings).patch(change_settings))
        .with_state(shared)
}

#[derive(Deserialize)]
struct KeyQuery {
    key: String,
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

#[derive(Deserialize)]
struct LoginBody {
    login: String,
}

async fn lock(State(shared): Here, Json(body): Json<LoginBody>) -> Answer {
    Tenant::new(&shared).lock(&body.login)?;
    find(&shared, &body.login)
}

async fn unlock(State(shared): Here, Json(body): Json<LoginBody>) -> Answer {
    Tenant::new(&shared).unlock(&body.login)?;
    find(&shared, &body.login)
}

#[derive(Deserialize)]
struct QuirkBody {
    quirk: Quirk,
    on: bool,
}

async fn quirk(State(shared): Here, Json(body): Json<QuirkBody>) -> Answer {
    Tenant::new(&shared).set_quirk(body.quirk, body.on);
    settings(State(shared)).await
}

async fn settings(State(shared): Here) -> Answer {
    plain(&shared.service::<Cxone>().settings)
}

/// Changes the members of the settings that the body has; nested objects are merged.
async fn change_settings(State(shared): Here, Json(patch): Json<Value>) -> Answer {
    {
        let mut tenant = shared.service::<Cxone>();
        let present = serde_json::to_value(&tenant.settings).map_err(anyhow::Error::from)?;
        let merged: Settings = serde_json::from_value(merge(present, patch)).map_err(anyhow::Error::from)?;
        tenant.settings = merged;
    }
    settings(State(shared)).await
}
