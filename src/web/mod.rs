//! Health and metrics over plain HTTP: `/livez`, `/readyz`, `/metrics`. Nothing here changes anything or tells about
//! objects or people. Whatever connects is bounded in number, time and size.

mod readiness;
mod server;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header::CONTENT_TYPE};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::observe::{Metrics, metrics};

pub use readiness::Readiness;
pub use server::Server;

/// The pages.
pub fn router(readiness: Readiness, metrics: Arc<Metrics>) -> Router {
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(ready).with_state(readiness))
        .route("/metrics", get(measured).with_state(metrics))
        .layer(from_fn(without_body))
}

async fn ready(State(readiness): State<Readiness>) -> Response {
    match readiness.missing() {
        None => "ready\n".into_response(),
        Some(missing) => (StatusCode::SERVICE_UNAVAILABLE, missing).into_response(),
    }
}

async fn measured(State(metrics): State<Arc<Metrics>>) -> Response {
    match metrics.encode() {
        Ok(text) => ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

/// No page takes a body, so none is read.
async fn without_body(request: Request, next: Next) -> Response {
    if request.body().size_hint().upper() == Some(0) {
        next.run(request).await
    } else {
        let text = "no page here takes a request body\n";
        (StatusCode::PAYLOAD_TOO_LARGE, text).into_response()
    }
}
