//! The control API of the instance, as JSON under `/_sandbox/servicenow/`.
//!
//! | Method and path | Body | Answer |
//! |---|---|---|
//! | GET `user?key=NAME_OR_ID` | | the user's row |
//! | GET `record?table=T&field=F&value=V` | | the first such row |
//! | GET `journal?record=ID&element=E` | | its entries |
//! | POST `users` | user | `{sysId}` |
//! | POST `sign-in` | `{login, password, newPassword?}` | `{outcome}` |
//! | POST `lock` | `{login}` | the user's row |
//! | POST `quirk` | `{quirk, on}` | settings |
//! | GET, PATCH `settings` | members to change | settings |

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::instance::{ServiceNow, Settings};
use super::quirks::Quirk;
use super::seed::User;
use super::view::Instance;
use crate::control::settings::{self, Adjustable};
use crate::control::{Answer, Here, KeyQuery, LoginBody, Refusal, plain};
use crate::shared::Shared;

/// The routes.
pub(crate) fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/user", get(user))
        .route("/record", get(record))
        .route("/journal", get(journal))
        .route("/users", post(add))
        .route("/sign-in", post(sign_in))
        .route("/lock", post(lock))
        .merge(settings::routes::<ServiceNow>())
        .with_state(shared)
}

impl Adjustable for ServiceNow {
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
    let row = Instance::new(shared).user(key);
    plain(row.ok_or_else(|| Refusal::missing(&format!("user {key}")))?)
}

async fn user(State(shared): Here, Query(query): Query<KeyQuery>) -> Answer {
    find(&shared, &query.key)
}

#[derive(Deserialize)]
struct RecordQuery {
    table: String,
    field: String,
    value: String,
}

async fn record(State(shared): Here, Query(query): Query<RecordQuery>) -> Answer {
    let row = Instance::new(&shared).record(&query.table, &query.field, &query.value);
    plain(row.ok_or_else(|| Refusal::missing("such record"))?)
}

#[derive(Deserialize)]
struct JournalQuery {
    record: String,
    element: String,
}

async fn journal(State(shared): Here, Query(query): Query<JournalQuery>) -> Answer {
    plain(Instance::new(&shared).journal(&query.record, &query.element))
}

async fn add(State(shared): Here, Json(body): Json<User>) -> Answer {
    plain(json!({"sysId": Instance::new(&shared).add(&body)}))
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
    plain(Instance::new(&shared).sign_in(&body.login, &body.password, new))
}

async fn lock(State(shared): Here, Json(body): Json<LoginBody>) -> Answer {
    Instance::new(&shared).lock(&body.login)?;
    find(&shared, &body.login)
}
