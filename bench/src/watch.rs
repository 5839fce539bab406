//! Looking on: a watch over all requests of a kind, which tells when each was first seen finished, or waiting.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use futures::{StreamExt, pin_mut};
use http::Request;
use kube::Client;
use kube::core::WatchEvent;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::load::{Kind, Load};

/// As much of a request as is looked at.
#[derive(Clone, Debug, Deserialize)]
struct Seen {
    metadata: Name,
    #[serde(default)]
    status: Status,
}

#[derive(Clone, Debug, Deserialize)]
struct Name {
    name: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    outcome: Option<String>,
    observed_generation: i64,
}

#[derive(Deserialize)]
struct List {
    metadata: Version,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    resource_version: String,
}

/// What a request is awaited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// The end, in this way.
    Outcome(&'static str),
    /// A status that says what it waits for.
    Told,
}

/// A watch that runs.
pub(crate) struct Watch {
    news: mpsc::UnboundedReceiver<(Seen, Instant)>,
    task: JoinHandle<Result<()>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Watch {
    /// Begins to look on, from now.
    pub(crate) async fn begin(client: &Client, kind: Kind) -> Result<Self> {
        let request = Request::get(format!("{}?limit=1", kind.path())).body(Vec::new())?;
        let list: List = client.request(request).await.context("list the requests")?;
        let version = list.metadata.resource_version;
        let request = Request::get(format!("{}?watch=true&resourceVersion={version}", kind.path())).body(Vec::new())?;
        let events = client
            .request_events::<Seen>(request)
            .await
            .context("watch the requests")?;
        let (sender, news) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            pin_mut!(events);
            while let Some(event) = events.next().await {
                if let WatchEvent::Added(seen) | WatchEvent::Modified(seen) = event.context("the watch broke off")?
                    && sender.send((seen, Instant::now())).is_err()
                {
                    return Ok(());
                }
            }
            bail!("the API server ended the watch")
        });
        Ok(Watch { news, task })
    }

    /// Waits until all requests of this load are there, and gives when each was seen so.
    ///
    /// # Errors
    /// When one ends otherwise, when the watch ends, or when nothing comes for so long.
    pub(crate) async fn all(&mut self, load: &Load, until: Until, patience: Duration) -> Result<Vec<Instant>> {
        let mut seen: Vec<Option<Instant>> = vec![None; load.count];
        let mut left = load.count;
        let prefix = format!("{}-", load.round);
        while left > 0 {
            let news = tokio::time::timeout(patience, self.news.recv()).await;
            let news = news.with_context(|| format!("{left} of {} {} do not come", load.count, load.round))?;
            let (object, at) = news.context("the watch ended")?;
            let number = object.metadata.name.strip_prefix(&prefix).and_then(|n| n.parse().ok());
            let Some(slot) = number.and_then(|n: usize| seen.get_mut(n)) else {
                continue;
            };
            let there = match (until, object.status.outcome.as_deref()) {
                (Until::Outcome(expected), Some(outcome)) => {
                    let name = &object.metadata.name;
                    ensure!(outcome == expected, "{name} ended as {outcome} and not as {expected}");
                    true
                }
                (Until::Told, None) => object.status.observed_generation > 0,
                (Until::Told, Some(outcome)) => bail!("{} ended as {outcome}", object.metadata.name),
                (Until::Outcome(_), None) => false,
            };
            if there && slot.is_none() {
                *slot = Some(at);
                left -= 1;
            }
        }
        Ok(seen.into_iter().flatten().collect())
    }
}
