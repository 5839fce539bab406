//! The control API's routes that every simulated service has alike: its settings and quirks.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Answer, Here, plain};
use crate::service::Service;
use crate::shared::Shared;

/// A service with rules that a test may set.
pub(crate) trait Adjustable: Service {
    /// The rules. A member that a body does not have keeps its value.
    type Settings: Serialize + DeserializeOwned;
    /// One oddity.
    type Quirk: DeserializeOwned + Send;

    /// The rules as they are.
    fn settings(&self) -> &Self::Settings;

    /// Puts these rules in their place.
    fn adjust(&mut self, settings: Self::Settings);

    /// Turns a quirk on or off.
    fn set_quirk(&mut self, quirk: Self::Quirk, on: bool);
}

/// `GET` and `PATCH settings`, `POST quirk`.
pub(crate) fn routes<S: Adjustable>() -> Router<Arc<Shared>> {
    Router::new()
        .route("/settings", get(settings::<S>).patch(change_settings::<S>))
        .route("/quirk", post(set_quirk::<S>))
}

async fn settings<S: Adjustable>(State(shared): Here) -> Answer {
    plain(shared.service::<S>().settings())
}

/// Changes the members of the settings that the body has; nested objects are merged.
async fn change_settings<S: Adjustable>(State(shared): Here, Json(patch): Json<Value>) -> Answer {
    let mut service = shared.service::<S>();
    let present = serde_json::to_value(service.settings()).map_err(anyhow::Error::from)?;
    service.adjust(serde_json::from_value(merge(present, patch)).map_err(anyhow::Error::from)?);
    plain(service.settings())
}

fn merge(present: Value, patch: Value) -> Value {
    match (present, patch) {
        (Value::Object(mut present), Value::Object(patch)) => {
            for (name, value) in patch {
                let former = present.remove(&name).unwrap_or(Value::Null);
                present.insert(name, merge(former, value));
            }
            Value::Object(present)
        }
        (_, patch) => patch,
    }
}

#[derive(Deserialize)]
struct QuirkBody<Q> {
    quirk: Q,
    on: bool,
}

async fn set_quirk<S: Adjustable>(State(shared): Here, Json(body): Json<QuirkBody<S::Quirk>>) -> Answer {
    let mut service = shared.service::<S>();
    service.set_quirk(body.quirk, body.on);
    plain(service.settings())
}
