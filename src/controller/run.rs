//! Starts everything the operator consists of, and ends it in order: first the passes, then what is still to be
//! written, then the lease.

use super::{
    accounts::Accounts,
    catalog,
    catalog::Catalog,
    claims,
    claims::Claims,
    context::{Bells, Caches, Context, Turns, Woken},
    day_keys::DayKeys,
    directories,
    directories::Directories,
    enforcement,
    lease::{self, Leadership},
    requests,
    rights::Rights,
    sweeper,
    works::Works,
};
use crate::{
    api::{Account, AccountPolicy, AccountUnlockRequest, Directory, PasswordResetRequest},
    config::Config,
    domain::{enforcement::Enforcement, request::Kind},
    observe::{audit::Audit, metrics::Metrics},
    web::{self, Readiness, Server},
};
use anyhow::Context as _;
use http::header::{HeaderValue, USER_AGENT};
use kube::{
    Api, Client, Resource,
    api::ListParams,
    runtime::events::{Recorder, Reporter},
};
use serde::de::DeserializeOwned;
use std::{fmt::Debug, sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// How long a stop waits for what was begun.
const GRACE: Duration = Duration::from_secs(25);
/// How long a stop waits for the lease to be released.
const RELEASE: Duration = Duration::from_secs(3);
/// Bounds of one call to the API server.
const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(15);
/// How often the admission policies are looked at without a cause.
const RECHECK: Duration = Duration::from_secs(60);

/// Runs the operator until `stop` is cancelled.
///
/// # Errors
/// The API server cannot be reached at all, the listen address is taken, or the lease was lost.
pub async fn run(config: Config, stop: CancellationToken) -> anyhow::Result<()> {
    let (client, watching) = clients().await?;
    let metrics = Arc::new(Metrics::new());
    let readiness = Readiness::needing(&["crds", "enforcement", "accountpolicies", "directories", "claims"]);
    let server = Server::bind(config.listen)
        .await
        .with_context(|| format!("listen on {}", config.listen))?;
    tokio::spawn(server.run(web::router(readiness.clone(), metrics.clone()), stop.clone()));
    let (enforcing, enforcement) = watch::channel(Enforcement::Unknown);
    let (lease_stop, mut leading, leadership) = elect(&client, &config);
    let context = Arc::new(Context {
        catalog: Catalog::default(),
        directories: Directories::default(),
        accounts: Accounts::new(client.clone()),
        claims: Claims::default(),
        rights: Rights::new(client.clone(), config.timing.rights_recheck),
        turns: Turns::default(),
        keys: DayKeys::new(client.clone(), &config.namespace),
        enforcement,
        leadership,
        works: Works::default(),
        woken: Woken::default(),
        bells: Bells::default(),
        caches: Caches::default(),
        events: Recorder::new(
            client.clone(),
            Reporter {
                controller: "readmit".into(),
                instance: Some(config.identity.clone()),
            },
        ),
        metrics,
        audit: Audit::stdout(),
        stop: stop.clone(),
        client: client.clone(),
        watching: watching.clone(),
        config,
    });
    tokio::select! {
        () = crds(&client, &readiness) => {}
        () = stop.cancelled() => return Ok(()),
    }
    let settings = enforcement::Settings {
        namespace: context.config.namespace.clone(),
        service_account: context.config.service_account.clone(),
        recheck: RECHECK,
    };
    // It bounds its own calls, and its watches have no end. What was begun may be sent to its end only while identity
    // is enforced, so that this goes on until all that is drained.
    let drained = CancellationToken::new();
    let _after_draining = drained.clone().drop_guard();
    tokio::spawn(enforcement::run(watching, settings, enforcing, drained));
    tokio::spawn(catalog::run(context.clone()));
    tokio::spawn(directories::run(context.clone()));
    tokio::spawn(claims::run(context.clone()));
    tokio::spawn(report(context.clone(), readiness));
    let mut working = JoinSet::new();
    working.spawn(requests::run::<AccountUnlockRequest>(context.clone(), Kind::Unlock));
    working.spawn(requests::run::<PasswordResetRequest>(context.clone(), Kind::Reset));
    working.spawn(sweeper::run(context.clone()));
    let result = tokio::select! {
        lost = &mut leading => lost.context("the election broke off")?.map_err(anyhow::Error::from),
        // None ends by itself: an operator that goes on without it would look well and do nothing.
        Some(ended) = working.join_next() => ended.context("a fault of ours; please report what the log says"),
        () = stop.cancelled() => Ok(()),
    };
    stop.cancel();
    let ended = async { while working.join_next().await.is_some() {} };
    let ended = tokio::time::timeout(GRACE, ended).await;
    if ended.is_err() {
        tracing::warn!("not everything that was begun could be brought to an end; the ledgers tell the next process");
    }
    // The last passes have put down their results only now.
    context.accounts.flush(true).await;
    lease_stop.cancel();
    // Not released in time, or lost before: the next leader waits for the lease to run out.
    if !leading.is_finished() {
        let _ = tokio::time::timeout(RELEASE, leading).await;
    }
    result
}

/// One client for calls, bounded, and one for watches, which have no end. Neither retries: a write that was sent again
/// by itself would answer with a conflict against its own first landing.
async fn clients() -> anyhow::Result<(Client, Client)> {
    let mut config = kube::Config::infer()
        .await
        .context("find the API server (in the cluster, or by KUBECONFIG)")?;
    config.default_retry = false;
    // Audit logs and managedFields name who writes by it.
    let agent = HeaderValue::from_static(concat!("readmit/", env!("CARGO_PKG_VERSION")));
    config.headers.push((USER_AGENT, agent));
    config.proxy_url = config.proxy_url.filter(|proxy| !of_environment(proxy));
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = None;
    let watching = Client::try_from(config.clone()).context("set up the client for the API server")?;
    config.read_timeout = Some(ANSWER);
    config.write_timeout = Some(ANSWER);
    Ok((
        Client::try_from(config).context("set up the client for the API server")?,
        watching,
    ))
}

/// Whether this proxy comes from the environment. HTTPS_PROXY is for directories; the API server is reached directly, as
/// from a pod, unless the kubeconfig itself names a proxy. (kube 5 takes the variable from outside a pod too, and holds
/// NO_PROXY against the proxy's address where it should be the API server's.)
fn of_environment(proxy: &http::Uri) -> bool {
    ["HTTPS_PROXY", "https_proxy"]
        .iter()
        .filter_map(|name| std::env::var(name).ok()?.parse::<http::Uri>().ok())
        .any(|uri| uri == *proxy)
}

type Election = tokio::task::JoinHandle<Result<(), lease::LeaseLost>>;

/// Takes part in the election, where there is one. The token ends it with a release.
fn elect(client: &Client, config: &Config) -> (CancellationToken, Election, Leadership) {
    let stop = CancellationToken::new();
    let Some(settings) = &config.lease else {
        let never = stop.clone();
        let task = tokio::spawn(async move {
            never.cancelled().await;
            Ok(())
        });
        return (stop, task, Leadership::always());
    };
    let settings = lease::Settings {
        namespace: config.namespace.clone(),
        name: settings.name.clone(),
        identity: config.identity.clone(),
        duration: settings.duration,
        renew: settings.renew,
    };
    let (publisher, leadership) = lease::channel();
    let task = tokio::spawn(lease::run(client.clone(), settings, publisher, stop.clone()));
    (stop, task, leadership)
}

/// Waits until the API server knows our kinds.
async fn crds(client: &Client, readiness: &Readiness) {
    loop {
        let missing = [
            missing::<Directory>(client).await,
            missing::<AccountPolicy>(client).await,
            missing::<Account>(client).await,
            missing::<AccountUnlockRequest>(client).await,
            missing::<PasswordResetRequest>(client).await,
        ];
        let missing: Vec<String> = missing.into_iter().flatten().collect();
        if missing.is_empty() {
            readiness.set("crds", Ok(()));
            return;
        }
        tracing::warn!("{}", missing.join("; "));
        readiness.set("crds", Err(missing.join("; ")));
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

async fn missing<K>(client: &Client) -> Option<String>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let plural = K::plural(&());
    match Api::<K>::all(client.clone())
        .list(&ListParams::default().limit(1))
        .await
    {
        Ok(_) => None,
        Err(kube::Error::Api(status)) if status.is_not_found() => Some(format!(
            "{plural}.readmit.dev is not installed; run: readmit crds | kubectl apply --server-side -f -"
        )),
        Err(error) => Some(format!("{plural}.readmit.dev cannot be listed: {error}")),
    }
}

/// Tells readiness and metrics how things stand, and wakes waiting requests when enforcement or leadership change.
async fn report(context: Arc<Context>, readiness: Readiness) {
    let (mut led, mut enforced) = (None, Enforcement::Unknown);
    loop {
        let (term, enforcement) = (context.leadership.term(), context.enforcement.borrow().clone());
        if term != led || enforcement != enforced {
            context.woken.wake();
        }
        if term.is_some() && term != led {
            context.catalog.publish(&context).await;
        }
        (led, enforced) = (term, enforcement);
        context.metrics.leading(led.is_some());
        context.metrics.requests_waiting(context.works.count());
        context.metrics.claims_open(context.claims.count());
        context
            .metrics
            .identity_enforced(matches!(enforced, Enforcement::Enforced { .. }));
        readiness.set("enforcement", state_of(&enforced));
        let caches = &context.caches;
        for (name, flag) in [
            ("accountpolicies", &caches.policies),
            ("directories", &caches.directories),
            ("claims", &caches.claims),
        ] {
            readiness.set(
                name,
                if flag.is_set() {
                    Ok(())
                } else {
                    Err("not listed yet".into())
                },
            );
        }
        tokio::select! {
            () = context.stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_millis(200)) => {}
        }
    }
}

fn state_of(enforcement: &Enforcement) -> Result<(), String> {
    match enforcement {
        Enforcement::Enforced { .. } => Ok(()),
        Enforcement::Broken { message } => Err(message.clone()),
        Enforcement::Unknown => Err("the admission policies are being checked".into()),
    }
}
