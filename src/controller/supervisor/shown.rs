//! What the status of a Directory tells. Nothing is asked and nothing written here.

use crate::{
    api::{
        condition::types,
        directory::{DirectoryStatus, Rate},
    },
    clock,
    controller::{
        directories::{Handle, State},
        record,
    },
    domain::account::{Capabilities, Step},
};
use jiff::Timestamp;

/// The status of a Directory, from what this process knows and what was told before.
pub(super) fn status(handle: &Handle, state: &State) -> DirectoryStatus {
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
    let optional = |kind, told: Option<(&'static str, &'static str, String)>| match told {
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
