//! Looks after one Directory: reads its Secret, connects, probes now and then, and tells what it finds in the status.
//!
//! A credential that the upstream refused is not tried again until its Secret changes, also not after a restart: else
//! the operator would lock its own account. Only the leader connects.

use super::{
    context::Context,
    directories::{self, Handle, State},
    record,
};
use crate::{
    api::{
        self,
        common::SecretKeyRef,
        condition::types,
        directory::{DirectoryStatus, Rate, RefusedSecret},
        provider::Provider,
    },
    clock,
    directory::{self, Call, Lane, Settings},
    domain::{
        account::{Capabilities, Failure, FailureClass, Step},
        observed::Trouble,
    },
    secret::Secret,
};
use jiff::Timestamp;
use k8s_openapi::api::core::v1;
use kube::{Api, ResourceExt};
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

/// The credential of a provider, and which writing of which Secret it is.
async fn credential(context: &Context, provider: &Provider) -> Result<(Secret, RefusedSecret), Failure> {
    let (reference, default) = provider.credential().ok_or_else(|| {
        Failure::new(
            FailureClass::NeedsConfig,
            "spec.provider names no provider that this release knows",
        )
    })?;
    read_key(context, reference, default).await
}

/// One key of one Secret in the operator's namespace.
async fn read_key(
    context: &Context,
    reference: &SecretKeyRef,
    default: &str,
) -> Result<(Secret, RefusedSecret), Failure> {
    let namespace = &context.config.namespace;
    let (name, key) = (&reference.name, reference.key.as_deref().unwrap_or(default));
    let api = Api::<v1::Secret>::namespaced(context.client.clone(), namespace);
    let secret = api.get_opt(name).await.map_err(|error| {
        Failure::new(
            FailureClass::Transient(None),
            format!("Secret {name} could not be read"),
        )
        .detail(error.to_string())
    })?;
    let Some(secret) = secret else {
        let text = format!("Secret {name} does not exist in namespace {namespace}; create it");
        return Err(Failure::new(FailureClass::NeedsConfig, text));
    };
    let identity = RefusedSecret {
        name: name.clone(),
        uid: secret.uid().unwrap_or_default(),
        resource_version: secret.resource_version().unwrap_or_default(),
    };
    let value = secret.data.and_then(|mut data| data.remove(key)).map(|bytes| bytes.0);
    match value.map(String::from_utf8) {
        Some(Ok(text)) if !text.trim_end_matches(['\r', '\n']).is_empty() => {
            // Files end with a newline, and Secrets are made from files.
            Ok((Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()), identity))
        }
        Some(Ok(_) | Err(_)) => {
            let text = format!("key {key} of Secret {name} in namespace {namespace} is empty or no text");
            Err(Failure::new(FailureClass::NeedsConfig, text))
        }
        None => {
            let text = format!("Secret {name} in namespace {namespace} has no key {key}; add it");
            Err(Failure::new(FailureClass::NeedsConfig, text))
        }
    }
}

fn refused_failure(secret: &str) -> Failure {
    let text = format!(
        "the upstream refused the operator's own credential; correct Secret {secret}, it is not tried again before"
    );
    Failure::new(FailureClass::CredentialRefused, text)
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

fn status(handle: &Handle, state: &State) -> DirectoryStatus {
    let before = state.object.status.clone().unwrap_or_default();
    let generation = state.object.metadata.generation;
    let ready = match (&state.trouble, &state.refused) {
        (Some(trouble), Some(_)) => ("False", "CredentialRefused", trouble.message.clone()),
        (Some(trouble), None) if trouble.needs_person => ("False", "NeedsConfiguration", trouble.message.clone()),
        (Some(trouble), None) => ("False", "Unavailable", trouble.message.clone()),
        (None, _) if state.object.spec.suspend == Some(true) => ("True", "Suspended", "nothing is sent to it".into()),
        (None, _) => ("True", "Ready", probed(&state.capabilities)),
    };
    let capabilities = match state.upstream.is_some() {
        true => capability_names(&state.capabilities),
        false => before.capabilities.clone(),
    };
    let wanted = state.object.spec.lockouts.is_some();
    let optional = |kind, told: Option<(&str, &str, String)>| match told {
        Some(told) => Some(record::condition(&before.conditions, kind, told, generation)),
        // Not found out yet by this process: what was told before stands.
        None if wanted => before
            .conditions
            .iter()
            .find(|condition| condition.r#type == kind)
            .cloned(),
        None => None,
    };
    let listed = state.lockouts.as_ref().map(|listing| listing.condition.clone());
    let listed = optional(types::LOCKOUTS_LISTED, listed);
    let explained = optional(types::LOCK_CAUSES_KNOWN, state.lock_log.told.clone());
    let locked = state
        .lockouts
        .as_ref()
        .and_then(|listing| i64::try_from(listing.locked).ok());
    DirectoryStatus {
        observed_generation: generation,
        conditions: std::iter::once(record::condition(&before.conditions, types::READY, ready, generation))
            .chain(listed)
            .chain(explained)
            .collect(),
        locked_accounts: locked.or(before.locked_accounts.filter(|_| wanted)),
        lock_log: state.lock_log.mark.clone().filter(|_| wanted),
        capabilities,
        upstream: Some(state.identity.clone())
            .filter(|identity| !identity.is_empty())
            .or(before.upstream),
        rate: rate(handle, before.rate),
        refused_secret: state.refused.clone(),
    }
}

/// The budget, written anew only when it moved by more than a tenth: a status write a minute would be waste.
fn rate(handle: &Handle, before: Option<Rate>) -> Option<Rate> {
    let (limit, remaining) = handle.throttle.snapshot();
    let moved = before
        .as_ref()
        .is_none_or(|before| before.limit != limit || (before.remaining - remaining).abs().saturating_mul(10) > limit);
    let now = clock::now();
    let time = Timestamp::from_second(now.as_second()).unwrap_or(now);
    if moved {
        Some(Rate { limit, remaining, time })
    } else {
        before
    }
}

/// What is said of a Directory that can be used.
fn probed(capabilities: &Capabilities) -> String {
    match &capabilities.note {
        Some(note) => format!("probed; see capabilities; {note}"),
        None => "probed; see capabilities".into(),
    }
}

/// What the upstream can do, in the words of manifests.
fn capability_names(capabilities: &Capabilities) -> Vec<String> {
    let able = |steps: &[Step]| steps.iter().all(|step| !capabilities.unable.contains_key(step));
    let unlock = match capabilities.unlock_by_hand {
        true => "UnlockByHand",
        false => "Unlock",
    };
    let password: &[Step] = match capabilities.reset_requires_change {
        true => &[Step::SetPassword],
        false => &[Step::SetPassword, Step::RequireChange],
    };
    [
        (unlock, &[Step::Unlock][..]),
        ("Link", &[Step::SendLink]),
        ("TemporaryPassword", password),
        ("ChangeAtNextSignIn", &[Step::RequireChange]),
        ("RevokeSessions", &[Step::RevokeSessions]),
    ]
    .into_iter()
    .filter(|(_, steps)| able(steps))
    .map(|(name, _)| name.to_owned())
    .collect()
}

#[cfg(test)]
mod tests;
