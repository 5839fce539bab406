//! What the time of the last password change says before a first claim: whether somebody has reset it since the request
//! was made, and whether a change that is made now would show. What a marker says after a crash is for `recovery`.

use crate::domain::{
    account::{AccountRead, Step},
    observed::Observed,
    plan,
    request::Ask,
};
use jiff::{SignedDuration, Timestamp};

/// Changes of the password so long after the request's creation are somebody else's.
const CHANGED_SINCE: SignedDuration = SignedDuration::from_mins(2);

/// Markers are cut to whole seconds: of two changes in one second the second cannot be told from the first.
const SETTLED: SignedDuration = SignedDuration::from_secs(2);

/// A restored cluster must not repeat this morning's resets.
pub fn changed_since(observed: &Observed, account: &AccountRead) -> bool {
    let reset = matches!(observed.request.ask, Ask::Reset { .. });
    let bound = observed
        .request
        .created
        .saturating_add(CHANGED_SINCE)
        .unwrap_or(Timestamp::MAX);
    reset && account.password_changed.is_some_and(|changed| changed > bound)
}

/// When the account's marker will be old enough for a change to show. A directory whose clock is off is not waited for.
pub fn just_changed(now: Timestamp, observed: &Observed, account: &AccountRead) -> Option<Timestamp> {
    let sets = plan::marked_step(observed.request) == Some(Step::SetPassword) && account.password_marker.is_some();
    let changed = account.password_changed.filter(|_| sets)?;
    (changed.duration_since(now).abs() < SETTLED).then(|| changed.saturating_add(SETTLED).unwrap_or(changed))
}
