//! Keeps an eye on the admission policies that say who asks, and publishes whether they are in force.
//!
//! Watches only wake it up; each judgement reads the objects anew. It fails closed: what cannot be read, or recorded,
//! is not enforced. It changes no policy itself, for it has no right to.

mod config_map;
mod installed;

use crate::{
    domain::enforcement::{Enforcement, compare},
    manifests::{EARLIER_VERSIONS, expected_admission},
};
use kube::Client;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub use config_map::NAME as CONFIG_MAP;

/// How long one judgement may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// When to look again after something went wrong.
const RETRY: Duration = Duration::from_secs(2);

/// Whose policies are expected, and how often to look without a cause.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The operator's namespace, where its ConfigMap lies too.
    pub namespace: String,
    /// The operator's service account.
    pub service_account: String,
    /// When to look again though no watch said that something changed.
    pub recheck: Duration,
}

/// Why a judgement could not be made.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot {doing}")]
    Api {
        doing: String,
        #[source]
        source: Box<kube::Error>,
    },
    #[error("the API server's answer has no usable Date header, so its clock cannot be read")]
    Clock,
    #[error("other writers change ConfigMap {} all the time", config_map::NAME)]
    Contended,
    #[error("the admission manifests of this program are no good YAML")]
    Manifests(#[from] serde_saphyr::Error),
}

impl Error {
    /// For `map_err`: what was being done, as it completes "cannot ...".
    fn api(doing: impl Into<String>) -> impl FnOnce(kube::Error) -> Error {
        move |source| Error::Api {
            doing: doing.into(),
            source: Box::new(source),
        }
    }

    /// What the API server said where it lacks a right: that stays so until an administrator grants it.
    fn forbidden(&self) -> Option<&str> {
        match self {
            Error::Api { source, .. } => match source.as_ref() {
                kube::Error::Api(status) if status.code == 403 => Some(&status.message),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Runs until `stop`. What it publishes last is [`Enforcement::Unknown`], however it ends.
pub async fn run(client: Client, settings: Settings, publish: watch::Sender<Enforcement>, stop: CancellationToken) {
    let publisher = Publisher(publish);
    let changed = Notify::new();
    tokio::select! {
        () = stop.cancelled() => (),
        () = installed::wake_on_change(client.clone(), &changed) => (),
        () = judge_again_and_again(&client, &settings, &publisher, &changed) => (),
    }
}

async fn judge_again_and_again(client: &Client, settings: &Settings, publisher: &Publisher, changed: &Notify) {
    loop {
        let now = judge(client, settings).await;
        let pause = if matches!(now, Enforcement::Enforced { .. }) {
            settings.recheck
        } else {
            RETRY
        };
        publisher.publish(now);
        tokio::select! {
            () = changed.notified() => (),
            () = tokio::time::sleep(pause) => (),
        }
    }
}

/// One judgement; total, since an error is one of its answers.
async fn judge(client: &Client, settings: &Settings) -> Enforcement {
    match tokio::time::timeout(TIMEOUT, try_judge(client, settings)).await {
        Ok(Ok(enforcement)) => enforcement,
        Ok(Err(error)) => match error.forbidden() {
            Some(message) => Enforcement::Broken {
                message: format!(
                    "nothing is done, because it is not certain who asks: {error}: {message}; grant the operator the \
                     rights of the chart's ClusterRole and Role"
                ),
            },
            None => {
                warn!(
                    error = &error as &dyn std::error::Error,
                    "cannot tell whether the admission policies are in force"
                );
                Enforcement::Unknown
            }
        },
        Err(_) => {
            warn!(
                seconds = TIMEOUT.as_secs(),
                "the API server does not tell in time whether the admission policies are in force"
            );
            Enforcement::Unknown
        }
    }
}

async fn try_judge(client: &Client, settings: &Settings) -> Result<Enforcement, Error> {
    let stamp = installed::knows_mutating_policies(client).await?;
    let expected = expected_admission(&settings.namespace, &settings.service_account, stamp)?;
    let found = installed::read(client, &expected.objects).await?;
    match compare(&expected.objects, &found) {
        Err(faults) => Ok(Enforcement::Broken {
            message: faults.message(expected.command),
        }),
        Ok(seen) => {
            let since =
                config_map::keep(client, &settings.namespace, &expected.version, &seen, EARLIER_VERSIONS).await?;
            Ok(Enforcement::Enforced { since })
        }
    }
}

/// Says [`Enforcement::Unknown`] when it is dropped, so that nobody goes on by a value that nobody keeps up to date.
struct Publisher(watch::Sender<Enforcement>);

impl Publisher {
    fn publish(&self, now: Enforcement) {
        self.0.send_if_modified(|before| {
            let changed = *before != now;
            if changed {
                tell(&now);
                *before = now;
            }
            changed
        });
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.0.send_replace(Enforcement::Unknown);
    }
}

fn tell(now: &Enforcement) {
    match now {
        Enforcement::Unknown => (),
        Enforcement::Broken { message } => warn!("{message}"),
        Enforcement::Enforced { since } => info!(%since, "the admission policies are in force"),
    }
}
