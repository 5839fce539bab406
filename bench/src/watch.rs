//! Looking on: a watch over all requests of a kind, which tells when each was first seen finished, or waiting.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
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
#[serde(rename_all = "camelCase")]
struct Name {
    name: String,
    resource_version: String,
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

impl Until {
    /// The outcome that the API server is asked to select by, telling of metadata only; `None` where whole objects must be
    /// looked at. Looking on shall cost it little, and with either subject the same: of whole objects it would share one
    /// encoding between this watch and the peer's, and make one more for the operator's, whose selector makes another
    /// event of the same write.
    fn selector(self, kind: Kind) -> Option<&'static str> {
        match (self, kind) {
            (Until::Outcome(outcome), Kind::Unlock | Kind::Reset) => Some(outcome),
            (Until::Outcome(_), Kind::Bare) | (Until::Told, _) => None,
        }
    }
}

/// How metadata alone is asked for.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

type News = Result<(Seen, Instant)>;

/// A watch that runs.
pub(crate) struct Watch {
    until: Until,
    news: mpsc::UnboundedReceiver<News>,
    task: JoinHandle<()>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Watch {
    /// Begins to look on, from now.
    pub(crate) async fn begin(client: &Client, kind: Kind, until: Until) -> Result<Self> {
        let request = Request::get(format!("{}?limit=1", kind.path())).body(Vec::new())?;
        let list: List = client.request(request).await.context("list the requests")?;
        let (sender, news) = mpsc::unbounded_channel();
        let (client, mut version) = (client.clone(), list.metadata.resource_version);
        let task = tokio::spawn(async move {
            // The API server ends watches whose reader lags behind, as on a machine with more work than cores.
            while let Some(next) = follow(&client, kind, until, version, &sender).await {
                version = next;
            }
        });
        Ok(Watch { until, news, task })
    }

    /// Waits until all requests of this load are there, and gives when each was seen so.
    ///
    /// # Errors
    /// When the watch ends, or when nothing comes for so long, as where one that is selected by its outcome ends otherwise;
    /// of whole objects it is told at once which one did.
    pub(crate) async fn all(&mut self, load: &Load, patience: Duration) -> Result<Vec<Instant>> {
        let mut seen: Vec<Option<Instant>> = vec![None; load.count];
        let mut left = load.count;
        let prefix = format!("{}-", load.round);
        while left > 0 {
            let news = tokio::time::timeout(patience, self.news.recv()).await;
            let news = news.with_context(|| format!("{left} of {} {} do not come", load.count, load.round))?;
            let (object, at) = news.context("the API server ended the watch")??;
            let number = object.metadata.name.strip_prefix(&prefix).and_then(|n| n.parse().ok());
            let Some(slot) = number.and_then(|n: usize| seen.get_mut(n)) else {
                continue;
            };
            let there = match (self.until, object.status.outcome.as_deref()) {
                (Until::Outcome(expected), Some(outcome)) => {
                    let name = &object.metadata.name;
                    ensure!(outcome == expected, "{name} ended as {outcome} and not as {expected}");
                    true
                }
                (Until::Told, None) => object.status.observed_generation > 0,
                (Until::Told, Some(outcome)) => bail!("{} ended as {outcome}", object.metadata.name),
                (Until::Outcome(_), None) => self.until.selector(load.kind).is_some(),
            };
            if there && slot.is_none() {
                *slot = Some(at);
                left -= 1;
            }
        }
        Ok(seen.into_iter().flatten().collect())
    }
}

/// One watch, from this version until it ends; gives the version from which to go on, or nothing where that is of no use.
async fn follow(
    client: &Client,
    kind: Kind,
    until: Until,
    mut version: String,
    sender: &mpsc::UnboundedSender<News>,
) -> Option<String> {
    let path = format!("{}?watch=true&resourceVersion={version}", kind.path());
    let request = match until.selector(kind) {
        Some(outcome) => {
            Request::get(format!("{path}&fieldSelector=status.outcome%3D{outcome}")).header("accept", METADATA)
        }
        None => Request::get(path),
    };
    let events = match request.body(Vec::new()) {
        Ok(request) => client.request_events::<Seen>(request).await,
        Err(error) => Err(kube::Error::HttpError(error)),
    };
    let events = match events {
        Ok(events) => events,
        Err(error) => {
            tell(sender, Err(anyhow!(error).context("watch the requests")));
            return None;
        }
    };
    pin_mut!(events);
    while let Some(event) = events.next().await {
        let seen = match event {
            Ok(WatchEvent::Added(seen) | WatchEvent::Modified(seen)) => seen,
            Ok(WatchEvent::Deleted(_) | WatchEvent::Bookmark(_)) => continue,
            Ok(WatchEvent::Error(status)) => {
                tell(sender, Err(anyhow!("the API server ended the watch: {status:?}")));
                return None;
            }
            Err(error) => {
                crate::progress!("the watch broke off and is begun again: {error}");
                break;
            }
        };
        version.clone_from(&seen.metadata.resource_version);
        if !tell(sender, Ok((seen, Instant::now()))) {
            return None;
        }
    }
    Some(version)
}

/// Whether anybody still listens.
fn tell(sender: &mpsc::UnboundedSender<News>, news: News) -> bool {
    sender.send(news).is_ok()
}
