//! The control API: what a test in another process does to a sandbox, as JSON under `/_sandbox/`.
//!
//! | Method and path | Body | Answer |
//! |---|---|---|
//! | GET `health` | | `{}` |
//! | POST `sign-in` | `{login, password, device?, newPassword?}` | `{outcome, ...}` |
//! | POST `lock`, `unlock` | `{login}` | account |
//! | GET `accounts`, `account?key=ID_OR_LOGIN` | | accounts, account |
//! | POST `users` | array of seed users | their ids |
//! | GET, POST, DELETE `faults` | fault | script with counts |
//! | GET `truth?since=SEQ` | | entries |
//! | GET `mails` | | mails |
//! | POST `use-link` | `{link, newPassword}` | `{outcome, ...}` |
//! | GET, PATCH `settings` | members to change | settings |
//! | PUT `latency` | `{baseMs, spreadMs}` | latency |
//! | POST `quirk` | `{quirk, on}` | settings |
//! | POST `tokens`, `revoke-token` | token, `{value}` | `{}` |
//! | POST `advance` | `{ms}` | `{now}` |
//! | POST `events` | `{published, event}` | `{}` |
//! | GET `connects` | | hosts that the proxy was asked for |
//!
//! Of these, users, settings and quirks are Okta's; ServiceNow's are below `servicenow/` and CXone's below `cxone/`, see
//! their own `control`. Faults, latency, clock and truth log are shared.
//!
//! Errors are `{error}` with 400 or 404. There is no credential: it listens on loopback.

pub(crate) mod settings;

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use self::settings::Adjustable;
use crate::faults::Fault;
use crate::latency::Latency;
use crate::okta::auth::Token;
use crate::okta::quirks::Quirk;
use crate::okta::{Okta, Settings};
use crate::sandbox::AccountState;
use crate::seed::SeedUser;
use crate::shared::Shared;

pub(crate) type Here = State<Arc<Shared>>;
pub(crate) type Answer = Result<Json<Value>, Refusal>;

pub(crate) struct Refusal(StatusCode, String);

impl Refusal {
    pub(crate) fn missing(what: &str) -> Self {
        Self(StatusCode::NOT_FOUND, format!("there is no {what}"))
    }
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        Self(StatusCode::BAD_REQUEST, format!("{error:#}"))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

/// The control API's routes.
pub fn routes(shared: Arc<Shared>) -> Router {
    let routes = Router::new()
        .route("/health", get(|| async { Json(json!({})) }))
        .route("/sign-in", post(sign_in))
        .route("/lock", post(lock))
        .route("/unlock", post(unlock))
        .route("/accounts", get(accounts))
        .route("/account", get(account))
        .route("/users", post(seed))
        .route("/faults", get(list_faults).post(add_fault).delete(clear_faults))
        .route("/truth", get(truth))
        .route("/mails", get(mails))
        .route("/use-link", post(use_link))
        .route("/latency", put(set_latency))
        .route("/tokens", post(add_token))
        .route("/revoke-token", post(revoke_token))
        .route("/advance", post(advance))
        .route("/events", post(inject_event))
        .route("/connects", get(connects))
        .merge(settings::routes::<Okta>());
    let routes = routes.with_state(Arc::clone(&shared));
    let servicenow = crate::servicenow::control::routes(Arc::clone(&shared));
    let cxone = crate::cxone::control::routes(shared);
    Router::new()
        .nest("/_sandbox/servicenow", servicenow)
        .nest("/_sandbox/cxone", cxone)
        .nest("/_sandbox", routes)
}

impl Adjustable for Okta {
    type Settings = Settings;
    type Quirk = Quirk;

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn adjust(&mut self, settings: Settings) {
        self.configure(settings);
    }

    fn set_quirk(&mut self, quirk: Quirk, on: bool) {
        self.settings.quirks.set(quirk, on);
    }
}

pub(crate) fn plain(value: impl serde::Serialize) -> Answer {
    serde_json::to_value(value)
        .map(Json)
        .map_err(|error| Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SignInBody {
    login: String,
    password: String,
    #[serde(default)]
    device: Option<String>,
    #[serde(default)]
    new_password: Option<String>,
}

async fn sign_in(State(shared): Here, Json(body): Json<SignInBody>) -> Answer {
    let device = body.device.as_deref().unwrap_or("seed");
    plain(shared.control("sign-in", |okta, context| {
        okta.sign_in(
            context,
            &body.login,
            &body.password,
            device,
            body.new_password.as_deref(),
        )
    }))
}

#[derive(Deserialize)]
pub(crate) struct LoginBody {
    pub(crate) login: String,
}

async fn lock(State(shared): Here, Json(body): Json<LoginBody>) -> Answer {
    shared.control("lock", |okta, context| okta.lock(context, &body.login))?;
    find(&shared, &body.login)
}

async fn unlock(State(shared): Here, Json(body): Json<LoginBody>) -> Answer {
    shared.control("unlock", |okta, context| okta.unlock_in_console(context, &body.login))?;
    find(&shared, &body.login)
}

fn find(shared: &Shared, key: &str) -> Answer {
    let state = shared.okta().user(key).map(AccountState::from);
    plain(state.ok_or_else(|| Refusal::missing(&format!("account {key}")))?)
}

#[derive(Deserialize)]
pub(crate) struct KeyQuery {
    pub(crate) key: String,
}

async fn account(State(shared): Here, Query(query): Query<KeyQuery>) -> Answer {
    find(&shared, &query.key)
}

async fn accounts(State(shared): Here) -> Answer {
    plain(shared.okta().users().map(AccountState::from).collect::<Vec<_>>())
}

async fn seed(State(shared): Here, Json(users): Json<Vec<SeedUser>>) -> Answer {
    let now = shared.clock.now();
    let mut okta = shared.okta();
    let ids: Vec<String> = users
        .into_iter()
        .map(|user| okta.seed(user, now))
        .collect::<anyhow::Result<_>>()?;
    plain(ids)
}

async fn list_faults(State(shared): Here) -> Answer {
    let script = shared.faults.list();
    plain(
        script
            .into_iter()
            .map(|(fault, matched)| json!({"fault": fault, "matched": matched}))
            .collect::<Vec<_>>(),
    )
}

async fn add_fault(State(shared): Here, Json(fault): Json<Fault>) -> Answer {
    shared.faults.add(fault);
    list_faults(State(shared)).await
}

async fn clear_faults(State(shared): Here) -> Answer {
    shared.faults.clear();
    list_faults(State(shared)).await
}

#[derive(Deserialize)]
struct SinceQuery {
    #[serde(default)]
    since: u64,
}

async fn truth(State(shared): Here, Query(query): Query<SinceQuery>) -> Answer {
    plain(shared.truth.since(query.since))
}

async fn mails(State(shared): Here) -> Answer {
    plain(shared.okta().mails())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LinkBody {
    link: String,
    new_password: String,
}

async fn use_link(State(shared): Here, Json(body): Json<LinkBody>) -> Answer {
    let token = body.link.rsplit('/').next().unwrap_or_default();
    plain(shared.control("use-link", |okta, context| {
        okta.use_link(context, token, &body.new_password)
    }))
}

async fn set_latency(State(shared): Here, Json(latency): Json<Latency>) -> Answer {
    *shared.latency() = latency;
    plain(latency)
}

async fn add_token(State(shared): Here, Json(token): Json<Token>) -> Answer {
    shared.okta().add_token(token)?;
    plain(json!({}))
}

#[derive(Deserialize)]
struct ValueBody {
    value: String,
}

async fn revoke_token(State(shared): Here, Json(body): Json<ValueBody>) -> Answer {
    let mut okta = shared.okta();
    let token = okta.tokens.iter_mut().find(|token| token.value == body.value);
    token.ok_or_else(|| Refusal::missing("token with that value"))?.revoked = true;
    plain(json!({}))
}

#[derive(Deserialize)]
struct AdvanceBody {
    ms: i64,
}

async fn advance(State(shared): Here, Json(body): Json<AdvanceBody>) -> Answer {
    shared.clock.advance(body.ms);
    plain(json!({"now": shared.clock.now()}))
}

#[derive(Deserialize)]
struct EventBody {
    published: Timestamp,
    event: Value,
}

async fn inject_event(State(shared): Here, Json(body): Json<EventBody>) -> Answer {
    if !body.event.is_object() {
        return Err(anyhow::anyhow!("the event must be an object").into());
    }
    let now = shared.clock.now();
    shared.okta().inject_event(body.published, now, body.event);
    plain(json!({}))
}

async fn connects(State(shared): Here) -> Answer {
    plain(&*shared.connects())
}
