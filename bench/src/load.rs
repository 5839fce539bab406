//! Requests, made as fast as the API server takes them or at a fixed rate.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use http::Request;
use kube::Client;
use serde_json::{Value, json};

/// How many people ask at once in a burst.
const AT_ONCE: usize = 32;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// AccountUnlockRequest.
    Unlock,
    /// PasswordResetRequest.
    Reset,
    /// The bare kind of the peer.
    Bare,
}

impl Kind {
    /// All requests of this kind in namespace default.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Kind::Unlock => "/apis/readmit.dev/v1alpha1/namespaces/default/accountunlockrequests",
            Kind::Reset => "/apis/readmit.dev/v1alpha1/namespaces/default/passwordresetrequests",
            Kind::Bare => "/apis/bench.example/v1/namespaces/default/unlocks",
        }
    }

    fn api_version(self) -> &'static str {
        match self {
            Kind::Unlock | Kind::Reset => "readmit.dev/v1alpha1",
            Kind::Bare => "bench.example/v1",
        }
    }

    /// The kind's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Unlock => "AccountUnlockRequest",
            Kind::Reset => "PasswordResetRequest",
            Kind::Bare => "Unlock",
        }
    }
}

/// Requests of one kind that belong together: `ROUND-0`, `ROUND-1` and on, each about an account of its own.
pub(crate) struct Load {
    pub(crate) kind: Kind,
    pub(crate) round: String,
    pub(crate) count: usize,
    /// Goes into every spec.
    pub(crate) more: Value,
}

impl Load {
    pub(crate) fn new(kind: Kind, round: &str, count: usize) -> Self {
        Load {
            kind,
            round: round.to_owned(),
            count,
            more: json!({}),
        }
    }

    /// The accounts that they are about.
    pub(crate) fn logins(&self) -> Vec<String> {
        (0..self.count).map(|n| self.login(n)).collect()
    }

    /// What their accounts' logins begin with.
    pub(crate) fn login_prefix(&self) -> String {
        format!("{}-", self.round)
    }

    fn login(&self, n: usize) -> String {
        format!("{}{n}@bench.example", self.login_prefix())
    }

    fn body(&self, n: usize) -> Vec<u8> {
        let mut object = json!({
            "apiVersion": self.kind.api_version(), "kind": self.kind.name(),
            "metadata": {"name": format!("{}-{n}", self.round), "namespace": "default"},
            "spec": {"directory": "okta", "account": {"login": self.login(n)}},
        });
        for (field, value) in self.more.as_object().into_iter().flatten() {
            object["spec"][field] = value.clone();
        }
        object.to_string().into_bytes()
    }

    /// Makes one of them.
    pub(crate) async fn create(&self, client: &Client, n: usize) -> Result<()> {
        let request = Request::post(self.kind.path())
            .header("content-type", "application/json")
            .body(self.body(n))
            .context("build a request")?;
        client
            .request_text(request)
            .await
            .map(drop)
            .with_context(|| format!("create {} {}-{n}", self.kind.name(), self.round))
    }

    /// Makes all of them, as fast as the API server takes them.
    pub(crate) async fn burst(&self, client: &Client) -> Result<()> {
        stream::iter((0..self.count).map(Ok))
            .try_for_each_concurrent(AT_ONCE, |n| self.create(client, n))
            .await
    }

    /// Makes all of them at this rate, whatever becomes of those before; gives when each was sent.
    pub(crate) async fn steadily(&self, client: &Client, rate: u32) -> Result<Vec<Instant>> {
        let begun = tokio::time::Instant::now();
        let sends = (0..self.count).map(|n| async move {
            let after = Duration::from_secs(1) * u32::try_from(n).unwrap_or(u32::MAX) / rate;
            tokio::time::sleep_until(begun + after).await;
            let sent = Instant::now();
            self.create(client, n).await.map(|()| sent)
        });
        // All wait for their time at once.
        stream::iter(sends).buffered(self.count.max(1)).try_collect().await
    }
}
