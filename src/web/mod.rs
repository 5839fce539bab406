//! Health and metrics over HTTP.
use crate::observe::metrics::{CONTENT_TYPE, Metrics};
use axum::{Router, http::StatusCode, response::IntoResponse, routing::get};
use std::{collections::BTreeMap, net::SocketAddr, sync::{Arc, Mutex, PoisonError}};
use tokio_util::sync::CancellationToken;
#[derive(Clone, Default)]
pub struct Readiness(Arc<Mutex<BTreeMap<&'static str, String>>>);
impl Readiness {
    pub fn set(&self, name: &'static str, state: Result<(), String>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state { Ok(()) => { all.remove(name); } Err(why) => { all.insert(name, why); } }
    }
    fn missing(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(n, w)| format!("{n}: {w}")).collect()
    }
}
pub async fn serve(address: SocketAddr, readiness: Readiness, metrics: Arc<Metrics>, stop: CancellationToken) -> anyhow::Result<()> {
    let app = Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(move || async move {
            let missing = readiness.missing();
            if missing.is_empty() { (StatusCode::OK, "ok".to_owned()) } else { (StatusCode::SERVICE_UNAVAILABLE, missing.join("\n")) }
        }))
        .route("/metrics", get(move || async move { ([("content-type", CONTENT_TYPE)], metrics.encode().unwrap_or_default()).into_response() }));
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await?;
    Ok(())
}
