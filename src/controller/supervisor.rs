//! Looks after one Directory: reads its Secret, connects, probes now and then, and tells what it finds in the status.
//!
//! A credential that the upstream refused is not tried again until its Secret changes, also not after a restart: else
//! the operator would lock its own account. Only the leader connects.

mod credentials;
mod shown;

use super::{
    context::Context,
    directories::{self, Handle, State},
    record,
};
use crate::{
    api,
    directory::{self, Call, Lane, Settings},
    domain::{
        account::{Failure, FailureClass},
        observed::Trouble,
    },
    secret::Secret,
};
use credentials::{credential, read_key, refused_failure};
use shown::status;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Between two looks at the Secret and the budget.
const LOOK: Duration = Duration::from_secs(60);
/// Between two probes of a Directory that works.
const PROBE: Duration = Duration::from_secs(300);
/// Between two tries of one that does not, at first and at most.
const RETRY: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));
/// Between two looks at a Secret that is missing, incomplete or refused. The upstream is left alone.
const SECRET: Duration = Duration::from_secs(5);

/// Looks after one Directory until its spec changes or the operator stops.
pub async fn supervise(context: Arc<Context>, handle: Arc<Handle>) {
    let (mut failures, mut probed) = (0u32, None::<Instant>);
    loop {
        if !leading(&context, &handle).await {
            return;
        }
        let due = probed.is_none_or(|at| at.elapsed() >= PROBE);
        let wait = match look(&context, &handle, due).await {
            Ok(fresh) => {
                failures = 0;
                probed = if fresh { Some(Instant::now()) } else { probed };
                LOOK
            }
            Err(Obstacle::Here(failure)) => {
                probed = None;
                trouble(&context, &handle, &failure);
                SECRET
            }
            Err(Obstacle::There(failure)) => {
                (failures, probed) = (failures.saturating_add(1), None);
                trouble(&context, &handle, &failure);
                match failure.class {
                    FailureClass::CredentialRefused => SECRET,
                    _ => RETRY.0.saturating_mul(1 << failures.min(5)).min(RETRY.1),
                }
            }
        };
        publish(&context, &handle).await;
        tokio::select! {
            () = handle.stop.cancelled() => return,
            () = handle.nudged.notified() => publish(&context, &handle).await,
            () = tokio::time::sleep(directories::jittered(wait)) => {}
        }
    }
}

/// Why a Directory cannot be used, and where that lies.
enum Obstacle {
    /// In its spec or a Secret; the upstream was not asked.
    Here(Failure),
    /// The upstream said so, or said nothing.
    There(Failure),
}

/// Waits until this replica leads; `false` on stop.
pub async fn leading(context: &Context, handle: &Handle) -> bool {
    while !context.leadership.is_held() {
        tokio::select! {
            () = handle.stop.cancelled() => return false,
            () = tokio::time::sleep(Duration::from_millis(200)) => {}
        }
    }
    !handle.stop.is_cancelled()
}

/// Reads the Secret, connects where it is new, and probes where that is due. `true` where it was probed.
async fn look(context: &Context, handle: &Handle, due: bool) -> Result<bool, Obstacle> {
    let problem = handle.protected.as_ref().err().or(handle.sources.as_ref().err());
    if let Some(problem) = problem {
        return Err(Obstacle::Here(Failure::new(FailureClass::NeedsConfig, problem.clone())));
    }
    let object = handle.state().object.clone();
    let (credential, identity) = credential(context, &object.spec.provider)
        .await
        .map_err(Obstacle::Here)?;
    let (known, refused) = {
        let state = handle.state();
        (state.secret.clone(), state.refused.clone())
    };
    if refused.as_ref() == Some(&identity) {
        return Err(Obstacle::Here(refused_failure(&identity.name)));
    }
    let groups = handle.needs_groups(&context.catalog);
    let unchanged = {
        let state = handle.state();
        known.as_ref() == Some(&identity) && state.upstream.is_some() && state.groups == groups
    };
    if unchanged && !due {
        return Ok(false);
    }
    let upstream = match unchanged {
        true => handle.state().upstream.clone(),
        false => None,
    };
    let upstream = match upstream {
        Some(upstream) => upstream,
        None => connect(context, handle, &object, (credential, groups))
            .await
            .map_err(Obstacle::Here)?,
    };
    {
        let mut state = handle.state();
        (state.secret, state.refused, state.groups) = (Some(identity), None, groups);
    }
    let deadline = Instant::now() + context.config.timing.upstream_timeout.saturating_mul(2);
    let probe = upstream
        .probe(&Call {
            lane: Lane::Background,
            deadline,
        })
        .await;
    let probe = match probe {
        Err(failure) if unchanged && is_no_news(handle.state().trouble.as_ref(), &failure) => return Ok(false),
        probe => probe.map_err(Obstacle::There)?,
    };
    let mut state = handle.state();
    let news = state.trouble.is_some() || state.capabilities != probe.capabilities || state.identity != probe.upstream;
    state.upstream = Some(upstream);
    (state.identity, state.capabilities, state.trouble) = (probe.upstream, probe.capabilities, None);
    drop(state);
    if news {
        context.woken.wake();
    }
    Ok(true)
}

/// Whether a probe that failed says nothing about a Directory that was connected to before: requests use the whole budget,
/// and show thereby that it works.
fn is_no_news(trouble: Option<&Trouble>, failure: &Failure) -> bool {
    trouble.is_none() && matches!(failure.class, FailureClass::RateLimited(_))
}

async fn connect(
    context: &Context,
    handle: &Handle,
    object: &api::Directory,
    (credential, groups): (Secret, bool),
) -> Result<Arc<dyn directory::Directory>, Failure> {
    let (throttle, timeout) = (handle.throttle.clone(), context.config.timing.upstream_timeout);
    let provider = &object.spec.provider;
    let ca = match provider.ca_secret_ref() {
        Some(reference) => Some(read_key(context, reference, "ca.crt").await?.0),
        None => None,
    };
    let ca = ca.as_ref().map(|pem| pem.expose().as_bytes());
    let second = match provider.second_credential() {
        Some((reference, key)) => Some(read_key(context, reference, key).await?.0),
        None => None,
    };
    directory::connect(
        provider,
        (credential, second),
        Settings {
            ca,
            throttle,
            timeout,
            groups,
        },
    )
}

/// Puts down why the Directory cannot be used. Requests that wait for it are looked at again where that is news, since
/// it stands in their status.
fn trouble(context: &Context, handle: &Handle, failure: &Failure) {
    tracing::warn!(directory = handle.name, detail = failure.private, "{}", failure.public);
    let mut state = handle.state();
    let before = state.trouble.clone();
    if failure.class == FailureClass::CredentialRefused {
        mark_refused(&mut state, failure);
    } else {
        state.trouble = Some(Trouble {
            needs_person: failure.class == FailureClass::NeedsConfig,
            message: failure.public.clone(),
        });
    }
    if state.trouble != before {
        context.woken.wake();
    }
}

/// Puts down that the Secret in use was refused. The connection goes with it.
pub fn mark_refused(state: &mut State, failure: &Failure) {
    state.refused = state.refused.take().or_else(|| state.secret.clone());
    state.upstream = None;
    let message = match &state.refused {
        Some(secret) => refused_failure(&secret.name).public,
        None => failure.public.clone(),
    };
    state.trouble = Some(Trouble {
        needs_person: true,
        message,
    });
}

/// Tells what is known in the status.
async fn publish(context: &Context, handle: &Handle) {
    let (object, status) = {
        let state = handle.state();
        (state.object.clone(), status(handle, &state))
    };
    record::directory(context, &object, &status).await;
    count(context, object.spec.provider.name());
}

/// How many Directories of a provider can be used, and how many cannot.
fn count(context: &Context, provider: &'static str) {
    let all = context.directories.all();
    let same = all
        .iter()
        .map(|handle| handle.state())
        .filter(|state| state.object.spec.provider.name() == provider);
    let (ready, not_ready): (Vec<bool>, Vec<bool>) =
        same.map(|state| state.trouble.is_none()).partition(|ready| *ready);
    context.metrics.directories(provider, ready.len(), not_ready.len());
}

#[cfg(test)]
mod tests;
